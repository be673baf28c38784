//! What happens on the node, for those who wait for it: filters and subscriptions.
//!
//! One task follows the best chain and one the pool. Both write to a bounded [`Journal`] that
//! every subscription and filter reads at its own pace; what is sent to many is made once.

mod change;
#[cfg(test)]
pub(crate) mod fixtures;
mod follow;
mod journal;
mod pending;
mod shared;
mod syncing;

pub(crate) use change::{BlockChange, BlockLogs};
pub(crate) use follow::{ChainEvent, Follower};
pub(crate) use journal::{Journal, Lagged, Reader};
pub(crate) use pending::PendingEntry;
#[cfg(test)]
pub(crate) use syncing::Progress;
pub(crate) use syncing::SyncState;

use crate::{
    chain::Chain, error::RpcResult, fee::TipOracle, filters::Registry, gate::Gate, limits::Limits,
    pool::PoolView, types::Sync,
};
use bzk_evm::tx::RecoveredTx;
use change::ChangeKeeper;
use futures::StreamExt;
use jsonrpsee::core::JsonRawValue;
use pending::PendingKeeper;
use sc_client_api::BlockchainEvents;
use sc_rpc::SubscriptionTaskExecutor;
use std::sync::Arc;
use tokio::sync::{watch, Semaphore};

/// Block changes that are kept: more than half an hour of blocks at their fastest, so longer than
/// any filter lives without being polled. Each takes a few hundred bytes.
const KEPT_CHANGES: usize = 4_096;

/// Pending transactions that are kept, about 150 bytes each.
const KEPT_PENDING: usize = 131_072;

/// Values (addresses and topics) in all open filters and subscriptions, about 32 bytes each.
const MAX_CRITERIA: usize = 1_048_576;

/// Notifications that are handled in one go.
const BATCH: usize = 256;

struct Inner {
    chain: Chain,
    pool: PoolView,
    changes: Arc<Journal<Arc<BlockChange>>>,
    change_keeper: ChangeKeeper,
    pending: Arc<Journal<Arc<PendingEntry>>>,
    pending_keeper: PendingKeeper,
    syncing: watch::Receiver<SyncState>,
    queries: Gate,
    subscriptions: Arc<Semaphore>,
    criteria: Arc<Semaphore>,
    filters: Registry,
    tips: TipOracle,
}

/// What all RPC servers of the node share; a clone is cheap.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

impl Live {
    /// Begins to follow chain, pool and sync.
    pub fn start(
        chain: &Chain,
        pool: &PoolView,
        sync: &Sync,
        limits: &Arc<Limits>,
        executor: &SubscriptionTaskExecutor,
    ) -> Self {
        let (states, syncing) = watch::channel(SyncState::default());
        let live = Self(Arc::new(Inner {
            chain: chain.clone(),
            pool: pool.clone(),
            changes: Arc::new(Journal::new(KEPT_CHANGES)),
            change_keeper: ChangeKeeper::default(),
            pending: Arc::new(Journal::new(KEPT_PENDING)),
            pending_keeper: PendingKeeper::default(),
            syncing,
            queries: Gate::new(limits.concurrent_calls),
            subscriptions: Arc::new(Semaphore::new(limits.subscriptions)),
            criteria: Arc::new(Semaphore::new(MAX_CRITERIA)),
            filters: Registry::new(limits.filters, limits.filter_idle),
            tips: TipOracle::default(),
        }));
        let group = Some("eth-rpc");
        // Reads the database and serialises blocks, so it gets a thread of its own.
        let follower = Follower::new(chain.clone());
        executor.spawn_blocking("eth-chain-feed", group, Box::pin(live.clone().follow(follower)));
        executor.spawn("eth-pending-feed", group, Box::pin(live.clone().follow_pool()));
        let looks = syncing::follow(chain.clone(), sync.clone(), states);
        executor.spawn("eth-sync-feed", group, Box::pin(looks));
        live
    }

    async fn follow(self, mut follower: Follower) {
        // Blocks of the initial sync are only in the stream of every import.
        let moves = follower.moves(self.0.chain.client().every_import_notification_stream());
        let mut moves = std::pin::pin!(moves.ready_chunks(BATCH));
        // What happened between the follower's start and now.
        self.advance(&mut follower);
        while moves.next().await.is_some() {
            self.advance(&mut follower);
        }
    }

    fn advance(&self, follower: &mut Follower) {
        let events = match follower.advance() {
            Ok(events) => events,
            Err(error) => {
                tracing::error!(target: "eth-rpc", %error, "chain feed skipped blocks");
                return;
            }
        };
        if events.is_empty() {
            return;
        }
        let changes: Vec<_> = events.into_iter().map(BlockChange::from).map(Arc::new).collect();
        self.0.changes.append(changes.iter().cloned());
        if self.0.changes.has_readers() {
            // On this thread, so that no subscriber's task has to do it. Errors come up there.
            for change in changes.iter().filter(|change| !change.removed()) {
                let _ = self.header(change);
            }
        }
    }

    async fn follow_pool(self) {
        let imported = self.0.pool.import_stream();
        let mut imported = std::pin::pin!(imported.ready_chunks(BATCH));
        while let Some(txs) = imported.next().await {
            let keeper = &self.0.pending_keeper;
            let entries = txs.into_iter().map(|tx| Arc::new(PendingEntry::new(tx, keeper)));
            self.0.pending.append(entries);
        }
    }

    /// Blocks that come and go.
    pub fn changes(&self) -> &Arc<Journal<Arc<BlockChange>>> {
        &self.0.changes
    }

    /// Transactions as they become pending.
    pub fn pending(&self) -> &Arc<Journal<Arc<PendingEntry>>> {
        &self.0.pending
    }

    /// Whether the node is catching up.
    pub fn syncing(&self) -> watch::Receiver<SyncState> {
        self.0.syncing.clone()
    }

    /// The header of `change` in JSON.
    pub fn header(&self, change: &BlockChange) -> RpcResult<Arc<JsonRawValue>> {
        change.header(&self.0.chain, &self.0.change_keeper)
    }

    /// The logs of `change`.
    pub fn logs(&self, change: &BlockChange) -> RpcResult<Arc<BlockLogs>> {
        change.logs(&self.0.chain, &self.0.change_keeper)
    }

    /// The transaction of `entry`, unless it is gone.
    pub fn transaction(&self, entry: &PendingEntry) -> RpcResult<Option<Arc<RecoveredTx>>> {
        entry.transaction(&self.0.chain, &self.0.pool, &self.0.pending_keeper)
    }

    /// The transaction of `entry` in JSON, unless it is gone.
    pub fn transaction_json(&self, entry: &PendingEntry) -> RpcResult<Option<Arc<JsonRawValue>>> {
        entry.json(&self.0.chain, &self.0.pool, &self.0.pending_keeper)
    }

    /// Where queries over many blocks run, so many at once.
    pub(crate) fn queries(&self) -> &Gate {
        &self.0.queries
    }

    /// Places for subscriptions.
    pub fn subscriptions(&self) -> Arc<Semaphore> {
        self.0.subscriptions.clone()
    }

    /// Places for the addresses and topics of filters and subscriptions.
    pub fn criteria(&self) -> Arc<Semaphore> {
        self.0.criteria.clone()
    }

    /// The open filters.
    pub fn filters(&self) -> &Registry {
        &self.0.filters
    }

    /// What tip to suggest.
    pub fn tips(&self) -> &TipOracle {
        &self.0.tips
    }
}
