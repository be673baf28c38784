//! # BTC bridge
//!
//! What the committee holds and pays: it follows the logs of the bridge contract, plans payouts, has them
//! signed, and watches that the coins cover what circulates.
//!
//! The contract is the ledger of who owns what; this pallet never changes it. A deposit that the contract
//! has released is a coin here. A withdrawal that it has locked is paid by a batch: a Bitcoin transaction
//! that every node builds the same, of coins of one epoch. The committee's signatures stand in storage, so
//! that anybody can broadcast; that it was paid comes back as a log when somebody has proven it to the
//! contract. A payout that stays in the mempool gets another version with the same inputs and payments and
//! a higher fee, so at most one version can ever be in the chain. Once one is settled, nothing more is
//! signed for that payout.
//!
//! What a first version pays follows the median of the fee rates that the members' Bitcoin nodes estimate;
//! the members report them by feeless messages, as they send those of pallet-threshold.
//!
//! Coins that must be spent soon, and what is left of an old key, are swept when no withdrawal needs them: by
//! transactions that are replaced as payouts are, and whose outputs are coins once they are proven.
//!
//! Logs come when an Ethereum block is closed, once and in order; a block that is not final can be undone
//! with all that this pallet made of it, and signers look at final blocks only.
//!
//! ## Invariants
//! 1. Each outpoint is in [`Coins`] or an input of one of [`Batches`] that is not settled, once at most.
//! 2. [`Backing`] is the sum of those coins.
//! 3. A withdrawal with a batch is in that batch, and in no other.
//! 4. Every session in [`Requests`] is of a version without signatures, of a payout that is not settled.
//! 5. All versions of a batch have the same inputs, payments and data output.
//! 6. [`FeeReports`] are of members of the newest committee, one each, in their order.
//! 7. [`PaidAhead`] is the sum of the withdrawals of settled batches that the contract has not closed.
//! 8. [`Parked`] has withdrawals without a batch, in the order of what they offer.
//! 9. No withdrawal is in both [`Withdrawals`] and [`Reopened`].
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

mod abi;
#[cfg(feature = "runtime-benchmarks")]
#[allow(clippy::arithmetic_side_effects, reason = "of constants, and never in a block")]
pub mod benchmarking;
mod fees;
mod follow;
mod handover;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod line;
mod payouts;
mod solvency;
mod sweeps;
mod types;
mod view;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use types::{
    Batch, CoinKey, ContractState, Halt, Handover, ParkedKey, Policy, StoredCoin, StoredWithdrawal,
    Version, MAX_BATCH, MAX_INPUTS, MAX_PAYOUT_BYTES, MAX_SCRIPT_BYTES, MAX_VERSIONS,
};
pub use weights::WeightInfo;

/// Keys that can sign at a time, as pallet-threshold has them.
pub const MAX_LIVE_KEYS: u32 = 2;

/// Bitcoin blocks for which a settled batch is remembered: a deeper reorganisation halts the bridge.
pub const KEEP_BLOCKS: u32 = 144;

/// Settled batches that are remembered at most.
pub const MAX_CLOSING: u32 = 512;

