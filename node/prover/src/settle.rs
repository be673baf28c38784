//! From block proofs to what the contract takes: chain, then wrap. Each finished proof stays on disk, so that
//! a run that was cut off goes on behind the last one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure, Context, Result};
use bzk_circuits::{
    chain::{Chain, ChainProof, Previous},
    solidity,
    statement::{Accumulator, Digest, Statement},
    wrap::{Proof, Wrap},
    KeccakC, D, F,
};
use evm_arithmetization::ProofWithPublicValues;
use keccak_hash::keccak;
use plonky2::{
    field::types::{Field, PrimeField64},
    plonk::circuit_data::VerifierCircuitData,
    util::serialization::DefaultGateSerializer,
};
use serde::{Deserialize, Serialize};

use crate::{
    memory,
    stage::{kept, read, timed, write_whole},
    zkevm,
};

/// Measured: 4.7.
const SETTLE_GIB: u64 = 5;

/// A chain proof with what the next one needs.
#[derive(Serialize, Deserialize)]
struct Joined {
    proof: ChainProof,
    accumulator: Accumulator,
}

/// The circuits above the blocks.
pub struct Settlement {
    chain: Chain,
    wrap: Wrap,
}

impl Settlement {
    /// Builds them over the circuit in `circuits` that joins a block's batches, and puts there what verifies their proofs.
    ///
    /// # Errors
    /// When that is not there, they do not fit it, the disk is full or memory short.
    pub fn new(circuits: &Path) -> Result<Self> {
        memory::ensure_gib(SETTLE_GIB)?;
        let block = zkevm::block_circuit(circuits)?;
        let chain = timed("chain circuit", || Chain::new(&block))?;
        let wrap = timed("wrap circuits", || {
            Ok(Wrap::new(&chain.circuit.verifier_data(), Statement::LEN, true))
        })?;
        let verifier = wrap.wrap.circuit.verifier_data();
        let bytes = verifier.to_bytes(&DefaultGateSerializer).map_err(zkevm::io)?;
        write_whole(&verifier_file(circuits), &bytes)?;
        Ok(Self { chain, wrap })
    }

    /// Joins the block proofs in `files`, which follow on `start`, and wraps the result for `prover`. Without a `start`
    /// they follow on nothing known. All proofs go to `folder`; returns the wrapped one's file.
    ///
    /// # Errors
    /// When a proof is missing or invalid, or the blocks do not follow each other.
    pub fn prove(
        &self,
        files: &[PathBuf],
        mut start: Option<Accumulator>,
        prover: [u32; 5],
        folder: &Path,
    ) -> Result<PathBuf> {
        let mut joined: Option<Joined> = None;
        for file in files {
            let block: ProofWithPublicValues = read(file)?;
            let inputs = &block.intern.public_inputs;
            let before = match joined.as_ref().map(|joined| joined.accumulator).or(start) {
                Some(before) => before,
                None => Accumulator::start(inputs, F::ZERO)?,
            };
            let accumulator = before.next(inputs)?;
            let ends = [start.get_or_insert(before).value(), accumulator.value()];
            let path = folder.join(format!("chain-{}.json", self.name(ends, prover)));
            let next = kept(&path, "chain", || {
                let previous = match &joined {
                    Some(joined) => Previous::Chain(&joined.proof),
                    None => Previous::Start { accumulator: &before, prover },
                };
                Ok(Joined { proof: self.chain.prove(&block.intern, previous)?, accumulator })
            })?;
            joined = Some(next);
        }
        let (Some(Joined { proof, accumulator }), Some(start)) = (joined, start) else {
            bail!("there are no blocks")
        };
        self.chain.verify(&proof)?;
        let name = self.name([start.value(), accumulator.value()], prover);
        let path = folder.join(format!("wrap-{name}.bin"));
        // A damaged one is made again.
        if Verifier(self.wrap.wrap.circuit.verifier_data()).verify(&path).is_err() {
            let shrunk = timed("shrink", || self.wrap.shrink.prove(&proof))?;
            let wrapped = timed("wrap", || self.wrap.wrap.prove(&shrunk))?;
            self.wrap.wrap.circuit.verify(wrapped.clone())?;
            write_whole(&path, &wrapped.to_bytes())?;
        }
        Ok(path)
    }

    /// Name of a proof: the circuits that make it (the last one's digest depends on all), and what it says.
    fn name(&self, ends: [Digest; 2], prover: [u32; 5]) -> String {
        name(&self.wrap.wrap.circuit.verifier_only.circuit_digest.0[..8], ends, prover)
    }
}

/// Accumulators begin at block 0, so several batches end with the same one: a name has both ends.
fn name(circuits: &[u8], ends: [Digest; 2], prover: [u32; 5]) -> String {
    let ends = ends.as_flattened().iter().flat_map(|e| e.to_canonical_u64().to_be_bytes());
    let prover = prover.iter().flat_map(|word| word.to_be_bytes());
    format!("{}-{:x}", hex::encode(circuits), keccak(ends.chain(prover).collect::<Vec<_>>()))
}

/// What the contract knows: verifies wrapped proofs as it does.
pub struct Verifier(VerifierCircuitData<F, KeccakC, D>);

impl Verifier {
    /// Loads it from the folder of the circuits.
    ///
    /// # Errors
    /// When it is not there or damaged.
    pub fn load(circuits: &Path) -> Result<Self> {
        let path = verifier_file(circuits);
        let bytes = fs::read(&path)
            .with_context(|| format!("no {}: `bzk-prover settle` makes it", path.display()))?;
        VerifierCircuitData::from_bytes(bytes, &DefaultGateSerializer).map_err(zkevm::io).map(Self)
    }

