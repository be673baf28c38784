//! From blocks to a wrapped proof, with everything in files: what is there is not made again.

use std::path::PathBuf;

use anyhow::{ensure, Context, Result};
use bzk_circuits::{
    statement::{Accumulator, Statement},
    wrap::Proof,
    KeccakC,
};
use ethereum_types::H256;
use plonky2::field::types::PrimeField64;
use serde_json::{json, Value};

use crate::{
    accumulators, decode,
    header::Header,
    rpc::Node,
    settle::{Settlement, Verifier},
    shares::Share,
    source::Case,
    stage,
    zkevm::{self, Zkevm},
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

    /// Proves a block that has no proof yet; returns the file of its proof. The proofs that it was joined from are removed:
    /// a full block has hundreds. Loads `zkevm` when it needs it: several GB.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    pub fn block(&self, name: &str, case: Case, zkevm: &mut Option<Zkevm>) -> Result<PathBuf> {
        let Case { witness, chain_id, .. } = case;
        let header = Header::decode(&witness.header.0, chain_id)?;
        let path = self.block_file(header.hash);
        if !path.exists() {
            // First: a bad witness need not wait for 8 GB of circuits to be told so.
            let batches = decode::generation_inputs(witness, &header)?;
            let zkevm = self.loaded(zkevm)?;
            let folder = self.block_folder(header.hash);
            stage::timed(name, || zkevm.prove_block(batches, &folder))?;
        }
        // Also when the run that proved it was cut off before.
        stage::keep_alone(&path);
        Ok(path)
    }

    /// Proves one of the shares into which the segments of a block are divided, as [`Zkevm::prove_share`], and notes that
    /// it is done.
    ///
    /// # Errors
    /// As [`Self::blocks`].
    pub fn share(&self, case: Case, share: Share, zkevm: &mut Option<Zkevm>) -> Result<()> {
        let Case { witness, chain_id, .. } = case;
        let header = Header::decode(&witness.header.0, chain_id)?;
        let batches = decode::generation_inputs(witness, &header)?;
        let zkevm = self.loaded(zkevm)?;
        let folder = self.block_folder(header.hash);
        zkevm.prove_share(batches, &folder, (share.number, share.of))?;
        stage::write_whole(&self.share_file(header.hash, share), b"")
    }

    /// The circuits of blocks; loads them when they are not.
    fn loaded<'a>(&self, zkevm: &'a mut Option<Zkevm>) -> Result<&'a Zkevm> {
        if zkevm.is_none() {
            *zkevm = Some(stage::timed("load", || Zkevm::load(&self.circuits))?);
        }
        zkevm.as_ref().context("the circuits are loaded")
    }

    /// Whose presence says that a share of the segments of the block with this hash is proven.
    pub fn share_file(&self, hash: H256, Share { number, of }: Share) -> PathBuf {
        self.block_folder(hash).join(format!("share-{number}-of-{of}"))
    }

    /// Proofs of other circuits stay, and are not taken for those of these.
    fn block_folder(&self, hash: H256) -> PathBuf {
        let circuit = zkevm::block_circuit_name(&self.circuits).unwrap_or_default();
        self.proofs.join(format!("{hash:x}-{circuit}"))
    }

    /// Where the proof of the block with this hash is, or will be.
    pub fn block_file(&self, hash: H256) -> PathBuf {
        self.block_folder(hash).join("joined.json")
    }

    /// Joins block proofs and wraps the result for `prover`, as [`Settlement::prove`]. Returns the file, what the proof
    /// says, and the proof.
    ///
    /// # Errors
    /// When the blocks do not follow each other, or a proof is damaged.
    pub fn settle(
        &self,
        blocks: &[PathBuf],
        start: Option<Accumulator>,
        prover: [u32; 5],
    ) -> Result<(PathBuf, Statement, Proof<KeccakC>)> {
        let file = Settlement::new(&self.circuits)?.prove(blocks, start, prover, &self.proofs)?;
        let (statement, proof) = Verifier::load(&self.circuits)?.verify(&file)?;
        Ok((file, statement, proof))
    }

    /// As [`Self::settle`], for the `blocks` of a node from number `from` on: the proof begins with the accumulator of
    /// all blocks before.
    ///
    /// # Errors
    /// Also when the node is away, or its headers say something else than the proofs.
    pub fn settle_node(
        &self,
        rpc: &str,
        from: u64,
        blocks: &[PathBuf],
        prover: [u32; 5],
    ) -> Result<(PathBuf, Statement, Proof<KeccakC>)> {
        let folder = self.proofs.join("accumulators");
        let before = from.checked_sub(1).context("block 0 has no proof")?;
        let start = accumulators::after(rpc, &folder, before)?;
        let settled = self.settle(blocks, Some(start), prover)?;
        let to = before + blocks.len() as u64;
        let end = accumulators::after(rpc, &folder, to)?;
        ensure_says(&settled.1, [from, to], [start, end], prover)?;
        Ok(settled)
    }
}

