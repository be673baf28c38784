//! `eth_subscribe`: what happens on the node, as it happens.
//!
//! A subscription is a task that reads a journal of the [`feed`](crate::feed) at its own pace.

mod id;
mod params;
mod serve;

pub use id::SubscriptionIds;
pub(crate) use params::SubscriptionParams;

use crate::{
    error::{invalid_params, limit_exceeded, RpcResult},
    feed::{BlockChange, PendingEntry, Reader},
    filters::room_for,
    logs::{BlockSelection, Criteria},
    EthContext,
};
use jsonrpsee::{
    core::{async_trait, to_json_raw_value, JsonRawValue, RegisterMethodError},
    proc_macros::rpc,
    server::SubscriptionCloseResponse,
    types::ErrorObjectOwned,
    Methods, PendingSubscriptionSink,
};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// Subscriptions.
#[rpc(server)]
pub trait PubSubApi {
    /// Subscribes to `kind`: `newHeads`, `logs`, `newPendingTransactions` or `syncing`.
    #[subscription(
        name = "eth_subscribe" => "eth_subscription",
        unsubscribe = "eth_unsubscribe",
        item = serde_json::Value
    )]
    async fn subscribe(
        &self,
        kind: String,
        params: Option<SubscriptionParams>,
    ) -> SubscriptionCloseResponse;
}

/// What a client subscribes to.
#[derive(Debug)]
enum Topic {
    NewHeads,
    Logs { blocks: BlockSelection, criteria: Criteria, room: OwnedSemaphorePermit },
    NewPendingTransactions { full: bool },
    Syncing,
}

struct PubSub(EthContext);

impl PubSub {
    fn topic(&self, kind: &str, params: SubscriptionParams) -> RpcResult<Topic> {
        match (kind, params) {
            ("newHeads", _) => Ok(Topic::NewHeads),
            ("syncing", _) => Ok(Topic::Syncing),
            ("newPendingTransactions", SubscriptionParams::None) => {
                Ok(Topic::NewPendingTransactions { full: false })
            }
            ("newPendingTransactions", SubscriptionParams::Full(full)) => {
                Ok(Topic::NewPendingTransactions { full })
            }
            ("logs", SubscriptionParams::None) => self.logs(Default::default()),
            ("logs", SubscriptionParams::Logs(filter)) => self.logs(*filter),
            ("newPendingTransactions" | "logs", _) => {
                Err(invalid_params(format_args!("invalid argument 1 for a {kind} subscription")))
            }
            _ => Err(ErrorObjectOwned::owned(
                jsonrpsee::types::error::METHOD_NOT_FOUND_CODE,
                format!("no {kind:?} subscription in eth namespace"),
                None::<()>,
            )),
        }
    }

    fn logs(&self, filter: crate::logs::FilterParams) -> RpcResult<Topic> {
        let (blocks, criteria) = filter.check(&self.0.limits)?;
        blocks.check_live()?;
        let room = room_for(&self.0, &criteria)?;
        Ok(Topic::Logs { blocks, criteria, room })
    }

    fn place(&self) -> RpcResult<OwnedSemaphorePermit> {
        self.0.live.subscriptions().try_acquire_owned().map_err(|_| {
            limit_exceeded(format_args!(
                "{} subscriptions are open: unsubscribe from those that are not needed",
                self.0.limits.subscriptions
            ))
        })
    }
}

#[async_trait]
impl PubSubApiServer for PubSub {
    async fn subscribe(
        &self,
        pending: PendingSubscriptionSink,
        kind: String,
        params: Option<SubscriptionParams>,
    ) -> SubscriptionCloseResponse {
        let topic = self.topic(&kind, params.unwrap_or_default());
        let (topic, _place) = match topic.and_then(|topic| Ok((topic, self.place()?))) {
            Ok(accepted) => accepted,
            Err(error) => {
                pending.reject(error).await;
                return SubscriptionCloseResponse::None;
            }
        };
        // Readers begin before the client hears that it is subscribed: nothing falls between.
        let live = &self.0.live;
        let max_lag = self.0.limits.subscription_backlog;
        let changes = Reader::new(live.changes().clone(), max_lag);
        match topic {
            Topic::NewHeads => {
                let Ok(sink) = pending.accept().await else {
                    return SubscriptionCloseResponse::None;
                };
                let head = |change: &Arc<BlockChange>| match change.removed() {
                    true => Ok(Vec::new()),
                    false => Ok(vec![live.header(change)?]),
                };
                serve::events(sink, changes, head).await
            }
            Topic::Logs { blocks, criteria, room: _room } => {
                let Ok(sink) = pending.accept().await else {
                    return SubscriptionCloseResponse::None;
                };
                let logs = |change: &Arc<BlockChange>| match blocks.covers(&change.block()) {
                    true => live.logs(change)?.matching(&criteria),
                    false => Ok(Vec::new()),
                };
                serve::events(sink, changes, logs).await
            }
            Topic::NewPendingTransactions { full } => {
                drop(changes);
                let transactions = Reader::new(live.pending().clone(), u32::MAX);
                let Ok(sink) = pending.accept().await else {
                    return SubscriptionCloseResponse::None;
                };
                let shown = |entry: &Arc<PendingEntry>| -> RpcResult<Vec<Arc<JsonRawValue>>> {
                    if full {
                        return Ok(live.transaction_json(entry)?.into_iter().collect());
                    }
                    let hash = to_json_raw_value(&entry.hash).map_err(crate::error::internal)?;
                    Ok(vec![hash.into()])
                };
                serve::events(sink, transactions, shown).await
            }
            Topic::Syncing => {
                drop(changes);
                let states = live.syncing();
                let Ok(sink) = pending.accept().await else {
                    return SubscriptionCloseResponse::None;
                };
                serve::sync_states(sink, states).await
            }
        }
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(PubSub(ctx.clone()).into_rpc().into())
}
