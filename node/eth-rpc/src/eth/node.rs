//! What the node says about itself.

use crate::{
    context::EthContext,
    error::RpcResult,
    feed::SyncState,
    types::{Address, U256},
};
use alloy_primitives::U64;
use alloy_rpc_types_eth::{SyncInfo, SyncStatus};
use jsonrpsee::proc_macros::rpc;
use tokio::sync::watch;

/// The chain and the node.
#[rpc(server, namespace = "eth")]
pub trait NodeApi {
    /// The chain id.
    #[method(name = "chainId")]
    fn chain_id(&self) -> RpcResult<U64>;

    /// Keys that the node signs with: none, wallets sign.
    #[method(name = "accounts")]
    fn accounts(&self) -> RpcResult<Vec<Address>>;

    /// `false`, or how far the node is, as subscribers were last told: in Ethereum blocks, of which
    /// the highest is the most that there can be.
    #[method(name = "syncing")]
    fn syncing(&self) -> RpcResult<SyncStatus>;
}

pub(super) struct Node {
    syncing: watch::Receiver<SyncState>,
}

impl Node {
    pub(super) fn new(ctx: &EthContext) -> Self {
        Self { syncing: ctx.live.syncing() }
    }
}

/// The state in the shape of `eth_syncing`.
fn status(state: SyncState) -> SyncStatus {
    let Some(progress) = state.0 else { return SyncStatus::None };
    SyncStatus::Info(Box::new(SyncInfo {
        starting_block: U256::from(progress.starting),
        current_block: U256::from(progress.current),
        highest_block: U256::from(progress.highest),
        ..Default::default()
    }))
}

impl NodeApiServer for Node {
    fn chain_id(&self) -> RpcResult<U64> {
        Ok(U64::from(bzk_core::CHAIN_ID))
    }

    fn accounts(&self) -> RpcResult<Vec<Address>> {
        Ok(Vec::new())
    }

    fn syncing(&self) -> RpcResult<SyncStatus> {
        Ok(status(*self.syncing.borrow()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Progress;

    #[test]
    fn syncing_tells_what_subscribers_are_told() {
        let progress = Progress { starting: 1, current: 16, highest: 255 };
        let json = serde_json::to_value(status(SyncState(Some(progress)))).unwrap();
        for (field, value) in
            [("startingBlock", "0x1"), ("currentBlock", "0x10"), ("highestBlock", "0xff")]
        {
            assert_eq!(json[field], value, "{field}");
        }
        assert_eq!(status(SyncState(None)), SyncStatus::None);
    }
}
