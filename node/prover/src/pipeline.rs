//! From blocks to a wrapped proof, with everything in files: what is there is not made again.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use bzk_circuits::{statement::Statement, wrap::Proof, KeccakC};
use ethereum_types::H256;
use serde_json::{json, Value};

use crate::{
    decode,
    header::Header,
    rpc::Node,
    settle::{Settlement, Verifier},
    source::Case,
    stage,
    zkevm::Zkevm,
};

/// Where circuits and proofs are.
#[derive(Debug, Clone, clap::Args)]
pub struct Pipeline {
    /// Folder of the circuits that `setup` made.
    #[arg(long, env = "BZK_CIRCUITS")]
    pub circuits: PathBuf,
    /// Folder of the proofs.
    #[arg(long, env = "BZK_PROOFS")]
    pub proofs: PathBuf,
}

impl Pipeline {
    /// Proves every block that has no proof yet; returns the files of all proofs.
    ///
    /// # Errors
    /// When a block is invalid or too large, the circuits are missing, or the disk is full.
    pub fn blocks(
        &self,
        cases: impl Iterator<Item = (String, Result<Case>)>,
    ) -> Result<Vec<PathBuf>> {
        let mut zkevm = None;
        cases.map(|(name, case)| self.block(&name, case?, &mut zkevm)).collect()
    }

    /// Proves a block that has no proof yet; returns the file of its proof. Loads `zkevm` when it needs it: several GB.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    pub fn block(&self, name: &str, case: Case, zkevm: &mut Option<Zkevm>) -> Result<PathBuf> {
        let Case { witness, chain_id, .. } = case;
        let header = Header::decode(&witness.header.0, chain_id)?;
        let path = self.block_file(header.hash);
        let folder = path.parent().context("a proof is in a folder")?;
        fs::create_dir_all(folder)?;
        if path.exists() {
            return Ok(path);
        }
        let zkevm = match zkevm {
            Some(zkevm) => zkevm,
            none => none.insert(stage::timed("load", || Zkevm::load(&self.circuits))?),
        };
        let batches = decode::generation_inputs(witness, &header)?;
        stage::timed(name, || zkevm.prove_block(batches, folder))?;
        Ok(path)
    }

    /// Where the proof of the block with this hash is, or will be.
    pub fn block_file(&self, hash: H256) -> PathBuf {
        self.proofs.join(format!("{hash:x}")).join("block.json")
    }

    /// Joins block proofs and wraps the result for `prover`; `parent_time` is the time of the block before
    /// the first, in seconds. Returns the file, what the proof says, and the proof.
    ///
    /// # Errors
    /// When the blocks do not follow each other, or a proof is damaged.
    pub fn settle(
        &self,
        blocks: &[PathBuf],
        parent_time: u64,
        prover: [u32; 5],
    ) -> Result<(PathBuf, Statement, Proof<KeccakC>)> {
        let file =
            Settlement::new(&self.circuits)?.prove(blocks, parent_time, prover, &self.proofs)?;
        let (statement, proof) = Verifier::load(&self.circuits)?.verify(&file)?;
        Ok((file, statement, proof))
    }
}

/// Time of the block before `number`, in seconds, as a node has it.
///
/// # Errors
/// When the node is away or has no such block.
pub fn parent_time(rpc: &str, number: u64) -> Result<u64> {
    let block = block(rpc, number.saturating_sub(1))?;
    let time = block["timestamp"].as_str().unwrap_or_default();
    Ok(u64::from_str_radix(time.trim_start_matches("0x"), 16)?)
}

/// Hash of block `number`, as a node has it.
///
/// # Errors
/// When the node is away or has no such block.
pub fn block_hash(rpc: &str, number: u64) -> Result<H256> {
    let hash = block(rpc, number)?["hash"].take();
    serde_json::from_value(hash).with_context(|| format!("the node has no block {number}"))
}

fn block(rpc: &str, number: u64) -> Result<Value> {
    Node::new(rpc).call("eth_getBlockByNumber", json!([format!("0x{number:x}"), false]))
}