/// Checks that a proof is about these blocks, with the accumulators of the node's headers before and after them.
fn ensure_says(
    said: &Statement,
    [from, to]: [u64; 2],
    [start, end]: [Accumulator; 2],
    prover: [u32; 5],
) -> Result<()> {
    let value = |accumulator: Accumulator| accumulator.value().map(|e| e.to_canonical_u64());
    let blocks = [said.first, said.last].map(u64::from);
    ensure!(blocks == [from, to], "the proof is about blocks {blocks:?}, not {from} to {to}");
    let (ours, theirs) = ([start, end].map(value), [said.old_accumulator, said.new_accumulator]);
    ensure!(ours == theirs, "the node's headers accumulate to {ours:?}, the proof to {theirs:?}");
    ensure!(said.prover == prover, "the proof is for {:x?}, not for {prover:x?}", said.prover);
    Ok(())
}

/// Hash of block `number`, as a node has it.
///
/// # Errors
/// When the node is away or has no such block.
pub fn block_hash(rpc: &str, number: u64) -> Result<H256> {
    let block = json!([format!("0x{number:x}"), false]);
    let block: Value = Node::new(rpc).call("eth_getBlockByNumber", block)?;
    serde_json::from_value(block["hash"].clone())
        .with_context(|| format!("the node has no block {number}"))
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process::id};

    use bzk_circuits::{statement::Tip, F};
    use plonky2::field::types::Field;

    use super::*;

    fn accumulator(number: u64) -> Accumulator {
        let zero = [F::ZERO; 4];
        let number = F::from_canonical_u64(number);
        let tip = Tip { number, timestamp: F::ZERO, state: [F::ZERO; 8], window: zero };
        Accumulator { before: zero, block: zero, tip }
    }

    #[test]
    fn attack_proof_of_other_blocks_is_refused() {
        let (start, end, prover) = (accumulator(5), accumulator(10), [1, 2, 3, 4, 5]);
        let value = |accumulator: Accumulator| accumulator.value().map(|e| e.to_canonical_u64());
        let said = Statement {
            chain_id: 1,
            first: 6,
            last: 10,
            old_state: [0; 8],
            new_state: [0; 8],
            old_accumulator: value(start),
            new_accumulator: value(end),
            prover,
        };
        ensure_says(&said, [6, 10], [start, end], prover).unwrap();
        // What a longer batch with the same end says.
        let longer = Statement { first: 1, old_accumulator: value(accumulator(0)), ..said.clone() };
        assert!(ensure_says(&longer, [6, 10], [start, end], prover).is_err());
        for (blocks, ends) in [([6, 9], [start, end]), ([6, 10], [end, end]), ([6, 10], [start; 2])]
        {
            assert!(ensure_says(&said, blocks, ends, prover).is_err(), "{blocks:?}");
        }
        assert!(ensure_says(&said, [6, 10], [start, end], [0; 5]).is_err());
    }

    #[test]
    fn proofs_of_other_circuits_are_not_those_of_these() {
        let circuits = env::temp_dir().join(format!("bzk-pipeline-{}", id()));
        let _ = fs::remove_dir_all(&circuits);
        fs::create_dir_all(&circuits).unwrap();
        let pipeline = Pipeline { circuits: circuits.clone(), proofs: "proofs".into() };
        let file = |circuit: &str| {
            fs::write(circuits.join("batches-verifier.bin"), circuit).unwrap();
            pipeline.block_file(H256::zero())
        };
        assert_ne!(file("one"), file("another"));
        assert_eq!(file("one"), file("one"));
        fs::remove_dir_all(circuits).unwrap();
    }
}
