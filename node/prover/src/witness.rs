//! What the node's `bzk_blockWitness` answers: all that is needed to execute one block again.
//! `node/witness/src/model.rs` writes the same.

use std::collections::{BTreeMap, BTreeSet};

use ethereum_types::{Address, H256, U256, U64};
use serde::Deserialize;

/// Bytes in JSON as a `0x` string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HexBytes(pub Vec<u8>);

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text
            .strip_prefix("0x")
            .ok_or_else(|| serde::de::Error::custom(format!("{text:.20} must start with 0x")))?;
        hex::decode(digits).map(Self).map_err(serde::de::Error::custom)
    }
}

/// One block with the part of the state that it reads or changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlockWitness {
    /// The block's header in RLP.
    pub header: HexBytes,
    /// State root before the block.
    pub parent_state_root: H256,
    /// Hashes of up to 256 previous blocks, oldest first; the last one is the parent's.
    pub block_hashes: Vec<H256>,
    /// RLP nodes of the account trie and the storage tries before the block, in any order.
    pub nodes: Vec<HexBytes>,
    /// Contract codes that the block reads.
    pub codes: Vec<HexBytes>,
    /// The transactions in order.
    pub transactions: Vec<TransactionWitness>,
}

impl BlockWitness {
    /// Kernel cycles that the chain charged for the block. What does not fit in a proof is charged with all that there is.
    pub fn cycles(&self) -> u64 {
        self.transactions.iter().fold(0, |sum, one| sum.saturating_add(one.cycles.as_u64()))
    }
}

/// One transaction and what it did.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionWitness {
    /// EIP-2718 bytes.
    pub raw: HexBytes,
    /// EIP-2718 bytes of the receipt.
    pub receipt: HexBytes,
    /// Gas used by this transaction alone.
    pub gas_used: U64,
    /// Kernel cycles as the chain's proving-cost meter estimates them.
    #[serde(default)]
    pub cycles: U64,
    /// Each account that the kernel looks up for it.
    pub accounts: BTreeMap<Address, AccountAccess>,
}

/// What a transaction did to one account.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountAccess {
    /// New balance in wei, when it changed or the account is new.
    pub balance: Option<U256>,
    /// New nonce, when it changed or the account is new.
    pub nonce: Option<U64>,
    /// Slots that the kernel looks up and that keep their values.
    pub storage_read: BTreeSet<H256>,
    /// Slots changed, with their new values.
    pub storage_written: BTreeMap<H256, U256>,
    /// Slots that were set to zero at some moment, also where a revert undid it.
    pub storage_zeroed: BTreeSet<H256>,
    /// Code that was created here.
    pub code_written: Option<HexBytes>,
    /// Whether the state lost the account: destroyed, or touched and empty.
    pub self_destructed: bool,
}
