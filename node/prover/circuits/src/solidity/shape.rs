//! What the generator has to know of a circuit.

use anyhow::{ensure, Context, Result};
use plonky2::{
    gates::gate::GateRef,
    hash::hash_types::BytesHash,
    plonk::circuit_data::{CommonCircuitData, VerifierOnlyCircuitData},
};
use serde::Deserialize;

use crate::{KeccakC, D, F};

/// Bytes of a hash of the last circuit.
pub(crate) const HASH_BYTES: usize = 25;
/// Log of the arity of each FRI reduction.
pub(crate) const ARITY_BITS: usize = 4;
/// Challenges per random combination.
pub(crate) const CHALLENGES: usize = 2;
/// The selector of rows whose gate is in another group.
pub(crate) const UNUSED_SELECTOR: u64 = u32::MAX as u64;

/// A gate with the part of the selectors that turns it on.
#[derive(Debug)]
pub(crate) struct SelectedGate {
    pub gate: GateRef<F, D>,
    /// Its number among all gates, which is the selector's value on its rows.
    pub row: usize,
    /// Which selector polynomial.
    pub selector: usize,
    /// The gates that share it.
    pub group: std::ops::Range<usize>,
}

/// Sizes and constants of a circuit, and of its proofs as `to_bytes` writes them.
#[derive(Debug)]
pub(crate) struct Shape {
    pub degree_bits: usize,
    pub rate_bits: usize,
    pub cap_height: usize,
    pub queries: usize,
    pub pow_bits: u32,
    /// FRI reductions.
    pub steps: usize,
    /// Coefficients of the last polynomial.
    pub final_len: usize,
    /// Constant polynomials, selectors among them.
    pub constants: usize,
    pub selectors: usize,
    pub routed: usize,
    pub wires: usize,
    /// Per challenge, without the Z polynomial.
    pub partial_products: usize,
    /// Per challenge.
    pub quotient_factor: usize,
    pub gate_constraints: usize,
    pub gates: Vec<SelectedGate>,
    pub inputs: usize,
    pub digest: [u8; HASH_BYTES],
    pub cap: Vec<[u8; HASH_BYTES]>,
}

#[derive(Deserialize)]
struct Selectors {
    selector_indices: Vec<usize>,
    groups: Vec<std::ops::Range<usize>>,
}

impl Shape {
    /// Reads a circuit.
    ///
    /// # Errors
    /// When the circuit is of a kind that the generator does not know.
    pub(crate) fn new(
        common: &CommonCircuitData<F, D>,
        verifier: &VerifierOnlyCircuitData<KeccakC, D>,
    ) -> Result<Self> {
        let (config, fri) = (&common.config, &common.fri_params);
        ensure!(config.num_challenges == CHALLENGES, "the verifier takes two challenges");
        ensure!(!config.zero_knowledge && !fri.hiding, "blinded proofs are not supported");
        ensure!(common.num_lookup_polys == 0, "lookups are not supported");
        ensure!(fri.reduction_arity_bits.iter().all(|&bits| bits == ARITY_BITS), "FRI arity");
        ensure!(
            common.num_public_inputs % 8 == 0,
            "the public inputs must fill the sponge's rate of 8"
        );
        let height = common.degree_bits() + fri.config.rate_bits;
        ensure!(height <= 32, "the domain is larger than the field has roots of unity for");
        let selectors: Selectors =
            serde_json::from_value(serde_json::to_value(&common.selectors_info)?)
                .context("selectors")?;
        let gates = common.gates.iter().enumerate().map(|(row, gate)| {
            let selector = selectors.selector_indices[row];
            SelectedGate {
                gate: gate.clone(),
                row,
                selector,
                group: selectors.groups[selector].clone(),
            }
        });
        let bytes = |hash: &BytesHash<HASH_BYTES>| hash.0;
        Ok(Self {
            degree_bits: common.degree_bits(),
            rate_bits: fri.config.rate_bits,
            cap_height: fri.config.cap_height,
            queries: fri.config.num_query_rounds,
            pow_bits: fri.config.proof_of_work_bits,
            steps: fri.reduction_arity_bits.len(),
            final_len: 1 << (common.degree_bits() - fri.total_arities()),
            constants: common.num_constants,
            selectors: selectors.groups.len(),
            routed: config.num_routed_wires,
            wires: config.num_wires,
            partial_products: common.num_partial_products,
            quotient_factor: common.quotient_degree_factor,
            gate_constraints: common.num_gate_constraints,
            gates: gates.collect(),
            inputs: common.num_public_inputs,
            digest: bytes(&verifier.circuit_digest),
            cap: verifier.constants_sigmas_cap.0.iter().map(bytes).collect(),
        })
    }

    /// Log of the size of the domain of the commitments.
    pub(crate) fn lde_bits(&self) -> usize {
        self.degree_bits + self.rate_bits
    }

    /// Hashes in a cap.
    pub(crate) fn cap_len(&self) -> usize {
        1 << self.cap_height
    }

    /// Elements of a leaf of each of the four first trees.
    pub(crate) fn leaves(&self) -> [usize; 4] {
        [
            self.constants + self.routed,
            self.wires,
            CHALLENGES * (1 + self.partial_products),
            CHALLENGES * self.quotient_factor,
        ]
    }

    /// Values opened at zeta, and at its successor.
    pub(crate) fn openings(&self) -> usize {
        self.leaves().iter().sum::<usize>() + CHALLENGES
    }

    /// Where the parts of a proof start, in bytes.
    pub(crate) fn offsets(&self) -> Offsets {
        let cap = self.cap_len() * HASH_BYTES;
        let openings = 3 * cap;
        let commit_caps = openings + 16 * self.openings();
        let rounds = commit_caps + self.steps * cap;
        let path = |height: usize| 1 + HASH_BYTES * (height - self.cap_height);
        let trees: usize = self.leaves().iter().map(|leaf| 8 * leaf + path(self.lde_bits())).sum();
        let steps: usize = (1..=self.steps)
            .map(|step| (16 << ARITY_BITS) + path(self.lde_bits() - ARITY_BITS * step))
            .sum();
        let final_poly = rounds + self.queries * (trees + steps);
        let pow_witness = final_poly + 16 * self.final_len;
        Offsets { openings, commit_caps, rounds, final_poly, pow_witness, end: pow_witness + 8 }
    }
}

/// Where the parts of a proof start, in bytes from its own start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets {
    pub openings: usize,
    pub commit_caps: usize,
    pub rounds: usize,
    pub final_poly: usize,
    pub pow_witness: usize,
    pub end: usize,
}
