//! The batches to prove, a file each. A batch that fails stays queued with its error; the proofs that it
//! already has are in the pipeline's folder, so it goes on from there. Workers that share them share this folder too.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{ensure, Context, Result};
use serde::{Deserialize, Serialize};

use crate::{settle::address_words, stage};

/// Batches that wait or are proven; their files are small, but a queue has an end.
const MOST_BATCHES: usize = 100_000;

/// A batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Batch {
    /// First block.
    pub from: u64,
    /// Last block.
    pub to: u64,
    /// Who may use the proof: an address in hex.
    pub prover: String,
    /// File of the wrapped proof, when there is one.
    pub proof: Option<PathBuf>,
    /// Why the last try failed.
    pub error: Option<String>,
}

impl Batch {
    /// A batch that waits. It may have any number of blocks: the chain means one to have at most 4,096, but one that waits
    /// for room on the chain grows (`pallets/settlement`), and would never be proven if it were refused here.
    ///
    /// # Errors
    /// When the range is empty, or `prover` is no address.
    pub fn new(from: u64, to: u64, prover: &str) -> Result<Self> {
        address_words(prover)?;
        ensure!(from > 0 && from <= to, "blocks {from} to {to} are no range");
        ensure!(to <= u64::from(u32::MAX), "a block number has 32 bits");
        let prover = prover.trim_start_matches("0x").to_lowercase();
        Ok(Self { from, to, prover, proof: None, error: None })
    }

    /// Its name: the same batch has the same one. Sorts by the first block.
    pub fn id(&self) -> String {
        format!("{:010}-{:010}-{}", self.from, self.to, self.prover)
    }
}

/// The queue.
#[derive(Debug, Clone)]
pub struct Queue(PathBuf);

impl Queue {
    /// Opens the queue in `folder`, and makes it when it is not there.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self(folder.into()))
    }

    /// Adds a batch unless it is there; returns its id.
    ///
    /// # Errors
    /// When the queue or the disk is full.
    pub fn submit(&self, batch: &Batch) -> Result<String> {
        let id = batch.id();
        if !self.path(&id).exists() {
            ensure!(self.ids()?.len() < MOST_BATCHES, "the queue is full");
            self.write(batch)?;
        }
        Ok(id)
    }

    /// A batch by its id.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, id: &str) -> Result<Batch> {
        let known = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        ensure!(known && self.path(id).exists(), "there is no batch {id}");
        stage::read(&self.path(id))
    }

    /// Writes what became of a batch.
    ///
    /// # Errors
    /// As the file system has them.
    pub fn write(&self, batch: &Batch) -> Result<()> {
        stage::write_whole(&self.path(&batch.id()), &serde_json::to_vec_pretty(batch)?)
    }

    /// All batches, by their first block.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn all(&self) -> Result<Vec<Batch>> {
        self.ids()?.iter().map(|id| self.get(id)).collect()
    }

    /// Batches that have block `number` and no proof.
    ///
    /// # Errors
    /// When a file is damaged.
    pub fn waiting_for(&self, number: u64) -> Result<Vec<Batch>> {
        let waits = |one: &Batch| one.proof.is_none() && (one.from..=one.to).contains(&number);
        Ok(self.all()?.into_iter().filter(waits).collect())
    }

    fn ids(&self) -> Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let name = entry?.file_name();
            ids.extend(name.to_str().and_then(|name| name.strip_suffix(".json")).map(String::from));
        }
        ids.sort();
        Ok(ids)
    }

    pub(crate) fn path(&self, id: &str) -> PathBuf {
        self.0.join(format!("{id}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVER: &str = "0x00000000000000000000000000000000000000AA";

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bzk-queue-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn batches_survive_a_restart_and_are_added_once() {
        let folder = folder("restart");
        let queue = Queue::open(&folder).unwrap();
        let second = queue.submit(&Batch::new(20, 29, PROVER).unwrap()).unwrap();
        let mut first = Batch::new(3, 19, PROVER).unwrap();
        let id = queue.submit(&first).unwrap();
        first.proof = Some("proof.bin".into());
        queue.write(&first).unwrap();

        let queue = Queue::open(&folder).unwrap();
        assert_eq!(queue.submit(&Batch::new(3, 19, PROVER).unwrap()).unwrap(), id);
        assert_eq!(queue.get(&id).unwrap().proof, Some("proof.bin".into()));
        let ids: Vec<_> = queue.all().unwrap().iter().map(Batch::id).collect();
        assert_eq!(ids, [id, second]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for (from, to) in [(0, 1), (2, 1), (1 << 32, 1 << 32)] {
            assert!(Batch::new(from, to, PROVER).is_err(), "{from} to {to}");
        }
        assert!(Batch::new(1, u64::from(u32::MAX), PROVER).is_ok());
        assert!(Batch::new(1, 1, "0x00").is_err());
    }

    #[test]
    fn attack_id_that_leaves_the_folder_is_unknown() {
        let folder = folder("attack");
        let queue = Queue::open(&folder.join("inner")).unwrap();
        fs::write(folder.join("secret.json"), "{}").unwrap();
        let error = queue.get("../secret").unwrap_err();
        assert_eq!(error.to_string(), "there is no batch ../secret");
        fs::remove_dir_all(folder).unwrap();
    }
}
