//! # EVM
//!
//! The Ethereum ledger: accounts, code, storage and the state trie over them. It executes one
//! transaction at a time for pallet-ethereum and folds what changed into the trie once per
//! Ethereum block.
//!
//! There are no side doors: no dispatchables, no existential deposit, no reaping, no fee taken by
//! Substrate. The ledger changes only through [`Pallet::transact`], which runs an ordinary
//! Ethereum transaction, so every block can be re-executed and proven by anybody.
//!
//! Each value lives twice: flat (`Accounts`, `AccountCodes`, `AccountStorages`) for reads during
//! execution, and in the nodes of the Ethereum trie (`TriePages`) for the state root and proofs.
//!
//! ## Invariants
//! After [`Pallet::commit`], and so after every Substrate block:
//! 1. [`StateRoot`] is the root of the Ethereum state trie over [`Accounts`].
//! 2. `storage_root` of each account is the root of the trie over its [`AccountStorages`].
//! 3. Code belongs to an account with its hash, and every account with a code hash has its code.
//! 4. A storage slot belongs to an account and is not zero.
//! 5. [`TriePages`] holds exactly the nodes of these tries, nothing stale.
//! 6. [`Dirty`] and [`Touched`] are empty.
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

mod call;
mod changes;
mod commit;
mod database;
#[allow(clippy::expect_used, clippy::panic, reason = "a genesis, not a block")]
mod genesis;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod page_store;
mod touched;
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

pub use database::CodeMissing;
pub use pallet::*;
pub use touched::{FirstChanges, TOUCHED_BYTES};
pub use types::{
    BlockHashes, DirtyAccount, GenesisAccount, TrieKey, MAX_DELETABLE_SLOTS, MAX_DIRTY,
};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use bzk_evm::{
    account::Account,
    execute::{self, BlockEnvironment, ExecuteError, Outcome},
    revm::context::TxEnv,
    tx::RecoveredTx,
};
use database::FlatState;
use sp_core::{H160, H256};

/// The pallet's storage and configuration.
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
    use alloc::collections::BTreeMap;
    use bzk_evm::{account::EMPTY_ROOT, profile::MAX_CODE_SIZE, trie::pages::Page};
    use frame_support::pallet_prelude::*;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Hashes of earlier Ethereum blocks, for the opcode BLOCKHASH.
        type BlockHashes: BlockHashes;
        /// Weights of the work done in hooks of other pallets.
        type WeightInfo: WeightInfo;
    }

    /// The EVM ledger.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Nonce, balance, code hash and storage root of each account.
    // Blake2: anybody can choose addresses.
    #[pallet::storage]
    pub type Accounts<T: Config> = StorageMap<_, Blake2_128Concat, H160, Account>;

    /// Code of each contract.
    #[pallet::storage]
    pub type AccountCodes<T: Config> =
        StorageMap<_, Blake2_128Concat, H160, BoundedVec<u8, ConstU32<{ MAX_CODE_SIZE as u32 }>>>;

    /// Storage slots that are not zero.
    #[pallet::storage]
    pub type AccountStorages<T: Config> =
        StorageDoubleMap<_, Blake2_128Concat, H160, Blake2_128Concat, H256, H256>;

    /// Nodes of the state trie and the storage tries, in place by path; leaves lie on the page of the branch above.
    // Identity: paths start with keccak hashes and are as long as the tries are deep, so nobody
    // can unbalance Substrate's trie more than Ethereum's.
    #[pallet::storage]
    pub type TriePages<T: Config> = StorageMap<_, Identity, TrieKey, Page>;

    /// The value of [`StateRoot`] before there is any account.
    #[pallet::type_value]
    pub fn EmptyRoot() -> H256 {
        EMPTY_ROOT
    }

    /// Root of the state trie as of the last Ethereum block.
    #[pallet::storage]
    pub type StateRoot<T: Config> = StorageValue<_, H256, ValueQuery, EmptyRoot>;

    /// What the transactions since the last commit changed, one entry per transaction. Only keys:
    /// the values are read from the flat maps when the block is closed.
    #[pallet::storage]
    // It lives within a block and never reaches the database.
    #[pallet::whitelist_storage]
    pub type Dirty<T: Config> = StorageValue<
        _,
        BoundedVec<BoundedVec<DirtyAccount, ConstU32<MAX_DIRTY>>, ConstU32<MAX_DIRTY>>,
        ValueQuery,
    >;

    /// Bits of the keys in [`Dirty`]; see `touched.rs`.
    #[pallet::storage]
    // It lives within a block and never reaches the database.
    #[pallet::whitelist_storage]
    pub type Touched<T: Config> =
        StorageValue<_, BoundedVec<u8, ConstU32<TOUCHED_BYTES>>, ValueQuery>;

    /// Accounts that exist before the first block.
    #[pallet::genesis_config]
    #[derive(frame_support::DefaultNoBound)]
    pub struct GenesisConfig<T: Config> {
        /// Accounts by address.
        pub accounts: BTreeMap<H160, GenesisAccount>,
        /// The configuration has no other use of the runtime.
        #[serde(skip)]
        pub _config: core::marker::PhantomData<T>,
    }

    #[pallet::genesis_build]
    impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
        fn build(&self) {
            genesis::build::<T>(&self.accounts);
        }
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<frame_system::pallet_prelude::BlockNumberFor<T>> for Pallet<T> {
        #[cfg(feature = "try-runtime")]
        fn try_state(
            _: frame_system::pallet_prelude::BlockNumberFor<T>,
        ) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }
}

