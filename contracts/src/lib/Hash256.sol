// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title SHA-256 in the ways that Bitcoin uses it
/// @notice Hashes are in internal byte order. SHA-256 is by far the dearest thing here for the prover (16,200 kernel
/// cycles per 64 bytes), so nothing hashes more than it needs and nothing copies first.
library Hash256 {
    /// @notice Double SHA-256 of a part of the calldata.
    /// @param data What holds the part.
    /// @param offset First byte of the part; the caller has checked that `offset + size <= data.length`.
    /// @param size Its length in bytes.
    /// @return digest The hash.
    function ofCalldata(bytes calldata data, uint256 offset, uint256 size) internal view returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(data.offset, offset), size)
            // The precompile fails only for want of gas; going on would take stale memory for a hash.
            if iszero(staticcall(gas(), 2, free, size, 0, 32)) { revert(0, 0) }
            if iszero(staticcall(gas(), 2, 0, 32, 0, 32)) { revert(0, 0) }
            digest := mload(0)
        }
    }

    /// @notice Double SHA-256 of two words: a node of a Merkle tree.
    /// @param left First 32 bytes.
    /// @param right Last 32 bytes.
    /// @return digest The hash.
    function ofPair(bytes32 left, bytes32 right) internal view returns (bytes32 digest) {
        assembly ("memory-safe") {
            mstore(0, left)
            mstore(0x20, right)
            if iszero(staticcall(gas(), 2, 0, 64, 0, 32)) { revert(0, 0) }
            if iszero(staticcall(gas(), 2, 0, 32, 0, 32)) { revert(0, 0) }
            digest := mload(0)
        }
    }

    /// @notice The bytes of a word in reverse: a hash as the number that is compared with a target.
    /// @param word 32 bytes.
    /// @return The same bytes, last first.
    function reverse(bytes32 word) internal pure returns (uint256) {
        uint256 v = uint256(word);
        uint256 m = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
        v = ((v >> 8) & m) | ((v & m) << 8);
        m = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
        v = ((v >> 16) & m) | ((v & m) << 16);
        m = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
        v = ((v >> 32) & m) | ((v & m) << 32);
        m = 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff;
        v = ((v >> 64) & m) | ((v & m) << 64);
        return (v >> 128) | (v << 128);
    }
}
