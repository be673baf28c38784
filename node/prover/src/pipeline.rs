//! From blocks to a wrapped proof, with everything in files: what is there is not made again.

use std::{fs, path::PathBuf};

use anyhow::Result;
use bzk_circuits::{statement::Statement, wrap::Proof, KeccakC};
use serde_json::{json, Value};

use crate::{
    decode,
    header::Header,
    rpc::Node,
    settle::{Settlement, Verifier},
    source::{self, Case},
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
        fs::create_dir_all(&self.proofs)?;
        // Several GB, so only for a block that has no proof.
        let mut zkevm = None;
        cases
            .map(|(name, case)| {
                let Case { witness, chain_id, .. } = case?;
                let header = Header::decode(&witness.header.0, chain_id)?;
                let folder = self.proofs.join(format!("{:x}", header.hash));
                let path = folder.join("block.json");
                if path.exists() {
                    return Ok(path);
                }
                let zkevm = match &mut zkevm {
                    Some(zkevm) => zkevm,
                    none => none.insert(stage::timed("load", || Zkevm::load(&self.circuits))?),
                };
                let batches = decode::generation_inputs(witness, &header)?;
                stage::timed(&name, || zkevm.prove_block(batches, &folder))?;
                Ok(path)
            })
            .collect()
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

    /// Proves the blocks `from..=to` of a node up to the wrapped proof; returns its file.
    ///
    /// # Errors
    /// As the other two; when the node is away.
    pub fn batch(&self, rpc: &str, from: u64, to: u64, prover: [u32; 5]) -> Result<PathBuf> {
        let parent_time = parent_time(rpc, from)?;
        let blocks = self.blocks(source::node(rpc, from, Some(to))?)?;
        Ok(self.settle(&blocks, parent_time, prover)?.0)
    }
}

/// Time of the block before `number`, in seconds, as a node has it.
///
/// # Errors
/// When the node is away or has no such block.
pub fn parent_time(rpc: &str, number: u64) -> Result<u64> {
    let parent = format!("0x{:x}", number.saturating_sub(1));
    let block: Value = Node::new(rpc).call("eth_getBlockByNumber", json!([parent, false]))?;
    let time = block["timestamp"].as_str().unwrap_or_default();
    Ok(u64::from_str_radix(time.trim_start_matches("0x"), 16)?)
}
