//! Filters that clients poll: for those without a WebSocket.
//!
//! A filter is a position in a journal of the [`feed`](crate::feed) and collects nothing itself,
//! so it costs the same whether it is polled or forgotten.

mod poll;
mod registry;

pub(crate) use registry::{random_id, FilterId, Registry};

use crate::{
    convert,
    error::{limit_exceeded, server, RpcResult},
    logs::{self, Criteria, FilterParams},
    EthContext,
};
use alloy_consensus::Transaction as _;
use alloy_rpc_types_eth::{FilterChanges, Log, Transaction};
use jsonrpsee::{
    core::{async_trait, RegisterMethodError},
    proc_macros::rpc,
    Methods,
};
use poll::PollError;
use registry::{not_found, Filter, Kind};
use std::{sync::Arc, time::Instant};
use tokio::sync::OwnedSemaphorePermit;

/// Calldata of the whole transactions in one answer, in bytes.
const MAX_INPUT_BYTES: usize = 4 * 1024 * 1024;
/// Whole transactions in one answer.
const MAX_TRANSACTIONS: usize = 4_096;

/// Filters: what is new since the last poll.
#[rpc(server)]
pub trait FilterApi {
    /// Opens a filter for logs.
    #[method(name = "eth_newFilter")]
    fn new_filter(&self, filter: FilterParams) -> RpcResult<FilterId>;

    /// Opens a filter for new blocks.
    #[method(name = "eth_newBlockFilter")]
    fn new_block_filter(&self) -> RpcResult<FilterId>;

    /// Opens a filter for transactions that become pending, whole if `full`.
    #[method(name = "eth_newPendingTransactionFilter")]
    fn new_pending_transaction_filter(&self, full: Option<bool>) -> RpcResult<FilterId>;

    /// What came since the last poll.
    #[method(name = "eth_getFilterChanges", blocking)]
    fn get_filter_changes(&self, id: FilterId) -> RpcResult<FilterChanges>;

    /// All logs that match a filter for logs, from its first block on.
    #[method(name = "eth_getFilterLogs")]
    async fn get_filter_logs(&self, id: FilterId) -> RpcResult<Vec<Log>>;

    /// Closes a filter; `false` if there is none.
    #[method(name = "eth_uninstallFilter")]
    fn uninstall_filter(&self, id: FilterId) -> RpcResult<bool>;
}

/// Takes the room that `criteria` need, which all filters and subscriptions share.
pub(crate) fn room_for(ctx: &EthContext, criteria: &Criteria) -> RpcResult<OwnedSemaphorePermit> {
    let size = u32::try_from(criteria.size()).unwrap_or(u32::MAX);
    ctx.live.criteria().try_acquire_many_owned(size).map_err(|_| {
        limit_exceeded("open filters and subscriptions name too many addresses and topics")
    })
}

struct Filters(EthContext);

impl Filters {
    fn registry(&self) -> &Registry {
        self.0.live.filters()
    }

    fn poll(&self, filter: &Filter) -> Result<FilterChanges, PollError> {
        let position = &mut *filter.position.lock();
        let live = &self.0.live;
        match &filter.kind {
            Kind::Logs { blocks, criteria, .. } => {
                let read = |block: &_| self.0.chain.record(block);
                let limit = self.0.limits.filter_backlog.min(self.0.limits.log_results);
                poll::logs(live.changes(), position, blocks, criteria, limit, read)
                    .map(FilterChanges::Logs)
            }
            Kind::Blocks => poll::blocks(live.changes(), position).map(FilterChanges::Hashes),
            Kind::Pending { full: false } => {
                let entries = live.pending().read(*position, self.0.limits.filter_backlog)?;
                *position = position.saturating_add(entries.len() as u64);
                Ok(FilterChanges::Hashes(entries.iter().map(|entry| entry.hash).collect()))
            }
            Kind::Pending { full: true } => self.pending(position).map(FilterChanges::Transactions),
        }
    }

    fn pending(&self, position: &mut u64) -> Result<Vec<Transaction>, PollError> {
        let live = &self.0.live;
        let (mut transactions, mut bytes, mut seen) = (Vec::new(), 0usize, *position);
        for entry in live.pending().read(seen, MAX_TRANSACTIONS)? {
            seen = seen.saturating_add(1);
            let Some(tx) = live.transaction(&entry)? else { continue };
            bytes = bytes.saturating_add(tx.envelope.input().len());
            transactions.push(convert::pending_transaction(&tx));
            if bytes > MAX_INPUT_BYTES {
                break;
            }
        }
        *position = seen;
        Ok(transactions)
    }
}

#[async_trait]
impl FilterApiServer for Filters {
    fn new_filter(&self, filter: FilterParams) -> RpcResult<FilterId> {
        let (blocks, criteria) = filter.check(&self.0.limits)?;
        blocks.check_live()?;
        let room = room_for(&self.0, &criteria)?;
        let kind = Kind::Logs { blocks, criteria, room };
        self.registry().open(kind, self.0.live.changes().end(), Instant::now())
    }

    fn new_block_filter(&self) -> RpcResult<FilterId> {
        self.registry().open(Kind::Blocks, self.0.live.changes().end(), Instant::now())
    }

    fn new_pending_transaction_filter(&self, full: Option<bool>) -> RpcResult<FilterId> {
        let kind = Kind::Pending { full: full.unwrap_or_default() };
        self.registry().open(kind, self.0.live.pending().end(), Instant::now())
    }

    fn get_filter_changes(&self, id: FilterId) -> RpcResult<FilterChanges> {
        let filter: Arc<Filter> = self.registry().used(id, Instant::now())?;
        self.poll(&filter).map_err(|error| match error {
            PollError::Failed(error) => error,
            PollError::Lagged(lagged) => {
                self.registry().close(id, Instant::now());
                // Begins as geth's text, by which clients know that they have to make a new one.
                server(format_args!("filter not found: it was {lagged} and has been dropped"))
            }
        })
    }

    async fn get_filter_logs(&self, id: FilterId) -> RpcResult<Vec<Log>> {
        let filter = self.registry().used(id, Instant::now())?;
        match &filter.kind {
            Kind::Logs { blocks, criteria, .. } => {
                logs::run(&self.0, *blocks, criteria.clone()).await
            }
            Kind::Blocks | Kind::Pending { .. } => Err(not_found()),
        }
    }

    fn uninstall_filter(&self, id: FilterId) -> RpcResult<bool> {
        Ok(self.registry().close(id, Instant::now()))
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(Filters(ctx.clone()).into_rpc().into())
}
