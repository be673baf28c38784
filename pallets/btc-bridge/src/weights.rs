//! Weights of pallet-btc-bridge.
//!
//! NOT GENERATED YET: counted from storage operations and the curve and hash operations of a payout of 50
//! inputs (one recovery of 100 us per coin looked at, hashing of 50 signature digests in wasm). They stand
//! until `bitcoinzk benchmark pallet` has run on the reference machine and this file is its output.

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
    /// [`crate::Pallet::set_policy`].
    fn set_policy() -> Weight;
    /// [`crate::Pallet::halt`].
    fn halt() -> Weight;
    /// [`crate::Pallet::resume`].
    fn resume() -> Weight;
    /// A block in which nothing is done.
    fn idle() -> Weight;
    /// A payout is planned; what is looked at for one that cannot be is no more.
    fn plan() -> Weight;
    /// A payout is replaced.
    fn replace() -> Weight;
    /// Signatures are asked for once more.
    fn ask_again() -> Weight;
    /// The message that names the next key is asked for.
    fn hand_over() -> Weight;
    /// What is left of the old key is looked for, and the key is retired.
    fn retire() -> Weight;
}

/// Weights from the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

fn by_hand<Db: Get<RuntimeDbWeight>>(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
        .saturating_add(Db::get().reads_writes(reads, writes))
}

macro_rules! weights {
    ($db:ty) => {
        fn set_policy() -> Weight {
            by_hand::<$db>(20, 1, 1)
        }
        fn halt() -> Weight {
            by_hand::<$db>(20, 1, 1)
        }
        fn resume() -> Weight {
            by_hand::<$db>(20, 5, 1)
        }
        fn idle() -> Weight {
            by_hand::<$db>(20, 8, 0)
        }
        fn plan() -> Weight {
            by_hand::<$db>(60_000, 260, 130)
        }
        fn replace() -> Weight {
            by_hand::<$db>(30_000, 20, 10)
        }
        fn ask_again() -> Weight {
            by_hand::<$db>(20_000, 20, 10)
        }
        fn hand_over() -> Weight {
            by_hand::<$db>(1_000, 20, 10)
        }
        fn retire() -> Weight {
            by_hand::<$db>(1_000, 140, 5)
        }
    };
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    weights!(T::DbWeight);
}

/// Weights for tests.
impl WeightInfo for () {
    weights!(ParityDbWeight);
}
