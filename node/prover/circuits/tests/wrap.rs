//! The layers `shrink` and `wrap` over a circuit that says anything, as they stand over the chain circuit.

mod support;

use std::panic::{catch_unwind, AssertUnwindSafe};

use anyhow::Result;
use bzk_circuits::{
    chain::chain_config,
    solidity,
    statement::Statement,
    wrap::{shrink_config, wrap_config, Layer, Proof, Wrap},
    KeccakC, PoseidonC, D, F,
};
use plonky2::{
    field::types::Field,
    plonk::{
        circuit_data::VerifierCircuitData,
        config::{AlgebraicHasher, GenericConfig},
    },
};
use support::{other_names, AnyCircuit};

const INPUTS: usize = Statement::LEN;

/// Whether the layer yields no proof that verifies.
fn refused<C, I>(layer: &Layer<C>, proof: &Proof<I>) -> bool
where
    C: GenericConfig<D, F = F>,
    I: GenericConfig<D, F = F>,
    I::Hasher: AlgebraicHasher<F>,
{
    let proof = catch_unwind(AssertUnwindSafe(|| layer.prove(proof)));
    !matches!(proof, Ok(Ok(proof)) if layer.circuit.verify(proof.clone()).is_ok())
}

/// The proof with its public input `index` changed.
fn changed<C: GenericConfig<D, F = F>>(proof: &Proof<C>, index: usize) -> Proof<C> {
    let mut changed = proof.clone();
    changed.public_inputs[index] += F::ONE;
    changed
}

/// What the tests of the contract (`forge`) take for granted.
fn contract_gets_all_that_it_is_tested_with(
    circuit: &VerifierCircuitData<F, KeccakC, D>,
    proof: &Proof<KeccakC>,
) -> Result<()> {
    // Neither contract halts but at the end of its functions, in Solidity.
    let contracts = solidity::export(circuit)?;
    for source in [&contracts.verifier, &contracts.evaluator] {
        for halt in ["return(", "stop()", "selfdestruct("] {
            assert!(!source.contains(halt), "the assembly has {halt}");
        }
    }

    let vectors = solidity::vectors(circuit, proof)?;
    let count = |what: &str| {
        let names = vectors.iter().filter_map(|vector| vector.name.rsplit_once(' '));
        names.filter(|(name, _)| *name == what).count()
    };
    let fri = &circuit.common.fri_params;
    let expected = [
        ("hash of the public inputs", 4),
        ("beta", 2),
        ("gamma", 2),
        ("alpha", 2),
        ("zeta", 1),
        ("openings reduced", 2),
        ("FRI alpha", 1),
        ("FRI beta", fri.reduction_arity_bits.len()),
        ("proof of work", 1),
        ("query", fri.config.num_query_rounds),
    ];
    for (what, times) in expected {
        assert_eq!(count(what), times, "{what}");
    }
    assert_eq!(vectors.len(), expected.map(|(_, times)| times).iter().sum::<usize>());
    assert_eq!(solidity::constraints(circuit, proof)?.len(), circuit.common.gates.len());

    let mutations = solidity::mutations::mutations(circuit, proof, 400, 1)?;
    assert!(mutations.iter().all(|one| !one.valid), "plonky2 accepts a changed proof");
    let inputs = mutations.iter().filter(|one| one.place >= solidity::mutations::INPUTS).count();
    assert!((20..100).contains(&inputs), "{inputs} of 400 changes are of public inputs");
    Ok(())
}

/// As the table in node/prover/README.md says: what plonky2 calls security, and what is proven.
#[test]
fn layers_are_as_secure_as_is_stated() {
    let layers = [
        ("chain", chain_config(), (145, 80)),
        ("shrink", shrink_config(), (149, 82)),
        ("wrap", wrap_config(), (140, 80)),
    ];
    for (name, config, bits) in layers {
        let fri = config.fri_config;
        let (queries, work) =
            (fri.num_query_rounds * fri.rate_bits, fri.proof_of_work_bits as usize);
        assert_eq!((queries + work, queries / 2 + work), bits, "{name}");
        assert_eq!(config.num_challenges, 2, "{name}");
    }
}

#[test]
fn proof_of_the_circuit_is_wrapped_and_every_other_one_is_refused() -> Result<()> {
    let inner = AnyCircuit::new(INPUTS, 7);
    let name = inner.name();
    let values: Vec<_> = (0..INPUTS).map(|i| F::from_canonical_usize(1000 * i + 7)).collect();
    let Wrap { shrink, wrap } = Wrap::new(&inner.circuit.verifier_data(), INPUTS, true);

    let proof = inner.prove(&values, &name);
    let shrunk = shrink.prove(&proof)?;
    let wrapped = wrap.prove(&shrunk)?;
    wrap.circuit.verify(wrapped.clone())?;
    assert_eq!(wrapped.public_inputs, values);

    contract_gets_all_that_it_is_tested_with(&wrap.circuit.verifier_data(), &wrapped)?;

    for index in 0..INPUTS {
        let name = format!("attack_changed_input {index}");
        assert!(refused(&shrink, &changed(&proof, index)), "{name}, of the proof");
        assert!(refused(&wrap, &changed(&shrunk, index)), "{name}, of the shrunk proof");
        assert!(
            wrap.circuit.verify(changed(&wrapped, index)).is_err(),
            "{name}, of the wrapped proof"
        );
    }

    for (number, other) in other_names(&name).iter().enumerate() {
        let forged = inner.prove(&values, other);
        inner.circuit.verify(forged.clone())?;
        assert!(refused(&shrink, &forged), "attack_proof_names_another_circuit, {number}");
    }

    // A circuit of the same shape that claims to be the right one.
    let other = AnyCircuit::new(INPUTS, 8);
    assert_eq!(other.circuit.common, inner.circuit.common);
    let forged = other.prove(&values, &name);
    other.circuit.verify(forged.clone())?;
    assert!(refused(&shrink, &forged), "attack_proof_of_another_circuit");

    // What shrinks its proofs has the shape of what shrinks the right ones.
    let other_shrink =
        Layer::<PoseidonC>::new(&other.circuit.verifier_data(), shrink_config(), INPUTS, true);
    assert_eq!(other_shrink.circuit.common, shrink.circuit.common);
    let forged = other_shrink.prove(&other.prove(&values, &other.name()))?;
    other_shrink.circuit.verify(forged.clone())?;
    assert!(refused(&wrap, &forged), "attack_shrunk_proof_of_another_circuit");
    Ok(())
}
