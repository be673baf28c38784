//! The witness as JSON. `node/prover/src/witness.rs` reads the same.

use alloy_primitives::{Address, Bytes, B256, U256, U64};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One block with the part of the state that it reads or changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockWitness {
    /// The block's header in RLP.
    pub header: Bytes,
    /// State root before the block.
    pub parent_state_root: B256,
    /// Hashes of up to 256 previous blocks, oldest first; the last one is the parent's.
    pub block_hashes: Vec<B256>,
    /// RLP nodes of the account trie and the storage tries before the block.
    pub nodes: BTreeSet<Bytes>,
    /// Contract codes that the block reads.
    pub codes: BTreeSet<Bytes>,
    /// The transactions in order.
    pub transactions: Vec<TransactionWitness>,
}

/// One transaction and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionWitness {
    /// EIP-2718 bytes.
    pub raw: Bytes,
    /// EIP-2718 bytes of the receipt, its bloom filter included.
    pub receipt: Bytes,
    /// Gas used by this transaction alone.
    pub gas_used: U64,
    /// What the proving-cost meter charged, in kernel cycles.
    pub cycles: U64,
    /// Each account that a prover reads or writes for it: that it touched, listed, or could not pay to touch.
    pub accounts: BTreeMap<Address, AccountAccess>,
}

/// What a transaction did to one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountAccess {
    /// New balance in wei, when it changed or the account is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<U256>,
    /// New nonce, when it changed or the account is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<U64>,
    /// Slots read, listed or not paid for, and not changed.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub storage_read: BTreeSet<B256>,
    /// Slots changed, with their new values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_written: BTreeMap<B256, U256>,
    /// Slots that were set to zero at some moment, also where a revert undid it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub storage_zeroed: BTreeSet<B256>,
    /// Hash of the code that was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_read: Option<B256>,
    /// Code that was created here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_written: Option<Bytes>,
    /// Whether the state lost the account: destroyed, or touched and empty.
    #[serde(skip_serializing_if = "is_false")]
    pub self_destructed: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}
