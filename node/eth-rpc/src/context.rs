//! What each namespace of the Ethereum RPC works with.

use crate::{
    chain::Chain,
    exec::Executor,
    feed::Live,
    inclusion::Recorder,
    limits::Limits,
    metrics,
    pool::PoolView,
    types::{FullBackend, FullClient, FullPool, Sync},
};
use sc_rpc::SubscriptionTaskExecutor;
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// What the node hands to [`crate::create`].
pub struct EthDeps {
    /// The client.
    pub client: Arc<FullClient>,
    /// The client's database.
    pub backend: Arc<FullBackend>,
    /// The transaction pool.
    pub pool: Arc<FullPool>,
    /// Knows whether the node is syncing and its peers.
    pub sync: Sync,
    /// Bounds of one request.
    pub limits: Limits,
    /// Where metrics go, if anywhere.
    pub prometheus: Option<Registry>,
    /// Runs background tasks and subscriptions.
    pub executor: SubscriptionTaskExecutor,
}

/// Shared by all namespaces; a clone is cheap.
#[derive(Clone)]
pub struct EthContext {
    /// Canonical Ethereum blocks and their state.
    pub chain: Chain,
    /// Ethereum transactions that wait.
    pub pool: PoolView,
    /// What happens on the node, for filters and subscriptions.
    pub live: Live,
    /// Bounds of one request.
    pub limits: Arc<Limits>,
    /// Knows whether the node is syncing and its peers.
    pub sync: Sync,
    /// What the pool held and what was included.
    pub(crate) inclusion: Recorder,
    /// Runs calls and traces, so many at once over all servers.
    pub(crate) evm: Executor,
    /// Runs background tasks and subscriptions.
    pub executor: SubscriptionTaskExecutor,
}

impl EthContext {
    /// Opens the index and follows the pool.
    pub fn new(deps: EthDeps) -> Self {
        let limits = Arc::new(deps.limits);
        let chain = Chain::new(deps.client, deps.backend, limits.cache_bytes);
        let pool = PoolView::new(chain.clone(), deps.pool, limits.clone());
        // Decodes blocks, so it gets a thread of its own.
        let follow = Box::pin(pool.clone().follow());
        deps.executor.spawn_blocking("eth-pool-index", Some("eth-rpc"), follow);
        let live = Live::start(&chain, &pool, &deps.sync, &limits, &deps.executor);
        let inclusion = Recorder::start(&chain, &pool, &deps.executor);
        let evm = Executor::new(chain.clone(), limits.clone());
        let (sync, executor) = (deps.sync, deps.executor);
        let context = Self { chain, pool, live, limits, sync, inclusion, evm, executor };
        metrics::watch(&context, deps.prometheus.as_ref());
        context
    }
}
