//! Base costs of a block, an extrinsic and the database.
//!
//! They are Parity's, measured on reference hardware, and agree with what we measured: an extrinsic that does
//! nothing takes 111 us and an empty block 0.5 ms (`frame-omni-bencher v1 benchmark overhead`), a key of a state of
//! 300,000 is read in 11 us and written in 37 us (`bzk-storage --keys 300000`).
//! `scripts/weights.sh` measures our pallets; stock pallets bring their own weights.

pub use frame_support::weights::constants::{
    BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight,
};
