//! The circuit `chain`: one proof for any number of consecutive blocks.
//!
//! A step verifies the proof of one block and, unless it is the first, the chain proof before it. Public inputs,
//! and what binds each of them:
//!
//! | element | what | bound to |
//! |---|---|---|
//! | 0 | chain id | every block's metadata; the same in all |
//! | 1 | first number | number of the first block |
//! | 2 | last number | number of the last block; each is its predecessor's plus 1 and below 2^32 |
//! | 3..11 | old state root | opened from the old accumulator, and equal to what the first block starts from |
//! | 11..19 | new state root | what the last block ends with; each block starts from its predecessor's |
//! | 19..23 | old accumulator | kept from the first step, where it is opened |
//! | 23..27 | new accumulator | one step per block, see [`crate::statement::Accumulator`] |
//! | 27..32 | prover | free in the first step, kept in all others; 32 bits each |
//! | 32 | timestamp | of the last block; never below its predecessor's |
//! | 33..37 | window | Poseidon of the last 256 hashes: the block's own window must have the predecessor's |
//! | 37.. | the chain circuit's name | compared by whoever verifies the proof (`wrap` does) |
//!
//! A block's proof is that of its joined batches, not one of the zkEVM's block circuit, which may join any number of
//! blocks into one and does not say where it began: with a proof of two, the first would be nowhere in the accumulator.
//! (It says a state, which the proof of a block that nobody knows may have too; and a window, which it leaves to the
//! prover whenever there is a parent.)
//!
//! So what the block circuit would check is checked here, for every block: its proof names the circuit that joins
//! batches as its own (else that would accept a forged proof inside it); it begins with the block's first transaction,
//! no gas used and empty tries of transactions and receipts; the gas that it used is the header's. And difficulty, blob
//! fields and beacon root are 0.
//!
//! The kernel proves the state root, transactions root, receipts root and gas used from the block's
//! transactions, number, time, coinbase, base fee, gas limit, randomness, chain id and window. It does **not**
//! bind: the block hash (of this header, of these fields), the parent hash in the header, the base fee rule,
//! the gas limit rule, the bloom, that the time is *later* than the parent's, the coinbase and the randomness.
//! The accumulator covers all of them, so the committee's signature over it says that they are right, and a
//! member checks them from the data before it signs. A wrong one cannot change the state but through the
//! opcodes that read it (COINBASE, BASEFEE, GASLIMIT, PREVRANDAO, TIMESTAMP, BLOCKHASH) and who gets the tips.

use anyhow::{ensure, Result};
use plonky2::{
    field::types::Field,
    gates::{constant::ConstantGate, gate::GateRef, noop::NoopGate},
    hash::{hash_types::HashOutTarget, poseidon::PoseidonHash},
    iop::{
        target::{BoolTarget, Target},
        witness::{PartialWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{
            CircuitConfig, CircuitData, CommonCircuitData, VerifierCircuitData,
            VerifierCircuitTarget,
        },
        proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget},
    },
    recursion::{
        cyclic_recursion::check_cyclic_proof_verifier_data, dummy_circuit::cyclic_base_proof,
    },
};

use crate::{
    statement::{block, Accumulator, Statement, EMPTY_ROOT, WORD},
    wrap, PoseidonC, D, F,
};

/// Public inputs before the circuit's name.
const INPUTS: usize = Statement::LEN + 5;
/// Log of the rows.
const DEGREE_BITS: usize = 14;

/// Settings: 2^14 rows, rate 1/8, 43 queries, 16 bits of work.
pub fn chain_config() -> CircuitConfig {
    wrap::config(3, 43, 16)
}

/// A proof of this circuit.
pub type ChainProof = ProofWithPublicInputs<F, PoseidonC, D>;

/// The circuit.
#[derive(Debug)]
pub struct Chain {
    /// The circuit itself.
    pub circuit: CircuitData<F, PoseidonC, D>,
    step: Step,
    name: VerifierCircuitTarget,
}

