//! The Substrate pool as Ethereum clients see it.
//!
//! The Substrate pool knows opaque extrinsics by their Blake2 hash. The view keeps a bounded index
//! from Ethereum hash and from (sender, nonce) to that hash, fed by what this node submits and by
//! the pool's import notifications. The pool stays the only truth about what waits: an entry
//! counts only while the pool confirms it.

mod author;
mod extrinsic;
mod held;
mod index;
mod refusal;
mod submit;
mod thrift;
mod turns;
mod unseen;

pub use author::AuthorPool;
pub use index::REMEMBERED;

use crate::{
    chain::Chain,
    error::RpcResult,
    limits::Limits,
    types::{Address, FullPool, Hash, B256},
};
use alloy_consensus::Transaction;
use bzk_evm::tx::RecoveredTx;
use futures::{future, stream, Stream, StreamExt};
use held::Held;
use index::{Entry, PoolIndex};
use parking_lot::Mutex;
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::{InPoolTransaction, TransactionPool};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use turns::Turns;
use unseen::{Event, Unseen};

/// Shortest time between two walks over the whole pool for hashes that the index misses.
const RESCAN_AFTER: Duration = Duration::from_millis(500);

/// A transaction that waits.
#[derive(Clone, Debug)]
pub struct PoolTx {
    /// Transaction, hash and sender.
    pub tx: Arc<RecoveredTx>,
    /// Whether the next block may hold it; otherwise an earlier nonce is missing.
    pub ready: bool,
}

struct Inner {
    chain: Chain,
    pool: Arc<FullPool>,
    limits: Arc<Limits>,
    index: Mutex<PoolIndex>,
    last_scan: Mutex<Option<Instant>>,
    held: Arc<Held>,
    turns: Turns,
}

/// Ethereum transactions of the pool; a clone is cheap.
#[derive(Clone)]
pub struct PoolView(Arc<Inner>);

impl PoolView {
    /// Opens the view.
    pub fn new(chain: Chain, pool: Arc<FullPool>, limits: Arc<Limits>) -> Self {
        let (index, last_scan, held) = (Mutex::default(), Mutex::default(), Arc::default());
        let turns = Turns::default();
        Self(Arc::new(Inner { chain, pool, limits, index, last_scan, held, turns }))
    }

    /// Keeps the index current: adds what peers send, forgets what final blocks hold. Ends with the node.
    pub async fn follow(self) {
        let imported = self.0.pool.import_notification_stream().for_each(|hash| {
            if !self.0.index.lock().contains(&hash) {
                self.ready_tx(hash);
            }
            future::ready(())
        });
        let finalized = self.0.chain.client().finality_notification_stream().for_each(|last| {
            for at in last.tree_route.iter().chain([&last.hash]) {
                if let Err(error) = self.forget_included(*at) {
                    tracing::debug!(target: "eth-rpc", %error, ?at, "a block that the pool's index missed");
                }
            }
            future::ready(())
        });
        future::join(imported, finalized).await;
    }

    /// Forgets what waited where the Ethereum block closed in `at` has transactions. There is nothing to read the block
    /// for in a node that syncs, whose index is empty.
    fn forget_included(&self, at: Hash) -> RpcResult<()> {
        if self.0.index.lock().is_empty() {
            return Ok(());
        }
        let Some(block) = self.0.chain.closed_in(at)? else { return Ok(()) };
        let record = self.0.chain.record(&block)?;
        let mut index = self.0.index.lock();
        for (tx, sender) in record.block.body.transactions.iter().zip(&record.senders) {
            index.forget(*sender, tx.nonce());
        }
        Ok(())
    }

