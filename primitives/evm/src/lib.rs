//! The execution profile: Ethereum's Cancun rules over revm as far as the prover's kernel has them,
//! and the block types around it.
//!
//! The pallet (wasm), the RPC (native) and the prover's witness all execute through this crate, so
//! they cannot disagree. [`execute::transact`] is the one place that runs a transaction.
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![warn(clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "tests stop at the first surprise"
    )
)]

extern crate alloc;

pub mod account;
pub mod base_fee;
pub mod block;
pub mod crypto;
pub mod execute;
pub mod instructions;
pub mod meter;
pub mod precompiles;
pub mod profile;
pub mod receipt;
pub mod trie;
pub mod tx;

pub use alloy_primitives as primitives;
pub use revm;