/// What a step takes.
#[derive(Debug)]
struct Step {
    block: ProofWithPublicInputsTarget<D>,
    has_previous: BoolTarget,
    previous: ProofWithPublicInputsTarget<D>,
    /// The old accumulator's opening, read only in the first step.
    before: HashOutTarget,
    digest: HashOutTarget,
    tip: TipTargets,
    prover: [Target; 5],
}

#[derive(Debug, Clone)]
struct TipTargets {
    number: Target,
    timestamp: Target,
    state: [Target; WORD],
    window: HashOutTarget,
}

impl Chain {
    /// Builds the circuit over the one that joins the batches of a block.
    ///
    /// # Errors
    /// When that has another number of public inputs, or does not fit.
    pub fn new(block: &VerifierCircuitData<F, PoseidonC, D>) -> Result<Self> {
        let name = 4 + 4 * block.common.config.fri_config.num_cap_elements();
        ensure!(
            block.common.num_public_inputs == block::LEN + name,
            "block proofs have {} public inputs",
            block.common.num_public_inputs
        );
        let common = common_data(block);
        let mut builder = CircuitBuilder::new(chain_config());
        let step = step(&mut builder, block, &common);
        let name = builder.add_verifier_data_public_inputs();
        builder.conditionally_verify_cyclic_proof_or_dummy::<PoseidonC>(
            step.has_previous,
            &step.previous,
            &common,
        )?;
        pad(&mut builder);
        Ok(Self { circuit: builder.build(), step, name })
    }

    /// Proves one more block: after the chain `previous`, or as the first one after `start`.
    ///
    /// # Errors
    /// When the block does not follow, or a proof is invalid.
    pub fn prove(
        &self,
        block: &ProofWithPublicInputs<F, PoseidonC, D>,
        previous: Previous<'_>,
    ) -> Result<ChainProof> {
        self.circuit.prove(self.witness(block, previous)?)
    }

    /// What [`Self::prove`] tells the circuit, which need not believe it.
    ///
    /// # Errors
    /// When a proof has another shape.
    pub fn witness(
        &self,
        block: &ProofWithPublicInputs<F, PoseidonC, D>,
        previous: Previous<'_>,
    ) -> Result<PartialWitness<F>> {
        let (step, mut witness) = (&self.step, PartialWitness::new());
        witness.set_proof_with_pis_target(&step.block, block)?;
        witness.set_verifier_data_target(&self.name, &self.circuit.verifier_only)?;
        let (common, verifier) = (&self.circuit.common, &self.circuit.verifier_only);
        let unused = Accumulator::start(&block.public_inputs, F::ZERO)?;
        let (start, prover) = match previous {
            Previous::Chain(proof) => {
                witness.set_bool_target(step.has_previous, true)?;
                witness.set_proof_with_pis_target(&step.previous, proof)?;
                (&unused, [0; 5])
            }
            Previous::Start { accumulator, prover } => {
                let empty = cyclic_base_proof(common, verifier, Default::default());
                witness.set_bool_target(step.has_previous, false)?;
                witness.set_proof_with_pis_target(&step.previous, &empty)?;
                (accumulator, prover)
            }
        };
        witness.set_hash_target(step.before, start.before.into())?;
        witness.set_hash_target(step.digest, start.block.into())?;
        witness.set_target(step.tip.number, start.tip.number)?;
        witness.set_target(step.tip.timestamp, start.tip.timestamp)?;
        witness.set_target_arr(&step.tip.state, &start.tip.state)?;
        witness.set_hash_target(step.tip.window, start.tip.window.into())?;
        witness.set_target_arr(&step.prover, &prover.map(F::from_canonical_u32))?;
        Ok(witness)
    }

    /// Verifies a chain proof, its circuit's name too.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn verify(&self, proof: &ChainProof) -> Result<Statement> {
        self.circuit.verify(proof.clone())?;
        check_cyclic_proof_verifier_data(proof, &self.circuit.verifier_only, &self.circuit.common)?;
        Statement::from_elements(&proof.public_inputs)
    }
}

