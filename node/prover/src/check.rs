//! Executes a block in the zkEVM's kernel without proving it. The kernel checks the state,
//! transaction and receipt roots itself, so a block that passes here can be proven.

use std::panic::{catch_unwind, AssertUnwindSafe};

use anyhow::{anyhow, Result};
use evm_arithmetization::{prover::testing::simulate_execution, GenerationInputs};
use plonky2::field::goldilocks_field::GoldilocksField;

use crate::{decode::generation_inputs, header::Header, witness::BlockWitness};

/// What a checked block was.
#[derive(Debug)]
pub struct Checked {
    /// Transactions in it.
    pub transactions: usize,
    /// Gas that it used.
    pub gas_used: u64,
    /// Cycles that the kernel ran.
    pub cycles: usize,
    /// Cycles that the chain's proving-cost meter charged.
    pub charged: u64,
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
        cycles: 0,
        charged: witness.transactions.iter().map(|tx| tx.cycles.as_u64()).sum(),
    };
    for batch in generation_inputs(witness, &header)? {
        checked.cycles += simulate(batch)?;
    }
    Ok(checked)
}

/// Runs the kernel over a batch; returns its cycles.
///
/// # Errors
/// When the kernel fails.
pub fn simulate(batch: GenerationInputs) -> Result<usize> {
    // The zkEVM panics on input that it holds impossible.
    catch_unwind(AssertUnwindSafe(|| simulate_execution::<GoldilocksField>(batch))).map_err(
        |panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            anyhow!("panic: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?"))
        },
    )?
}
