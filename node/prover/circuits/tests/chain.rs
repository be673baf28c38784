//! The chain circuit over a circuit that has a block proof's public inputs and no constraints: so a test can
//! claim any block.

mod support;

use std::panic::{catch_unwind, AssertUnwindSafe};

use anyhow::Result;
use bzk_circuits::{
    chain::{Chain, ChainProof, Previous},
    statement::{block, Accumulator, Statement, EMPTY_ROOT, WORD},
    wrap::Proof,
    PoseidonC, F,
};
use plonky2::{
    field::{
        goldilocks_field::GoldilocksField,
        types::{Field, PrimeField64},
    },
    iop::witness::PartialWitness,
};
use support::{other_names, AnyCircuit};

/// Words that are nowhere else in a witness.
const PROVER: [u32; 5] = [0x9e37_79b9, 0x7f4a_7c15, 0xbf58_476d, 0x1ce4_e5b9, 0x94d0_49bb];
/// The least number of 33 bits.
const TOO_LONG: F = GoldilocksField(1 << 32);

/// The public values of block `number` of a chain where block n leads to the state n, n, ... and has the hash
/// 1000 + n in each word.
fn values(number: u64) -> Vec<F> {
    let mut values: Vec<F> = (0..block::LEN as u64).map(|i| F::from_canonical_u64(i % 7)).collect();
    let mut fill = |range: std::ops::Range<usize>, value: u64| {
        values[range].fill(F::from_canonical_u64(value));
    };
    fill(block::STATE_BEFORE, number - 1);
    fill(block::STATE_AFTER, number);
    fill(block::BLOBS, 0);
    let single = |index: usize| index..index + 1;
    for index in [block::DIFFICULTY, block::TRANSACTIONS_FROM, block::GAS_FROM] {
        fill(single(index), 0);
    }
    fill(single(block::GAS_USED), 21_000 + number);
    fill(single(block::GAS_TO), 21_000 + number);
    fill(block::NUMBER..block::NUMBER + 1, number);
    fill(block::TIMESTAMP..block::TIMESTAMP + 1, 100 * number);
    fill(block::CHAIN_ID..block::CHAIN_ID + 1, 97304);
    fill(block::HASH, 1000 + number);
    for i in 0..256u64 {
        let hash = 1000 + number + i - 256;
        let start = block::PREVIOUS_HASHES.start + WORD * i as usize;
        values[start..start + WORD].fill(F::from_canonical_u64(hash));
    }
    let empty = EMPTY_ROOT.map(F::from_canonical_u32);
    values[block::TRANSACTIONS_BEFORE].copy_from_slice(&empty);
    values[block::RECEIPTS_BEFORE].copy_from_slice(&empty);
    values
}

/// Whether the step yields no proof that verifies: by the constraints alone, not by what [`Chain::verify`] reads.
fn refused(chain: &Chain, block: &Proof<PoseidonC>, previous: Previous<'_>) -> bool {
    chain.witness(block, previous).map_or(true, |witness| refuses(chain, witness))
}

fn refuses(chain: &Chain, witness: PartialWitness<F>) -> bool {
    let proof = catch_unwind(AssertUnwindSafe(|| chain.circuit.prove(witness)));
    !matches!(proof, Ok(Ok(proof)) if chain.circuit.verify(proof.clone()).is_ok())
}

/// The public values of `block` with `value` at each of the places in `indices`.
fn with(mut block: Vec<F>, indices: impl IntoIterator<Item = usize>, value: F) -> Vec<F> {
    indices.into_iter().for_each(|index| block[index] = value);
    block
}

