//! Weights of `pallet_settlement`: upper estimates by hand, until `scripts/weights.sh settlement` has measured them.
//!
//! Derived from what the same script measured of our other pallets: a call that writes one small value takes 4 us, one
//! that reads and writes a few 35 us, one whose signature is verified 90 us.

#![cfg_attr(rustfmt, rustfmt_skip)]

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::ParityDbWeight, Weight},
};

/// What the calls and hooks cost.
pub trait WeightInfo {
    /// Weight of `on_block`.
    fn on_block() -> Weight;
    /// Weight of `record_proof`.
    fn record_proof() -> Weight;
    /// Weight of `authorize_record_proof`.
    fn authorize_record_proof() -> Weight;
    /// Weight of `certify`.
    fn certify() -> Weight;
    /// Weight of `settle`.
    fn settle() -> Weight;
    /// Weight of `forget_proof`.
    fn forget_proof() -> Weight;
    /// Weight of `set_limits`.
    fn set_limits() -> Weight;
}

/// Weights over the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    // Open, BatchLimits, BatchIds, System::Number, events; Open, BatchIds, two of Batches, events.
    fn on_block() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(5_u64))
            .saturating_add(T::DbWeight::get().writes(5_u64))
    }
    // Batches.
    fn record_proof() -> Weight {
        Weight::from_parts(40_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(1_u64))
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
    // Batches, Babe::Authorities, System::BlockHash; one sr25519 signature.
    fn authorize_record_proof() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(3_u64))
    }
    // Batches.
    fn certify() -> Weight {
        Weight::from_parts(30_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(1_u64))
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
    // Batches, BatchIds.
    fn settle() -> Weight {
        Weight::from_parts(35_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(2_u64))
            .saturating_add(T::DbWeight::get().writes(2_u64))
    }
    // Batches.
    fn forget_proof() -> Weight {
        Weight::from_parts(30_000_000, 0)
            .saturating_add(T::DbWeight::get().reads(1_u64))
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
    // BatchLimits.
    fn set_limits() -> Weight {
        Weight::from_parts(15_000_000, 0)
            .saturating_add(T::DbWeight::get().writes(1_u64))
    }
}

/// The same over ParityDB's costs, for tests.
impl WeightInfo for () {
    fn on_block() -> Weight {
        Weight::from_parts(60_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(5_u64))
            .saturating_add(ParityDbWeight::get().writes(5_u64))
    }
    fn record_proof() -> Weight {
        Weight::from_parts(40_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(1_u64))
            .saturating_add(ParityDbWeight::get().writes(1_u64))
    }
    fn authorize_record_proof() -> Weight {
        Weight::from_parts(120_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(3_u64))
    }
    fn certify() -> Weight {
        Weight::from_parts(30_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(1_u64))
            .saturating_add(ParityDbWeight::get().writes(1_u64))
    }
    fn settle() -> Weight {
        Weight::from_parts(35_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(2_u64))
            .saturating_add(ParityDbWeight::get().writes(2_u64))
    }
    fn forget_proof() -> Weight {
        Weight::from_parts(30_000_000, 0)
            .saturating_add(ParityDbWeight::get().reads(1_u64))
            .saturating_add(ParityDbWeight::get().writes(1_u64))
    }
    fn set_limits() -> Weight {
        Weight::from_parts(15_000_000, 0)
            .saturating_add(ParityDbWeight::get().writes(1_u64))
    }
}
