// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Hash256} from "./Hash256.sol";

/// @title Merkle paths in a block
library BitcoinMerkle {
    /// @notice A block has fewer than 2^16 transactions (each weighs at least 240 of 4,000,000).
    uint256 internal constant MAX_DEPTH = 16;

    /// @notice The path is longer than any block's.
    error PathTooLong(uint256 depth);

    /// @notice The index has bits that the path did not use: the same leaf would have many indices.
    error IndexNotConsumed(uint256 index);

    /// @notice A right child equals its left sibling: the place is a copy that Bitcoin adds to odd rows
    /// (CVE-2012-2459), not a transaction.
    error DuplicatedNode(uint256 level);

    /// @notice The root over a leaf.
    /// @param leaf Transaction id.
    /// @param index Position of the transaction in the block.
    /// @param path Siblings from the leaf up.
    /// @return node The root.
    function root(bytes32 leaf, uint256 index, bytes32[] calldata path) internal view returns (bytes32 node) {
        uint256 depth = path.length;
        if (depth > MAX_DEPTH) revert PathTooLong(depth);
        node = leaf;
        for (uint256 level; level < depth; ++level) {
            bytes32 sibling = path[level];
            if (index & 1 == 0) {
                node = Hash256.ofPair(node, sibling);
            } else {
                if (sibling == node) revert DuplicatedNode(level);
                node = Hash256.ofPair(sibling, node);
            }
            index >>= 1;
        }
        if (index != 0) revert IndexNotConsumed(index);
    }
}