#[test]
fn blocks_are_joined_and_every_other_one_is_refused() -> Result<()> {
    let any = AnyCircuit::new(block::LEN, 7);
    let own = any.name();
    let chain = Chain::new(&any.circuit.verifier_data())?;
    let start = Accumulator::start(&values(5), F::from_canonical_u64(400))?;
    let first = any.prove(&values(5), &own);
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

    let two = chain.prove(&any.prove(&values(6), &own), Previous::Chain(&one))?;
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
    let change = |index, value| with(values(6), [index], F::from_canonical_u64(value));
    let mut attacks: Vec<(&str, Vec<F>)> = vec![
        ("attack_wrong_chain_id", change(block::CHAIN_ID, 1)),
        ("attack_number_again", change(block::NUMBER, 5)),
        ("attack_number_skipped", change(block::NUMBER, 7)),
        ("attack_dropped_block", values(7)),
        ("attack_same_block_twice", values(5)),
        ("attack_time_goes_back", change(block::TIMESTAMP, 499)),
        ("attack_window", change(block::PREVIOUS_HASHES.start, 9)),
        ("attack_wrong_parent", change(block::PREVIOUS_HASHES.end - 1, 9)),
        ("attack_difficulty", change(block::DIFFICULTY, 1)),
        ("attack_first_transactions_dropped", change(block::TRANSACTIONS_FROM, 1)),
        ("attack_gas_used_before", change(block::GAS_FROM, 21_000)),
        ("attack_gas_used_is_not_the_headers", change(block::GAS_TO, 9)),
        ("attack_header_says_other_gas", change(block::GAS_USED, 9)),
    ];
    let ranges = [
        ("attack_forged_state_root", block::STATE_BEFORE),
        ("attack_transactions_before", block::TRANSACTIONS_BEFORE),
        ("attack_receipts_before", block::RECEIPTS_BEFORE),
        ("attack_blob_fields", block::BLOBS),
    ];
    for (name, range) in ranges {
        attacks.extend(range.map(|index| (name, change(index, 9))));
    }
    for index in block::STATE_AFTER {
        attacks.push(("attack_state_word_of_33_bits", with(values(6), [index], TOO_LONG)));
    }
    for (name, values) in attacks {
        assert!(refused(&chain, &any.prove(&values, &own), Previous::Chain(&one)), "{name}");
    }
    let mut other_values = any.prove(&values(6), &own);
    other_values.public_inputs[block::ROOTS_AFTER.start] += F::ONE;
    let mut forged = vec![
        ("attack_block_proof_of_other_values", other_values),
        (
            "attack_block_proof_of_another_circuit",
            AnyCircuit::new(block::LEN, 8).prove(&values(6), &own),
        ),
    ];
    for name in other_names(&own) {
        forged.push(("attack_block_proof_names_another_circuit", any.prove(&values(6), &name)));
    }
    for (name, block) in forged {
        assert!(refused(&chain, &block, Previous::Chain(&one)), "{name}");
    }

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
    let block = any.prove(&values(6), &own);
    for (name, index) in inputs {
        let mut changed = one.clone();
        changed.public_inputs[index] += F::ONE;
        assert!(
            refused(&chain, &block, Previous::Chain(&changed)),
            "{name}, as the previous proof"
        );
        assert!(chain.verify(&changed).is_err(), "{name}");
    }

    // One that names another circuit as its own is valid, so whoever verifies it has to look.
    let name = chain.circuit.verifier_only.circuit_digest.elements[0];
    let mut witness = chain.witness(&first, begin)?;
    let said = witness.target_values.values_mut().filter(|value| **value == name);
    said.for_each(|value| *value += F::ONE);
    let named = chain.circuit.prove(witness)?;
    chain.circuit.verify(named.clone())?;
    assert_eq!(named.public_inputs[37], name + F::ONE);
    assert!(chain.verify(&named).is_err(), "attack_valid_chain_proof_names_another_circuit");
    assert!(
        refused(&chain, &block, Previous::Chain(&named)),
        "attack_valid_chain_proof_names_another_circuit, as the previous proof"
    );

    // The second block first, then the first.
    let second_first = Accumulator::start(&values(6), F::from_canonical_u64(500))?;
    let previous = Previous::Start { accumulator: &second_first, prover: PROVER };
    let six = chain.prove(&block, previous)?;
    assert!(refused(&chain, &first, Previous::Chain(&six)), "attack_swapped_order");
    // What it says of itself is not what the right order says.
    let statement_six = chain.verify(&six)?;
    assert_ne!(
        statement_six.new_accumulator, statement_two.new_accumulator,
        "attack_swapped_order"
    );

    // A block with another transaction is another block to whoever signed the accumulator.
    let other = change(block::ROOTS_AFTER.start + WORD, 9);
    let changed = chain.prove(&any.prove(&other, &own), Previous::Chain(&one))?;
    let signed = statement_two.new_accumulator;
    assert_ne!(chain.verify(&changed)?.new_accumulator, signed, "attack_changed_transaction");

    // The accumulator where the chain starts, opened to another tip than the block follows.
    let mut starts = vec![start; WORD + 6];
    starts[0].tip.number += F::ONE;
    starts[1].tip.timestamp = F::from_canonical_u64(501);
    for (i, start) in starts[2..6].iter_mut().enumerate() {
        start.tip.window[i] += F::ONE;
    }
    for (i, start) in starts[6..].iter_mut().enumerate() {
        start.tip.state[i] += F::ONE;
    }
    for (i, accumulator) in starts.iter().enumerate() {
        let previous = Previous::Start { accumulator, prover: PROVER };
        assert!(refused(&chain, &first, previous), "attack_changed_accumulator, opened to tip {i}");
    }

    // Where nothing is before that binds them: numbers that the contract would read as shorter ones. The longest that
    // it reads as they are:
    let places = [block::STATE_BEFORE, block::STATE_AFTER];
    let places = places.into_iter().flatten();
    let places = places.chain([block::CHAIN_ID, block::NUMBER, block::TIMESTAMP]);
    let longest = with(values(5), places, TOO_LONG - F::ONE);
    let start = Accumulator::start(&longest, F::from_canonical_u64(400))?;
    let previous = Previous::Start { accumulator: &start, prover: [u32::MAX; 5] };
    let statement = chain.verify(&chain.prove(&any.prove(&longest, &own), previous)?)?;
    assert_eq!(
        (statement.chain_id, statement.last, statement.prover[4]),
        (u32::MAX, u32::MAX, u32::MAX)
    );
    let mut long = vec![
        ("attack_chain_id_of_33_bits", with(values(5), [block::CHAIN_ID], TOO_LONG), 400),
        ("attack_number_of_33_bits", with(values(5), [block::NUMBER], TOO_LONG), 400),
        ("attack_time_of_33_bits", with(values(5), [block::TIMESTAMP], TOO_LONG), (1 << 32) - 1),
    ];
    for i in 0..WORD {
        let word = [block::STATE_BEFORE.start + i];
        long.push(("attack_old_state_word_of_33_bits", with(values(5), word, TOO_LONG), 400));
    }
    for (name, values, before) in long {
        let start = Accumulator::start(&values, F::from_canonical_u64(before))?;
        let previous = Previous::Start { accumulator: &start, prover: PROVER };
        assert!(refused(&chain, &any.prove(&values, &own), previous), "{name}");
    }
    for word in PROVER.map(F::from_canonical_u32) {
        let mut witness = chain.witness(&first, begin)?;
        let said: Vec<_> =
            witness.target_values.values_mut().filter(|value| **value == word).collect();
        assert_eq!(said.len(), 1, "the prover's word {word} is told once");
        said.into_iter().for_each(|value| *value = TOO_LONG);
        assert!(refuses(&chain, witness), "attack_provers_word_of_33_bits");
    }
    Ok(())
}
