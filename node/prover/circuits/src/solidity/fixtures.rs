//! Files for the contract's tests: words of 32 bytes in big endian, which Solidity reads as they are.

use std::{fs, path::Path};

use anyhow::Result;
use plonky2::{
    field::types::PrimeField64,
    plonk::{circuit_data::VerifierCircuitData, proof::ProofWithPublicInputs},
};

use super::{constraints, contract_bytes, mutations::mutations, vectors::vectors};
use crate::{KeccakC, D, F};

/// Writes a proof with all that the contracts' tests compare into `folder/data`: `proof.bin`, `inputs.bin`,
/// `vectors.bin` (address, value), `vectors.json` (with names), `mutations.bin` (place, bytes, verdict); and
/// `constraints.json`, the constraints of each gate at zeta, of which the contract keeps only the sum. Returns how many
/// of the mutations plonky2 refuses.
///
/// # Errors
/// When the proof is invalid or the disk is full.
pub fn write(
    folder: &Path,
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &ProofWithPublicInputs<F, KeccakC, D>,
    mutation_count: usize,
) -> Result<usize> {
    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    let proof_bytes = contract_bytes(circuit, proof)?;
    fs::write(data.join("proof.bin"), proof_bytes)?;
    let inputs = proof.public_inputs.iter().map(|input| u128::from(input.to_canonical_u64()));
    fs::write(data.join("inputs.bin"), words(inputs))?;
    let vectors = vectors(circuit, proof)?;
    let mut pairs = Vec::new();
    for vector in &vectors {
        pairs.extend(words([vector.address as u128]));
        pairs.extend(hex::decode(&vector.value)?);
    }
    fs::write(data.join("vectors.bin"), pairs)?;
    fs::write(data.join("vectors.json"), serde_json::to_vec_pretty(&vectors)?)?;
    let constraints = constraints(circuit, proof)?;
    fs::write(data.join("constraints.json"), serde_json::to_vec_pretty(&constraints)?)?;
    let mutated = mutations(circuit, proof, mutation_count, 1)?;
    let records = mutated
        .iter()
        .flat_map(|one| [u128::from(one.place), u128::from(one.bytes), u128::from(one.valid)]);
    fs::write(data.join("mutations.bin"), words(records))?;
    Ok(mutated.iter().filter(|one| !one.valid).count())
}

fn words(values: impl IntoIterator<Item = u128>) -> Vec<u8> {
    values.into_iter().flat_map(|value| [[0; 16], value.to_be_bytes()].concat()).collect()
}