/// Payouts and sweeps that are not settled at most. New ones take 72 of the places; the others are kept for those that
/// come back by a reorganisation.
pub const MAX_OPEN: u32 = 128;

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
    use bzk_threshold::{
        committee::{Member, MAX_MEMBERS},
        envelope::Envelope,
        fee::FeeReport,
        service::{Members, SigningService},
    };
    use frame_support::pallet_prelude::*;
    use frame_system::{ensure_authorized, pallet_prelude::*};
    use sp_core::H160;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Signs with the keys of the committee.
        type Signing: SigningService;
        /// Knows the committee.
        type Members: Members;
        /// Reads the contracts' storage.
        type Contracts: ContractState;
        /// Changes the policy, stops and resumes.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Chain id of Ethereum transactions.
        #[pallet::constant]
        type ChainId: Get<u64>;
        /// The bridge contract.
        #[pallet::constant]
        type Bridge: Get<H160>;
        /// The contract that follows Bitcoin's headers.
        #[pallet::constant]
        type Relay: Get<H160>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
        /// Prepares what is measured.
        #[cfg(feature = "runtime-benchmarks")]
        type Benchmark: benchmarking::Prepare;
    }

    /// Custody of the bridged BTC.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Coins that no payout spends, by epoch of their key, in the order in which payouts take them. Bounded
    /// by money: a deposit has the contract's `minDeposit` at least, and change is split no more once there are
    /// about 16 coins.
    // Twox: the chain counts the epochs. Identity: sorts; who wants long common prefixes has to deposit the
    // same amount at the same height and grind transaction ids.
    #[pallet::storage]
    pub type Coins<T: Config> =
        StorageDoubleMap<_, Twox64Concat, u32, Identity, CoinKey, StoredCoin>;

    /// Sum of all coins, those in payouts that are not settled included, in sats.
    #[pallet::storage]
    pub type Backing<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// What coins have cost that no withdrawal paid for, in sats: fees of sweeps, what the versions of payouts in
    /// Bitcoin's chain pay above what was charged for them, and coins that were given up. Payouts that cost less than
    /// was charged make up for it.
    #[pallet::storage]
    pub type SweepFees<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// What payouts in Bitcoin's chain pay and the contract has yet to settle, in sats.
    #[pallet::storage]
    pub type PaidAhead<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Withdrawals that are not settled for good, by the contract's number. Bounded by money: each locks
    /// Bitcoin's dust limit at least, of what the contract lets flow out.
    // Twox: the contract counts them.
    #[pallet::storage]
    pub type Withdrawals<T: Config> = StorageMap<_, Twox64Concat, u64, StoredWithdrawal>;

    /// Withdrawals that the contract has reopened after they were forgotten here, with the Bitcoin height at which it
    /// did. The contract itself has only a hash, which does not tell. Bounded by money, as [`Withdrawals`] are.
    // Twox: the contract counts them.
    #[pallet::storage]
    pub type Reopened<T: Config> = StorageMap<_, Twox64Concat, u64, u32>;

    /// Withdrawals without a batch, by their place in the line. Some may have left it. Bounded by money, as
    /// [`Withdrawals`] are.
    // Twox: the chain counts the places.
    #[pallet::storage]
    pub type Line<T: Config> = StorageMap<_, Twox64Concat, u64, u64>;

    /// First place of [`Line`], and the one after its last.
    #[pallet::storage]
    pub type LineEnds<T: Config> = StorageValue<_, (u64, u64), ValueQuery>;

    /// Withdrawals that no payout can pay before fees fall. Bounded by money, as [`Withdrawals`] are.
    // Identity: sorts; who wants long common prefixes has to lock BTC for each.
    #[pallet::storage]
    pub type Parked<T: Config> = StorageMap<_, Identity, ParkedKey, ()>;

    /// L2 block since which the first in the line has been waiting.
    #[pallet::storage]
    pub type WaitingSince<T: Config> = StorageValue<_, BlockNumberFor<T>>;

    /// Number of the next batch.
    #[pallet::storage]
    pub type NextBatch<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Payouts that are not settled for good.
    // Twox: the chain counts the batches.
    #[pallet::storage]
    pub type Batches<T: Config> = CountedStorageMap<_, Twox64Concat, u64, Batch>;

    /// Payouts that are not settled, oldest first.
    #[pallet::storage]
    pub type OpenBatches<T: Config> =
        StorageValue<_, BoundedVec<u64, ConstU32<MAX_OPEN>>, ValueQuery>;

    /// How many of [`OpenBatches`] are sweeps.
    #[pallet::storage]
    pub type OpenSweeps<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Versions of payouts.
    // Twox: as above.
    #[pallet::storage]
    pub type Versions<T: Config> =
        StorageDoubleMap<_, Twox64Concat, u64, Twox64Concat, u32, Version>;

    /// The version of a batch that a signing session is for: as many as there are sessions at most.
    // Twox: the chain counts the sessions.
    #[pallet::storage]
    pub type Requests<T: Config> = StorageMap<_, Twox64Concat, u64, (u64, u32)>;

    /// Sessions that nothing waits for any more, to be ended.
    #[pallet::storage]
    pub type Dropped<T: Config> = StorageValue<_, BoundedVec<u64, ConstU32<64>>, ValueQuery>;

    /// Settled batches with the Bitcoin height of their settlement, oldest first.
    #[pallet::storage]
    pub type Closing<T: Config> =
        StorageValue<_, BoundedVec<(u64, u32), ConstU32<MAX_CLOSING>>, ValueQuery>;

    /// Epoch of the committee's key for each epoch of the contract whose key is not retired: as many as
    /// [`MAX_LIVE_KEYS`] at most.
    // Twox: the contract counts its epochs.
    #[pallet::storage]
    pub type Epochs<T: Config> = StorageMap<_, Twox64Concat, u32, u32>;

    /// Epochs of the committee's keys that can sign, oldest first.
    #[pallet::storage]
    pub type LiveEpochs<T: Config> =
        StorageValue<_, BoundedVec<u32, ConstU32<MAX_LIVE_KEYS>>, ValueQuery>;

    /// Last Bitcoin height at which a deposit to the key of an epoch of the contract counts, and the last one
    /// at which it can be claimed. Removed when the key is retired.
    // Twox: the contract counts its epochs.
    #[pallet::storage]
    pub type ClosesAt<T: Config> = StorageMap<_, Twox64Concat, u32, (u32, u32)>;

    /// The message that names the next key, until the contract has it.
    #[pallet::storage]
    pub type PendingHandover<T: Config> = StorageValue<_, Handover>;

    /// Height of Bitcoin's chain as the relay contract has it.
    #[pallet::storage]
    pub type BitcoinHeight<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// There is a new Bitcoin block, so the books are to be checked.
    #[pallet::storage]
    pub type CheckDue<T: Config> = StorageValue<_, (), OptionQuery>;

    /// Why nothing is signed now: the first reason, or the first one after a deficit.
    #[pallet::storage]
    pub type Halted<T: Config> = StorageValue<_, Halt>;

    /// The newest fee report of each member of the newest committee, by member.
    #[pallet::storage]
    pub type FeeReports<T: Config> =
        StorageValue<_, BoundedVec<(Member, FeeReport), ConstU32<MAX_MEMBERS>>, ValueQuery>;

    /// Fee rate of payouts by the reports, in sats per 1,000 vbytes, and the period in which enough of them
    /// counted the last time.
    #[pallet::storage]
    pub type ReportedRate<T: Config> = StorageValue<_, (u32, u32)>;

    /// What governance has set.
    #[pallet::storage]
    pub type CurrentPolicy<T: Config> = StorageValue<_, Policy, ValueQuery>;

    /// The policy to begin with.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// L2 blocks that a withdrawal waits for others at most.
        pub batch_blocks: u32,
        /// Bitcoin blocks after which a payout that is not confirmed is replaced.
        pub bump_blocks: u32,
        /// Fee rate of payouts, in sats per vbyte, while too few members report one.
        pub sats_per_vbyte: u32,
        /// The configuration has no other use of the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    impl<T: Config> Default for GenesisConfig<T> {
        fn default() -> Self {
            let Policy { batch_blocks, bump_blocks, sats_per_vbyte } = Policy::default();
            let _config = core::marker::PhantomData;
            Self { batch_blocks, bump_blocks, sats_per_vbyte, _config }
        }
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            let Self { batch_blocks, bump_blocks, sats_per_vbyte, _config } = *self;
            CurrentPolicy::<T>::put(Policy { batch_blocks, bump_blocks, sats_per_vbyte });
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// The contract has released a deposit: its output is a coin of the committee.
        CoinReceived {
            /// Its transaction, in internal byte order.
            txid: [u8; 32],
            /// Its output.
            vout: u32,
            /// Its amount.
            sats: u64,
        },
        /// A coin is gone from Bitcoin's chain.
        CoinLost {
            /// Its transaction, in internal byte order.
            txid: [u8; 32],
            /// Its output.
            vout: u32,
            /// Its amount.
            sats: u64,
        },
        /// A withdrawal waits for a payout.
        WithdrawalQueued {
            /// The contract's number of it.
            id: u64,
        },
        /// A payout is to be signed.
        PayoutPlanned {
            /// The batch.
            batch: u64,
            /// The version.
            version: u32,
            /// Its transaction, in internal byte order.
            txid: [u8; 32],
        },
        /// A payout can be broadcast.
        PayoutSigned {
            /// The batch.
            batch: u64,
            /// The version.
            version: u32,
        },
        /// A payout is in Bitcoin's chain.
        PayoutSettled {
            /// The batch.
            batch: u64,
            /// The version.
            version: u32,
        },
        /// A transaction that only pays the committee is in Bitcoin's chain.
        CoinsSwept {
            /// The batch.
            batch: u64,
            /// Its fee, in sats.
            fee: u64,
        },
        /// A coin is left where it is: to move it would cost more than it holds, and it can wait no longer.
        CoinGivenUp {
            /// Its transaction, in internal byte order.
            txid: [u8; 32],
            /// Its output.
            vout: u32,
            /// Its amount.
            sats: u64,
        },
        /// The block of a payout has left Bitcoin's chain: it is broadcast again.
        PayoutReopened {
            /// The batch.
            batch: u64,
        },
        /// A withdrawal was given back although a payout of it may be signed.
        UnlockedInBatch {
            /// The withdrawal.
            id: u64,
            /// The batch.
            batch: u64,
        },
        /// The old key has named the next one: the message can be sent to the contract.
        HandoverSigned {
            /// The next group key, x-only.
            next_key: [u8; 32],
        },
        /// There is a reason to sign nothing; also when there was one already.
        Halted {
            /// The reason.
            reason: Halt,
        },
        /// Signing goes on.
        Resumed,
        /// Payouts pay another fee rate from now on.
        FeeRateChanged {
            /// The new one, in sats per 1,000 vbytes.
            sat_per_kvb: u32,
        },
        /// The policy has changed.
        PolicySet {
            /// The new one.
            policy: Policy,
        },
    }

    /// Why a call fails.
    #[pallet::error]
    pub enum Error<T> {
        /// A rate of 2 to 1,000 sats per vbyte and waits of at least one block are needed.
        BadPolicy,
        /// The cause is still there: deposits or coins are missing.
        CauseRemains,
        /// There is no such coin, or the payout that spends it is settled.
        NoSuchCoin,
        /// Coins are struck off only while nothing is signed.
        NotHalted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            let mut weight = Weight::zero();
            if Self::period_begins(now) {
                Self::update_rate(now);
                weight = T::WeightInfo::update_rate();
            }
            weight.saturating_add(Self::work(now))
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Sets when payouts are made and what they pay.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Errors
        /// [`Error::BadPolicy`].
        ///
        /// # Events
        /// [`Event::PolicySet`].
        #[pallet::call_index(0)]
        pub fn set_policy(origin: OriginFor<T>, policy: Policy) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            let Policy { batch_blocks, bump_blocks, sats_per_vbyte } = policy;
            let sound =
                batch_blocks > 0 && bump_blocks > 0 && (2..=1_000).contains(&sats_per_vbyte);
            ensure!(sound, Error::<T>::BadPolicy);
            CurrentPolicy::<T>::put(policy);
            Self::deposit_event(Event::PolicySet { policy });
            Ok(())
        }

        /// Stops signing.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Events
        /// [`Event::Halted`].
        #[pallet::call_index(1)]
        pub fn halt(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::stop(Halt::Ordered);
            Ok(())
        }

        /// Lets signing go on once the cause of the halt is gone.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Errors
        /// [`Error::CauseRemains`].
        ///
        /// # Events
        /// [`Event::Resumed`].
        #[pallet::call_index(2)]
        pub fn resume(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_resume()
        }

        /// Strikes a coin off that Bitcoin does not have any more: a claimed deposit whose block has left the
        /// chain and whose owner has spent it otherwise, or one that went by its refund path. Somebody makes up for
        /// it: by the contract's `cover`, which takes no more than a deficit; where there is none, by a withdrawal
        /// that he pays himself, with other coins, and settles while nothing is signed.
        ///
        /// A payout or sweep that spends the coin and is not settled ends: its other coins are free, and its
        /// withdrawals wait for another payout. What took the coin must be in Bitcoin's chain for good: a version of
        /// the payout that is mined all the same pays those withdrawals twice.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Parameters
        /// - `epoch`, `key`: where it is in [`Coins`], or was before the payout or sweep.
        ///
        /// # Errors
        /// [`Error::NoSuchCoin`]; [`Error::NotHalted`].
        ///
        /// # Events
        /// [`Event::CoinLost`]; [`Event::WithdrawalQueued`] for each withdrawal that waits again.
        #[pallet::call_index(3)]
        // Open batches are looked through: the coins, versions and requests of one, and what counts them; then each
        // withdrawal with its place in the line.
        #[pallet::weight(<T as Config>::WeightInfo::write_off().saturating_add(
            T::DbWeight::get().reads_writes(
                u64::from(MAX_OPEN) + 32 + 6 * u64::from(MAX_BATCH),
                u64::from(MAX_INPUTS) + 64 + 5 * u64::from(MAX_BATCH),
            )
        ))]
        pub fn write_off(origin: OriginFor<T>, epoch: u32, key: CoinKey) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_write_off(epoch, key)
        }

        /// What a member's Bitcoin node estimates that a payout should pay.
        ///
        /// # Origin
        /// Authorised by the signature of the envelope: send the call as a general transaction.
        ///
        /// # Parameters
        /// - `envelope`: sealed by a member of the newest committee in [`FeeReport::context`], at most once per
        ///   period of [`PERIOD_BLOCKS`](bzk_threshold::fee::PERIOD_BLOCKS); at most 1,000 sats per vbyte.
        ///
        /// # Errors
        /// None: what is not expected is never included.
        #[pallet::call_index(4)]
        #[pallet::weight((
            <T as Config>::WeightInfo::report_fee_rate(),
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_fee_report)]
        #[pallet::weight_of_authorize(<T as Config>::WeightInfo::authorize_fee_report())]
        pub fn report_fee_rate(
            origin: OriginFor<T>,
            envelope: Envelope<FeeReport>,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::do_report_fee_rate(envelope.sender, envelope.message)
        }
    }
}
