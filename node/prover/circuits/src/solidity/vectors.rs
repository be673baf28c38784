//! Every challenge and intermediate of one verification, to compare with the contract's memory.

use anyhow::{Context, Result};
use plonky2::{
    field::{
        extension::{Extendable, FieldExtension},
        types::{Field, PrimeField64},
    },
    plonk::{
        circuit_data::VerifierCircuitData, config::GenericHashOut, proof::ProofWithPublicInputs,
        vars::EvaluationVars,
    },
};
use serde::Serialize;

use super::{shape::Shape, verifier::Memory};
use crate::{KeccakC, D, F};

type Extension = <F as Extendable<D>>::Extension;

/// A value that the contract must have at an address of its memory when it ends.
#[derive(Debug, Clone, Serialize)]
pub struct Vector {
    /// What it is.
    pub name: String,
    /// Address in the contract's memory, in bytes.
    pub address: usize,
    /// The word, in hex.
    pub value: String,
}

/// The vectors of a valid proof.
///
/// # Errors
/// When the proof has another shape than the circuit.
pub fn vectors(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &ProofWithPublicInputs<F, KeccakC, D>,
) -> Result<Vec<Vector>> {
    let shape = Shape::new(&circuit.common, &circuit.verifier_only)?;
    let memory = Memory::new(&shape);
    let hash = proof.get_public_inputs_hash();
    let challenges =
        proof.get_challenges(hash, &circuit.verifier_only.circuit_digest, &circuit.common)?;
    let mut vectors = Vec::new();
    let mut list = |name: &str, address: usize, values: Vec<String>| {
        for (i, value) in values.into_iter().enumerate() {
            vectors.push(Vector { name: format!("{name} {i}"), address: address + 32 * i, value });
        }
    };
    let bases = |values: &[F]| values.iter().map(|&value| base(value)).collect::<Vec<_>>();
    let extensions =
        |values: &[Extension]| values.iter().map(|&value| extension(value)).collect::<Vec<_>>();
    list("hash of the public inputs", memory.hash, bases(&GenericHashOut::<F>::to_vec(&hash)));
    list("beta", memory.betas, bases(&challenges.plonk_betas));
    list("gamma", memory.gammas, bases(&challenges.plonk_gammas));
    list("alpha", memory.alphas, bases(&challenges.plonk_alphas));
    list("zeta", memory.zeta, extensions(&[challenges.plonk_zeta]));
    let fri = &challenges.fri_challenges;
    list("FRI alpha", memory.fri_alpha, extensions(&[fri.fri_alpha]));
    list("FRI beta", memory.fri_betas, extensions(&fri.fri_betas));
    list("proof of work", memory.pow_response, bases(&[fri.fri_pow_response]));
    let indices = fri.fri_query_indices.iter().map(|index| format!("{index:064x}")).collect();
    list("query", memory.indices, indices);
    let opened = &proof.proof.openings;
    let at_zeta = [
        &opened.constants,
        &opened.plonk_sigmas,
        &opened.wires,
        &opened.plonk_zs,
        &opened.partial_products,
        &opened.quotient_polys,
    ]
    .map(Vec::as_slice)
    .concat();
    let reduced = [&at_zeta, &opened.plonk_zs_next].map(|values| {
        values.iter().rev().fold(Extension::ZERO, |sum, &value| sum * fri.fri_alpha + value)
    });
    list("openings reduced", memory.reduced, extensions(&reduced));
    Ok(vectors)
}

/// The constraints of each gate at the opened point, unfiltered, in the order of the circuit's gates.
///
/// # Errors
/// When the proof has another shape than the circuit.
pub fn constraints(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &ProofWithPublicInputs<F, KeccakC, D>,
) -> Result<Vec<(String, Vec<String>)>> {
    let shape = Shape::new(&circuit.common, &circuit.verifier_only)?;
    let opened = &proof.proof.openings;
    let constants = opened.constants.get(shape.selectors..).context("too few constants")?;
    let hash = proof.get_public_inputs_hash();
    Ok(shape
        .gates
        .iter()
        .map(|gate| {
            let vars = EvaluationVars {
                local_constants: constants,
                local_wires: &opened.wires,
                public_inputs_hash: &hash,
            };
            let values = gate.gate.0.eval_unfiltered(vars);
            (gate.gate.0.id(), values.into_iter().map(extension).collect())
        })
        .collect())
}

fn base(value: F) -> String {
    format!("{:064x}", value.to_canonical_u64())
}

fn extension(value: Extension) -> String {
    let [low, high] = FieldExtension::<D>::to_basefield_array(&value);
    format!("{:032x}{:032x}", high.to_canonical_u64(), low.to_canonical_u64())
}
