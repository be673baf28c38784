//! What the pallet stores.

use alloc::vec::Vec;
use bzk_evm::{receipt::Receipt, tx::TRANSACTION_GAS};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::Deref;
use frame_support::traits::ConstU32;
use scale_info::TypeInfo;
use sp_core::{H160, H256};
use sp_runtime::BoundedVec;

/// Largest encoded transaction, in bytes; equals [`bzk_evm::profile::MAX_TX_BYTES`].
pub const MAX_TRANSACTION_BYTES: u32 = 131_072;

/// Largest encoded Ethereum block, in bytes. A transaction that would take the open block above
/// it waits for the next one.
pub const MAX_BLOCK_BYTES: u32 = 16 * 1024 * 1024;

/// A transaction as users send it: an EIP-2718 envelope or a legacy RLP list.
pub type RawTransaction = BoundedVec<u8, ConstU32<MAX_TRANSACTION_BYTES>>;

/// An RLP-encoded Ethereum block: header, transactions, no ommers, no withdrawals.
pub type RawBlock = BoundedVec<u8, ConstU32<MAX_BLOCK_BYTES>>;

/// What the next Ethereum block needs to know of the last one.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct ChainHead {
    /// Number of the block; genesis is 0. It counts Ethereum blocks, not Substrate's.
    pub number: u64,
    /// keccak-256 of the header.
    pub hash: H256,
    /// Seconds since 1970.
    pub timestamp_s: u64,
    /// Gas limit in the header.
    pub gas_limit: u64,
}

/// The Ethereum block that the running Substrate block fills. It lives from `on_initialize` to
/// `on_finalize`.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct OpenBlock {
    /// Number of the block if it is closed.
    pub number: u64,
    /// Timestamp of its parent, in seconds; its own has to be later.
    pub parent_timestamp_s: u64,
    /// Gas limit of the header.
    pub gas_limit: u64,
    /// Base fee of the header, in wei per gas.
    pub base_fee: u64,
    /// Receiver of the tips.
    pub coinbase: H160,
    /// Randomness of the header (`mixHash`).
    pub prev_randao: H256,
    /// Proving cost that the block may reach, in kernel cycles.
    pub cycle_limit: u64,
    /// Transactions so far.
    pub transactions: u32,
    /// Bytes of their encodings and receipts so far.
    pub bytes: u32,
    /// Gas used so far.
    pub gas_used: u64,
    /// Proving cost so far, in kernel cycles.
    pub cycles: u64,
}

/// A transaction of the open block with its outcome; appended, never rewritten.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct PendingTransaction {
    /// The account that signed it.
    pub sender: H160,
    /// Its encoding.
    pub raw: RawTransaction,
    /// What it did.
    pub receipt: Receipt,
}

/// Receipts of an Ethereum block, encoded like `Vec<Receipt>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Receipts(Vec<Receipt>);

/// Most bytes that the logs of one block take: a byte of log data costs 8 gas, and the address,
/// topics and lengths of a log take fewer bytes per gas than that. Gas is below 2^32.
const MAX_LOG_BYTES: usize = (u32::MAX / 8) as usize;

/// Most transactions of one block, by their gas.
const MAX_RECEIPTS: usize = u32::MAX as usize / TRANSACTION_GAS as usize;

/// Bytes of a receipt besides its logs: type, success, gas, number of logs.
const RECEIPT_BYTES: usize = 1 + 1 + 8 + 4;

impl From<Vec<Receipt>> for Receipts {
    fn from(receipts: Vec<Receipt>) -> Self {
        Self(receipts)
    }
}

impl Deref for Receipts {
    type Target = [Receipt];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl MaxEncodedLen for Receipts {
    fn max_encoded_len() -> usize {
        MAX_RECEIPTS.saturating_mul(RECEIPT_BYTES).saturating_add(MAX_LOG_BYTES).saturating_add(4)
    }
}

impl MaxEncodedLen for PendingTransaction {
    fn max_encoded_len() -> usize {
        H160::max_encoded_len()
            .saturating_add(RawTransaction::max_encoded_len())
            .saturating_add(RECEIPT_BYTES)
            .saturating_add(MAX_LOG_BYTES)
    }
}

impl OpenBlock {
    /// Gas that is left for further transactions.
    pub fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// Kernel cycles that are left for further transactions.
    pub fn cycles_left(&self) -> u64 {
        self.cycle_limit.saturating_sub(self.cycles)
    }
}
