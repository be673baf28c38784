//! From block proofs to what the contract takes: chain, then wrap. Each finished proof stays on disk, so that
//! a run that was cut off goes on behind the last one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context, Result};
use bzk_circuits::{
    chain::{Chain, ChainProof, Previous},
    solidity::fixtures,
    statement::{Accumulator, Statement},
    wrap::{Proof, Wrap},
    KeccakC, F,
};
use evm_arithmetization::ProofWithPublicValues;
use plonky2::field::types::Field;
use serde::{Deserialize, Serialize};

use crate::zkevm::{timed, write_whole, Zkevm};

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
    /// Builds them over the zkEVM's block circuit.
    ///
    /// # Errors
    /// When they do not fit it.
    pub fn new(zkevm: &Zkevm) -> Result<Self> {
        let chain = timed("chain circuit", || Chain::new(&zkevm.block_circuit().verifier_data()))?;
        let wrap = timed("wrap circuits", || {
            Ok(Wrap::new(&chain.circuit.verifier_data(), Statement::LEN, true))
        })?;
        Ok(Self { chain, wrap })
    }

    /// Joins the block proofs in `files` and wraps the result for `prover`. `parent_time` is the time of the
    /// block before the first, in seconds. Intermediate proofs go to `folder`.
    ///
    /// # Errors
    /// When a proof is missing or invalid, or the blocks do not follow each other.
    pub fn prove(
        &self,
        files: &[PathBuf],
        parent_time: u64,
        prover: [u32; 5],
        folder: &Path,
    ) -> Result<(Statement, Proof<KeccakC>)> {
        let mut joined: Option<Joined> = None;
        for file in files {
            let block: ProofWithPublicValues = read(file)?;
            let inputs = &block.intern.public_inputs;
            let start = Accumulator::start(inputs, F::from_canonical_u64(parent_time))?;
            let before = joined.as_ref().map_or(start, |joined| joined.accumulator);
            let accumulator = before.next(inputs)?;
            let path = folder.join(format!("chain-{}.json", name(&accumulator, prover)));
            if path.exists() {
                joined = Some(read(&path)?);
                continue;
            }
            let proof = timed("chain", || {
                let previous = match &joined {
                    Some(joined) => Previous::Chain(&joined.proof),
                    None => Previous::Start { accumulator: &before, prover },
                };
                self.chain.prove(&block.intern, previous)
            })?;
            let next = Joined { proof, accumulator };
            write_whole(&path, &serde_json::to_vec(&next)?)?;
            joined = Some(next);
        }
        let Joined { proof, accumulator } = joined.context("there are no blocks")?;
        let statement = self.chain.verify(&proof)?;
        let path = folder.join(format!("wrap-{}.bin", name(&accumulator, prover)));
        if let Ok(bytes) = fs::read(&path) {
            let wrapped = Proof::<KeccakC>::from_bytes(bytes, &self.wrap.wrap.circuit.common)?;
            return Ok((statement, wrapped));
        }
        let shrunk = timed("shrink", || self.wrap.shrink.prove(&proof))?;
        let wrapped = timed("wrap", || self.wrap.wrap.prove(&shrunk))?;
        self.verify(&wrapped)?;
        write_whole(&path, &wrapped.to_bytes())?;
        Ok((statement, wrapped))
    }

    /// Verifies a wrapped proof as the contract does.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn verify(&self, proof: &Proof<KeccakC>) -> Result<Statement> {
        self.wrap.wrap.circuit.verify(proof.clone())?;
        Statement::from_elements(&proof.public_inputs)
    }

    /// Writes the contracts, and test data of `proof` with `mutations` changes.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn export(&self, proof: &Proof<KeccakC>, mutations: usize, folder: &Path) -> Result<()> {
        fixtures::write(folder, &self.wrap.wrap.circuit.verifier_data(), proof, mutations)
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
        *word = chunk.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte));
    }
    Ok(words)
}

fn name(accumulator: &Accumulator, prover: [u32; 5]) -> String {
    let mut words: Vec<_> = accumulator.value().iter().map(|element| element.to_string()).collect();
    words.extend(prover.map(|word| format!("{word:x}")));
    words.join("-")
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is damaged", path.display()))
}
