//! Weights that this runtime measures itself.
//!
//! Stock pallets bring weights that their authors measured on reference hardware. A file with our
//! own benchmark of a pallet goes beside this one, generated and never edited by hand.

pub use frame_support::weights::constants::{
    BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight,
};
