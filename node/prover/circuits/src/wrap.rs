//! The last two circuits. Both verify one proof and carry public inputs on; they differ in what is cheap for
//! whoever verifies them.
//!
//! | layer | rows | rate | queries | work | hash | nominal bits | Johnson query bits |
//! |---|---|---|---|---|---|---|---|
//! | shrink | 2^13 | 2^-7 | 19 | 16 | Poseidon | 149 | 82 |
//! | wrap | 2^12 | 2^-8 | 15 | 20 | Keccak | 140 | 80 |

use anyhow::Result;
use plonky2::{
    fri::{reduction_strategies::FriReductionStrategy, FriConfig},
    iop::witness::{PartialWitness, WitnessWrite},
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{CircuitConfig, CircuitData, VerifierCircuitData, VerifierCircuitTarget},
        config::{AlgebraicHasher, GenericConfig},
        proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget},
    },
};

use crate::{KeccakC, PoseidonC, D, F};

/// A proof under the configuration `C`.
pub type Proof<C> = ProofWithPublicInputs<F, C, D>;

/// Settings of the shrinking layer.
pub fn shrink_config() -> CircuitConfig {
    config(7, 19, 16)
}

/// Settings of the last layer.
pub fn wrap_config() -> CircuitConfig {
    config(8, 15, 20)
}

/// The standard circuit with another FRI: `queries` at a rate of 2^-`rate_bits`, `pow_bits` of work.
pub fn config(rate_bits: usize, queries: usize, pow_bits: u32) -> CircuitConfig {
    CircuitConfig {
        fri_config: FriConfig {
            rate_bits,
            cap_height: 4,
            proof_of_work_bits: pow_bits,
            reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
            num_query_rounds: queries,
        },
        ..CircuitConfig::standard_recursion_config()
    }
}

/// A circuit that verifies one proof of another one.
#[derive(Debug)]
pub struct Layer<C: GenericConfig<D, F = F>> {
    /// The circuit.
    pub circuit: CircuitData<F, C, D>,
    inner: ProofWithPublicInputsTarget<D>,
}

impl<C: GenericConfig<D, F = F>> Layer<C> {
    /// Builds a layer over `inner` that carries on its first `inputs` public inputs. A proof of a circuit
    /// that verifies itself (`cyclic`) names that circuit at the end of its public inputs, and is only worth
    /// something when the name is right.
    pub fn new<I>(
        inner: &VerifierCircuitData<F, I, D>,
        config: CircuitConfig,
        inputs: usize,
        cyclic: bool,
    ) -> Self
    where
        I: GenericConfig<D, F = F>,
        I::Hasher: AlgebraicHasher<F>,
    {
        let mut builder = CircuitBuilder::new(config);
        let proof = builder.add_virtual_proof_with_pis(&inner.common);
        let key = builder.constant_verifier_data(&inner.verifier_only);
        builder.verify_proof::<I>(&proof, &key, &inner.common);
        if cyclic {
            connect_name(&mut builder, &proof, &key);
        }
        builder.register_public_inputs(&proof.public_inputs[..inputs]);
        Self { circuit: builder.build(), inner: proof }
    }

    /// Proves that `proof` is valid.
    ///
    /// # Errors
    /// When it is not.
    pub fn prove<I>(&self, proof: &Proof<I>) -> Result<Proof<C>>
    where
        I: GenericConfig<D, F = F>,
        I::Hasher: AlgebraicHasher<F>,
    {
        let mut witness = PartialWitness::new();
        witness.set_proof_with_pis_target(&self.inner, proof)?;
        self.circuit.prove(witness)
    }
}

/// The layers between a chain proof and the contract.
#[derive(Debug)]
pub struct Wrap {
    /// Makes the proof small for the next layer.
    pub shrink: Layer<PoseidonC>,
    /// Makes it cheap for the contract.
    pub wrap: Layer<KeccakC>,
}

impl Wrap {
    /// Builds both layers over `inner`, whose first `inputs` public inputs are the statement; `cyclic` as in
    /// [`Layer::new`].
    pub fn new(inner: &VerifierCircuitData<F, PoseidonC, D>, inputs: usize, cyclic: bool) -> Self {
        let shrink = Layer::<PoseidonC>::new(inner, shrink_config(), inputs, cyclic);
        let wrap = Layer::new(&shrink.circuit.verifier_data(), wrap_config(), inputs, false);
        Self { shrink, wrap }
    }

    /// Wraps a proof.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn prove(&self, proof: &Proof<PoseidonC>) -> Result<Proof<KeccakC>> {
        self.wrap.prove(&self.shrink.prove(proof)?)
    }
}

/// Asserts that `proof` names `key` as its own circuit, at the end of its public inputs.
pub(crate) fn connect_name(
    builder: &mut CircuitBuilder<F, D>,
    proof: &ProofWithPublicInputsTarget<D>,
    key: &VerifierCircuitTarget,
) {
    let mut name = key.circuit_digest.elements.to_vec();
    name.extend(key.constants_sigmas_cap.0.iter().flat_map(|hash| hash.elements));
    let named = &proof.public_inputs[proof.public_inputs.len() - name.len()..];
    for (&named, element) in named.iter().zip(name) {
        builder.connect(named, element);
    }
}
