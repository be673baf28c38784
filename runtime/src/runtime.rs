//! The pallets and their places.
//!
//! The index of a pallet is part of the encoding of its calls and events and never changes; it is
//! also the order in which hooks run. 6 to 14 are kept for staking and sessions, 20 to 39 for
//! governance, 52 to 69 for sequencers, bridge, threshold signing, DAC and settlement.
#![allow(missing_docs, reason = "the macro generates types without documentation")]

use crate::{Block, UncheckedExtrinsic};
use alloc::vec::Vec;
use sp_inherents::{CheckInherentsResult, InherentData};
use sp_runtime::traits::Block as BlockT;

#[frame_support::runtime]
mod runtime {
    #[runtime::runtime]
    #[runtime::derive(
        RuntimeCall,
        RuntimeEvent,
        RuntimeError,
        RuntimeOrigin,
        RuntimeFreezeReason,
        RuntimeHoldReason,
        RuntimeSlashReason,
        RuntimeLockId,
        RuntimeTask,
        RuntimeViewFunction
    )]
    pub struct Runtime;

    #[runtime::pallet_index(0)]
    pub type System = frame_system;

    #[runtime::pallet_index(1)]
    pub type Timestamp = pallet_timestamp;

    #[runtime::pallet_index(2)]
    pub type Babe = pallet_babe;

    // Before the session pallets, so that they still see the author of a session's last block.
    #[runtime::pallet_index(3)]
    pub type Authorship = pallet_authorship;

    #[runtime::pallet_index(4)]
    pub type Balances = pallet_balances;

    #[runtime::pallet_index(5)]
    pub type TransactionPayment = pallet_transaction_payment;

    // After the session pallets, which change its voters.
    #[runtime::pallet_index(15)]
    pub type Grandpa = pallet_grandpa;

    #[runtime::pallet_index(40)]
    pub type Sudo = pallet_sudo;

    #[runtime::pallet_index(50)]
    pub type EVM = pallet_evm;

    // After the EVM, whose state trie it commits when it closes a block.
    #[runtime::pallet_index(51)]
    pub type Ethereum = pallet_ethereum;
}

/// The extrinsics that the author of a block puts first, made from `data`.
pub(crate) fn inherents(data: InherentData) -> Vec<UncheckedExtrinsic> {
    data.create_extrinsics()
}

/// Whether the inherents of `block` agree with `data`.
pub(crate) fn check_inherents(
    block: <Block as BlockT>::LazyBlock,
    data: InherentData,
) -> CheckInherentsResult {
    data.check_extrinsics(&block)
}
