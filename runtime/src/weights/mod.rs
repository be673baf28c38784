//! Base costs of a block, an extrinsic and the database.
//!
//! Those of Parity are measured on reference hardware, and agree with what we measured: a signed extrinsic that does
//! nothing takes 111 us and an empty block 0.5 ms (`frame-omni-bencher v1 benchmark overhead`), a key of a state of
//! 300,000 is read in 11 us and written in 37 us (`bzk-storage --keys 300000`).
//! `scripts/weights.sh` measures our pallets and [`BareExtrinsicWeight`]; stock pallets bring their own weights.

mod extensions;

pub use extensions::SignedExtensionsWeight;
pub use frame_support::weights::constants::{
    BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight,
};

use frame_support::{parameter_types, weights::Weight};

parameter_types! {
    /// What every extrinsic takes beside its dispatch, the inherents and Ethereum's transactions included: decoding,
    /// limits, events. [`ExtrinsicBaseWeight`] is that of a signed one.
    pub const BareExtrinsicWeight: Weight = Weight::from_parts(65_000_000, 0);
}
