//! What the node says about itself.

use crate::{
    chain::Chain,
    context::EthContext,
    error::RpcResult,
    types::{Address, Sync as SyncService, U256},
};
use alloy_primitives::U64;
use alloy_rpc_types_eth::{SyncInfo, SyncStatus};
use jsonrpsee::proc_macros::rpc;
use sc_client_api::HeaderBackend;
use sp_consensus::SyncOracle;

/// The chain and the node.
#[rpc(server, namespace = "eth")]
pub trait NodeApi {
    /// The chain id.
    #[method(name = "chainId")]
    fn chain_id(&self) -> RpcResult<U64>;

    /// Keys that the node signs with: none, wallets sign.
    #[method(name = "accounts")]
    fn accounts(&self) -> RpcResult<Vec<Address>>;

    /// `false`, or how far the node is. Numbers are of Substrate blocks: how many Ethereum blocks
    /// the rest holds is known only at the end.
    #[method(name = "syncing")]
    async fn syncing(&self) -> RpcResult<SyncStatus>;
}

pub(super) struct Node {
    chain: Chain,
    sync: SyncService,
    started_at: u32,
}

impl Node {
    pub(super) fn new(ctx: &EthContext) -> Self {
        let started_at = ctx.chain.client().info().best_number;
        Self { chain: ctx.chain.clone(), sync: ctx.sync.clone(), started_at }
    }
}

#[async_trait::async_trait]
impl NodeApiServer for Node {
    fn chain_id(&self) -> RpcResult<U64> {
        Ok(U64::from(bzk_core::CHAIN_ID))
    }

    fn accounts(&self) -> RpcResult<Vec<Address>> {
        Ok(Vec::new())
    }

    async fn syncing(&self) -> RpcResult<SyncStatus> {
        if !self.sync.is_major_syncing() {
            return Ok(SyncStatus::None);
        }
        let current = self.chain.client().info().best_number;
        let target = self.sync.status().await.ok().and_then(|status| status.best_seen_block);
        Ok(SyncStatus::Info(Box::new(SyncInfo {
            starting_block: U256::from(self.started_at),
            current_block: U256::from(current),
            highest_block: U256::from(target.unwrap_or(current).max(current)),
            ..Default::default()
        })))
    }
}
