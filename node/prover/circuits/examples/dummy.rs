//! Wraps a small proof and writes its verifier, for the generator's own development.
use std::{path::PathBuf, time::Instant};
use anyhow::Result;
use bzk_circuits::{solidity, wrap::{config, Layer, Wrap}, KeccakC, PoseidonC, D, F};
use plonky2::{
    field::types::Field,
    iop::witness::{PartialWitness, WitnessWrite},
    plonk::{circuit_builder::CircuitBuilder, circuit_data::CircuitConfig},
};
fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).unwrap());
    let mut builder = CircuitBuilder::<F, D>::new(CircuitConfig::standard_recursion_config());
    let inputs = builder.add_virtual_targets(32);
    builder.register_public_inputs(&inputs);
    for &i in &inputs { builder.range_check(i, 32); }
    let inner = builder.build::<PoseidonC>();
    let mut witness = PartialWitness::new();
    for (i, &t) in inputs.iter().enumerate() { witness.set_target(t, F::from_canonical_usize(1000 * i + 7))?; }
    let proof = inner.prove(witness)?;
    let args: Vec<usize> = std::env::args().skip(2).map(|n| n.parse().unwrap()).collect();
    let t = Instant::now();
    let (verifier, proof) = if args.len() > 1 {
        let layer = Layer::<KeccakC>::new(&inner.verifier_data(), config(args[1], args[2], args[3] as u32), 32, false);
        println!("setup {:?}: 2^{}", t.elapsed(), layer.circuit.common.degree_bits());
        (layer.circuit.verifier_data(), layer.prove(&proof)?)
    } else {
        let wrap = Wrap::new(&inner.verifier_data(), 32, false);
        println!("setup {:?}: shrink 2^{}, wrap 2^{}", t.elapsed(), wrap.shrink.circuit.common.degree_bits(), wrap.wrap.circuit.common.degree_bits());
        (wrap.wrap.circuit.verifier_data(), wrap.prove(&proof)?)
    };
    println!("proven {:?}", t.elapsed());
    verifier.verify(proof.clone())?;
    for g in &verifier.common.gates { println!("{} {}", g.0.id().chars().take(60).collect::<String>(), g.0.num_constraints()); }
    let t = Instant::now();
    solidity::fixtures::write(&out, &verifier, &proof, args[0])?;
    println!("fixtures {:?}, {} bytes", t.elapsed(), solidity::export(&verifier)?.proof_bytes);
    Ok(())
}
