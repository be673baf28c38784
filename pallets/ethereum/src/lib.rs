//! # Ethereum
//!
//! Ethereum transactions as extrinsics, and Ethereum blocks made of them.
//!
//! A bare extrinsic `Ethereum.transact` carries a raw Ethereum transaction. [`UncheckedExtrinsic`]
//! decodes it and recovers its sender once; [`Pallet::validate`] gives it to the pool and
//! [`Pallet::transact`] executes it through pallet-evm. At the end of a Substrate block that had
//! transactions, or when the heartbeat is due, an Ethereum block is closed: a complete header of
//! Cancun's shape whose hash every Ethereum client computes alike. Other Substrate blocks close
//! none, because even an empty block costs minutes of proving.
//!
//! ## Invariants
//! After every Substrate block:
//! 1. [`CurrentBlock`] decodes, and [`Head`] and [`BlockHash`] name its number and hash.
//! 2. Its state root is that of pallet-evm, its transactions root, receipts root, bloom and gas
//!    used follow from its transactions and [`CurrentReceipts`].
//! 3. [`CurrentSenders`] are the signers of its transactions.
//! 4. [`NextBaseFee`] follows from it by EIP-1559.
//! 5. [`BlockHash`] holds the last 257 numbers and nothing else.
//! 6. [`Pending`] and [`Open`] are empty.
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

mod api;
mod apply;
mod block;
mod checked;
mod closed;
mod digest;
mod extrinsic;
mod genesis;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
pub mod limits;
mod logs;
mod origin;
mod pool;
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