    /// Transactions that the next block may hold, best first. Each is decoded when its turn comes.
    pub fn pending(&self) -> impl Iterator<Item = PoolTx> + '_ {
        let ready = self.0.pool.ready();
        ready.filter_map(move |tx| self.read(*tx.hash(), tx.data().inner(), true))
    }

    /// Transactions that wait for an earlier nonce.
    pub fn queued(&self) -> Vec<PoolTx> {
        let futures = self.0.pool.futures();
        let txs = futures.iter();
        txs.filter_map(|tx| self.read(*tx.hash(), tx.data().inner(), false)).collect()
    }

    /// Transactions of `sender` that the next block may hold, and those that wait for an earlier nonce.
    pub fn of_sender(&self, sender: Address) -> (Vec<PoolTx>, Vec<PoolTx>) {
        // The pool may hold a hundred thousand of others; what is known to be one of them is not decoded.
        let read = |pool_hash: &Hash, extrinsic: &[u8], ready: bool| {
            let known = self.0.index.lock().sender(pool_hash);
            if known.is_some_and(|known| known != sender) {
                return None;
            }
            self.read(*pool_hash, extrinsic, ready).filter(|tx| tx.tx.sender == sender)
        };
        let ready = self.0.pool.ready();
        let pending = ready.filter_map(|tx| read(tx.hash(), tx.data().inner(), true)).collect();
        let futures = self.0.pool.futures();
        let queued = futures.iter().filter_map(|tx| read(tx.hash(), tx.data().inner(), false));
        (pending, queued.collect())
    }

    /// How many transactions are ready and how many wait for an earlier nonce.
    pub fn counts(&self) -> (usize, usize) {
        let status = self.0.pool.status();
        (status.ready, status.future)
    }

    /// Bytes of all that wait, encoded.
    pub(crate) fn bytes(&self) -> usize {
        let status = self.0.pool.status();
        status.ready_bytes.saturating_add(status.future_bytes)
    }

    /// How many senders this node, as an author, holds back: see [`AuthorPool`].
    pub(crate) fn held_back(&self) -> usize {
        self.0.held.count(Instant::now())
    }

    /// The transaction of this Ethereum hash.
    pub fn by_hash(&self, hash: B256) -> Option<PoolTx> {
        let known = self.0.index.lock().by_hash(&hash);
        if let Some(tx) = known.and_then(|hash| self.ready_tx(hash)) {
            return Some(tx);
        }
        if let Some(tx) = self.queued_tx(hash) {
            return Some(tx);
        }
        // Import notifications can be lost under load.
        if known.is_some() || !self.rescan() {
            return None;
        }
        let known = self.0.index.lock().by_hash(&hash)?;
        self.ready_tx(known)
    }

    /// The nonce for `sender`'s next transaction, ready ones counted.
    pub fn next_nonce(&self, sender: Address) -> RpcResult<u64> {
        let chain = &self.0.chain;
        let state = chain.state(&chain.head()?)?;
        let mut nonce = state.account(sender)?.nonce;
        while self.occupant(sender, nonce).is_some_and(|entry| self.is_ready(entry.pool_hash)) {
            nonce = nonce.saturating_add(1);
        }
        Ok(nonce)
    }

    /// Whether the transaction of this sender and nonce may be in the next block, as far as the index knows it.
    pub fn holds(&self, sender: Address, nonce: u64) -> bool {
        self.occupant(sender, nonce).is_some_and(|entry| self.is_ready(entry.pool_hash))
    }

    /// Transactions as they become pending. A slow reader misses some; memory stays bounded.
    pub fn import_stream(&self) -> impl Stream<Item = PoolTx> + Send + Unpin + 'static {
        let view = self.clone();
        let imported = self.0.pool.import_notification_stream().map(Event::Imported);
        let blocks = self.0.chain.client().import_notification_stream();
        let blocks = blocks.filter(|block| future::ready(block.is_new_best)).map(|_| Event::Block);
        let mut unseen = Unseen::default();
        let seen = move |event| stream::iter(unseen.turn(event, |hash| view.ready_tx(hash)));
        Box::pin(stream::select(imported, blocks).flat_map(seen))
    }

    fn is_ready(&self, pool_hash: Hash) -> bool {
        self.0.pool.ready_transaction(&pool_hash).is_some()
    }

    fn ready_tx(&self, pool_hash: Hash) -> Option<PoolTx> {
        let tx = self.0.pool.ready_transaction(&pool_hash)?;
        self.read(pool_hash, tx.data().inner(), true)
    }

    fn queued_tx(&self, hash: B256) -> Option<PoolTx> {
        if self.0.pool.status().future == 0 {
            return None;
        }
        self.0.pool.futures().iter().find_map(|tx| {
            let known = self.0.index.lock().get(tx.hash());
            // Only what may be the wanted one is decoded.
            if known.is_some_and(|entry| entry.hash != hash) {
                return None;
            }
            self.read(*tx.hash(), tx.data().inner(), false).filter(|tx| tx.tx.hash == hash)
        })
    }

    /// What the index knows of the transaction at (sender, nonce). It may have left the pool.
    fn occupant(&self, sender: Address, nonce: u64) -> Option<Entry> {
        self.0.index.lock().by_nonce(sender, nonce)
    }

    /// Decodes an extrinsic of the pool; the sender is recovered once and then remembered.
    fn read(&self, pool_hash: Hash, extrinsic: &[u8], ready: bool) -> Option<PoolTx> {
        let raw = extrinsic::ethereum_bytes(extrinsic)?;
        let envelope = bzk_evm::tx::decode(&raw).ok()?;
        let known = self.0.index.lock().get(&pool_hash);
        let tx = match known {
            Some(entry) => RecoveredTx { envelope, hash: entry.hash, sender: entry.sender },
            None => {
                let tx = bzk_evm::tx::recover(envelope).ok()?;
                self.0.index.lock().insert(Entry::new(pool_hash, &tx));
                tx
            }
        };
        Some(PoolTx { tx: Arc::new(tx), ready })
    }

    /// Walks the ready transactions to index those that are not yet; `false` if it did so lately.
    fn rescan(&self) -> bool {
        let mut last = self.0.last_scan.lock();
        if last.is_some_and(|last| last.elapsed() < RESCAN_AFTER) {
            return false;
        }
        *last = Some(Instant::now());
        drop(last);
        for tx in self.0.pool.ready() {
            if !self.0.index.lock().contains(tx.hash()) {
                self.read(*tx.hash(), tx.data().inner(), true);
            }
        }
        true
    }
}
