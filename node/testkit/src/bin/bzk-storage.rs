//! Measures what a key of the state costs, to hold the runtime's weights of a read and a write against
//! (`runtime/src/weights/mod.rs`).

use anyhow::{ensure, Context, Result};
use clap::Parser;
use sc_client_api::{
    Backend as _, BlockImportOperation, NewBlockState, StateBackend, TrieCacheContext,
};
use sc_client_db::{Backend, BlocksPruning, DatabaseSettings, DatabaseSource, PruningMode};
use serde_json::json;
use sp_core::H256;
use sp_runtime::{
    testing::{Block as TestBlock, Header, MockCallU64, TestXt},
    StateVersion,
};
use std::time::{Duration, Instant};

// As in the node.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Block = TestBlock<TestXt<MockCallU64, ()>>;

/// Fills a ParityDB with keys as long as those of accounts, then changes some of them in each of
/// several blocks, as an import does; prints one JSON object with the time of a read and a write.
#[derive(Parser)]
struct Cli {
    /// Keys in the state.
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// Keys that a block reads and changes.
    #[arg(long, default_value_t = 10_000)]
    changes: u64,
    /// Blocks that are measured.
    #[arg(long, default_value_t = 30)]
    blocks: u64,
    /// Bytes of the trie cache; the node's default.
    #[arg(long, default_value_t = 512 * 1024 * 1024)]
    trie_cache: usize,
}

/// That of the runtime (`system_version`).
const STATE_VERSION: StateVersion = StateVersion::V0;

/// Keys have one prefix, as those of a map, and then are spread over the trie.
fn key(index: u64) -> Vec<u8> {
    let mut key = vec![0x5a; 32];
    key.extend(sp_io::hashing::blake2_128(&index.to_be_bytes()));
    key.extend([0; 12]);
    key.extend(index.to_be_bytes());
    key
}

/// As long as an account; another one for each `version`.
fn value(version: u64) -> Vec<u8> {
    sp_io::hashing::blake2_256(&version.to_be_bytes()).repeat(2)
}

/// The `n`th of a fixed sequence of keys among `keys`, without order.
fn pick(n: u64, keys: u64) -> Vec<u8> {
    key(u64::from_le_bytes(sp_io::hashing::twox_64(&n.to_be_bytes())) % keys)
}

struct Chain {
    backend: Backend<Block>,
    number: u64,
    parent: H256,
}

impl Chain {
    /// Commits a block that sets `changes`.
    fn push(&mut self, changes: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<()> {
        let mut operation = self.backend.begin_operation()?;
        let mut header = Header {
            number: self.number,
            parent_hash: self.parent,
            state_root: Default::default(),
            digest: Default::default(),
            extrinsics_root: Default::default(),
        };
        if self.number == 0 {
            header.state_root =
                operation.set_genesis_state(Default::default(), true, STATE_VERSION)?;
        } else {
            self.backend.begin_state_operation(&mut operation, self.parent)?;
            let state = self.backend.state_at(self.parent, TrieCacheContext::Trusted)?;
            let delta = changes.iter().map(|(key, value)| (&key[..], value.as_deref()));
            let (root, nodes) = state.storage_root(delta, STATE_VERSION);
            header.state_root = root;
            operation.update_db_storage(nodes)?;
            operation.update_storage(changes, Default::default())?;
        }
        self.parent = header.hash();
        self.number += 1;
        operation.set_block_data(header, Some(vec![]), None, None, NewBlockState::Best, true)?;
        Ok(self.backend.commit_operation(operation)?)
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    ensure!(cli.keys > 0 && cli.changes > 0 && cli.blocks > 0, "nothing to measure");
    let folder = tempfile::tempdir().context("no folder for the database")?;
    let backend = Backend::new(
        DatabaseSettings {
            trie_cache_maximum_size: Some(cli.trie_cache),
            state_pruning: Some(PruningMode::blocks_pruning(256)),
            source: DatabaseSource::ParityDb { path: folder.path().to_owned() },
            blocks_pruning: BlocksPruning::KeepFinalized,
            pruning_filters: Default::default(),
            metrics_registry: None,
        },
        256,
    )?;
    let mut chain = Chain { backend, number: 0, parent: H256::zero() };
    chain.push(vec![])?;
    let indices: Vec<u64> = (0..cli.keys).collect();
    for chunk in indices.chunks(50_000) {
        chain.push(chunk.iter().map(|i| (key(*i), Some(value(*i)))).collect())?;
    }
    let (mut reading, mut writing) = (Duration::ZERO, Duration::ZERO);
    for block in 1..=cli.blocks {
        let first = block * cli.changes;
        let keys: Vec<_> = (first..first + cli.changes).map(|n| pick(n, cli.keys)).collect();
        let start = Instant::now();
        {
            let state = chain.backend.state_at(chain.parent, TrieCacheContext::Trusted)?;
            for key in &keys {
                ensure!(state.storage(key).map_err(anyhow::Error::msg)?.is_some(), "a key is lost");
            }
        }
        reading += start.elapsed();
        let version = cli.keys + block;
        let changes = keys.into_iter().map(|key| (key, Some(value(version)))).collect();
        let start = Instant::now();
        chain.push(changes)?;
        writing += start.elapsed();
    }
    let each = |time: Duration| time.as_nanos() as u64 / (cli.changes * cli.blocks);
    println!(
        "{}",
        json!({ "keys": cli.keys, "read_ns": each(reading), "write_ns": each(writing) })
    );
    Ok(())
}
