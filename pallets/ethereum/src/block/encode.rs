//! The block as Ethereum encodes it, put together from encoded transactions.

use alloc::vec::Vec;
use alloy_primitives::{Bytes, B256};
use alloy_rlp::{Decodable, Encodable, Header as RlpHeader, EMPTY_LIST_CODE};
use bzk_evm::{
    block::{self, Commitments, Header},
    crypto::keccak256,
    execute::BlockEnvironment,
    receipt::{bloom, Receipt},
};
use sp_core::H256;

/// Envelopes begin with their type, a legacy transaction with the header of an RLP list.
const FIRST_LIST_CODE: u8 = EMPTY_LIST_CODE;

/// What the header says beside its transactions and receipts.
pub(crate) struct HeaderFields {
    /// What the transactions saw.
    pub environment: BlockEnvironment,
    /// Hash of the block before.
    pub parent_hash: H256,
    /// Root of the state trie after the block.
    pub state_root: H256,
    /// Free bytes.
    pub extra_data: Vec<u8>,
}

/// An encoded block.
pub(crate) struct Assembled {
    /// keccak-256 of the header.
    pub hash: H256,
    /// RLP of the whole block.
    pub rlp: Vec<u8>,
}

/// Builds the block. Transactions are not decoded: both their trie and the block's body hold them
/// as they were sent.
pub(crate) fn assemble(
    fields: HeaderFields,
    transactions: &[Vec<u8>],
    receipts: &[Receipt],
) -> Assembled {
    let commitments = Commitments {
        parent_hash: B256::new(fields.parent_hash.0),
        state_root: B256::new(fields.state_root.0),
        transactions_root: block::list_root(transactions),
        receipts_root: block::receipts_root(receipts),
        logs_bloom: bloom(receipts.iter().flat_map(|receipt| &receipt.logs)),
        gas_used: receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used),
    };
    let mut header = block::header(&fields.environment, &commitments);
    header.extra_data = Bytes::from(fields.extra_data);
    let header = alloy_rlp::encode(&header);
    Assembled { hash: H256(keccak256(&header).0), rlp: encode(&header, transactions) }
}

/// `rlp([header, transactions, ommers = [], withdrawals = []])`.
fn encode(header: &[u8], transactions: &[Vec<u8>]) -> Vec<u8> {
    let length: usize = transactions.iter().map(|raw| body_length(raw)).sum();
    let list = RlpHeader { list: true, payload_length: length };
    let payload_length = header.len().saturating_add(list.length_with_payload()).saturating_add(2);
    let block = RlpHeader { list: true, payload_length };
    let mut out = Vec::with_capacity(block.length_with_payload());
    block.encode(&mut out);
    out.extend_from_slice(header);
    list.encode(&mut out);
    for raw in transactions {
        if is_legacy(raw) {
            out.extend_from_slice(raw);
        } else {
            raw.as_slice().encode(&mut out);
        }
    }
    out.extend_from_slice(&[EMPTY_LIST_CODE, EMPTY_LIST_CODE]);
    out
}

fn body_length(raw: &[u8]) -> usize {
    if is_legacy(raw) {
        raw.len()
    } else {
        raw.length()
    }
}

fn is_legacy(raw: &[u8]) -> bool {
    raw.first().is_some_and(|first| *first >= FIRST_LIST_CODE)
}

/// The header of an encoded block, without decoding the rest.
pub(crate) fn decode_header(block: &[u8]) -> Option<Header> {
    let mut rest = block;
    RlpHeader::decode(&mut rest).ok()?;
    Header::decode(&mut rest).ok()
}
