//! # Sequencers
//!
//! What a validator has beside its stake and its session keys:
//!
//! * a **coinbase**: the account of the EVM that gets the tips of its blocks;
//! * a **record of liveness**: which of its slots it let pass. At the end of each session a
//!   validator that has missed too many in a row is chilled, so the next era is without it. It
//!   comes back by declaring itself a candidate again.
//!
//! The pallet also keeps the [`Calendar`]: the lengths of epochs, eras and votes, fixed at genesis.
//!
//! ## How a missed slot is known
//! BABE gives each slot, beside those who may win it by lot, one author who may always make the
//! block (a secondary slot). A slot without a block is therefore missed by that author, unless it
//! is disabled for an offence.
//! A block that lost a fork counts as missed too, which is why only many in a row weigh.
//!
//! ## Invariants
//! 1. A record exists only for validators of the session that was judged last or joined since, so
//!    there are at most [`Config::MaxValidators`].
//! 2. In a record, the slots missed in a row are not more than all missed ones.
//! 3. Every coinbase exists in the EVM, and there are at most [`Config::MaxCoinbases`].
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

mod coinbase;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod liveness;
pub mod traits;
mod types;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "never in a block"
)]
mod benchmarking;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use traits::{EvmAccounts, SlotSchedule, Stake};
pub use types::{Calendar, Liveness};
pub use weights::WeightInfo;

/// The pallet's storage, configuration and calls.
#[frame_support::pallet]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "FRAME generates code that trips over them"
)]
pub mod pallet {
    use super::*;
    use alloc::vec::Vec;
    use frame_support::{pallet_prelude::*, traits::ValidatorSet};
    use frame_system::pallet_prelude::*;
    use sp_core::H160;
    use sp_staking::SessionIndex;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// The validators of this session.
        type Validators: ValidatorSet<Self::AccountId, ValidatorId = Self::AccountId>;
        /// Who authored, and who could have.
        type Slots: SlotSchedule<Self::AccountId>;
        /// The candidates and their stake.
        type Stake: Stake<Self::AccountId>;
        /// The accounts of the EVM.
        type Accounts: EvmAccounts;
        /// Gets the tips where the author named no account; it exists in the EVM from genesis on.
        type DefaultCoinbase: Get<H160>;
        /// Most validators of a session.
        #[pallet::constant]
        type MaxValidators: Get<u32>;
        /// Most coinbases that are kept.
        #[pallet::constant]
        type MaxCoinbases: Get<u32>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// Coinbases and records of the validators.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Lengths of epochs, eras and votes; never changes after genesis.
    #[pallet::storage]
    pub type CurrentCalendar<T: Config> = StorageValue<_, Calendar, ValueQuery>;

    /// The account of the EVM that a validator's tips go to.
    // Blake2: anybody can become a candidate under an account of its choice.
    #[pallet::storage]
    pub type Coinbases<T: Config> = CountedStorageMap<_, Blake2_128Concat, T::AccountId, H160>;

    /// What is known of each validator's slots since it entered the set.
    // Twox: only elected validators have a record.
    #[pallet::storage]
    pub type Records<T: Config> = CountedStorageMap<_, Twox64Concat, T::AccountId, Liveness>;

    /// Slots in a row after which a validator counts as absent.
    #[pallet::storage]
    pub type MissedLimit<T: Config> =
        StorageValue<_, u32, ValueQuery, ConstU32<{ types::DEFAULT_MISSED_LIMIT }>>;

    /// Slot of the newest block.
    #[pallet::storage]
    pub type LastSlot<T: Config> = StorageValue<_, u64>;

    /// The session in which the records were judged last.
    #[pallet::storage]
    pub type JudgedSession<T: Config> = StorageValue<_, SessionIndex, ValueQuery>;

