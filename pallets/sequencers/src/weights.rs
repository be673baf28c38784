//! Weights of pallet-sequencers.
//!
//! NOT GENERATED YET: counted from the storage operations of each call, with the time of similar
//! calls of pallet-session. They stand until `bitcoinzk benchmark pallet` has run `benchmarking.rs`
//! on the reference machine and this file is replaced by its output.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{
        constants::{ParityDbWeight, WEIGHT_REF_TIME_PER_MICROS},
        RuntimeDbWeight, Weight,
    },
};

/// Weights of the calls and hooks.
pub trait WeightInfo {
    /// [`crate::Pallet::set_coinbase`].
    fn set_coinbase() -> Weight;
    /// [`crate::Pallet::remove_coinbase`].
    fn remove_coinbase() -> Weight;
    /// [`crate::Pallet::set_missed_limit`].
    fn set_missed_limit() -> Weight;
    /// A block after `m` missed slots.
    fn note_slots(m: u32) -> Weight;
    /// The end of a session with `v` records; 0 in every other block.
    fn judge_session(v: u32) -> Weight;
}

/// Weights from the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn set_coinbase() -> Weight {
        by_hand::<T::DbWeight>(20, 4, 2)
    }
    fn remove_coinbase() -> Weight {
        by_hand::<T::DbWeight>(20, 3, 2)
    }
    fn set_missed_limit() -> Weight {
        by_hand::<T::DbWeight>(8, 0, 1)
    }
    fn note_slots(m: u32) -> Weight {
        let missed = u64::from(m).saturating_add(1);
        by_hand::<T::DbWeight>(missed.saturating_mul(5), missed.saturating_add(8), missed)
    }
    fn judge_session(v: u32) -> Weight {
        let records = u64::from(v);
        by_hand::<T::DbWeight>(
            records.saturating_mul(20).saturating_add(3),
            records.saturating_mul(6).saturating_add(3),
            records.saturating_mul(5).saturating_add(1),
        )
    }
}

/// Weights for tests.
impl WeightInfo for () {
    fn set_coinbase() -> Weight {
        by_hand::<ParityDbWeight>(20, 4, 2)
    }
    fn remove_coinbase() -> Weight {
        by_hand::<ParityDbWeight>(20, 3, 2)
    }
    fn set_missed_limit() -> Weight {
        by_hand::<ParityDbWeight>(8, 0, 1)
    }
    fn note_slots(m: u32) -> Weight {
        by_hand::<ParityDbWeight>(u64::from(m), 1, 1)
    }
    fn judge_session(v: u32) -> Weight {
        by_hand::<ParityDbWeight>(u64::from(v), 1, 1)
    }
}

fn by_hand<Db: Get<RuntimeDbWeight>>(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
        .saturating_add(Db::get().reads_writes(reads, writes))
}
