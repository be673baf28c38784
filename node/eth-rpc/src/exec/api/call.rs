//! `eth_call` and its kin.

use crate::{error::RpcResult, exec::executor::Executor};
use alloy_eips::{eip2930::AccessListResult, BlockId};
use alloy_primitives::{Bytes, U256};
use alloy_rpc_types_eth::{
    simulate::{SimulatePayload, SimulatedBlock},
    state::{EvmOverrides, StateOverride},
    Block, BlockOverrides, TransactionRequest,
};
use async_trait::async_trait;
use jsonrpsee::proc_macros::rpc;

/// Calls that change nothing.
#[rpc(server, namespace = "eth")]
pub(crate) trait CallApi {
    /// Runs a call and returns its output.
    #[method(name = "call")]
    async fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<Bytes>;

    /// The smallest gas limit with which a transaction succeeds.
    #[method(name = "estimateGas")]
    async fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<U256>;

    /// What a transaction accesses, and the gas it uses when it declares that.
    #[method(name = "createAccessList")]
    async fn create_access_list(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult>;

    /// Runs blocks of calls one after the other.
    #[method(name = "simulateV1")]
    async fn simulate_v1(
        &self,
        payload: SimulatePayload,
        block: Option<BlockId>,
    ) -> RpcResult<Vec<SimulatedBlock<Block>>>;
}

#[async_trait]
impl CallApiServer for Executor {
    async fn call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<Bytes> {
        let (this, overrides) = (self.clone(), EvmOverrides::new(state_overrides, block_overrides));
        self.calls.run(move || Executor::call(&this, request, block, overrides)).await
    }

    async fn estimate_gas(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<U256> {
        let (this, overrides) = (self.clone(), EvmOverrides::new(state_overrides, block_overrides));
        self.calls.run(move || this.estimate(request, block, overrides)).await.map(U256::from)
    }

    async fn create_access_list(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
    ) -> RpcResult<AccessListResult> {
        let this = self.clone();
        self.calls.run(move || this.access_list(request, block, state_overrides)).await
    }

    async fn simulate_v1(
        &self,
        payload: SimulatePayload,
        block: Option<BlockId>,
    ) -> RpcResult<Vec<SimulatedBlock<Block>>> {
        let this = self.clone();
        self.calls.run(move || this.simulate(payload, block)).await
    }
}
