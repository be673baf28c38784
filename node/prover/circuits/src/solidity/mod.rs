//! Emits the Solidity verifier of a circuit under [`crate::KeccakC`]: two contracts, because one is larger than
//! EIP-170 allows. `PlonkyVerifier` runs the transcript and FRI, `GateEvaluator` the constraints and the hash of
//! the public inputs. Neither halts from within: every failure reverts, and only the end returns.

mod evaluator;
mod field;
pub mod fixtures;
mod gates;
pub mod mutations;
mod poseidon;
mod shape;
mod vectors;
mod verifier;

use std::{fs, path::Path};

use anyhow::{ensure, Result};
use keccak_hash::keccak;
use plonky2::plonk::circuit_data::VerifierCircuitData;

pub use vectors::{constraints, vectors, Vector};

use crate::{wrap::Proof, KeccakC, D, F};
use shape::Shape;

/// The sources of a circuit's verifier.
#[derive(Debug, Clone)]
pub struct Contracts {
    /// `PlonkyVerifier.sol`
    pub verifier: String,
    /// `GateEvaluator.sol`
    pub evaluator: String,
    /// Bytes of a proof.
    pub proof_bytes: usize,
    /// Public inputs.
    pub inputs: usize,
}

/// Emits the contracts of a circuit.
///
/// # Errors
/// When the circuit has a gate or a setting that the generator does not know.
pub fn export(circuit: &VerifierCircuitData<F, KeccakC, D>) -> Result<Contracts> {
    let shape = Shape::new(&circuit.common, &circuit.verifier_only)?;
    Ok(Contracts {
        verifier: verifier::contract(&shape),
        evaluator: evaluator::contract(&shape)?,
        proof_bytes: shape.offsets().end,
        inputs: shape.inputs,
    })
}

/// Writes the contracts of a circuit into `folder/src`; returns the bytes of a proof.
///
/// # Errors
/// As [`export`]; and as the file system has them.
pub fn write(folder: &Path, circuit: &VerifierCircuitData<F, KeccakC, D>) -> Result<usize> {
    let contracts = export(circuit)?;
    let src = folder.join("src");
    fs::create_dir_all(&src)?;
    fs::write(src.join("PlonkyVerifier.sol"), &contracts.verifier)?;
    fs::write(src.join("GateEvaluator.sol"), &contracts.evaluator)?;
    Ok(contracts.proof_bytes)
}

/// A proof as the contract takes it: plonky2's encoding without the public inputs, which it takes as words.
///
/// # Errors
/// When the proof is not of this circuit.
pub fn contract_bytes(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &Proof<KeccakC>,
) -> Result<Vec<u8>> {
    let mut bytes = proof.to_bytes();
    let length = Shape::new(&circuit.common, &circuit.verifier_only)?.offsets().end;
    ensure!(bytes.len() >= length, "the proof has {} bytes, not {length}", bytes.len());
    bytes.truncate(length);
    Ok(bytes)
}

/// Selector of the error both contracts revert with.
fn error_selector() -> String {
    selector("InvalidProof(uint256)")
}

/// Selector of the evaluator's `vanishes`, as a number.
fn vanishes_selector(words: usize) -> String {
    format!("0x{}", selector(&format!("vanishes(uint256[{words}])")))
}

fn selector(signature: &str) -> String {
    hex::encode(&keccak(signature).as_bytes()[..4])
}
