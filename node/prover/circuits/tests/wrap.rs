//! The layers `shrink` and `wrap` over a circuit that says anything, as they stand over the chain circuit.

mod support;

use std::panic::{catch_unwind, AssertUnwindSafe};

use anyhow::Result;
use bzk_circuits::{
    statement::Statement,
    wrap::{shrink_config, Layer, Proof, Wrap},
    PoseidonC, D, F,
};
use plonky2::{
    field::types::Field,
    plonk::config::{AlgebraicHasher, GenericConfig},
};
use support::{AnyCircuit, Name};

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

/// The names that differ from `name` in one element.
fn other_names(name: &Name) -> Vec<Name> {
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
