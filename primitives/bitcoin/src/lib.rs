//! # Bitcoin, as the bridge sees it
//! Headers and work, Merkle proofs, deposit and payout scripts, sighashes, fees. Pure functions over the types of
//! rust-bitcoin; no storage, no I/O, no clock. The same rules as `contracts/src/l2/BitcoinRelay.sol` and
//! `BtcBridge.sol`.
//!
//! * [`HeaderTree`]: judges headers as Bitcoin Core does and follows most work.
//! * [`TxProof`]: that a transaction is in a block.
//! * [`Deposit`]: the Taproot output that pays the bridge, and the way back out of it.
//! * [`Payout`]: the transaction that pays withdrawals, built the same by everybody.
//! * [`curve`]: BIP-340 and BIP-341 on one public key recovery each.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

pub mod curve;
mod deposit;
mod header_tree;
mod merkle;
mod message;
pub mod payout;
mod refusal;
mod rules;
mod script;
mod taproot;
mod target;
mod transaction;
mod worth;

pub use bitcoin;
pub use deposit::{Bridge, Deposit, DepositError, Refund, REFUND_DELAYS};
pub use header_tree::{Accepted, Anchor, Change, Entry, HeaderTree, PeriodStart};
pub use merkle::{merkle_path, MerklePath, ProofError, TxProof, MAX_DEPTH};
pub use message::Message;
pub use payout::{Payout, PayoutError};
pub use refusal::Refusal;
pub use rules::{Rules, FUTURE_LIMIT_SECS, MEDIAN_SPAN};
pub use script::{dust_sats, payout_script, ScriptError};
pub use taproot::{leaf_hash, output_key, output_script, tweak};
pub use target::{target_of, work_of};
pub use transaction::{decode_transaction, TransactionError, MAX_TRANSACTION_BYTES};
pub use worth::{input_fee, is_worth, size_class, LARGE_SATS, SIZE_CLASSES};
