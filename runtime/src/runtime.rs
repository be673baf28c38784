//! The pallets and their places.
//!
//! The index of a pallet is part of the encoding of its calls and events and never changes; it is
//! also the order in which genesis is built and hooks run. 20 to 39 are governance, 52 to 69 are kept
//! for bridge, threshold signing, DAC and settlement.
#![allow(missing_docs, reason = "the macro generates types without documentation")]

use crate::{governance, Block, UncheckedExtrinsic};
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

    // Before the session pallets, so that missed slots are judged by the epoch they belong to.
    #[runtime::pallet_index(6)]
    pub type Sequencers = pallet_sequencers;

    #[runtime::pallet_index(7)]
    pub type ElectionProvider = pallet_election_provider_multi_phase;

    // Before Session, whose first set it elects at genesis.
    #[runtime::pallet_index(8)]
    pub type Staking = pallet_staking;

    #[runtime::pallet_index(9)]
    pub type Session = pallet_session;

    #[runtime::pallet_index(10)]
    pub type Historical = pallet_session::historical;

    #[runtime::pallet_index(11)]
    pub type Offences = pallet_offences;

    #[runtime::pallet_index(12)]
    pub type VoterList = pallet_bags_list;

    #[runtime::pallet_index(13)]
    pub type DelegatedStaking = pallet_delegated_staking;

    #[runtime::pallet_index(14)]
    pub type NominationPools = pallet_nomination_pools;

    // After the session pallets, which change its voters.
    #[runtime::pallet_index(15)]
    pub type Grandpa = pallet_grandpa;

    #[runtime::pallet_index(20)]
    pub type Preimage = pallet_preimage;

    #[runtime::pallet_index(21)]
    pub type Scheduler = pallet_scheduler;

    #[runtime::pallet_index(22)]
    pub type Origins = governance::origins;

    #[runtime::pallet_index(23)]
    pub type Referenda = pallet_referenda;

    #[runtime::pallet_index(24)]
    pub type ConvictionVoting = pallet_conviction_voting;

    #[runtime::pallet_index(25)]
    pub type Treasury = pallet_treasury;

    #[runtime::pallet_index(26)]
    pub type Utility = pallet_utility;

    #[runtime::pallet_index(27)]
    pub type Multisig = pallet_multisig;

    #[runtime::pallet_index(28)]
    pub type Proxy = pallet_proxy;

    #[runtime::pallet_index(29)]
    pub type Identity = pallet_identity;

    #[runtime::pallet_index(30)]
    pub type SafeMode = pallet_safe_mode;

    #[runtime::pallet_index(31)]
    pub type TxPause = pallet_tx_pause;

    #[runtime::pallet_index(40)]
    pub type Sudo = pallet_sudo;

    #[runtime::pallet_index(50)]
    pub type EVM = pallet_evm;

    // After the EVM, whose state trie it commits when it closes a block.
    #[runtime::pallet_index(51)]
    pub type Ethereum = pallet_ethereum;

    #[runtime::pallet_index(54)]
    pub type Threshold = pallet_threshold;

    // After the EVM, whose logs it follows, and after the committee, which signs for it.
    #[runtime::pallet_index(55)]
    pub type BtcBridge = pallet_btc_bridge;

    // After the EVM, whose blocks it batches.
    #[runtime::pallet_index(57)]
    pub type Settlement = pallet_settlement;
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
