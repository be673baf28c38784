// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hash256} from "./Hash256.sol";

/// @title Transactions, serialised without witness
/// @notice Every reader walks the whole transaction: what does not end exactly where the bytes end is none.
/// @dev The id is the hash of the bytes that were read, never a value that a caller names.
library BitcoinTx {
    /// @notice 21 million BTC, in sats.
    uint64 internal constant MAX_MONEY = 21_000_000 * 100_000_000;

    /// @notice A standard transaction has at most 400,000 weight, and each byte without witness weighs 4.
    uint256 internal constant MAX_SIZE = 100_000;

    /// @notice The bytes are not exactly one transaction without witness.
    error MalformedTransaction();

    /// @notice 64 bytes could be an inner node of the Merkle tree.
    error AmbiguousTransaction();

    /// @notice The transaction has no such output.
    error NoSuchOutput(uint256 vout);

    /// @notice Where things are in a transaction.
    struct Layout {
        uint256 inputs; // number of inputs
        uint256 firstOutput; // offset of the first output
        uint256 outputs; // number of outputs
        bool coinbase; // the only input spends nothing
    }

    /// @notice One output.
    struct Output {
        uint64 value; // sats
        uint256 script; // offset of its script
        uint256 scriptSize; // length of its script in bytes
        uint256 end; // offset of what follows
    }

    /// @notice Reads a whole transaction and hashes it.
    /// @param raw The transaction without witness.
    /// @return id Its id, in internal byte order.
    /// @return parts Where its parts are.
    function parse(bytes calldata raw) internal view returns (bytes32 id, Layout memory parts) {
        parts = walk(raw);
        id = Hash256.ofCalldata(raw, 0, raw.length);
    }

    /// @notice Reads a whole transaction without hashing it.
    /// @dev Core's rules for what can be in a block, as far as the bytes alone show them: at least one input and one
    /// output (so a witness serialisation, whose marker reads as no inputs, fails), minimal lengths, amounts of at
    /// most 21 million BTC.
    function walk(bytes calldata raw) internal pure returns (Layout memory parts) {
        if (raw.length == 64) revert AmbiguousTransaction();
        if (raw.length > MAX_SIZE) revert MalformedTransaction();
        (uint256 count, uint256 pos) = compactSize(raw, 4);
        if (count == 0) revert MalformedTransaction();
        parts.inputs = count;
        parts.coinbase = count == 1 && spendsNothing(raw, pos);
        for (uint256 i; i < count; ++i) {
            uint256 size;
            (size, pos) = compactSize(raw, pos + 36);
            pos += size + 4;
        }
        (count, pos) = compactSize(raw, pos);
        if (count == 0) revert MalformedTransaction();
        parts.firstOutput = pos;
        parts.outputs = count;
        for (uint256 i; i < count; ++i) {
            pos = output(raw, pos).end;
        }
        if (pos + 4 != raw.length) revert MalformedTransaction();
    }

    /// @notice Reads the output at an offset.
    /// @param raw The transaction.
    /// @param pos Where the output begins: `Layout.firstOutput` or the `end` of the output before.
    function output(bytes calldata raw, uint256 pos) internal pure returns (Output memory out) {
        if (pos + 8 > raw.length) revert MalformedTransaction();
        out.value = uint64(little(raw, pos, 8));
        if (out.value > MAX_MONEY) revert MalformedTransaction();
        (out.scriptSize, out.script) = compactSize(raw, pos + 8);
        out.end = out.script + out.scriptSize;
        if (out.end > raw.length) revert MalformedTransaction();
    }

    /// @notice Finds output number `vout`.
    function outputAt(bytes calldata raw, Layout memory parts, uint256 vout) internal pure returns (Output memory out) {
        if (vout >= parts.outputs) revert NoSuchOutput(vout);
        out = output(raw, parts.firstOutput);
        for (uint256 i; i < vout; ++i) {
            out = output(raw, out.end);
        }
    }

    /// @notice Whether the outpoint at `pos` is that of a coinbase: id zero, index 2^32 - 1.
    function spendsNothing(bytes calldata raw, uint256 pos) private pure returns (bool) {
        if (pos + 36 > raw.length) revert MalformedTransaction();
        uint256 id;
        uint256 index;
        assembly ("memory-safe") {
            id := calldataload(add(raw.offset, pos))
            index := shr(224, calldataload(add(raw.offset, add(pos, 32))))
        }
        return id == 0 && index == 0xffffffff;
    }

    /// @notice Reads a length; refuses one that is not minimal, as Core does.
    /// @return value The length.
    /// @return end Offset of what follows.
    function compactSize(bytes calldata raw, uint256 pos) private pure returns (uint256 value, uint256 end) {
        if (pos >= raw.length) revert MalformedTransaction();
        value = uint8(raw[pos]);
        end = pos + 1;
        if (value >= 0xfd) {
            // More than 2^32 cannot be: the transaction would be longer than it may.
            if (value == 0xff) revert MalformedTransaction();
            uint256 size = value == 0xfd ? 2 : 4;
            end += size;
            if (end > raw.length) revert MalformedTransaction();
            value = little(raw, pos + 1, size);
            if (value < (size == 2 ? 0xfd : 0x10000)) revert MalformedTransaction();
        }
    }

    /// @notice Reads `size` (at most 8) bytes, little-endian; the caller has checked that they are there.
    function little(bytes calldata raw, uint256 pos, uint256 size) private pure returns (uint256 value) {
        uint256 word;
        assembly ("memory-safe") {
            word := calldataload(add(raw.offset, pos))
        }
        for (uint256 i; i < size; ++i) {
            value |= ((word >> (248 - 8 * i)) & 0xff) << (8 * i);
        }
    }
}
