//! Weights of pallet-evm.
//!
//! NOT GENERATED YET. The figures below were derived by hand from the storage operations of
//! `commit.rs` and one rough timing each; they stand until `frame-benchmarking` has run
//! `benchmarking.rs` on the reference machine and this file is replaced by its output.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, Weight},
};

/// Weights that other pallets charge for work done here.
pub trait WeightInfo {
    /// [`crate::Pallet::commit`] of `a` changed accounts and `s` changed slots.
    fn commit(a: u32, s: u32) -> Weight;
}

/// Trie nodes that a change reads and writes, for a trie of about a million leaves (16^5).
const NODES_PER_CHANGE: u64 = 6;

/// Keccak, RLP and decoding of these nodes in wasm. By hand, not measured.
const MICROS_PER_CHANGE: u64 = 30;

/// Weights from the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    fn commit(a: u32, s: u32) -> Weight {
        by_hand::<T::DbWeight>(a, s)
    }
}

/// Weights for tests.
impl WeightInfo for () {
    fn commit(a: u32, s: u32) -> Weight {
        by_hand::<frame_support::weights::constants::ParityDbWeight>(a, s)
    }
}

fn by_hand<Db: Get<frame_support::weights::RuntimeDbWeight>>(a: u32, s: u32) -> Weight {
    let changes = u64::from(a).saturating_add(u64::from(s));
    // Each change reads its flat value and its path of nodes and writes the path back; `Dirty` and
    // `StateRoot` are read and written once.
    let reads = changes.saturating_mul(NODES_PER_CHANGE.saturating_add(1)).saturating_add(2);
    let writes = changes.saturating_mul(NODES_PER_CHANGE).saturating_add(2);
    let time = changes.saturating_mul(MICROS_PER_CHANGE.saturating_mul(WEIGHT_REF_TIME_PER_MICROS));
    Weight::from_parts(time, 0).saturating_add(Db::get().reads_writes(reads, writes))
}
