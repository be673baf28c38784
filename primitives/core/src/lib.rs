//! Amounts and chain constants with their units.
#![cfg_attr(not(feature = "std"), no_std)]

mod amount;

pub use amount::{Sats, Wei};

/// EIP-155 chain id. The prover's kernel needs it below 2^32.
pub const CHAIN_ID: u64 = 97_304;

/// One satoshi in wei: BTC has 8 decimals on Bitcoin and 18 in the EVM.
pub const WEI_PER_SAT: u64 = 10_000_000_000;

/// All the satoshis that can ever exist (21 million BTC).
pub const MAX_SATS: u64 = 2_100_000_000_000_000;
