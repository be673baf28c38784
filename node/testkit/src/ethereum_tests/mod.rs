//! Runs the test files of the Ethereum project through the real pallets.
//!
//! State tests execute one transaction on a given state; block tests import chains of blocks. Both
//! go through pallet-ethereum's extrinsic and pallet-evm, in a small runtime with Ethereum's chain
//! id. A case that does not give the expected result counts as excused only if it left our
//! execution profile, which [`profile`] finds out from its content; any other one has failed.

mod beacon_roots;
mod block_tests;
mod chain;
mod exceptions;
mod files;
mod fixture;
mod profile;
mod report;
mod runtime;
mod state_tests;

#[cfg(test)]
mod tests;

pub use files::{run, Kind};
pub use report::{Case, Summary, Verdict};
