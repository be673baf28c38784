//! Pools, in which small holders nominate together. Their stake stays on their own accounts.

use super::sequencers::BondingEras;
use crate::{
    governance::StakingAdmin, AccountId, Balance, Balances, DelegatedStaking, Runtime,
    RuntimeEvent, RuntimeFreezeReason, RuntimeHoldReason, Staking, System,
};
use frame_support::{
    parameter_types,
    traits::{tokens::imbalance::ResolveTo, ConstU32, ConstU8, EitherOf, Get},
    PalletId,
};
use frame_system::EnsureRoot;
use pallet_nomination_pools::adapter::DelegateStake;
use pallet_treasury::TreasuryAccountId;
use sp_core::U256;
use sp_runtime::{traits::Convert, FixedU128, Perbill, SaturatedConversion};

parameter_types! {
    /// The accounts of the pools derive from this.
    pub const PoolsPalletId: PalletId = PalletId(*b"bzk/pool");
    /// The accounts of delegators derive from this.
    pub const DelegationPalletId: PalletId = PalletId(*b"bzk/dlgt");
    /// Who applies a pending slash to a member gets this part of it.
    pub const SlashRewardFraction: Perbill = Perbill::from_percent(1);
}

/// Widens an amount for the arithmetic of shares.
pub struct ToU256;

impl Convert<Balance, U256> for ToU256 {
    fn convert(balance: Balance) -> U256 {
        balance.into()
    }
}

/// Narrows it again; the pallet's amounts are parts of balances and fit.
pub struct FromU256;

impl Convert<U256, Balance> for FromU256 {
    fn convert(value: U256) -> Balance {
        value.saturated_into()
    }
}

/// Eras whose unbonding members are told apart: one more than a slash may still reach.
pub struct UnbondingPools;

impl Get<u32> for UnbondingPools {
    fn get() -> u32 {
        BondingEras::get().saturating_add(1)
    }
}

impl pallet_nomination_pools::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_nomination_pools::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type RuntimeFreezeReason = RuntimeFreezeReason;
    type RewardCounter = FixedU128;
    type PalletId = PoolsPalletId;
    type MaxPointsToBalance = ConstU8<10>;
    type MaxUnbonding = ConstU32<8>;
    type BalanceToU256 = ToU256;
    type U256ToBalance = FromU256;
    type StakeAdapter = DelegateStake<Self, Staking, DelegatedStaking>;
    type MaxUnbondingPools = UnbondingPools;
    type MaxMetadataLen = ConstU32<256>;
    type AdminOrigin = EitherOf<EnsureRoot<AccountId>, StakingAdmin>;
    type BlockNumberProvider = System;
    // Who stakes alone joins no pool.
    type Filter = pallet_staking::AllStakers<Runtime>;
}

impl pallet_delegated_staking::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type PalletId = DelegationPalletId;
    type Currency = Balances;
    type OnSlash = ResolveTo<TreasuryAccountId<Runtime>, Balances>;
    type SlashRewardFraction = SlashRewardFraction;
    type RuntimeHoldReason = RuntimeHoldReason;
    type CoreStaking = Staking;
}
