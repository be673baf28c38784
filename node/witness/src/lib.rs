//! The witness of an Ethereum block: all that is needed to execute it again and to prove it.
//!
//! [`build`] re-executes a block from its parent's state and records the trie nodes, the codes and
//! what each transaction did. It is a pure function over traits: the node runs it over its database
//! (`bzk_blockWitness`), tests over [`memory::State`].
//!
//! ## Which trie nodes
//! A prover has to open every node that one of these steps reads:
//! 1. reading each touched account and slot, present or absent; also what an instruction would have touched
//!    whose gas ran out, because the kernel reads some of it to know what to charge;
//! 2. writing the changes of the transactions in order, as a prover does that splits the block;
//! 3. writing them as the kernel does: first it deletes each slot that was zero at any moment and
//!    each account that was destroyed, even where a revert brought it back, then it inserts. A
//!    branch may collapse in this order and not in the second, so siblings differ.

mod build;
mod ledger;
pub mod memory;
mod model;
mod nodes;
#[cfg(test)]
mod tests;
mod watch;

pub use build::{build, BlockInput, WitnessError, MAX_WITNESS_BYTES};
pub use model::{AccountAccess, BlockWitness, TransactionWitness};
