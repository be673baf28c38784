// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Fields of a block header, compact targets, work, retargets
/// @dev A header: version 4 ‖ previous hash 32 ‖ Merkle root 32 ‖ time 4 ‖ bits 4 ‖ nonce 4, integers little-endian.
library BitcoinHeader {
    /// @notice Length of a header in bytes.
    uint256 internal constant SIZE = 80;

    /// @notice Blocks per difficulty period.
    uint256 internal constant PERIOD = 2016;

    /// @notice Seconds that a period should take.
    uint256 internal constant PERIOD_SECS = 1_209_600;

    /// @notice The bits are negative, zero or above 2^256.
    error InvalidBits(uint32 bits);

    /// @notice Hash of the previous header, of the header at `offset`.
    function previous(bytes calldata headers, uint256 offset) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(headers.offset, add(offset, 4)))
        }
    }

    /// @notice Merkle root of the header at `offset`.
    function merkleRoot(bytes calldata headers, uint256 offset) internal pure returns (bytes32 value) {
        assembly ("memory-safe") {
            value := calldataload(add(headers.offset, add(offset, 36)))
        }
    }

    /// @notice Version, time in Unix seconds, and bits of the header at `offset`.
    function numbers(bytes calldata headers, uint256 offset)
        internal
        pure
        returns (int32 version, uint32 time, uint32 bits)
    {
        uint256 first;
        uint256 last;
        assembly ("memory-safe") {
            first := calldataload(add(headers.offset, offset))
            // The last 32 bytes: 20 of the Merkle root, then time, bits, nonce.
            last := calldataload(add(headers.offset, add(offset, 48)))
        }
        version = int32(swap(uint32(first >> 224)));
        time = swap(uint32(last >> 64));
        bits = swap(uint32(last >> 32));
    }

    /// @notice The bytes of a 32-bit integer in reverse.
    function swap(uint32 v) internal pure returns (uint32) {
        v = ((v & 0xff00ff00) >> 8) | ((v & 0x00ff00ff) << 8);
        return (v >> 16) | (v << 16);
    }

    /// @notice Decodes compact bits as Core's `SetCompact`.
    /// @dev Reverts with `InvalidBits` for what Core's `DeriveTarget` refuses; the limit is the caller's to check.
    function target(uint32 bits) internal pure returns (uint256 value) {
        uint256 size = bits >> 24;
        uint256 mantissa = bits & 0x007fffff;
        if (size <= 3) {
            value = mantissa >> (8 * (3 - size));
        } else {
            if (size > 34 || (mantissa > 0xff && size > 33) || (mantissa > 0xffff && size > 32)) {
                revert InvalidBits(bits);
            }
            value = mantissa << (8 * (size - 3));
        }
        if (value == 0 || bits & 0x00800000 != 0) revert InvalidBits(bits);
    }

    /// @notice Encodes a target as Core's `GetCompact`; drops what three bytes cannot hold.
    function compact(uint256 value) internal pure returns (uint32) {
        uint256 size;
        for (uint256 v = value; v != 0; v >>= 8) {
            ++size;
        }
        uint256 mantissa = size <= 3 ? value << (8 * (3 - size)) : value >> (8 * (size - 3));
        // The top bit would be read as a sign.
        if (mantissa & 0x00800000 != 0) {
            mantissa >>= 8;
            ++size;
        }
        return uint32((size << 24) | mantissa);
    }

    /// @notice Expected number of hashes for one block: floor(2^256 / (target + 1)), as Core's `GetBlockProof`.
    function work(uint32 bits) internal pure returns (uint256) {
        uint256 value = target(bits);
        unchecked {
            // 2^256 does not fit; ~t / (t + 1) + 1 is the same. t + 1 is not 0: bits cannot say 2^256 - 1.
            return ~value / (value + 1) + 1;
        }
    }

    /// @notice The bits after a retarget, as Core's `CalculateNextWorkRequired`.
    /// @param bits Base of the change.
    /// @param firstTime Time of the period's first header.
    /// @param lastTime Time of the period's last header: 2015 intervals later, not 2016.
    /// @param limit The easiest bits of the network.
    function retarget(uint32 bits, uint32 firstTime, uint32 lastTime, uint32 limit) internal pure returns (uint32) {
        uint256 span = lastTime > firstTime ? lastTime - firstTime : 0;
        if (span < PERIOD_SECS / 4) span = PERIOD_SECS / 4;
        if (span > PERIOD_SECS * 4) span = PERIOD_SECS * 4;
        // Below 2^256: retargeting networks start from at most 0x1e0377ae, chosen so that four periods fit.
        uint256 value = target(bits) * span / PERIOD_SECS;
        uint256 easiest = target(limit);
        return compact(value > easiest ? easiest : value);
    }
}