/// What a block follows.
#[derive(Debug, Clone, Copy)]
pub enum Previous<'a> {
    /// The blocks of a chain proof.
    Chain(&'a ChainProof),
    /// An accumulator that is known from elsewhere.
    Start {
        /// It, opened.
        accumulator: &'a Accumulator,
        /// Who may use the proof, five words of an address.
        prover: [u32; 5],
    },
}

/// The constraints of a step but for the verification of the previous proof; registers the public inputs.
fn step(
    builder: &mut CircuitBuilder<F, D>,
    block: &VerifierCircuitData<F, PoseidonC, D>,
    common: &CommonCircuitData<F, D>,
) -> Step {
    // The block's proof, by the circuit that it names.
    let proof = builder.add_virtual_proof_with_pis(&block.common);
    let key = builder.constant_verifier_data(&block.verifier_only);
    builder.verify_proof::<PoseidonC>(&proof, &key, &block.common);
    wrap::connect_name(builder, &proof, &key);
    let inputs = &proof.public_inputs;

    // What it follows: the tip of the previous proof, or the opened accumulator.
    let has_previous = builder.add_virtual_bool_target_safe();
    let previous = builder.add_virtual_proof_with_pis(common);
    let chain = &previous.public_inputs;
    let before = builder.add_virtual_hash();
    let digest = builder.add_virtual_hash();
    let opened = TipTargets {
        number: builder.add_virtual_target(),
        timestamp: builder.add_virtual_target(),
        state: builder.add_virtual_target_arr(),
        window: builder.add_virtual_hash(),
    };
    let opened_value = accumulate(builder, before, digest, &opened);
    let mut select =
        |from_chain: Target, otherwise: Target| builder.select(has_previous, from_chain, otherwise);
    let hash = |values: [Target; 4]| HashOutTarget { elements: values };
    let tip = TipTargets {
        number: select(chain[2], opened.number),
        timestamp: select(chain[32], opened.timestamp),
        state: core::array::from_fn(|i| select(chain[11 + i], opened.state[i])),
        window: hash(core::array::from_fn(|i| select(chain[33 + i], opened.window.elements[i]))),
    };
    let accumulator =
        hash(core::array::from_fn(|i| select(chain[23 + i], opened_value.elements[i])));
    let chain_id = select(chain[0], inputs[block::CHAIN_ID]);
    let first = select(chain[1], inputs[block::NUMBER]);
    let old_state: [_; WORD] = core::array::from_fn(|i| select(chain[3 + i], opened.state[i]));
    let old_accumulator: [_; 4] =
        core::array::from_fn(|i| select(chain[19 + i], opened_value.elements[i]));

    // The links.
    builder.connect(chain_id, inputs[block::CHAIN_ID]);
    let expected = builder.add_const(tip.number, F::ONE);
    builder.connect(expected, inputs[block::NUMBER]);
    let elapsed = builder.sub(inputs[block::TIMESTAMP], tip.timestamp);
    builder.range_check(elapsed, 32);
    for (i, &word) in tip.state.iter().enumerate() {
        builder.connect(word, inputs[block::STATE_BEFORE.start + i]);
    }
    let window =
        builder.hash_n_to_hash_no_pad::<PoseidonHash>(inputs[block::PREVIOUS_HASHES].to_vec());
    builder.connect_hashes(window, tip.window);

    // The whole block.
    for (i, &word) in EMPTY_ROOT.iter().enumerate() {
        let word = builder.constant(F::from_canonical_u32(word));
        builder.connect(word, inputs[block::TRANSACTIONS_BEFORE.start + i]);
        builder.connect(word, inputs[block::RECEIPTS_BEFORE.start + i]);
    }
    builder.connect(inputs[block::GAS_TO], inputs[block::GAS_USED]);
    let zeros = [block::TRANSACTIONS_FROM, block::GAS_FROM, block::DIFFICULTY];
    for index in block::BLOBS.chain(zeros) {
        builder.assert_zero(inputs[index]);
    }
    for index in block::STATE_AFTER.chain([block::NUMBER, block::CHAIN_ID, block::TIMESTAMP]) {
        builder.range_check(inputs[index], 32);
    }
    for &word in &old_state {
        builder.range_check(word, 32);
    }

    // What it adds.
    let said =
        [&inputs[block::ROOTS_AFTER], &inputs[block::METADATA], &inputs[block::HASH]].concat();
    let said = builder.hash_n_to_hash_no_pad::<PoseidonHash>(said);
    let hashes = [&inputs[block::PREVIOUS_HASHES][WORD..], &inputs[block::HASH]].concat();
    let new_tip = TipTargets {
        number: inputs[block::NUMBER],
        timestamp: inputs[block::TIMESTAMP],
        state: core::array::from_fn(|i| inputs[block::STATE_AFTER.start + i]),
        window: builder.hash_n_to_hash_no_pad::<PoseidonHash>(hashes),
    };
    let new_accumulator = accumulate(builder, accumulator, said, &new_tip);

    let own: [Target; 5] = builder.add_virtual_target_arr();
    let prover: [Target; 5] =
        core::array::from_fn(|i| builder.select(has_previous, chain[27 + i], own[i]));
    for word in prover {
        builder.range_check(word, 32);
    }

    builder.register_public_inputs(&[chain_id, first, new_tip.number]);
    builder.register_public_inputs(&old_state);
    builder.register_public_inputs(&new_tip.state);
    builder.register_public_inputs(&old_accumulator);
    builder.register_public_inputs(&new_accumulator.elements);
    builder.register_public_inputs(&prover);
    builder.register_public_input(new_tip.timestamp);
    builder.register_public_inputs(&new_tip.window.elements);
    debug_assert_eq!(builder.num_public_inputs(), INPUTS);
    Step { block: proof, has_previous, previous, before, digest, tip: opened, prover: own }
}

