//! The chain circuit over a circuit that has a block proof's public inputs and no constraints: so a test can
//! claim any block.

use std::panic::{catch_unwind, AssertUnwindSafe};

use anyhow::Result;
use bzk_circuits::{
    chain::{Chain, ChainProof, Previous},
    statement::{block, poseidon, Accumulator, Statement, WORD},
    PoseidonC, D, F,
};
use plonky2::{
    field::types::{Field, PrimeField64},
    iop::{
        target::Target,
        witness::{PartialWitness, WitnessWrite},
    },
    plonk::{
        circuit_builder::CircuitBuilder,
        circuit_data::{CircuitConfig, CircuitData, VerifierCircuitTarget},
        proof::ProofWithPublicInputs,
    },
};

type BlockProof = ProofWithPublicInputs<F, PoseidonC, D>;

const PROVER: [u32; 5] = [1, 2, 3, 4, u32::MAX];

/// Says whatever it is told about a block.
struct AnyBlock {
    circuit: CircuitData<F, PoseidonC, D>,
    inputs: Vec<Target>,
    name: VerifierCircuitTarget,
}

impl AnyBlock {
    fn new() -> Self {
        let mut builder = CircuitBuilder::new(CircuitConfig::standard_recursion_config());
        let inputs = builder.add_virtual_targets(block::LEN);
        builder.register_public_inputs(&inputs);
        let name = builder.add_verifier_data_public_inputs();
        Self { circuit: builder.build(), inputs, name }
    }

    /// A proof with these public values, which names its own circuit or, `forged`, another one.
    fn prove(&self, values: &[F], forged: bool) -> BlockProof {
        let mut witness = PartialWitness::new();
        witness.set_target_arr(&self.inputs, values).unwrap();
        let mut name = self.circuit.verifier_only.clone();
        if forged {
            name.circuit_digest.elements[0] += F::ONE;
        }
        witness.set_verifier_data_target(&self.name, &name).unwrap();
        self.circuit.prove(witness).unwrap()
    }
}

/// The public values of block `number` of a chain where block n leads to the state n, n, ... and has the hash
/// 1000 + n in each word.
fn values(number: u64) -> Vec<F> {
    let mut values: Vec<F> = (0..block::LEN as u64).map(|i| F::from_canonical_u64(i % 7)).collect();
    let mut fill = |range: std::ops::Range<usize>, value: u64| {
        values[range].fill(F::from_canonical_u64(value));
    };
    fill(block::STATE_BEFORE, number - 1);
    fill(block::CHECKPOINT_STATE, number - 1);
    fill(block::STATE_AFTER, number);
    fill(block::BLOBS, 0);
    fill(block::DIFFICULTY..block::DIFFICULTY + 1, 0);
    fill(block::NUMBER..block::NUMBER + 1, number);
    fill(block::TIMESTAMP..block::TIMESTAMP + 1, 100 * number);
    fill(block::CHAIN_ID..block::CHAIN_ID + 1, 97304);
    fill(block::HASH, 1000 + number);
    for i in 0..256u64 {
        let hash = 1000 + number + i - 256;
        let start = block::PREVIOUS_HASHES.start + WORD * i as usize;
        values[start..start + WORD].fill(F::from_canonical_u64(hash));
    }
    let window = poseidon(&values[block::PREVIOUS_HASHES]);
    values[block::CHECKPOINT_WINDOW].copy_from_slice(&window);
    values
}

/// Whether the step yields no proof that verifies.
fn refused(chain: &Chain, block: &BlockProof, previous: Previous<'_>) -> bool {
    let proof = catch_unwind(AssertUnwindSafe(|| chain.prove(block, previous)));
    !matches!(proof, Ok(Ok(proof)) if chain.verify(&proof).is_ok())
}

