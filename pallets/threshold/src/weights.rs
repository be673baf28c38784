//! Weights of pallet-threshold.
//!
//! NOT GENERATED YET. The figures below were derived by hand: a multiplication of a point of
//! secp256k1 in wasm is put at 500 us and the decoding of a point at 100 us (`research/bridge.md` §2:
//! about 1 ms for a verification), a recovery by the host at 100 us. They stand until
//! `frame-benchmarking` has run on the reference machine and this file is replaced by its output.

use core::marker::PhantomData;
use frame_support::{
    traits::Get,
    weights::{constants::WEIGHT_REF_TIME_PER_MICROS, RuntimeDbWeight, Weight},
};

/// Weights of the calls and hooks.
pub trait WeightInfo {
    /// [`crate::Pallet::register`].
    fn register() -> Weight;
    /// [`crate::Pallet::leave`].
    fn leave() -> Weight;
    /// [`crate::Pallet::return_bond`].
    fn return_bond() -> Weight;
    /// [`crate::Pallet::rotate`].
    fn rotate() -> Weight;
    /// [`crate::Pallet::dkg`] in a committee of `n`: the dearest message, a complaint.
    fn dkg(n: u32) -> Weight;
    /// [`crate::Pallet::sign`] in a committee of `n`: the dearest message, a report.
    fn sign(n: u32) -> Weight;
    /// Checks of a message before it is applied.
    fn authorize() -> Weight;
    /// [`crate::Pallet::complete`] with `k` signatures.
    fn complete(k: u32) -> Weight;
    /// The hook, when `d` deadlines are due.
    fn deadlines(d: u32) -> Weight;
}

/// Multiplication of a point, in microseconds.
const MULTIPLY: u64 = 500;
/// Decoding of a point.
const DECODE: u64 = 100;
/// Recovery by the host.
const RECOVER: u64 = 100;

/// Weights from the database costs of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

fn micros(micros: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
}

struct ByHand<Db>(PhantomData<Db>);

impl<Db: Get<RuntimeDbWeight>> WeightInfo for ByHand<Db> {
    fn register() -> Weight {
        micros(RECOVER).saturating_add(Db::get().reads_writes(4, 4))
    }

    fn leave() -> Weight {
        Db::get().reads_writes(2, 2)
    }

    fn return_bond() -> Weight {
        Db::get().reads_writes(6, 4)
    }

    fn rotate() -> Weight {
        // Each elected account and its hold; at most a hundred.
        Db::get().reads_writes(205, 5)
    }

    fn dkg(n: u32) -> Weight {
        // Complaint: four multiplications of the proof, one and a decoding per coefficient, then the
        // ceremony is cleared (two messages per member) and its culprit slashed.
        let n = u64::from(n);
        let time = MULTIPLY
            .saturating_mul(n.saturating_add(8))
            .saturating_add(DECODE.saturating_mul(n.saturating_mul(2)));
        let clear = n.saturating_mul(2);
        micros(time).saturating_add(
            Db::get().reads_writes(clear.saturating_add(10), clear.saturating_add(10)),
        )
    }

    fn sign(n: u32) -> Weight {
        // Report: a multiplication per coefficient and per signer, decoding of all of them, then the
        // attempt is cleared. Nonces: a hundred points are decoded.
        let n = u64::from(n);
        let time = MULTIPLY
            .saturating_mul(n.saturating_mul(2).saturating_add(8))
            .saturating_add(DECODE.saturating_mul(n.saturating_mul(3).saturating_add(100)));
        let clear = n.saturating_mul(2);
        micros(time).saturating_add(
            Db::get()
                .reads_writes(clear.saturating_add(n).saturating_add(10), clear.saturating_add(10)),
        )
    }

    fn authorize() -> Weight {
        micros(RECOVER.saturating_mul(2)).saturating_add(Db::get().reads(3))
    }

    fn complete(k: u32) -> Weight {
        // Two recoveries per signature, the key of a test, and the messages of a session.
        let time = RECOVER.saturating_mul(u64::from(k).saturating_mul(2)).saturating_add(10_000);
        micros(time).saturating_add(Db::get().reads_writes(210, 210))
    }

    fn deadlines(d: u32) -> Weight {
        // Each ends an attempt: its messages are cleared and its members noted.
        let each = Db::get().reads_writes(410, 410);
        Db::get().reads(1).saturating_add(each.saturating_mul(d.into()))
    }
}

macro_rules! forward {
    ($db:ty) => {
        fn register() -> Weight {
            ByHand::<$db>::register()
        }
        fn leave() -> Weight {
            ByHand::<$db>::leave()
        }
        fn return_bond() -> Weight {
            ByHand::<$db>::return_bond()
        }
        fn rotate() -> Weight {
            ByHand::<$db>::rotate()
        }
        fn dkg(n: u32) -> Weight {
            ByHand::<$db>::dkg(n)
        }
        fn sign(n: u32) -> Weight {
            ByHand::<$db>::sign(n)
        }
        fn authorize() -> Weight {
            ByHand::<$db>::authorize()
        }
        fn complete(k: u32) -> Weight {
            ByHand::<$db>::complete(k)
        }
        fn deadlines(d: u32) -> Weight {
            ByHand::<$db>::deadlines(d)
        }
    };
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    forward!(T::DbWeight);
}

/// Weights for tests.
impl WeightInfo for () {
    forward!(frame_support::weights::constants::ParityDbWeight);
}
