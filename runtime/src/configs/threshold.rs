//! The committee that signs with the bridge's keys: of the validators, each with a bond of its own.

use super::sequencers::Days;
use crate::{
    units::ZYRA, AccountId, Balance, Balances, BtcBridge, Runtime, RuntimeHoldReason, Session,
};
use alloc::vec::Vec;
use frame_support::{
    parameter_types,
    traits::{tokens::imbalance::ResolveTo, ConstU16, ConstU32},
};
use frame_system::EnsureRoot;
use pallet_threshold::Electorate;
use pallet_treasury::TreasuryAccountId;
use sp_runtime::Perbill;

/// The validators of this session, in the order of their election.
pub struct Validators;

impl Electorate<AccountId> for Validators {
    fn elected() -> Vec<AccountId> {
        Session::validators()
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn elect(accounts: Vec<AccountId>) {
        pallet_session::Validators::<Runtime>::put(accounts);
    }
}

parameter_types! {
    /// Bond of a member.
    pub const Bond: Balance = 100_000 * ZYRA;
    /// What a proven fault costs.
    pub const SlashFraction: Perbill = Perbill::from_percent(50);
    /// Without a fifth of the first attempt's members no key is made.
    pub const MinParticipation: Perbill = Perbill::from_percent(80);
}

impl pallet_threshold::Config for Runtime {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Electorate = Validators;
    type AdminOrigin = EnsureRoot<AccountId>;
    type Slashed = ResolveTo<TreasuryAccountId<Runtime>, Balances>;
    type OnSigning = BtcBridge;
    type MaxCommittee = ConstU16<32>;
    type Bond = Bond;
    type SlashFraction = SlashFraction;
    type MaxMisses = ConstU32<20>;
    // One and a half minutes: a phase is two final blocks when all members are there.
    type DkgBlocks = ConstU32<45>;
    type SigningBlocks = ConstU32<8>;
    type UnbondingBlocks = Days<28>;
    type MinParticipation = MinParticipation;
    type MaxSessions = ConstU32<16>;
    type WeightInfo = pallet_threshold::weights::SubstrateWeight<Runtime>;
}
