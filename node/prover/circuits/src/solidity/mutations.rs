//! Changed proofs and statements with plonky2's own verdict, to compare with the contract's.

use anyhow::{ensure, Context, Result};
use plonky2::{
    field::types::{Field, Field64, PrimeField64},
    plonk::{circuit_data::VerifierCircuitData, proof::ProofWithPublicInputs},
};

use super::shape::{Shape, HASH_BYTES};
use crate::{KeccakC, D, F};

/// From here on a place is a public input: this plus its index.
pub const INPUTS: u64 = 1 << 32;

/// One in so many changes is of a public input: a proof has hundreds of fields for each of them.
const INPUTS_SHARE: usize = 8;

/// Where in a hash eight bytes are replaced, so that each of its bytes is at some time.
const HASH_PARTS: [usize; 4] = [0, 8, 16, HASH_BYTES - 8];

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutation {
    /// Byte of the proof where eight bytes are replaced, or [`INPUTS`] plus the index of a public input.
    pub place: u64,
    /// The eight bytes as the proof has them; a public input as a number.
    pub bytes: u64,
    /// Whether plonky2 accepts what results.
    pub valid: bool,
}

/// `count` changes of a valid proof, each of one field or one public input. The same seed gives the same.
///
/// # Errors
/// When the proof is not valid or not of this circuit.
pub fn mutations(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &ProofWithPublicInputs<F, KeccakC, D>,
    count: usize,
    seed: u64,
) -> Result<Vec<Mutation>> {
    circuit.verify(proof.clone()).context("the proof to mutate is invalid")?;
    let shape = Shape::new(&circuit.common, &circuit.verifier_only)?;
    let bytes = proof.to_bytes();
    let fields = fields(&shape);
    let mut dice = Dice(seed);
    (0..count)
        .map(|_| {
            let (place, old) = if dice.below(INPUTS_SHARE) == 0 {
                let index = dice.below(shape.inputs);
                (INPUTS + index as u64, proof.public_inputs[index].to_canonical_u64())
            } else {
                let at = fields[dice.below(fields.len())];
                (at as u64, word(&bytes, at)?)
            };
            let new = changed(old, place >= INPUTS, &mut dice);
            let valid = judge(circuit, proof, &bytes, place, new);
            Ok(Mutation { place, bytes: new, valid })
        })
        .collect()
}

/// Whether plonky2 accepts the proof after a change. It must be encoded as plonky2 itself encodes it: for
/// elements beyond the order it has no opinion of its own.
fn judge(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &ProofWithPublicInputs<F, KeccakC, D>,
    bytes: &[u8],
    place: u64,
    new: u64,
) -> bool {
    let mut bytes = bytes.to_vec();
    let mut inputs = proof.public_inputs.clone();
    if place >= INPUTS {
        if new >= F::ORDER {
            return false;
        }
        inputs[(place - INPUTS) as usize] = F::from_canonical_u64(new);
    } else {
        let at = place as usize;
        bytes[at..at + 8].copy_from_slice(&new.to_be_bytes());
    }
    let Ok(changed) =
        ProofWithPublicInputs::<F, KeccakC, D>::from_bytes(bytes.clone(), &circuit.common)
    else {
        return false;
    };
    if changed.to_bytes() != bytes {
        return false;
    }
    circuit.verify(ProofWithPublicInputs { proof: changed.proof, public_inputs: inputs }).is_ok()
}

/// Other bytes in place of `old`: another element, the same one beyond the order, zero, one bit.
fn changed(old: u64, number: bool, dice: &mut Dice) -> u64 {
    let element = if number { old } else { old.swap_bytes() };
    let new = match dice.below(5) {
        0 => element ^ (1 << dice.below(64)),
        1 => 0,
        2 => element.wrapping_add(1),
        3 => element.checked_add(F::ORDER).unwrap_or(F::ORDER),
        _ => dice.next(),
    };
    let new = if new == element { element ^ 1 } else { new };
    if number {
        new
    } else {
        new.swap_bytes()
    }
}

/// Starts of all fields of a proof, eight bytes each; a hash has four of them, the last of which overlap.
fn fields(shape: &Shape) -> Vec<usize> {
    let offsets = shape.offsets();
    let mut starts = Vec::new();
    let hashes = |from: usize, count: usize| {
        (0..count).flat_map(move |i| HASH_PARTS.map(|part| from + HASH_BYTES * i + part))
    };
    starts.extend(hashes(0, 3 * shape.cap_len()));
    starts.extend((offsets.openings..offsets.commit_caps).step_by(8));
    starts.extend(hashes(offsets.commit_caps, shape.steps * shape.cap_len()));
    let mut at = offsets.rounds;
    let levels = shape.lde_bits() - shape.cap_height;
    for _ in 0..shape.queries {
        let leaves = shape.leaves().map(|leaf| (8 * leaf, levels));
        let steps = (1..=shape.steps)
            .map(|step| (16 << super::shape::ARITY_BITS, levels - super::shape::ARITY_BITS * step));
        for (leaf, levels) in leaves.into_iter().chain(steps) {
            starts.extend((at..at + leaf).step_by(8));
            at += leaf;
            // The length of the path.
            starts.push(at);
            starts.extend(hashes(at + 1, levels));
            at += 1 + HASH_BYTES * levels;
        }
    }
    starts.extend((offsets.final_poly..offsets.end).step_by(8));
    starts
}

fn word(bytes: &[u8], at: usize) -> Result<u64> {
    ensure!(at + 8 <= bytes.len(), "the proof has {} bytes", bytes.len());
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    Ok(u64::from_be_bytes(word))
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
