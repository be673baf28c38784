//! Parity's `trace_*`.

use crate::{
    chain::BlockRef,
    error::RpcResult,
    exec::{
        call::waive_base_fee,
        executor::Executor,
        failure::Failure,
        request,
        trace::{
            filter::{check_span, Page, Wanted},
            parity, Quota,
        },
    },
    logs::ensure_indexed,
};
use alloy_consensus::Transaction as _;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{map::HashSet, Bytes, B256, U64};
use alloy_rpc_types_eth::{
    state::{EvmOverrides, StateOverride},
    BlockOverrides, TransactionRequest,
};
use alloy_rpc_types_trace::parity::{
    LocalizedTransactionTrace, TraceResults, TraceResultsWithTransactionHash, TraceType,
};
use async_trait::async_trait;
use bzk_evm::tx::{self, TxError};
use jsonrpsee::proc_macros::rpc;

type Traces = Vec<LocalizedTransactionTrace>;

/// Traces in Parity's form.
#[rpc(server, namespace = "trace")]
pub(crate) trait TraceApi {
    /// All calls of a block; `null` if there is no such block.
    #[method(name = "block")]
    async fn block(&self, block: BlockId) -> RpcResult<Option<Vec<LocalizedTransactionTrace>>>;

    /// All calls of a transaction; `null` if there is no such transaction.
    #[method(name = "transaction")]
    async fn transaction(&self, hash: B256) -> RpcResult<Option<Vec<LocalizedTransactionTrace>>>;

    /// The call of a transaction at a position such as `[0]` or `[1, 2]`.
    #[method(name = "get")]
    async fn get(
        &self,
        hash: B256,
        position: Vec<U64>,
    ) -> RpcResult<Option<LocalizedTransactionTrace>>;

    /// Calls of a span of blocks, by who calls and who is called.
    #[method(name = "filter")]
    async fn filter(&self, wanted: Wanted) -> RpcResult<Vec<LocalizedTransactionTrace>>;

