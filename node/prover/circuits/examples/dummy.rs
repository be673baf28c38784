//! Wraps a small proof and writes its verifier, for the generator's own development.
use std::{fs, path::PathBuf, time::Instant};
use anyhow::Result;
use bzk_circuits::{solidity, wrap::Wrap, PoseidonC, D, F};
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
    let t = Instant::now();
    let wrap = Wrap::new(&inner.verifier_data(), 32, false);
    println!("setup {:?}: shrink 2^{}, wrap 2^{}", t.elapsed(), wrap.shrink.circuit.common.degree_bits(), wrap.wrap.circuit.common.degree_bits());
    let t = Instant::now();
    let shrunk = wrap.shrink.prove(&proof)?;
    println!("shrink {:?}", t.elapsed());
    let t = Instant::now();
    let proof = wrap.wrap.prove(&shrunk)?;
    println!("wrap {:?}", t.elapsed());
    let verifier = wrap.wrap.circuit.verifier_data();
    verifier.verify(proof.clone())?;
    for g in &verifier.common.gates { println!("{} {}", g.0.id().chars().take(60).collect::<String>(), g.0.num_constraints()); }
    let contracts = solidity::export(&verifier)?;
    fs::create_dir_all(out.join("src"))?;
    fs::write(out.join("src/PlonkyVerifier.sol"), &contracts.verifier)?;
    fs::write(out.join("src/GateEvaluator.sol"), &contracts.evaluator)?;
    let bytes = proof.to_bytes();
    println!("{} bytes, {} expected", bytes.len(), contracts.proof_bytes);
    fs::write(out.join("proof.bin"), &bytes)?;
    fs::write(out.join("vectors.json"), serde_json::to_vec_pretty(&solidity::vectors(&verifier, &proof)?)?)?;
    fs::write(out.join("constraints.json"), serde_json::to_vec_pretty(&solidity::constraints(&verifier, &proof)?)?)?;
    Ok(())
}
