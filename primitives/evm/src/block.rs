//! Ethereum blocks of Cancun's shape.

use crate::{
    crypto,
    execute::BlockEnvironment,
    primitives::{Bloom, B256, U256},
    profile::MAX_TX_BYTES,
    receipt::{bloom, Receipt},
    tx::TxEnvelope,
};
use alloc::vec::Vec;
use alloy_consensus::{
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
    proofs, BlockBody,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_rlp::Decodable;

/// The header of a block.
pub type Header = alloy_consensus::Header;

/// A block with its transactions.
pub type Block = alloy_consensus::Block<TxEnvelope>;

/// What a block's header commits to beside its environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commitments {
    /// Hash of the block before.
    pub parent_hash: B256,
    /// Root of the state trie after the block.
    pub state_root: B256,
    /// Root of the transactions.
    pub transactions_root: B256,
    /// Root of the receipts.
    pub receipts_root: B256,
    /// Bloom filter of all logs.
    pub logs_bloom: Bloom,
    /// Gas used by all transactions.
    pub gas_used: u64,
}

/// Why bytes are not a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// More bytes than the caller allows.
    TooLong,
    /// Not the RLP of a block, or not all of the input is.
    Malformed,
    /// A transaction of a type that the profile does not have, or one that is too long.
    Transaction,
}

impl core::fmt::Display for BlockError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the block is longer than allowed",
            Self::Malformed => "the block is not valid rlp",
            Self::Transaction => "the block holds a transaction that the profile does not allow",
        })
    }
}

impl core::error::Error for BlockError {}

/// Builds the header: Cancun's fields, those of blobs, beacon and withdrawals at their zero values.
pub fn header(environment: &BlockEnvironment, commitments: &Commitments) -> Header {
    Header {
        parent_hash: commitments.parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: environment.coinbase,
        state_root: commitments.state_root,
        transactions_root: commitments.transactions_root,
        receipts_root: commitments.receipts_root,
        logs_bloom: commitments.logs_bloom,
        difficulty: U256::ZERO,
        number: environment.number,
        gas_limit: environment.gas_limit,
        gas_used: commitments.gas_used,
        timestamp: environment.timestamp_s,
        mix_hash: environment.prev_randao,
        base_fee_per_gas: Some(environment.base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        ..Default::default()
    }
}

/// Builds the whole block from what was executed.
pub fn assemble(
    environment: &BlockEnvironment,
    parent_hash: B256,
    state_root: B256,
    transactions: Vec<TxEnvelope>,
    receipts: &[Receipt],
) -> Block {
    let commitments = Commitments {
        parent_hash,
        state_root,
        transactions_root: transactions_root(&transactions),
        receipts_root: receipts_root(receipts),
        logs_bloom: bloom(receipts.iter().flat_map(|receipt| &receipt.logs)),
        gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used),
    };
    block(header(environment, &commitments), transactions)
}

/// Puts a header and its transactions together.
pub fn block(header: Header, transactions: Vec<TxEnvelope>) -> Block {
    let body =
        BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Default::default()) };
    Block::new(header, body)
}

/// Root of the trie of transactions by index.
pub fn transactions_root(transactions: &[TxEnvelope]) -> B256 {
    proofs::calculate_transaction_root(transactions)
}

/// Root of the trie of receipts by index.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    let envelopes: Vec<_> = receipts.iter().map(Receipt::to_envelope).collect();
    proofs::calculate_receipt_root(&envelopes)
}

/// The block hash: keccak-256 of the header's RLP.
pub fn hash(header: &Header) -> B256 {
    crypto::keccak256(&alloy_rlp::encode(header))
}

/// The block's RLP, as Ethereum's nodes exchange it.
pub fn encode(block: &Block) -> Vec<u8> {
    alloy_rlp::encode(block)
}

/// Decodes a block of at most `max_bytes`.
///
/// Memory stays within a small multiple of `max_bytes`, since each decoded item takes at least one
/// byte of input.
pub fn decode(bytes: &[u8], max_bytes: usize) -> Result<Block, BlockError> {
    if bytes.len() > max_bytes {
        return Err(BlockError::TooLong);
    }
    let mut rest = bytes;
    let block = Block::decode(&mut rest).map_err(|_| BlockError::Malformed)?;
    if !rest.is_empty() {
        return Err(BlockError::Malformed);
    }
    let allowed = |tx: &TxEnvelope| {
        matches!(tx, TxEnvelope::Legacy(_) | TxEnvelope::Eip2930(_) | TxEnvelope::Eip1559(_))
            && tx.encode_2718_len() <= MAX_TX_BYTES
    };
    if block.body.transactions.iter().all(allowed) {
        Ok(block)
    } else {
        Err(BlockError::Transaction)
    }
}