    /// Verifies the wrapped proof in `file`; returns what it says, and the proof.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn verify(&self, file: &Path) -> Result<(Statement, Proof<KeccakC>)> {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let proof = Proof::<KeccakC>::from_bytes(bytes.clone(), &self.0.common)
            .context("the proof has another shape")?;
        ensure!(proof.to_bytes() == bytes, "the proof is not in its only encoding");
        self.0.verify(proof.clone())?;
        Ok((Statement::from_elements(&proof.public_inputs)?, proof))
    }

    /// A proof as the contract takes it.
    ///
    /// # Errors
    /// When it is of another circuit.
    pub fn contract_bytes(&self, proof: &Proof<KeccakC>) -> Result<Vec<u8>> {
        solidity::contract_bytes(&self.0, proof)
    }

    /// Writes the contracts into `folder/src`.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn export(&self, folder: &Path) -> Result<()> {
        solidity::write(folder, &self.0).map(drop)
    }

    /// Writes `proof`, all that the contracts' tests compare, and `mutations` changes of it into `folder/data`;
    /// returns how many of them are refused.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn export_fixtures(
        &self,
        proof: &Proof<KeccakC>,
        mutations: usize,
        folder: &Path,
    ) -> Result<usize> {
        solidity::fixtures::write(folder, &self.0, proof, mutations)
    }
}

/// An address in five words, the lowest first.
///
/// # Errors
/// When `text` is no address.
pub fn address_words(text: &str) -> Result<[u32; 5]> {
    let bytes = hex::decode(text.trim_start_matches("0x")).context("the prover is no address")?;
    ensure!(bytes.len() == 20, "an address has 20 bytes, {text} has {}", bytes.len());
    let mut words = [0; 5];
    for (word, chunk) in words.iter_mut().zip(bytes.rchunks(4)) {
        *word = chunk.iter().fold(0, |sum, &byte| (sum << 8) | u32::from(byte));
    }
    Ok(words)
}

fn verifier_file(circuits: &Path) -> PathBuf {
    circuits.join("wrap-verifier.bin")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{env, process::id};

    use bzk_circuits::wrap::wrap_config;
    use plonky2::{
        gates::noop::NoopGate,
        iop::witness::{PartialWitness, WitnessWrite},
        plonk::circuit_builder::CircuitBuilder,
    };

    use super::*;

    /// Writes a proof of a circuit with the settings of the last one that lets say anything: here 7, 8, 9 and so on. What
    /// verifies it goes to `circuits`.
    pub(crate) fn write_proof(circuits: &Path, file: &Path) {
        let mut builder = CircuitBuilder::<F, D>::new(wrap_config());
        let inputs = builder.add_virtual_targets(Statement::LEN);
        builder.register_public_inputs(&inputs);
        // So many rows that FRI has something to fold.
        for _ in 0..64 {
            builder.add_gate(NoopGate, vec![]);
        }
        let circuit = builder.build::<KeccakC>();
        let mut witness = PartialWitness::new();
        for (i, &input) in inputs.iter().enumerate() {
            witness.set_target(input, F::from_canonical_usize(7 + i)).unwrap();
        }
        let proof = circuit.prove(witness).unwrap();
        fs::create_dir_all(circuits).unwrap();
        let verifier = circuit.verifier_data().to_bytes(&DefaultGateSerializer).unwrap();
        fs::write(verifier_file(circuits), verifier).unwrap();
        fs::write(file, proof.to_bytes()).unwrap();
    }

    #[test]
    fn proof_that_is_not_whole_or_not_as_it_was_made_is_refused() {
        let circuits = env::temp_dir().join(format!("bzk-settle-{}", id()));
        let _ = fs::remove_dir_all(&circuits);
        assert!(Verifier::load(&circuits).is_err());
        let file = circuits.join("wrap.bin");
        write_proof(&circuits, &file);
        let verifier = Verifier::load(&circuits).unwrap();
        let (statement, _) = verifier.verify(&file).unwrap();
        assert_eq!((statement.chain_id, statement.first, statement.last), (7, 8, 9));
        let whole = fs::read(&file).unwrap();
        let refuses = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            verifier.verify(&file).is_err()
        };
        for place in (0..whole.len()).step_by(whole.len() / 50) {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(refuses(&changed), "byte {place}");
        }
        assert!(refuses(&whole[..whole.len() - 1]));
        assert!(refuses(&[whole.as_slice(), &[0]].concat()));
        assert!(!refuses(&whole));
        fs::remove_dir_all(circuits).unwrap();
    }

    #[test]
    fn attack_proof_of_a_longer_batch_is_not_taken_for_one_with_the_same_end() {
        let end = |value| [F::from_canonical_u64(value); 4];
        let of = |start, last, prover| name(&[7; 8], [end(start), end(last)], [prover; 5]);
        let whole = of(1, 10, 0);
        for other in [of(6, 10, 0), of(1, 9, 0), of(1, 10, 1)] {
            assert_ne!(other, whole);
        }
    }

    #[test]
    fn address_is_five_words_the_lowest_first() {
        let words = address_words("0x00000001000000020000000300000004ffffffff").unwrap();
        assert_eq!(words, [u32::MAX, 4, 3, 2, 1]);
        assert!(address_words("0x01").is_err());
    }
}
