// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Shows that a transaction is in a block of the relay's chain.
struct TxProof {
    uint32 height; // of the block
    bytes header; // its 80 bytes
    uint32 index; // of the transaction in the block
    bytes32[] path; // siblings from the transaction up
    bytes coinbase; // the block's first transaction, without witness; empty if the tree's depth is recorded
    bytes32[] coinbasePath; // siblings from the coinbase up; as long as path, or empty
}

/// @title Bitcoin's chain, for contracts
/// @notice Hashes are in internal byte order (explorers show them reversed).
interface IBitcoinRelay {
    /// @notice Shows that a transaction is in the chain.
    /// @param rawTx The transaction without witness.
    /// @param proof Where it is.
    /// @return txid Its id, hashed from `rawTx`.
    /// @return blockHash Hash of the block.
    /// @return confirmations 1 in the chain's last block, one more for each block on top.
    function verifyTx(bytes calldata rawTx, TxProof calldata proof)
        external
        view
        returns (bytes32 txid, bytes32 blockHash, uint32 confirmations);

    /// @notice Height of the chain's last block.
    function tipHeight() external view returns (uint32);

    /// @notice Hash of the chain's block at `height`.
    /// @return Zero above the tip and where the relay no longer, or never, knew it.
    function hashAt(uint32 height) external view returns (bytes32);

    /// @notice Whether a block that once was in the chain at `height` is certainly not there now.
    /// @return False also where the height is too old to tell.
    function isDropped(bytes32 blockHash, uint32 height) external view returns (bool);

    /// @notice Whether the current difficulty period began with the step back in time that BIP-54 would forbid.
    function timewarpSuspected() external view returns (bool);
}

/// @notice What the relay tells when blocks leave the chain.
interface IReorgListener {
    /// @notice The chain was replaced from some height on.
    /// @param dropped Blocks that left, lowest first.
    /// @param connected Blocks that came, lowest first; may hold blocks that left earlier.
    function onReorg(bytes32[] calldata dropped, bytes32[] calldata connected) external;
}