#[test]
fn blocks_are_joined_and_every_other_one_is_refused() -> Result<()> {
    let any = AnyBlock::new();
    let chain = Chain::new(&any.circuit.verifier_data())?;
    let start = Accumulator::start(&values(5), F::from_canonical_u64(400))?;
    let first = any.prove(&values(5), false);
    let begin = Previous::Start { accumulator: &start, prover: PROVER };

    let one: ChainProof = chain.prove(&first, begin)?;
    let after_one = start.next(&values(5))?;
    let statement = chain.verify(&one)?;
    assert_eq!(
        statement,
        Statement {
            chain_id: 97304,
            first: 5,
            last: 5,
            old_state: [4; WORD],
            new_state: [5; WORD],
            old_accumulator: start.value().map(|element| element.to_canonical_u64()),
            new_accumulator: after_one.value().map(|element| element.to_canonical_u64()),
            prover: PROVER,
        }
    );

    let two = chain.prove(&any.prove(&values(6), false), Previous::Chain(&one))?;
    let after_two = after_one.next(&values(6))?;
    let statement_two = chain.verify(&two)?;
    assert_eq!(
        statement_two,
        Statement {
            last: 6,
            new_state: [6; WORD],
            new_accumulator: after_two.value().map(|element| element.to_canonical_u64()),
            ..statement
        }
    );

    // What is not the next block, one field at a time.
    let change = |index: usize, value: u64| {
        let mut values = values(6);
        values[index] = F::from_canonical_u64(value);
        values
    };
    let attacks: Vec<(&str, Vec<F>)> = vec![
        ("attack_wrong_chain_id", change(block::CHAIN_ID, 1)),
        ("attack_number_again", change(block::NUMBER, 5)),
        ("attack_number_skipped", change(block::NUMBER, 7)),
        ("attack_dropped_block", values(7)),
        ("attack_same_block_twice", values(5)),
        ("attack_time_goes_back", change(block::TIMESTAMP, 499)),
        ("attack_forged_state_root", change(block::STATE_BEFORE.start, 9)),
        ("attack_range_proof_by_state", change(block::CHECKPOINT_STATE.start + 3, 9)),
        ("attack_range_proof_by_window", change(block::CHECKPOINT_WINDOW.start, 9)),
        ("attack_window", change(block::PREVIOUS_HASHES.start, 9)),
        ("attack_wrong_parent", change(block::PREVIOUS_HASHES.end - 1, 9)),
        ("attack_difficulty", change(block::DIFFICULTY, 1)),
        ("attack_blob_gas", change(block::BLOBS.start, 1)),
        ("attack_beacon_root", change(block::BLOBS.end - 1, 1)),
        ("attack_state_word_of_33_bits", change(block::STATE_AFTER.start, 1 << 32)),
    ];
    for (name, values) in attacks {
        assert!(refused(&chain, &any.prove(&values, false), Previous::Chain(&one)), "{name}");
    }
    let forged = any.prove(&values(6), true);
    assert!(
        refused(&chain, &forged, Previous::Chain(&one)),
        "attack_block_proof_names_another_circuit"
    );

    // The previous proof with other public inputs: each of them, and the circuit's name.
    let inputs = [
        ("attack_wrong_chain_id", 0),
        ("attack_first_number", 1),
        ("attack_last_number", 2),
        ("attack_forged_old_state_root", 3),
        ("attack_forged_state_root", 11),
        ("attack_changed_old_accumulator", 19),
        ("attack_changed_accumulator", 23),
        ("attack_another_provers_address", 27),
        ("attack_another_time", 32),
        ("attack_another_window", 33),
        ("attack_chain_proof_names_another_circuit", 37),
        ("attack_chain_proof_names_another_key", 41),
    ];
    let block = any.prove(&values(6), false);
    for (name, index) in inputs {
        let mut changed = one.clone();
        changed.public_inputs[index] += F::ONE;
        assert!(refused(&chain, &block, Previous::Chain(&changed)), "{name}, as the previous proof");
        assert!(chain.verify(&changed).is_err(), "{name}");
    }

    // The second block first, then the first.
    let second_first = Accumulator::start(&values(6), F::from_canonical_u64(500))?;
    let previous = Previous::Start { accumulator: &second_first, prover: PROVER };
    let six = chain.prove(&block, previous)?;
    assert!(refused(&chain, &first, Previous::Chain(&six)), "attack_swapped_order");
    // What it says of itself is not what the right order says.
    let statement_six = chain.verify(&six)?;
    assert_ne!(statement_six.new_accumulator, statement_two.new_accumulator, "attack_swapped_order");

    // A block with another transaction is another block to whoever signed the accumulator.
    let other = change(block::ROOTS_AFTER.start + WORD, 9);
    let changed = chain.prove(&any.prove(&other, false), Previous::Chain(&one))?;
    let signed = statement_two.new_accumulator;
    assert_ne!(chain.verify(&changed)?.new_accumulator, signed, "attack_changed_transaction");

    // An accumulator that is opened to another tip than the block follows.
    for other in [values(6), values(4)] {
        let start = Accumulator::start(&other, F::from_canonical_u64(1))?;
        let previous = Previous::Start { accumulator: &start, prover: PROVER };
        assert!(refused(&chain, &first, previous), "attack_changed_accumulator, opened to another tip");
    }
    Ok(())
}
