//! Coinbases, liveness and the calendar of the chain.

use crate::{
    genesis::predeploys::FEE_VAULT, AccountId, Authorship, Babe, Runtime, Session, Staking, EVM,
};
use alloc::vec::Vec;
use codec::Encode;
use core::ops::RangeInclusive;
use frame_support::{
    parameter_types,
    traits::{ConstU32, Get},
    weights::Weight,
};
use pallet_sequencers::{Calendar, CurrentCalendar, EvmAccounts, SlotSchedule, Stake};
use pallet_staking::WeightInfo;
use sp_consensus_babe::Slot;
use sp_core::{H160, U256};
use sp_io::hashing::blake2_256;
use sp_staking::StakingInterface;

/// Most validators of a session.
pub const MAX_VALIDATORS: u32 = 100;

/// The lengths that this chain was born with.
pub(crate) fn calendar() -> Calendar {
    CurrentCalendar::<Runtime>::get()
}

/// BABE's slots and the validators of this session.
pub struct BabeSlots;

impl SlotSchedule<AccountId> for BabeSlots {
    fn current() -> u64 {
        *Babe::current_slot()
    }

    fn author() -> Option<AccountId> {
        Authorship::author()
    }

    /// The secondary authors, as `sc_consensus_babe` draws them. Only of the epoch in force: the
    /// lots of another one are not known here. An offender that is disabled for the rest of the era
    /// may make no block, so the slots are not its own.
    fn owners(slots: RangeInclusive<u64>) -> Vec<AccountId> {
        let validators = Session::validators();
        let disabled = Session::disabled_validators();
        let randomness = Babe::randomness();
        let first = *Babe::current_epoch_start();
        let end = first.saturating_add(calendar().epoch_slots);
        let owner = |slot: u64| {
            let lot =
                U256::from_big_endian(&(randomness, Slot::from(slot)).using_encoded(blake2_256));
            let index = lot.checked_rem(U256::from(validators.len()))?.low_u32();
            let enabled = !disabled.contains(&index);
            validators.get(index as usize).filter(|_| enabled).cloned()
        };
        slots.filter(|slot| (first..end).contains(slot)).filter_map(owner).collect()
    }
}

/// The candidates of pallet-staking.
pub struct StakingCandidates;

impl Stake<AccountId> for StakingCandidates {
    fn is_bonded(who: &AccountId) -> bool {
        pallet_staking::Bonded::<Runtime>::contains_key(who)
    }

    fn is_candidate(who: &AccountId) -> bool {
        pallet_staking::Validators::<Runtime>::contains_key(who)
    }

    fn chill(who: &AccountId) -> Weight {
        if let Err(error) = <Staking as StakingInterface>::chill(who) {
            log::error!("an absent validator cannot be chilled: {error:?}");
        }
        <Runtime as pallet_staking::Config>::WeightInfo::chill()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn make_candidate(who: &AccountId) {
        pallet_staking::Validators::<Runtime>::insert(
            who,
            pallet_staking::ValidatorPrefs::default(),
        );
    }
}

/// The accounts of pallet-evm.
pub struct EvmState;

impl EvmAccounts for EvmState {
    fn exists(address: H160) -> bool {
        EVM::exists(address)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create(address: H160) {
        let account = bzk_evm::account::Account { nonce: 1, ..Default::default() };
        pallet_evm::Accounts::<Runtime>::insert(address, account);
    }
}

parameter_types! {
    /// Gets the tips of authors that named no account.
    pub const DefaultCoinbase: H160 = FEE_VAULT;
}

impl pallet_sequencers::Config for Runtime {
    type Validators = Session;
    type Slots = BabeSlots;
    type Stake = StakingCandidates;
    type Accounts = EvmState;
    type DefaultCoinbase = DefaultCoinbase;
    type MaxValidators = ConstU32<MAX_VALIDATORS>;
    type MaxCoinbases = ConstU32<{ super::staking::MAX_CANDIDATES }>;
    type WeightInfo = pallet_sequencers::weights::SubstrateWeight<Runtime>;
}

/// Receives the tips of the current block.
pub struct AuthorCoinbase;

impl Get<H160> for AuthorCoinbase {
    fn get() -> H160 {
        crate::Sequencers::coinbase()
    }
}

/// Slots of an epoch.
pub struct EpochSlots;

impl Get<u64> for EpochSlots {
    fn get() -> u64 {
        calendar().epoch_slots
    }
}

/// Sessions of an era.
pub struct SessionsPerEra;

impl Get<u32> for SessionsPerEra {
    fn get() -> u32 {
        calendar().sessions_per_era
    }
}

/// Eras that stake stays locked after unbonding.
pub struct BondingEras;

impl Get<u32> for BondingEras {
    fn get() -> u32 {
        calendar().bonding_eras
    }
}

/// Eras between an offence and its slash.
pub struct SlashDeferEras;

impl Get<u32> for SlashDeferEras {
    fn get() -> u32 {
        calendar().slash_defer_eras
    }
}

/// Sessions in which an offence can be reported.
pub struct BondingSessions;

impl Get<u64> for BondingSessions {
    fn get() -> u64 {
        calendar().bonding_sessions().into()
    }
}

/// Slots in which an offence can be reported.
pub struct BondingSlots;

impl Get<u64> for BondingSlots {
    fn get() -> u64 {
        BondingSessions::get().saturating_mul(EpochSlots::get())
    }
}

/// `N / D` days of the calendar, in blocks.
pub struct Days<const N: u32, const D: u32 = 1>;

impl<const N: u32, const D: u32> Get<u32> for Days<N, D> {
    fn get() -> u32 {
        calendar().days(N, D)
    }
}
