//! The state transition function of the BitcoinZK chain.
//!
//! Two ledgers live side by side and never mix: BTC in the EVM (pallets `EVM` and `Ethereum`), which
//! pays for gas, and ZYRA in `Balances`, which is staked, votes, and pays for everything else.
//! Validators are elected by stake and author with BABE, finality is GRANDPA's, and referenda change
//! whatever the chain's parameters and code are.
#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benchmarks;

#[cfg(target_family = "wasm")]
mod allocator;
mod apis;
pub mod configs;
pub mod genesis;
pub mod governance;
pub mod opaque;
mod runtime;
pub mod units;
#[cfg(feature = "std")]
pub mod wasm;
pub mod weights;

#[cfg(feature = "std")]
pub use apis::{api::dispatch, RuntimeApi, RuntimeApiImpl};
pub use pallet_balances::AccountData;
pub use runtime::*;
#[cfg(feature = "std")]
pub use wasm::WASM_BINARY;

use alloc::{borrow::Cow, vec::Vec};
use frame_support::parameter_types;
use sp_runtime::{
    generic, impl_opaque_keys,
    traits::{BlakeTwo256, IdentifyAccount, Verify},
    MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

/// Signature of a Substrate extrinsic: sr25519, ed25519 or ECDSA.
pub type Signature = MultiSignature;

/// A Substrate account, which holds ZYRA. Ethereum accounts are separate and 20 bytes long.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;

/// How an extrinsic names an account.
pub type Address = MultiAddress<AccountId, ()>;

/// An amount of ZYRA in its smallest unit.
pub type Balance = u128;

/// Number of a Substrate block. Ethereum blocks have a counter of their own.
pub type BlockNumber = u32;

/// Number of extrinsics that an account has signed.
pub type Nonce = u32;

/// Hash of a Substrate block.
pub type Hash = sp_core::H256;

/// Header of a Substrate block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

/// A Substrate block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// What a signed extrinsic carries beside its call, checked from left to right.
pub type TxExtension = (
    frame_system::AuthorizeCall<Runtime>,
    frame_system::CheckNonZeroSender<Runtime>,
    frame_system::CheckSpecVersion<Runtime>,
    frame_system::CheckTxVersion<Runtime>,
    frame_system::CheckGenesis<Runtime>,
    frame_system::CheckEra<Runtime>,
    frame_system::CheckNonce<Runtime>,
    frame_system::CheckWeight<Runtime>,
    pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
    frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
    frame_system::WeightReclaim<Runtime>,
);

/// An extrinsic as it travels: a Substrate call, or an Ethereum transaction in `Ethereum.transact`.
pub type UncheckedExtrinsic =
    pallet_ethereum::UncheckedExtrinsic<Address, Signature, TxExtension, Runtime>;

/// What the signature of a Substrate extrinsic covers.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Runs blocks and extrinsics.
pub type Executive = frame_executive::Executive<
    Runtime,
    Block,
    frame_system::ChainContext<Runtime>,
    Runtime,
    AllPalletsWithSystem,
>;

impl_opaque_keys! {
    /// The keys with which an authority takes part in consensus.
    pub struct SessionKeys {
        /// Claims slots and signs blocks.
        pub babe: Babe,
        /// Votes on finality.
        pub grandpa: Grandpa,
    }
}

/// Names this runtime and its interfaces.
///
/// `spec_version` rises with every change of behaviour, `transaction_version` only when the encoding
/// of an extrinsic changes.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
    spec_name: Cow::Borrowed("bitcoinzk"),
    impl_name: Cow::Borrowed("bitcoinzk"),
    authoring_version: 1,
    spec_version: 2,
    impl_version: 1,
    apis: apis::RUNTIME_API_VERSIONS,
    transaction_version: 1,
    // Values lie in the nodes of Substrate's trie. From version 1 on those of 33 bytes or more have an entry of the
    // database each, though ours change together with their nodes: 15,000 changed keys of accounts and trie pages took
    // 565 ms to write, and take 352.
    system_version: 0,
};

parameter_types! {
    /// [`VERSION`] as a value that pallets can read.
    pub const Version: RuntimeVersion = VERSION;
}
