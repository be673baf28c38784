//! Nominated proof of stake: who validates, what it earns, what it may lose.
//!
//! `pallet-staking-async`, which release 2609 recommends, spreads staking over two chains with
//! messages between them. On a chain of its own `pallet-staking` is the one that exists.

use super::{
    election::{GenesisElections, MAX_NOMINATIONS},
    sequencers::{BondingEras, SessionsPerEra, SlashDeferEras, MAX_VALIDATORS},
};
use crate::{
    governance::StakingAdmin, AccountId, Balance, Balances, DelegatedStaking, ElectionProvider,
    NominationPools, Runtime, RuntimeEvent, RuntimeHoldReason, Session, Timestamp, VoterList,
};
use frame_support::traits::{tokens::imbalance::ResolveTo, ConstU32, EitherOf};
use frame_system::EnsureRoot;
use pallet_staking::{FixedNominationsQuota, UseValidatorsMap};
use pallet_treasury::TreasuryAccountId;
use sp_runtime::Perquintill;

/// Most candidates, elected or not.
pub const MAX_CANDIDATES: u32 = 1_000;

/// Most nominators that one page of rewards pays.
pub const MAX_EXPOSURE_PAGE: u32 = 64;

/// New ZYRA in a year, of those there are.
const INFLATION: Perquintill = Perquintill::from_percent(6);

/// Share of all ZYRA that is meant to be staked. With less, stakers get less of [`INFLATION`], each
/// the same for his stake; with more they get less, too.
const IDEAL_STAKE: Perquintill = Perquintill::from_percent(50);

/// How fast rewards fall beyond the ideal: by half for each 5% more that is staked.
const FALLOFF: Perquintill = Perquintill::from_percent(5);

const YEAR_MS: u64 = 31_557_600_000;

/// New ZYRA of an era: the stakers' part by how much is staked, the rest for the treasury.
pub struct Emission;

impl sp_staking::EraPayout<Balance> for Emission {
    fn era_payout(staked: Balance, issuance: Balance, era_ms: u64) -> (Balance, Balance) {
        let year = Perquintill::from_rational(era_ms.min(YEAR_MS), YEAR_MS);
        let minted = year * (INFLATION * issuance);
        let stake = Perquintill::from_rational(staked, issuance.max(1));
        let share = pallet_staking_reward_fn::compute_inflation(stake, IDEAL_STAKE, FALLOFF);
        let stakers = share * minted;
        (stakers, minted.saturating_sub(stakers))
    }
}

/// Slashes and what is left of an era's emission go to the treasury.
type ToTreasury = ResolveTo<TreasuryAccountId<Runtime>, Balances>;

/// Sizes of the benchmarks.
pub struct BenchmarkSizes;

impl pallet_staking::BenchmarkingConfig for BenchmarkSizes {
    type MaxValidators = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<1_000>;
}

impl pallet_staking::Config for Runtime {
    type OldCurrency = Balances;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type CurrencyBalance = Balance;
    type UnixTime = Timestamp;
    type CurrencyToVote = sp_staking::currency_to_vote::U128CurrencyToVote;
    type ElectionProvider = ElectionProvider;
    type GenesisElectionProvider = GenesisElections;
    type NominationsQuota = FixedNominationsQuota<MAX_NOMINATIONS>;
    type HistoryDepth = ConstU32<84>;
    type RewardRemainder = ToTreasury;
    type RuntimeEvent = RuntimeEvent;
    type Slash = ToTreasury;
    type Reward = ();
    type SessionsPerEra = SessionsPerEra;
    type BondingDuration = BondingEras;
    type SlashDeferDuration = SlashDeferEras;
    type AdminOrigin = EitherOf<EnsureRoot<AccountId>, StakingAdmin>;
    type SessionInterface = Self;
    type EraPayout = Emission;
    type NextNewSession = Session;
    type MaxExposurePageSize = ConstU32<MAX_EXPOSURE_PAGE>;
    type MaxValidatorSet = ConstU32<MAX_VALIDATORS>;
    type VoterList = VoterList;
    type TargetList = UseValidatorsMap<Self>;
    type MaxUnlockingChunks = ConstU32<32>;
    type MaxControllersInDeprecationBatch = ConstU32<1>;
    type EventListeners = (NominationPools, DelegatedStaking);
    // Members of a pool stake through it alone.
    type Filter = pallet_nomination_pools::AllPoolMembers<Self>;
    type BenchmarkingConfig = BenchmarkSizes;
    type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}
