//! Tests of the machines: one file per event, simulations of whole groups, attacks, crashes.

mod attacks;
mod bip340;
mod codec;
mod crash;
mod crash_group;
mod dkg;
mod group;
mod keys;
mod network;
mod refresh;
mod repair;
mod signing;
mod simulation;

use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};

/// Randomness that is the same in every run.
fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
