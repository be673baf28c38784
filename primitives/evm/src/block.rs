//! Ethereum blocks of Cancun's shape.

use crate::{
    crypto,
    execute::BlockEnvironment,
    primitives::{Bloom, B256, U256},
    profile::MAX_TX_BYTES,
    receipt::{bloom, Receipt},
    trie::ordered_root,
    tx::TxEnvelope,
};
use alloc::vec::Vec;
use alloy_consensus::{
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_WITHDRAWALS},
    BlockBody,
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
    let encoded: Vec<_> = transactions.iter().map(Encodable2718::encoded_2718).collect();
    list_root(&encoded)
}

/// Root of the trie of receipts by index.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    let encoded = |receipt: &Receipt| receipt.to_envelope().encoded_2718();
    list_root(&receipts.iter().map(encoded).collect::<Vec<_>>())
}

/// Root of the trie of encoded transactions or receipts by index.
pub fn list_root(items: &[impl AsRef<[u8]>]) -> B256 {
    B256::new(ordered_root(items).0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{primitives::Address, receipt::Log};
    use alloc::vec;
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702, TxLegacy};
    use alloy_primitives::Signature;
    use alloy_trie::EMPTY_ROOT_HASH;
    use proptest::prelude::*;
    use sp_core::{H160, H256};

    fn environment() -> BlockEnvironment {
        BlockEnvironment {
            chain_id: 97_304,
            number: 3,
            timestamp_s: 1_700_000_000,
            gas_limit: 8_000_000,
            base_fee: 7,
            coinbase: Address::repeat_byte(1),
            prev_randao: B256::repeat_byte(2),
        }
    }

    fn signature() -> Signature {
        Signature::new(U256::from(1), U256::from(2), false)
    }

    fn transactions() -> Vec<TxEnvelope> {
        let legacy = TxLegacy { chain_id: Some(97_304), nonce: 1, ..Default::default() };
        let eip1559 = TxEip1559 { chain_id: 97_304, nonce: 2, ..Default::default() };
        vec![legacy.into_signed(signature()).into(), eip1559.into_signed(signature()).into()]
    }

    fn receipts() -> Vec<Receipt> {
        let log = Log {
            address: H160::repeat_byte(3),
            topics: vec![H256::repeat_byte(4)],
            data: vec![5],
        };
        vec![
            Receipt { tx_type: 0, success: true, cumulative_gas_used: 21_000, logs: vec![] },
            Receipt { tx_type: 2, success: true, cumulative_gas_used: 63_000, logs: vec![log] },
        ]
    }

    fn sample() -> Block {
        assemble(
            &environment(),
            B256::repeat_byte(6),
            B256::repeat_byte(7),
            transactions(),
            &receipts(),
        )
    }

    #[test]
    fn header_has_the_shape_of_cancun() {
        let header = sample().header;
        assert_eq!(header.withdrawals_root, Some(EMPTY_ROOT_HASH));
        assert_eq!(header.blob_gas_used, Some(0));
        assert_eq!(header.excess_blob_gas, Some(0));
        assert_eq!(header.parent_beacon_block_root, Some(B256::ZERO));
        assert_eq!(header.requests_hash, None);
        assert_eq!(header.base_fee_per_gas, Some(7));
        assert_eq!(header.mix_hash, environment().prev_randao);
        assert_eq!(header.gas_used, 63_000);
        assert_eq!(header.logs_bloom, receipts()[1].bloom());
        assert_eq!(hash(&header), header.hash_slow());
    }

    #[test]
    fn empty_block_has_empty_roots() {
        let header = assemble(&environment(), B256::ZERO, EMPTY_ROOT_HASH, vec![], &[]).header;
        assert_eq!(header.transactions_root, EMPTY_ROOT_HASH);
        assert_eq!(header.receipts_root, EMPTY_ROOT_HASH);
        assert_eq!((header.gas_used, header.logs_bloom), (0, Bloom::ZERO));
    }

    #[test]
    fn block_round_trips() {
        let block = sample();
        let bytes = encode(&block);
        assert_eq!(decode(&bytes, bytes.len()), Ok(block));
    }

    #[test]
    fn decoding_is_bounded_and_strict() {
        let mut bytes = encode(&sample());
        assert_eq!(decode(&bytes, bytes.len() - 1), Err(BlockError::TooLong));
        assert_eq!(decode(&bytes[..bytes.len() - 1], 10_000), Err(BlockError::Malformed));
        bytes.push(0);
        assert_eq!(decode(&bytes, 10_000), Err(BlockError::Malformed));
    }

    #[test]
    fn block_with_a_foreign_transaction_is_refused() {
        let delegation: TxEnvelope = TxEip7702::default().into_signed(signature()).into();
        let block = block(header(&environment(), &Commitments::default()), vec![delegation]);
        assert_eq!(decode(&encode(&block), 10_000), Err(BlockError::Transaction));
    }

    proptest! {
        #[test]
        fn prop_garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = decode(&bytes, 600);
        }

        #[test]
        fn prop_damaged_block_never_panics(place: prop::sample::Index, byte: u8) {
            let mut bytes = encode(&sample());
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let _ = decode(&bytes, 10_000);
        }
    }
}