    /// What the chain starts with.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Lengths of epochs, eras and votes.
        pub calendar: Calendar,
        /// Slots in a row after which a validator counts as absent; 0 for the default.
        pub missed_limit: u32,
        /// Accounts of the EVM that the first validators' tips go to.
        pub coinbases: Vec<(T::AccountId, H160)>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            assert!(
                self.calendar.is_sound(),
                "the calendar contradicts itself: {:?}",
                self.calendar
            );
            CurrentCalendar::<T>::put(self.calendar);
            if self.missed_limit > 0 {
                MissedLimit::<T>::put(self.missed_limit);
            }
            for (who, address) in &self.coinbases {
                Coinbases::<T>::insert(who, address);
            }
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The tips of a validator's blocks go to another account of the EVM.
        CoinbaseSet {
            /// The validator.
            who: T::AccountId,
            /// The account of the EVM.
            address: H160,
        },
        /// The tips of a validator's blocks go to the default again.
        CoinbaseRemoved {
            /// The validator.
            who: T::AccountId,
        },
        /// A validator let too many of its slots pass and is no candidate any more.
        Absent {
            /// The validator.
            who: T::AccountId,
            /// Its slots without a block, in a row.
            missed: u32,
        },
        /// So many validators were absent that the fault is the network's; none was chilled.
        AbsenceExcused {
            /// How many were absent.
            absent: u32,
            /// Of how many.
            validators: u32,
        },
        /// Another number of slots makes a validator absent.
        MissedLimitSet {
            /// Slots in a row.
            limit: u32,
        },
    }

    /// Why a call fails.
    #[pallet::error]
    pub enum Error<T> {
        /// Only a candidate has a coinbase: call `Staking.validate` first.
        NotCandidate,
        /// The EVM knows no such account: send it some coins first.
        NoSuchAccount,
        /// There are as many coinbases as fit.
        TooManyCoinbases,
        /// This account has no coinbase.
        NoCoinbase,
        /// The account is still bonded, so only its owner may remove its coinbase.
        StillBonded,
        /// A validator is absent after one missed slot at the least.
        LimitIsZero,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            let judged = Self::judge_session();
            let noted = Self::note_slots();
            judged.saturating_add(noted)
        }

        fn integrity_test() {
            assert!(T::MaxValidators::get() > 0, "a chain without validators");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Sends the tips of the caller's blocks to `address`.
        ///
        /// # Origin
        /// Signed by a candidate, with its stash.
        ///
        /// # Parameters
        /// - `address`: an account that exists in the EVM (it has a nonce, a balance or code).
        ///
        /// # Errors
        /// - [`Error::NotCandidate`]: call `Staking.validate` first.
        /// - [`Error::NoSuchAccount`]: the prover's kernel cannot pay an account that is not in the
        ///   state; send it some coins first.
        /// - [`Error::TooManyCoinbases`].
        ///
        /// # Events
        /// [`Event::CoinbaseSet`]. Keeps invariant 3. O(1).
        #[pallet::call_index(0)]
        pub fn set_coinbase(origin: OriginFor<T>, address: H160) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_set_coinbase(who, address)
        }

        /// Forgets the coinbase of `who`, so that its tips go to the default.
        ///
        /// # Origin
        /// Signed: by `who`, or by anybody once `who` is not bonded any more.
        ///
        /// # Errors
        /// - [`Error::StillBonded`], [`Error::NoCoinbase`].
        ///
        /// # Events
        /// [`Event::CoinbaseRemoved`]. O(1).
        #[pallet::call_index(1)]
        pub fn remove_coinbase(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
            let caller = ensure_signed(origin)?;
            Self::do_remove_coinbase(caller, who)
        }

        /// Sets how many slots in a row make a validator absent.
        ///
        /// # Origin
        /// Root.
        ///
        /// # Parameters
        /// - `limit`: at least 1. With n validators one of them is asked for every n-th slot.
        ///
        /// # Errors
        /// - [`Error::LimitIsZero`].
        ///
        /// # Events
        /// [`Event::MissedLimitSet`]. O(1).
        #[pallet::call_index(2)]
        pub fn set_missed_limit(origin: OriginFor<T>, limit: u32) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(limit > 0, Error::<T>::LimitIsZero);
            MissedLimit::<T>::put(limit);
            Self::deposit_event(Event::MissedLimitSet { limit });
            Ok(())
        }
    }
}
