//! What Prometheus shows of the Ethereum side. Counts and times of each RPC method are Substrate's
//! own (`substrate_rpc_calls_started`, `substrate_rpc_calls_time`).

use crate::{
    context::EthContext,
    index::{Closed, Entry},
};
use bitcoinzk_runtime::Runtime;
use pallet_evm::{TrieKey, TriePages};
use std::time::Duration;
use substrate_prometheus_endpoint::{
    exponential_buckets, register, Counter, CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts,
    Opts, PrometheusError, Registry, F64, U64,
};

/// Length of what the keys of a map in the state begin with: the hashes of the names of pallet and map.
const MAP_PREFIX_BYTES: usize = 32;

/// Time between two looks at what is only counted when somebody looks.
const PERIOD: Duration = Duration::from_secs(5);

/// What the import of blocks counts.
#[derive(Clone)]
pub(crate) struct ImportMetrics {
    blocks: Counter<U64>,
    transactions: Counter<U64>,
    gas: Counter<U64>,
    seconds: Histogram,
    written: CounterVec<U64>,
    removed: Counter<U64>,
    pages: CounterVec<U64>,
}

impl ImportMetrics {
    /// Registers; without a registry, or where that fails, nothing is counted.
    pub(crate) fn new(registry: Option<&Registry>) -> Option<Self> {
        usable(Self::register(registry?))
    }

    fn register(registry: &Registry) -> Result<Self, PrometheusError> {
        let counter = |name, help| register(Counter::new(name, help)?, registry);
        let seconds = HistogramOpts::new(
            "bzk_eth_block_import_seconds",
            "Time to execute, index and write a block",
        );
        let written = Opts::new(
            "bzk_eth_index_written_bytes_total",
            "Bytes of keys and values written to the index, by kind of entry",
        );
        let pages = Opts::new(
            "bzk_eth_trie_pages_total",
            "Pages of nodes of Ethereum's tries that changed",
        );
        Ok(Self {
            blocks: counter("bzk_eth_blocks_total", "Ethereum blocks imported, forks included")?,
            transactions: counter("bzk_eth_transactions_total", "Transactions in these blocks")?,
            gas: counter(
                "bzk_eth_gas_total",
                "Gas used by these blocks; its rate is gas per second",
            )?,
            seconds: register(
                Histogram::with_opts(seconds.buckets(exponential_buckets(0.001, 2.0, 13)?))?,
                registry,
            )?,
            written: register(CounterVec::new(written, &["kind"])?, registry)?,
            removed: counter("bzk_eth_index_removed_total", "Entries removed from the index")?,
            pages: register(CounterVec::new(pages, &["change"])?, registry)?,
        })
    }

    /// A block was imported in this time.
    pub(crate) fn imported(&self, time: Duration) {
        self.seconds.observe(time.as_secs_f64());
    }

    /// A block changed these keys of the state, to `None` where it removed one.
    pub(crate) fn changed(&self, changes: &[(Vec<u8>, Option<Vec<u8>>)]) {
        let prefix = TriePages::<Runtime>::hashed_key_for(TrieKey::new(None, &[]));
        let prefix = prefix.get(..MAP_PREFIX_BYTES).unwrap_or_default();
        let (mut written, mut removed) = (0, 0);
        for (_, value) in changes.iter().filter(|(key, _)| key.starts_with(prefix)) {
            match value {
                Some(_) => written += 1,
                None => removed += 1,
            }
        }
        self.pages.with_label_values(&["written"]).inc_by(written);
        self.pages.with_label_values(&["removed"]).inc_by(removed);
    }

    /// These entries were made for a block, which closed an Ethereum block or not.
    pub(crate) fn indexed(&self, entries: &[Entry], closed: Option<&Closed>) {
        for (key, value) in entries {
            match value {
                Some(value) => {
                    let bytes = key.len().saturating_add(value.len());
                    self.written.with_label_values(&[kind(key)]).inc_by(bytes as u64);
                }
                None => self.removed.inc(),
            }
        }
        if let Some(closed) = closed {
            self.blocks.inc();
            self.transactions.inc_by(closed.transactions.len() as u64);
            self.gas.inc_by(closed.gas_used);
        }
    }
}

/// The label of an index entry: see [`crate::index::keys`].
fn kind(key: &[u8]) -> &'static str {
    match key.get(..6) {
        Some(b"bzk/h/") => "hash",
        Some(b"bzk/n/") => "number",
        Some(b"bzk/t/") => "transaction",
        Some(b"bzk/b/") => "block",
        Some(b"bzk/s/") => "head",
        Some(b"bzk/l/") => "log",
        _ => "other",
    }
}

/// What the author of blocks counts.
#[derive(Clone)]
pub(crate) struct AuthorMetrics {
    unprovable: Counter<U64>,
    wasted: Counter<F64>,
}

impl AuthorMetrics {
    /// Registers; without a registry, or where that fails, nothing is counted.
    pub(crate) fn new(registry: Option<&Registry>) -> Option<Self> {
        usable(Self::register(registry?))
    }

    fn register(registry: &Registry) -> Result<Self, PrometheusError> {
        let unprovable = Counter::new(
            "bzk_author_unprovable_total",
            "Transactions that no block could hold, found out by running them for nothing",
        )?;
        let wasted = Counter::new(
            "bzk_author_wasted_seconds_total",
            "Time of own blocks for transactions that they did not take",
        )?;
        Ok(Self {
            unprovable: register(unprovable, registry)?,
            wasted: register(wasted, registry)?,
        })
    }