/// One step of the accumulator, as [`Accumulator::value`].
fn accumulate(
    builder: &mut CircuitBuilder<F, D>,
    before: HashOutTarget,
    block: HashOutTarget,
    tip: &TipTargets,
) -> HashOutTarget {
    let elements = [
        &before.elements[..],
        &block.elements,
        &tip.window.elements,
        &[tip.number, tip.timestamp],
        &tip.state,
    ];
    builder.hash_n_to_hash_no_pad::<PoseidonHash>(elements.concat())
}

/// The shape of the circuit, which has to be known before it is built because it verifies itself.
fn common_data(block: &VerifierCircuitData<F, PoseidonC, D>) -> CommonCircuitData<F, D> {
    // Any circuit of these settings and rows; then one with the same constraints that verifies its proof.
    let mut builder = CircuitBuilder::<F, D>::new(chain_config());
    let proof = builder.add_virtual_proof_with_pis(&block.common);
    let key = builder.constant_verifier_data(&block.verifier_only);
    builder.verify_proof::<PoseidonC>(&proof, &key, &block.common);
    let number = builder.add_virtual_target();
    builder.range_check(number, 32);
    pad(&mut builder);
    let inputs = builder.add_virtual_targets(INPUTS);
    builder.register_public_inputs(&inputs);
    builder.add_verifier_data_public_inputs();
    let similar = builder.build::<PoseidonC>();

    let mut builder = CircuitBuilder::new(chain_config());
    let step = step(&mut builder, block, &similar.common);
    builder.add_verifier_data_public_inputs();
    let key = builder.constant_verifier_data(&similar.verifier_only);
    builder.verify_proof::<PoseidonC>(&step.previous, &key, &similar.common);
    pad(&mut builder);
    builder.build::<PoseidonC>().common
}

/// Fills the circuit up to its number of rows, and adds a gate that the circuit may do without: the dummy proof
/// of the first step has it, and both must be of one shape.
fn pad(builder: &mut CircuitBuilder<F, D>) {
    let constants = ConstantGate::new(chain_config().num_constants);
    builder.add_gate_to_gate_set(GateRef::new(constants));
    while builder.num_gates() < (1 << DEGREE_BITS) - 600 {
        builder.add_gate(NoopGate, vec![]);
    }
}
