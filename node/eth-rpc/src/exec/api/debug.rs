//! geth's `debug_trace*`.

use crate::{
    chain::{BlockRef, Record},
    error::RpcResult,
    exec::{
        call::waive_base_fee,
        executor::Executor,
        failure::Failure,
        request,
        sandbox::Sandbox,
        trace::{debug, replay::Script, Quota},
    },
    state::StateView,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Bytes, B256};
use alloy_rpc_types_eth::{state::EvmOverrides, TransactionRequest};
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace, TraceResult,
};
use async_trait::async_trait;
use bzk_evm::{
    block::Block,
    tx::{self, TRANSACTION_GAS},
};
use jsonrpsee::proc_macros::rpc;
use revm_inspectors::tracing::TransactionContext;

/// Longest block that `debug_traceBlock` takes, in bytes of its RLP.
const MAX_BLOCK_BYTES: usize = 8 * 1024 * 1024;

/// Traces in geth's form.
#[rpc(server, namespace = "debug")]
pub(crate) trait DebugApi {
    /// Traces a transaction of the chain.
    #[method(name = "traceTransaction")]
    async fn trace_transaction(
        &self,
        hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<GethTrace>;

    /// Traces all transactions of a block.
    #[method(name = "traceBlockByNumber")]
    async fn trace_block_by_number(
        &self,
        block: BlockNumberOrTag,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>>;

    /// Traces all transactions of a block.
    #[method(name = "traceBlockByHash")]
    async fn trace_block_by_hash(
        &self,
        hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>>;

    /// Traces all transactions of a block that the caller brings, on the state of its parent.
    #[method(name = "traceBlock")]
    async fn trace_block(
        &self,
        rlp: Bytes,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>>;

    /// Traces a call.
    #[method(name = "traceCall")]
    async fn trace_call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        options: Option<GethDebugTracingCallOptions>,
    ) -> RpcResult<GethTrace>;
}

impl Executor {
    fn debug_quota(&self, options: &GethDebugTracingOptions) -> Result<Quota, Failure> {
        let time = debug::timeout(options, self.limits.trace_time)?;
        Ok(Quota::new(self.limits.trace_bytes, time))
    }

    fn debug_transaction(
        &self,
        hash: B256,
        options: &GethDebugTracingOptions,
    ) -> Result<GethTrace, Failure> {
        let mut quota = self.debug_quota(options)?;
        let (block, index) = self.locate(hash)?;
        let (mut sandbox, script) = self.before(&block)?;
        let tx = script.reach(&mut sandbox, index)?;
        let place = script.context(index);
        Ok(debug::trace(&mut sandbox, tx, place, options, &mut quota)?.0)
    }

    fn debug_block(
        &self,
        (mut sandbox, script): (Sandbox<StateView>, Script),
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<TraceResult>, Failure> {
        let mut quota = self.debug_quota(options)?;
        script.each(&mut sandbox, |sandbox, index, tx| {
            let place = script.context(index);
            let (trace, changes) = debug::trace(sandbox, tx, place, options, &mut quota)?;
            Ok((TraceResult::new_success(trace, place.tx_hash), changes))
        })
    }

    fn debug_raw_block(
        &self,
        rlp: &[u8],
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<TraceResult>, Failure> {
        let block = bzk_evm::block::decode(rlp, MAX_BLOCK_BYTES)
            .map_err(|cause| Failure::server(format_args!("could not decode block: {cause}")))?;
        check_gas(&block, self.most_gas()?)?;
        let senders = block.body.transactions.iter().cloned().map(tx::recover);
        let senders = senders.map(|tx| tx.map(|tx| tx.sender)).collect::<Result<_, _>>();
        let senders = senders.map_err(Failure::server)?;
        let hash = bzk_evm::block::hash(&block.header);
        let record = Record { block, hash, receipts: Vec::new(), senders };
        self.debug_block(self.before_record(&record)?, options)
    }

    fn debug_call(
        &self,
        request: TransactionRequest,
        id: Option<BlockId>,
        options: GethDebugTracingCallOptions,
    ) -> Result<GethTrace, Failure> {
        let GethDebugTracingCallOptions {
            tracing_options,
            state_overrides,
            block_overrides,
            tx_index,
            ..
        } = options;
        let mut quota = self.debug_quota(&tracing_options)?;
        let id = id.unwrap_or_default();
        let overrides = EvmOverrides::new(state_overrides, block_overrides.map(Box::new));
        let mut sandbox = match tx_index {
            Some(index) => self.within(&self.chain.resolve_or_err(id)?, index, overrides)?,
            None => self.sandbox(Some(id), overrides)?,
        };
        let tx = request::message(request, sandbox.block.chain_id, self.limits.call_gas)?;
        waive_base_fee(&mut sandbox, &tx);
        let place = TransactionContext::default();
        Ok(debug::trace(&mut sandbox, tx, place, &tracing_options, &mut quota)?.0)
    }

    /// A sandbox for a call within `block`, before its transaction at `index`.
    fn within(
        &self,
        block: &BlockRef,
        index: u64,
        overrides: EvmOverrides,
    ) -> Result<Sandbox<StateView>, Failure> {
        let (mut sandbox, script) = self.before(block)?;
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if index > script.transactions.len() {
            return Err(Failure::server(format_args!(
                "transaction index {index} out of range for block {}",
                block.hash
            )));
        }
        script.advance(&mut sandbox, index)?;
        sandbox.relax();
        self.lay(&mut sandbox, overrides)?;
        Ok(sandbox)
    }
}

/// Refuses a block that says it has more gas than `most`, or that has more transactions than gas. Its maker is the
/// caller, and gas bounds the memory that a transaction takes.
fn check_gas(block: &Block, most: u64) -> Result<(), Failure> {
    let limit = block.header.gas_limit;
    if limit > most {
        return Err(Failure::limit(format_args!(
            "the block has a gas limit of {limit}, at most {most} is traced"
        )));
    }
    let transactions = block.body.transactions.len();
    let least = u64::try_from(transactions).unwrap_or(u64::MAX).saturating_mul(TRANSACTION_GAS);
    if least > limit {
        return Err(Failure::server(format_args!(
            "the block has {transactions} transactions, which use more gas than its limit of {limit}"
        )));
    }
    Ok(())
}

fn not_found_by_number(block: BlockNumberOrTag) -> impl FnOnce() -> Failure {
    move || match block {
        BlockNumberOrTag::Number(number) => {
            Failure::server(format_args!("block #{number} not found"))
        }
        tag => Failure::server(format_args!("block {tag} not found")),
    }
}

#[async_trait]
impl DebugApiServer for Executor {
    async fn trace_transaction(
        &self,
        hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<GethTrace> {
        let (this, options) = (self.clone(), options.unwrap_or_default());
        self.traces.run(move || this.debug_transaction(hash, &options)).await
    }

    async fn trace_block_by_number(
        &self,
        block: BlockNumberOrTag,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>> {
        let (this, options) = (self.clone(), options.unwrap_or_default());
        let job = move || {
            let found = this.chain.resolve(block.into())?;
            let found = found.ok_or_else(not_found_by_number(block))?;
            this.debug_block(this.before(&found)?, &options)
        };
        self.traces.run(job).await
    }

    async fn trace_block_by_hash(
        &self,
        hash: B256,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>> {
        let (this, options) = (self.clone(), options.unwrap_or_default());
        let job = move || {
            let found = this.chain.resolve(BlockId::hash(hash))?;
            let missing = || Failure::server(format_args!("block {hash} not found"));
            this.debug_block(this.before(&found.ok_or_else(missing)?)?, &options)
        };
        self.traces.run(job).await
    }

    async fn trace_block(
        &self,
        rlp: Bytes,
        options: Option<GethDebugTracingOptions>,
    ) -> RpcResult<Vec<TraceResult>> {
        let (this, options) = (self.clone(), options.unwrap_or_default());
        self.traces.run(move || this.debug_raw_block(&rlp, &options)).await
    }

    async fn trace_call(
        &self,
        request: TransactionRequest,
        block: Option<BlockId>,
        options: Option<GethDebugTracingCallOptions>,
    ) -> RpcResult<GethTrace> {
        let (this, options) = (self.clone(), options.unwrap_or_default());
        self.traces.run(move || this.debug_call(request, block, options)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::Signature;
    use bzk_evm::block::Header;

    fn block(gas_limit: u64, transactions: usize) -> Block {
        let tx = TxLegacy::default().into_signed(Signature::test_signature()).into();
        let header = Header { gas_limit, ..Default::default() };
        bzk_evm::block::block(header, vec![tx; transactions])
    }

    #[test]
    fn attack_block_whose_gas_buys_all_memory_is_not_run() {
        let check =
            |gas_limit, transactions| check_gas(&block(gas_limit, transactions), 50_000_000);
        check(50_000_000, 2_380).unwrap();
        check(0, 0).unwrap();
        assert!(check(50_000_001, 0).is_err());
        assert!(check(u64::MAX, 1).is_err());
        assert!(check(50_000_000, 2_381).is_err());
    }
}
