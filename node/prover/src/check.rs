//! Executes a block in the zkEVM's kernel without proving it. The kernel checks the state,
//! transaction and receipt roots itself, so a block that passes here can be proven.

use std::{
    any::Any,
    panic::{catch_unwind, AssertUnwindSafe},
};

use anyhow::{anyhow, Error, Result};
use evm_arithmetization::{prover::testing::simulate_execution, GenerationInputs};
use plonky2::field::goldilocks_field::GoldilocksField;

use crate::{decode::generation_inputs, header::Header, witness::BlockWitness};

/// Most cycles of a batch beside those of its transactions: what is ready before the first of them, and the roots and the
/// coinbase that they share. Measured in blocks of two batches: 2,026 without transactions, 5,654 beyond what is charged
/// for a single transfer.
const BATCH_CYCLES: u64 = 4_000;

/// What a checked block was.
#[derive(Debug)]
pub struct Checked {
    /// Transactions in it.
    pub transactions: usize,
    /// Gas that it used.
    pub gas_used: u64,
    /// Batches that it was divided into.
    pub batches: u64,
    /// Cycles that the kernel ran.
    pub cycles: u64,
    /// Cycles that the chain's proving-cost meter charged for its transactions.
    pub charged: u64,
}

impl Checked {
    /// Cycles that the kernel ran beyond what the chain charged and what batches cost without transactions: with any, a
    /// block within its limit may cost more to prove than the limit says.
    pub fn uncharged(&self) -> u64 {
        self.cycles.saturating_sub(self.charged.saturating_add(self.batches * BATCH_CYCLES))
    }
}

/// Runs the kernel over the block of `witness`.
///
/// # Errors
/// When the witness is incomplete, a root differs or the kernel fails.
pub fn check(witness: BlockWitness, chain_id: u64) -> Result<Checked> {
    let header = Header::decode(&witness.header.0, chain_id)?;
    let mut checked = Checked {
        transactions: witness.transactions.len(),
        gas_used: header.metadata.block_gas_used.as_u64(),
        batches: 0,
        cycles: 0,
        charged: witness.cycles(),
    };
    for batch in generation_inputs(witness, &header)? {
        checked.batches += 1;
        checked.cycles += simulate(batch)? as u64;
    }
    Ok(checked)
}

/// Runs the kernel over a batch; returns its cycles.
///
/// # Errors
/// When the kernel fails.
pub fn simulate(batch: GenerationInputs) -> Result<usize> {
    // The zkEVM panics on input that it holds impossible.
    catch_unwind(AssertUnwindSafe(|| simulate_execution::<GoldilocksField>(batch)))
        .map_err(panicked)?
}

/// What was panicked with, as an error.
pub fn panicked(panic: Box<dyn Any + Send>) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    anyhow!("panic: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_is_an_error_with_its_text() {
        let text = |work: fn()| panicked(catch_unwind(work).unwrap_err()).to_string();
        assert_eq!(text(|| panic!("no such node")), "panic: no such node");
        assert_eq!(text(|| panic!("no node {}", 7)), "panic: no node 7");
        assert_eq!(text(|| std::panic::panic_any(7)), "panic: ?");
    }

    #[test]
    fn what_the_meter_did_not_charge_is_told_beyond_what_batches_cost() {
        let block = |cycles, charged| Checked {
            transactions: 3,
            gas_used: 90_000,
            batches: 2,
            cycles,
            charged,
        };
        let free = 2 * BATCH_CYCLES;
        assert_eq!(block(50_000 + free, 50_000).uncharged(), 0);
        assert_eq!(block(50_007 + free, 50_000).uncharged(), 7);
        assert_eq!(block(10, 50_000).uncharged(), 0);
        assert_eq!(block(u64::MAX, u64::MAX).uncharged(), 0);
    }
}