    /// A transaction ran that no block could hold.
    pub(crate) fn unprovable(&self) {
        self.unprovable.inc();
    }

    /// A transaction that the block did not take cost this time.
    pub(crate) fn wasted(&self, time: Duration) {
        self.wasted.inc_by(time.as_secs_f64());
    }
}

/// What is looked at from time to time.
struct Gauges {
    height: GaugeVec<U64>,
    pool: GaugeVec<U64>,
    open: GaugeVec<U64>,
    executions: GaugeVec<U64>,
    cache: Gauge<U64>,
    held: Gauge<U64>,
}

impl Gauges {
    fn register(registry: &Registry) -> Result<Self, PrometheusError> {
        let gauges = |name: &str, help: &str, label| {
            register(GaugeVec::new(Opts::new(name, help), &[label])?, registry)
        };
        let cache = Gauge::new("bzk_eth_cache_bytes", "Memory of decoded blocks (approximate)")?;
        let held = Gauge::new(
            "bzk_author_held_back",
            "Senders that wait because no block could hold a transaction of theirs",
        )?;
        Ok(Self {
            height: gauges("bzk_eth_height", "Number of the newest Ethereum block", "status")?,
            pool: gauges("bzk_eth_pool", "Transactions that wait", "state")?,
            open: gauges("bzk_eth_open", "Filters and subscriptions", "kind")?,
            executions: gauges("bzk_eth_executions", "Calls, traces and log queries now", "kind")?,
            cache: register(cache, registry)?,
            held: register(held, registry)?,
        })
    }

    fn look(&self, ctx: &EthContext) {
        let set = |gauges: &GaugeVec<U64>, label, value| {
            gauges.with_label_values(&[label]).set(value);
        };
        for (label, block) in [("latest", ctx.chain.head()), ("finalized", ctx.chain.finalized())] {
            if let Ok(block) = block {
                set(&self.height, label, block.number);
            }
        }
        let (ready, future) = ctx.pool.counts();
        set(&self.pool, "ready", ready as u64);
        set(&self.pool, "future", future as u64);
        set(&self.open, "filter", ctx.live.filters().len() as u64);
        let free = ctx.live.subscriptions().available_permits();
        set(&self.open, "subscription", ctx.limits.subscriptions.saturating_sub(free) as u64);
        set(&self.executions, "call", ctx.evm.calls.running() as u64);
        set(&self.executions, "trace", ctx.evm.traces.running() as u64);
        set(&self.executions, "logs", ctx.live.queries().running() as u64);
        self.cache.set(ctx.chain.cached_bytes() as u64);
        self.held.set(ctx.pool.held_back() as u64);
    }
}

/// Shows the state of `ctx` in `registry`, if there is one.
pub(crate) fn watch(ctx: &EthContext, registry: Option<&Registry>) {
    let Some(gauges) = registry.and_then(|registry| usable(Gauges::register(registry))) else {
        return;
    };
    let looked_at = ctx.clone();
    let task = async move {
        loop {
            gauges.look(&looked_at);
            tokio::time::sleep(PERIOD).await;
        }
    };
    ctx.executor.spawn("eth-metrics", Some("eth-rpc"), Box::pin(task));
}

fn usable<T>(metrics: Result<T, PrometheusError>) -> Option<T> {
    metrics
        .inspect_err(|error| tracing::warn!(target: "eth-rpc", %error, "no Ethereum metrics"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::keys;

    #[test]
    fn entries_are_counted_by_kind() {
        let registry = Registry::new();
        let metrics = ImportMetrics::new(Some(&registry)).unwrap();
        let number = keys::by_number(7);
        let entries = [(number.clone(), Some(vec![0; 10])), (keys::head(Default::default()), None)];
        metrics.indexed(&entries, None);
        metrics.imported(Duration::from_millis(3));
        let bytes = metrics.written.with_label_values(&["number"]).get();
        assert_eq!(bytes, number.len() as u64 + 10);
        assert_eq!((metrics.removed.get(), metrics.blocks.get()), (1, 0));
        assert_eq!(metrics.seconds.get_sample_count(), 1);
    }

    #[test]
    fn trie_pages_are_counted_and_no_other_state() {
        let metrics = ImportMetrics::new(Some(&Registry::new())).unwrap();
        let key = |path: &[u8]| TriePages::<Runtime>::hashed_key_for(TrieKey::new(None, path));
        let other = pallet_evm::StateRoot::<Runtime>::hashed_key().to_vec();
        metrics.changed(&[
            (key(&[]), Some(vec![1])),
            (key(&[1]), Some(vec![2])),
            (key(&[2]), None),
            (other, Some(vec![3])),
        ]);
        let count = |change| metrics.pages.with_label_values(&[change]).get();
        assert_eq!((count("written"), count("removed")), (2, 1));
    }

    #[test]
    fn time_for_nothing_is_counted() {
        let metrics = AuthorMetrics::new(Some(&Registry::new())).unwrap();
        metrics.unprovable();
        metrics.wasted(Duration::from_millis(250));
        metrics.wasted(Duration::from_millis(500));
        assert_eq!((metrics.unprovable.get(), metrics.wasted.get()), (1, 0.75));
    }

    #[test]
    fn second_registration_leaves_the_node_without_metrics_and_not_without_life() {
        let registry = Registry::new();
        assert!(ImportMetrics::new(Some(&registry)).is_some());
        assert!(ImportMetrics::new(Some(&registry)).is_none());
        assert!(ImportMetrics::new(None).is_none());
    }
}
