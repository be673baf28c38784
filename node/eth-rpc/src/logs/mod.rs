//! `eth_getLogs`, and what filters and subscriptions share with it.

mod criteria;
mod params;
mod query;
mod selection;

pub(crate) use criteria::Criteria;
pub(crate) use params::FilterParams;
pub(crate) use query::{append_matching, ensure_indexed, weight, MAX_BYTES};
pub(crate) use selection::BlockSelection;

use crate::{error::RpcResult, EthContext};
use alloy_rpc_types_eth::Log;
use jsonrpsee::{
    core::{async_trait, RegisterMethodError},
    proc_macros::rpc,
    Methods,
};
use query::find;

/// Queries for logs.
#[rpc(server)]
pub trait LogsApi {
    /// The logs that match `filter`, oldest first.
    #[method(name = "eth_getLogs")]
    async fn get_logs(&self, filter: FilterParams) -> RpcResult<Vec<Log>>;
}

struct Logs(EthContext);

#[async_trait]
impl LogsApiServer for Logs {
    async fn get_logs(&self, filter: FilterParams) -> RpcResult<Vec<Log>> {
        let (blocks, criteria) = filter.check(&self.0.limits)?;
        run(&self.0, blocks, criteria).await
    }
}

/// Runs a query in its turn.
pub(crate) async fn run(
    ctx: &EthContext,
    blocks: BlockSelection,
    criteria: Criteria,
) -> RpcResult<Vec<Log>> {
    let (chain, limits) = (ctx.chain.clone(), ctx.limits.clone());
    ctx.live.queries().run(move || find(&chain, blocks, &criteria, &limits)).await
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(Logs(ctx.clone()).into_rpc().into())
}
