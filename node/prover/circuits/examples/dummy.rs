//! Wraps a proof of a small circuit and writes its verifier and test data: the path behind the chain circuit in
//! minutes instead of hours.
//! Usage: dummy FOLDER MUTATIONS

use std::{path::PathBuf, time::Instant};

use anyhow::{ensure, Context, Result};
use bzk_circuits::{solidity, statement::Statement, wrap::Wrap, PoseidonC, D, F};
use plonky2::{
    field::types::Field,
    iop::witness::{PartialWitness, WitnessWrite},
    plonk::{circuit_builder::CircuitBuilder, circuit_data::CircuitConfig},
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().context("which folder?")?);
    let mutations: usize = arguments.next().context("how many mutations?")?.parse()?;

    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let inputs = builder.add_virtual_targets(Statement::LEN);
    builder.register_public_inputs(&inputs);
    for &input in &inputs {
        builder.range_check(input, 32);
    }
    let circuit = builder.build::<PoseidonC>();
    let mut witness = PartialWitness::new();
    for (i, &input) in inputs.iter().enumerate() {
        witness.set_target(input, F::from_canonical_usize(1000 * i + 7))?;
    }
    let proof = circuit.prove(witness)?;

    let start = Instant::now();
    let wrap = Wrap::new(&circuit.verifier_data(), Statement::LEN, false);
    let rows = [wrap.shrink.circuit.common.degree_bits(), wrap.wrap.circuit.common.degree_bits()];
    println!("setup {:?}: shrink 2^{}, wrap 2^{}", start.elapsed(), rows[0], rows[1]);
    let proof = wrap.prove(&proof)?;
    println!("proven {:?}", start.elapsed());

    let verifier = wrap.wrap.circuit.verifier_data();
    let bytes = solidity::write(&folder, &verifier)?;
    let refused = solidity::fixtures::write(&folder, &verifier, &proof, mutations)?;
    ensure!(refused == mutations, "plonky2 accepts a changed proof");
    println!("written {:?}, a proof has {bytes} bytes", start.elapsed());
    Ok(())
}