    /// Runs the transactions of a block again and returns these kinds of trace.
    #[method(name = "replayBlockTransactions")]
    async fn replay_block(
        &self,
        block: BlockId,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<Option<Vec<TraceResultsWithTransactionHash>>>;

    /// Runs a transaction again and returns these kinds of trace.
    #[method(name = "replayTransaction")]
    async fn replay_transaction(
        &self,
        hash: B256,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<TraceResults>;

    /// Runs a call and returns these kinds of trace.
    #[method(name = "call")]
    async fn call(
        &self,
        request: TransactionRequest,
        kinds: HashSet<TraceType>,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<TraceResults>;

    /// Runs calls one after the other, each on what those before it left, and returns for each the
    /// kinds of trace that come with it.
    #[method(name = "callMany")]
    async fn call_many(
        &self,
        calls: Vec<(TransactionRequest, HashSet<TraceType>)>,
        block: Option<BlockId>,
    ) -> RpcResult<Vec<TraceResults>>;

    /// Runs a signed transaction on the newest block, without sending it.
    #[method(name = "rawTransaction")]
    async fn raw_transaction(
        &self,
        raw: Bytes,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<TraceResults>;
}

impl Executor {
    fn parity_block(&self, block: &BlockRef, quota: &mut Quota) -> Result<Traces, Failure> {
        // Most blocks of a span may be empty, and genesis has no state before it.
        if self.chain.record(block)?.senders.is_empty() {
            return Ok(Vec::new());
        }
        let (mut sandbox, script) = self.before(block)?;
        let traces = script.each(&mut sandbox, |sandbox, index, tx| {
            parity::calls(sandbox, tx, script.info(index), quota)
        })?;
        Ok(traces.into_iter().flatten().collect())
    }

    fn parity_transaction(&self, hash: B256) -> Result<Option<Traces>, Failure> {
        let mut quota = self.quota();
        let Some((block, index)) = self.chain.locate(hash)? else { return Ok(None) };
        let (mut sandbox, script) = self.before(&block)?;
        let tx = script.reach(&mut sandbox, index)?;
        Ok(Some(parity::calls(&mut sandbox, tx, script.info(index), &mut quota)?.0))
    }

    fn parity_filter(&self, wanted: Wanted) -> Result<Traces, Failure> {
        let mut quota = self.quota();
        let number = |tag: Option<BlockNumberOrTag>, default| -> RpcResult<u64> {
            match tag.unwrap_or(default) {
                BlockNumberOrTag::Number(number) => Ok(number),
                tag => Ok(self.chain.resolve_or_err(tag.into())?.number),
            }
        };
        let from = number(wanted.from_block, BlockNumberOrTag::Earliest)?;
        let to = number(wanted.to_block, BlockNumberOrTag::Latest)?;
        // A span that ends in the future is served as far as the chain goes.
        let to = to.min(self.chain.head()?.number);
        check_span(from, to, &self.limits)?;
        ensure_indexed(&(from..=to), |number| Ok(self.chain.block_by_number(number)?.is_some()))?;
        let mut page = Page::new(wanted, &self.limits);
        for number in from..=to {
            if page.is_full() {
                break;
            }
            // A reorganisation under the query may shorten the chain.
            let block = self.chain.block_by_number(number)?.ok_or_else(|| {
                Failure::internal(format_args!("block {number} left the chain during the query"))
            })?;
            page.take(self.parity_block(&block, &mut quota)?)?;
        }
        Ok(page.into_traces())
    }

    fn parity_replay_block(
        &self,
        id: BlockId,
        kinds: &HashSet<TraceType>,
    ) -> Result<Option<Vec<TraceResultsWithTransactionHash>>, Failure> {
        let mut quota = self.quota();
        let Some(block) = self.chain.resolve(id)? else { return Ok(None) };
        if self.chain.record(&block)?.senders.is_empty() {
            return Ok(Some(Vec::new()));
        }
        let (mut sandbox, script) = self.before(&block)?;
        let results = script.each(&mut sandbox, |sandbox, index, tx| {
            let (full_trace, changes) = parity::results(sandbox, tx, kinds, &mut quota)?;
            let transaction_hash = script.info(index).hash.unwrap_or_default();
            Ok((TraceResultsWithTransactionHash { full_trace, transaction_hash }, changes))
        })?;
        Ok(Some(results))
    }

    fn parity_replay_transaction(
        &self,
        hash: B256,
        kinds: &HashSet<TraceType>,
    ) -> Result<TraceResults, Failure> {
        let mut quota = self.quota();
        let (block, index) = self.locate(hash)?;
        let (mut sandbox, script) = self.before(&block)?;
        let tx = script.reach(&mut sandbox, index)?;
        Ok(parity::results(&mut sandbox, tx, kinds, &mut quota)?.0)
    }

    fn parity_call(
        &self,
        request: TransactionRequest,
        kinds: &HashSet<TraceType>,
        id: Option<BlockId>,
        overrides: EvmOverrides,
    ) -> Result<TraceResults, Failure> {
        let mut quota = self.quota();
        let mut sandbox = self.sandbox(id, overrides)?;
        let tx = request::message(request, sandbox.block.chain_id, self.limits.call_gas)?;
        waive_base_fee(&mut sandbox, &tx);
        Ok(parity::results(&mut sandbox, tx, kinds, &mut quota)?.0)
    }

    fn parity_calls(
        &self,
        calls: Vec<(TransactionRequest, HashSet<TraceType>)>,
        id: Option<BlockId>,
    ) -> Result<Vec<TraceResults>, Failure> {
        if calls.len() > self.limits.simulate_calls {
            return Err(Failure::limit(format_args!(
                "too many calls: {}, at most {} at once",
                calls.len(),
                self.limits.simulate_calls
            )));
        }
        let mut quota = self.quota();
        let mut sandbox = self.sandbox(id, EvmOverrides::default())?;
        let base_fee = sandbox.block.base_fee;
        let mut traced = Vec::with_capacity(calls.len());
        for (request, kinds) in calls {
            let tx = request::message(request, sandbox.block.chain_id, self.limits.call_gas)?;
            sandbox.block.base_fee = base_fee;
            waive_base_fee(&mut sandbox, &tx);
            let (results, changes) = parity::results(&mut sandbox, tx, &kinds, &mut quota)?;
            sandbox.commit(changes);
            traced.push(results);
        }
        Ok(traced)
    }

    fn parity_raw(&self, raw: &[u8], kinds: &HashSet<TraceType>) -> Result<TraceResults, Failure> {
        let mut quota = self.quota();
        let tx = tx::decode(raw).and_then(tx::recover).map_err(Failure::server)?;
        // No block can hold it, and gas bounds the memory that it takes.
        if tx.envelope.gas_limit() > self.most_gas()? {
            return Err(Failure::server(TxError::BlockGasLimit));
        }
        let mut sandbox = self.sandbox(None, EvmOverrides::default())?;
        Ok(parity::results(&mut sandbox, tx::tx_env(&tx), kinds, &mut quota)?.0)
    }
}

#[async_trait]
impl TraceApiServer for Executor {
    async fn block(&self, block: BlockId) -> RpcResult<Option<Traces>> {
        let this = self.clone();
        let job = move || -> Result<_, Failure> {
            let Some(block) = this.chain.resolve(block)? else { return Ok(None) };
            this.parity_block(&block, &mut this.quota()).map(Some)
        };
        self.traces.run(job).await
    }

    async fn transaction(&self, hash: B256) -> RpcResult<Option<Traces>> {
        let this = self.clone();
        self.traces.run(move || this.parity_transaction(hash)).await
    }

    async fn get(
        &self,
        hash: B256,
        position: Vec<U64>,
    ) -> RpcResult<Option<LocalizedTransactionTrace>> {
        let position: Vec<usize> = position.iter().map(|index| index.saturating_to()).collect();
        let traces = TraceApiServer::transaction(self, hash).await?.unwrap_or_default();
        Ok(traces.into_iter().find(|trace| trace.trace.trace_address == position))
    }

    async fn filter(&self, wanted: Wanted) -> RpcResult<Traces> {
        let this = self.clone();
        self.traces.run(move || this.parity_filter(wanted)).await
    }

    async fn replay_block(
        &self,
        block: BlockId,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<Option<Vec<TraceResultsWithTransactionHash>>> {
        let this = self.clone();
        self.traces.run(move || this.parity_replay_block(block, &kinds)).await
    }

    async fn replay_transaction(
        &self,
        hash: B256,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<TraceResults> {
        let this = self.clone();
        self.traces.run(move || this.parity_replay_transaction(hash, &kinds)).await
    }

    async fn call(
        &self,
        request: TransactionRequest,
        kinds: HashSet<TraceType>,
        block: Option<BlockId>,
        state_overrides: Option<StateOverride>,
        block_overrides: Option<Box<BlockOverrides>>,
    ) -> RpcResult<TraceResults> {
        let (this, overrides) = (self.clone(), EvmOverrides::new(state_overrides, block_overrides));
        self.traces.run(move || this.parity_call(request, &kinds, block, overrides)).await
    }

    async fn call_many(
        &self,
        calls: Vec<(TransactionRequest, HashSet<TraceType>)>,
        block: Option<BlockId>,
    ) -> RpcResult<Vec<TraceResults>> {
        let this = self.clone();
        self.traces.run(move || this.parity_calls(calls, block)).await
    }

    async fn raw_transaction(
        &self,
        raw: Bytes,
        kinds: HashSet<TraceType>,
    ) -> RpcResult<TraceResults> {
        let this = self.clone();
        self.traces.run(move || this.parity_raw(&raw, &kinds)).await
    }
}
