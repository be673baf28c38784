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

/// Weights of the calls and hooks. `n` counts the members of a committee, `k` signatures.
pub trait WeightInfo {
    /// [`crate::Pallet::register`].
    fn register() -> Weight;
    /// [`crate::Pallet::leave`].
    fn leave() -> Weight;
    /// [`crate::Pallet::return_bond`].
    fn return_bond() -> Weight;
    /// [`crate::Pallet::rotate`].
    fn rotate() -> Weight;
    /// [`crate::Pallet::appoint`] with `a` accounts.
    fn appoint(a: u32) -> Weight;
    /// [`crate::Pallet::dkg`]: the last commitment.
    fn dkg_commitment(n: u32) -> Weight;
    /// [`crate::Pallet::dkg`]: the last shares.
    fn dkg_shares(n: u32) -> Weight;
    /// [`crate::Pallet::dkg`]: the last confirmation.
    fn dkg_confirmation(n: u32) -> Weight;
    /// [`crate::Pallet::dkg`]: a complaint, and the next attempt.
    fn dkg_complaint(n: u32) -> Weight;
    /// [`crate::Pallet::sign`]: the last nonces that are needed.
    fn sign_nonces(k: u32) -> Weight;
    /// [`crate::Pallet::sign`]: shares.
    fn sign_shares(k: u32) -> Weight;
    /// [`crate::Pallet::sign`]: a report, and the next attempt.
    fn sign_report(n: u32) -> Weight;
    /// Checks of the longest message of the key generation.
    fn authorize_dkg(n: u32) -> Weight;
    /// Checks of the longest message of a session.
    fn authorize_sign() -> Weight;
    /// [`crate::Pallet::complete`] of a request.
    fn complete(k: u32) -> Weight;
    /// [`crate::Pallet::complete`] of the test of a key.
    fn adopt(n: u32) -> Weight;
    /// Checks of the signatures of a request.
    fn authorize_complete(k: u32) -> Weight;
    /// Checks of the signatures that test a key.
    fn authorize_adoption(n: u32) -> Weight;
    /// The hook, when no deadline is due.
    fn idle() -> Weight;
    /// The end of a ceremony in which nobody has done anything.
    fn time_out_ceremony(n: u32) -> Weight;
    /// The end of an attempt to sign of which no share has come.
    fn time_out_session(n: u32) -> Weight;
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

impl<Db: Get<RuntimeDbWeight>> ByHand<Db> {
    /// `multiply` multiplications, `decode` points decoded, `keys` keys read and written.
    fn work(multiply: u32, decode: u32, keys: u32) -> Weight {
        let time = MULTIPLY
            .saturating_mul(multiply.into())
            .saturating_add(DECODE.saturating_mul(decode.into()));
        let keys = u64::from(keys).saturating_add(10);
        micros(time).saturating_add(Db::get().reads_writes(keys, keys))
    }
}

macro_rules! weights {
    ($db:ty) => {
        fn register() -> Weight {
            ByHand::<$db>::work(1, 0, 0)
        }
        fn leave() -> Weight {
            ByHand::<$db>::work(0, 0, 0)
        }
        fn return_bond() -> Weight {
            ByHand::<$db>::work(0, 0, 0)
        }
        fn rotate() -> Weight {
            ByHand::<$db>::work(0, 0, 300)
        }
        fn appoint(_: u32) -> Weight {
            ByHand::<$db>::work(0, 0, 1)
        }
        fn dkg_commitment(n: u32) -> Weight {
            ByHand::<$db>::work(2, n.saturating_mul(3), 0)
        }
        fn dkg_shares(n: u32) -> Weight {
            ByHand::<$db>::work(1, n.saturating_div(10), 0)
        }
        fn dkg_confirmation(n: u32) -> Weight {
            ByHand::<$db>::work(1, n.saturating_mul(2), 0)
        }
        fn dkg_complaint(n: u32) -> Weight {
            ByHand::<$db>::work(n.saturating_add(8), n.saturating_mul(2), n.saturating_mul(2))
        }
        fn sign_nonces(k: u32) -> Weight {
            ByHand::<$db>::work(0, k.saturating_mul(2), 0)
        }
        fn sign_shares(k: u32) -> Weight {
            ByHand::<$db>::work(0, k.saturating_div(10), 0)
        }
        fn sign_report(n: u32) -> Weight {
            let n3 = n.saturating_mul(3);
            ByHand::<$db>::work(n3.saturating_add(8), n3, n3)
        }
        fn authorize_dkg(_: u32) -> Weight {
            micros(RECOVER.saturating_mul(2)).saturating_add(<$db>::get().reads(3))
        }
        fn authorize_sign() -> Weight {
            micros(RECOVER.saturating_mul(2)).saturating_add(<$db>::get().reads(3))
        }
        fn complete(k: u32) -> Weight {
            let time = RECOVER.saturating_mul(u64::from(k)).saturating_mul(2);
            micros(time).saturating_add(ByHand::<$db>::work(0, 0, 64))
        }
        fn adopt(n: u32) -> Weight {
            ByHand::<$db>::work(6, n.saturating_mul(4), n.saturating_mul(4))
        }
        fn authorize_complete(k: u32) -> Weight {
            let time = RECOVER.saturating_mul(u64::from(k)).saturating_mul(2);
            micros(time).saturating_add(<$db>::get().reads(2))
        }
        fn authorize_adoption(n: u32) -> Weight {
            ByHand::<$db>::work(6, n.saturating_mul(2), 0)
        }
        fn idle() -> Weight {
            <$db>::get().reads(1)
        }
        fn time_out_ceremony(n: u32) -> Weight {
            ByHand::<$db>::work(0, 0, n.saturating_mul(4))
        }
        fn time_out_session(n: u32) -> Weight {
            ByHand::<$db>::work(0, 0, n.saturating_mul(4))
        }
    };
}

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
    weights!(T::DbWeight);
}

/// Weights for tests.
impl WeightInfo for () {
    weights!(frame_support::weights::constants::ParityDbWeight);
}
