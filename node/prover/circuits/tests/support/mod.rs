//! A circuit without constraints: so a test can claim anything, and only what verifies the claim can refuse it.

use bzk_circuits::{wrap::Proof, PoseidonC, D, F};
use plonky2::{
    field::types::Field,
    iop::{
        target::Target,
        witness::{PartialWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{
            CircuitConfig, CircuitData, VerifierCircuitTarget, VerifierOnlyCircuitData,
        },
    },
};

/// A name that a proof gives its circuit at the end of its public inputs.
pub type Name = VerifierOnlyCircuitData<PoseidonC, D>;

/// The names that differ from `name` in one element: each of the circuit's digest, and one of each hash of its key.
pub fn other_names(name: &Name) -> Vec<Name> {
    let digest = (0..4).map(|i| {
        let mut other = name.clone();
        other.circuit_digest.elements[i] += F::ONE;
        other
    });
    let key = (0..name.constants_sigmas_cap.0.len()).map(|i| {
        let mut other = name.clone();
        other.constants_sigmas_cap.0[i].elements[i % 4] += F::ONE;
        other
    });
    digest.chain(key).collect()
}

/// Says whatever it is told, its own name too.
pub struct AnyCircuit {
    /// The circuit.
    pub circuit: CircuitData<F, PoseidonC, D>,
    inputs: Vec<Target>,
    name: VerifierCircuitTarget,
}

impl AnyCircuit {
    /// The circuit for so many inputs before the name. Those of different `seed`s have one shape.
    pub fn new(inputs: usize, seed: u64) -> Self {
        let mut builder = CircuitBuilder::new(CircuitConfig::standard_recursion_config());
        builder.constant(F::from_canonical_u64(seed));
        let inputs = builder.add_virtual_targets(inputs);
        builder.register_public_inputs(&inputs);
        let name = builder.add_verifier_data_public_inputs();
        Self { circuit: builder.build(), inputs, name }
    }

    /// Its true name.
    pub fn name(&self) -> Name {
        self.circuit.verifier_only.clone()
    }

    /// A valid proof of these inputs with this name.
    pub fn prove(&self, values: &[F], name: &Name) -> Proof<PoseidonC> {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.inputs, values).unwrap();
        witness.set_verifier_data_target(&self.name, name).unwrap();
        self.circuit.prove(witness).unwrap()
    }
}