pub use block::BLOCK_HASH_WINDOW;
pub use checked::CheckedExtrinsic;
pub use closed::{ClosedBlock, OnBlock};
pub use digest::{Hashes, ENGINE_ID};
pub use extrinsic::{GenericExtrinsic, UncheckedExtrinsic, MAX_DEPTH};
pub use logs::OnLogs;
pub use origin::{RawOrigin, RecoveredSender};
pub use pallet::*;
pub use pool::{invalid, tag_sender, tx_error, LONGEVITY_BLOCKS, MAX_NONCE_GAP};
pub use types::{
    ChainHead, OpenBlock, PendingTransaction, RawBlock, RawTransaction, Receipts, MAX_BLOCK_BYTES,
    MAX_TRANSACTION_BYTES,
};
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
    use bzk_evm::tx::TxError;
    use frame_support::{
        dispatch::{DispatchClass, Pays},
        pallet_prelude::*,
        traits::Time,
    };
    use frame_system::pallet_prelude::*;
    use sp_core::{H160, H256};
    use sp_runtime::traits::BadOrigin;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config:
        frame_system::Config<RuntimeOrigin: From<Origin> + Into<Result<Origin, OriginFor<Self>>>>
        + pallet_evm::Config
    {
        /// Chain id of Ethereum transactions; below 2^32.
        #[pallet::constant]
        type ChainId: Get<u64>;
        /// Time of the Substrate block in milliseconds, known before the first transaction.
        type Time: Time<Moment = u64>;
        /// Receiver of the tips of this Substrate block. The account must exist in the EVM,
        /// because the prover's kernel does not create it.
        type Coinbase: Get<H160>;
        /// Randomness of this Substrate block (`mixHash`, opcode PREVRANDAO).
        type Randomness: Get<H256>;
        /// Extra data of headers; `()` for none.
        type ExtraData: Get<BoundedVec<u8, ConstU32<32>>>;
        /// Hears the logs of closed blocks.
        type OnLogs: OnLogs;
        /// Hears of closed blocks.
        type OnBlock: OnBlock;
        /// Reference time per unit of gas beyond a plain transfer, in picoseconds.
        #[pallet::constant]
        type WeightPerGas: Get<u64>;
        /// Most transactions of an Ethereum block.
        #[pallet::constant]
        type MaxTransactions: Get<u32>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// Ethereum transactions and blocks.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// The newest Ethereum block, RLP-encoded. Written only when a block is closed.
    #[pallet::storage]
    pub type CurrentBlock<T: Config> = StorageValue<_, RawBlock, ValueQuery>;

    /// Receipts of [`CurrentBlock`], by index.
    #[pallet::storage]
    pub type CurrentReceipts<T: Config> = StorageValue<_, Receipts, ValueQuery>;

    /// Senders of the transactions of [`CurrentBlock`], by index.
    #[pallet::storage]
    pub type CurrentSenders<T: Config> =
        StorageValue<_, BoundedVec<H160, T::MaxTransactions>, ValueQuery>;

    /// What the next block needs to know of [`CurrentBlock`].
    #[pallet::storage]
    pub type Head<T: Config> = StorageValue<_, ChainHead, ValueQuery>;

    /// Hashes of the last [`BLOCK_HASH_WINDOW`] Ethereum blocks by number.
    // Twox: the chain counts the numbers, nobody can choose a key.
    #[pallet::storage]
    pub type BlockHash<T: Config> = StorageMap<_, Twox64Concat, u64, H256, ValueQuery>;

    /// Base fee of the next Ethereum block, in wei per gas.
    #[pallet::storage]
    pub type NextBaseFee<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Gas limit that headers move toward, by less than 1/1024 per block.
    #[pallet::storage]
    pub type BlockGasLimit<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Proving cost that a block may reach, in cycles of the prover's kernel.
    #[pallet::storage]
    pub type BlockCycleLimit<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Age of the newest block, in milliseconds, at which an empty one follows it.
    #[pallet::storage]
    pub type HeartbeatMs<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// The block that this Substrate block fills. Gone after it.
    #[pallet::storage]
    // It lives within a block and never reaches the database.
    #[pallet::whitelist_storage]
    pub type Open<T: Config> = StorageValue<_, OpenBlock>;

    /// Transactions of the open block, in order. Gone after the Substrate block.
    #[pallet::storage]
    // It lives within a block and never reaches the database.
    #[pallet::whitelist_storage]
    pub type Pending<T: Config> =
        StorageValue<_, BoundedVec<PendingTransaction, T::MaxTransactions>, ValueQuery>;

    /// The chain before its first block.
    #[pallet::genesis_config]
    pub struct GenesisConfig<T: Config> {
        /// Timestamp of block 0, in seconds since 1970.
        pub timestamp_s: u64,
        /// Base fee of block 0, in wei per gas.
        pub base_fee: u64,
        /// Gas limit of block 0, and the one that later headers keep.
        pub gas_limit: u64,
        /// Proving cost that a block may reach, in cycles of the prover's kernel.
        pub cycle_limit: u64,
        /// Age of the newest block, in milliseconds, at which an empty one follows it.
        pub heartbeat_ms: u64,
        /// The configuration has no other use of the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            genesis::build::<T>(self);
        }
    }

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An Ethereum block was closed.
        BlockClosed {
            /// Its number.
            number: u64,
            /// keccak-256 of its header.
            hash: H256,
            /// How many transactions it has.
            transactions: u32,
            /// Gas they used.
            gas_used: u64,
        },
        /// Headers now move toward another gas limit.
        BlockGasLimitSet {
            /// The limit.
            gas_limit: u64,
        },
        /// Blocks have another bound on proving cost.
        BlockCycleLimitSet {
            /// The bound, in kernel cycles.
            cycle_limit: u64,
        },
        /// Empty blocks come at another pace.
        HeartbeatSet {
            /// Age of the newest block at which an empty one follows it.
            heartbeat_ms: u64,
        },
    }

    /// Why a call fails.
    #[pallet::error]
    pub enum Error<T> {
        /// The Ethereum transaction must not be in this block; the code is that of
        /// `bzk_evm::tx::TxError`. Such a transaction is never included.
        Refused(u8),
        /// The value is outside its bounds.
        OutOfBounds,
    }

    impl<T> Error<T> {
        pub(crate) fn refused(error: TxError) -> Self {
            Self::Refused(error.code())
        }
    }

    /// The signer of the Ethereum transaction that is being applied.
    #[pallet::origin]
    pub type Origin = RawOrigin;

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            Self::open_block();
            // Closing an empty block comes in `on_finalize`; each transaction pays for its share.
            <T as Config>::WeightInfo::open_block()
                .saturating_add(<T as Config>::WeightInfo::close_block(0))
        }

        fn on_finalize(_: BlockNumberFor<T>) {
            Self::close_block();
        }

        fn integrity_test() {
            assert!(T::ChainId::get() <= limits::MAX_HEADER_FIELD, "chain id of 2^32 or more");
            assert!(T::MaxTransactions::get() > 0, "blocks without transactions");
            assert!(Self::max_gas_limit() >= limits::MIN_GAS_LIMIT, "no block gas limit fits");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }

    #[pallet::call(weight(<T as Config>::WeightInfo))]
    impl<T: Config> Pallet<T> {
        /// Executes an Ethereum transaction.
        ///
        /// # Origin
        /// [`RawOrigin::EthereumTransaction`], which only [`UncheckedExtrinsic`] makes: send the
        /// call as a bare extrinsic. No other origin can, root included.
        ///
        /// # Parameters
        /// - `raw`: an EIP-2718 envelope of type 1 or 2, or a legacy RLP list.
        ///
        /// # Errors
        /// - [`DispatchError::Exhausted`]: it does not fit this block, the next one may hold it.
        /// - [`Error::Refused`]: it is invalid in this state.
        ///
        /// With either the extrinsic is invalid and not included. A transaction that fails inside
        /// the EVM is no error: it pays for its gas and its receipt says so.
        #[pallet::call_index(0)]
        #[pallet::weight((Pallet::<T>::weight_of_call(raw), DispatchClass::Normal, Pays::No))]
        pub fn transact(origin: OriginFor<T>, raw: RawTransaction) -> DispatchResultWithPostInfo {
            let origin: Origin = Into::<Result<_, _>>::into(origin).map_err(|_| BadOrigin)?;
            let transaction = origin.into_transaction().ok_or(BadOrigin)?;
            Self::execute(&transaction, raw)
        }

        /// Sets the gas limit that headers move toward.
        ///
        /// # Origin
        /// Root.
        ///
        /// # Parameters
        /// - `gas_limit`: at least 5,000 and at most [`Pallet::max_gas_limit`]. A header differs from
        ///   its parent by less than 1/1024, so doubling takes about 700 blocks.
        ///
        /// # Errors
        /// - [`Error::OutOfBounds`].
        ///
        /// # Events
        /// [`Event::BlockGasLimitSet`].
        #[pallet::call_index(1)]
        pub fn set_block_gas_limit(origin: OriginFor<T>, gas_limit: u64) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(Self::is_gas_limit(gas_limit), Error::<T>::OutOfBounds);
            BlockGasLimit::<T>::put(gas_limit);
            Self::deposit_event(Event::BlockGasLimitSet { gas_limit });
            Ok(())
        }

        /// Sets the proving cost that a block may reach, from the next block on.
        ///
        /// # Origin
        /// Root.
        ///
        /// # Parameters
        /// - `cycle_limit`: kernel cycles, from [`limits::MIN_BLOCK_CYCLES`] to
        ///   [`limits::MAX_BLOCK_CYCLES`].
        ///
        /// # Errors
        /// - [`Error::OutOfBounds`].
        ///
        /// # Events
        /// [`Event::BlockCycleLimitSet`].
        #[pallet::call_index(2)]
        pub fn set_block_cycle_limit(origin: OriginFor<T>, cycle_limit: u64) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(limits::is_cycle_limit(cycle_limit), Error::<T>::OutOfBounds);
            BlockCycleLimit::<T>::put(cycle_limit);
            Self::deposit_event(Event::BlockCycleLimitSet { cycle_limit });
            Ok(())
        }

        /// Sets the age of the newest block at which an empty one follows it.
        ///
        /// # Origin
        /// Root.
        ///
        /// # Parameters
        /// - `heartbeat_ms`: from a second to a day.
        ///
        /// # Errors
        /// - [`Error::OutOfBounds`].
        ///
        /// # Events
        /// [`Event::HeartbeatSet`].
        #[pallet::call_index(3)]
        pub fn set_heartbeat(origin: OriginFor<T>, heartbeat_ms: u64) -> DispatchResult {
            ensure_root(origin)?;
            ensure!(limits::is_heartbeat(heartbeat_ms), Error::<T>::OutOfBounds);
            HeartbeatMs::<T>::put(heartbeat_ms);
            Self::deposit_event(Event::HeartbeatSet { heartbeat_ms });
            Ok(())
        }
    }
}