impl<T: Config> Pallet<T> {
    /// Executes `tx` in `block`, writes what it changed to the flat maps and remembers the keys
    /// for [`Self::commit`]. Tells which of them no earlier transaction of the block had changed: their
    /// weight is a part of [`WeightInfo::commit`].
    ///
    /// # Errors
    /// The transaction is invalid in this state, or would cost more than `max_cycles` to prove.
    /// Nothing is written then.
    pub fn transact(
        block: &BlockEnvironment,
        tx: &RecoveredTx,
        max_cycles: u64,
    ) -> Result<(Outcome, FirstChanges), ExecuteError<CodeMissing>> {
        let mut db = FlatState::<T>::default();
        let cfg = bzk_evm::profile::cfg(block.chain_id);
        let outcome = execute::transact(&mut db, block, cfg, bzk_evm::tx::tx_env(tx), max_cycles)?;
        let dirty = changes::apply::<T>(db.into_loaded(), &outcome.state);
        Ok((outcome, touched::mark::<T>(&block.prev_randao, &dirty)))
    }

    /// Executes `tx` without writing anything, under the relaxed rules of `eth_call`: nonce,
    /// base fee and sender code are not checked.
    ///
    /// # Errors
    /// The call is invalid all the same, for example for lack of gas or value.
    pub fn call(
        block: &BlockEnvironment,
        tx: TxEnv,
        max_cycles: u64,
    ) -> Result<Outcome, ExecuteError<CodeMissing>> {
        call::call::<T>(block, tx, max_cycles)
    }

    /// Brings the tries up to date with the flat maps and returns the new state root. Called once
    /// per Ethereum block; the work is in proportion to the keys that changed since the last time.
    pub fn commit() -> H256 {
        commit::commit::<T>()
    }

    /// The state root as of the last [`Self::commit`].
    pub fn state_root() -> H256 {
        StateRoot::<T>::get()
    }

    /// The account at `address`, an empty one if there is none.
    pub fn account(address: H160) -> Account {
        Accounts::<T>::get(address).unwrap_or_default()
    }

    /// Whether the state has an account at `address`.
    pub fn exists(address: H160) -> bool {
        Accounts::<T>::contains_key(address)
    }

    /// The code at `address`, empty if there is none.
    pub fn code(address: H160) -> Vec<u8> {
        AccountCodes::<T>::get(address).map(Into::into).unwrap_or_default()
    }

    /// The storage of `address` at `slot`, zero if it was never set.
    pub fn storage(address: H160, slot: H256) -> H256 {
        AccountStorages::<T>::get(address, slot).unwrap_or_default()
    }

    /// Checks every invariant of the pallet by rebuilding the tries from the flat maps.
    ///
    /// # Errors
    /// Names the invariant that does not hold.
    #[cfg(any(feature = "std", feature = "try-runtime"))]
    pub fn check_state() -> Result<(), sp_runtime::TryRuntimeError> {
        invariants::check::<T>()
    }
}
