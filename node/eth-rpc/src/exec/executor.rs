//! The chain as calls and traces see it.

use super::{
    access_list,
    call::call,
    chain_code::ChainCode,
    env, estimate,
    failure::Failure,
    overrides, request,
    sandbox::Sandbox,
    simulate,
    trace::{replay::Script, Quota},
};
use crate::{
    chain::{BlockRef, Chain, Record},
    error::{self, RpcResult},
    gate::Gate,
    limits::Limits,
    state::StateView,
};
use alloy_eips::{eip2930::AccessListResult, BlockId};
use alloy_primitives::{Bytes, B256};
use alloy_rpc_types_eth::{
    simulate::{SimulatePayload, SimulatedBlock},
    state::{EvmOverrides, StateOverride},
    Block, TransactionRequest,
};
use bitcoinzk_runtime::VERSION;
use bzk_evm::execute::BlockEnvironment;
use std::{sync::Arc, time::Instant};

/// How many calls run for each trace that may run: a trace takes that much more memory.
const CALLS_PER_TRACE: usize = 8;

/// Runs calls and traces over the chain; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Executor {
    pub(crate) chain: Chain,
    pub(crate) limits: Arc<Limits>,
    /// Calls, estimates and simulations.
    pub(crate) calls: Gate,
    /// Traces.
    pub(crate) traces: Gate,
}

impl Executor {
    /// Over `chain`, within `limits`.
    pub(crate) fn new(chain: Chain, limits: Arc<Limits>) -> Self {
        let calls = Gate::new(limits.concurrent_calls);
        let traces = Gate::new(limits.concurrent_calls / CALLS_PER_TRACE);
        Self { chain, limits, calls, traces }
    }

    /// The state after `block`, if this node knows by which rules to run on it.
    fn state(&self, block: &BlockRef) -> RpcResult<StateView> {
        let state = self.chain.state(block)?;
        check_rules(state.spec_version()?)?;
        Ok(state)
    }

    /// The block of `id` and the state after it.
    fn at(&self, id: BlockId) -> RpcResult<(BlockRef, StateView)> {
        let block = self.chain.resolve_or_err(id)?;
        let state = self.chain.state(&block)?;
        Ok((block, state))
    }

    /// A sandbox for a call at `id`, the newest block if it is not given, with its overrides.
    pub(crate) fn sandbox(
        &self,
        id: Option<BlockId>,
        overrides: EvmOverrides,
    ) -> Result<Sandbox<StateView>, Failure> {
        let id = id.unwrap_or_default();
        let (block, state) = self.at(id)?;
        self.sandbox_on(id, &block, state, overrides)
    }

    fn sandbox_on(
        &self,
        id: BlockId,
        block: &BlockRef,
        state: StateView,
        overrides: EvmOverrides,
    ) -> Result<Sandbox<StateView>, Failure> {
        check_rules(state.spec_version().map_err(Failure::internal)?)?;
        let record = self.chain.record(block)?;
        let header = &record.block.header;
        let environment = if id.is_pending() {
            env::pending(header, &state)?
        } else {
            BlockEnvironment::of(header, state.chain_id())
        };
        let mut sandbox = Sandbox::relaxed(state, environment);
        self.lay(&mut sandbox, overrides)?;
        Ok(sandbox)
    }

    /// The chain's own code on `state`, where this node does not know the rules. It takes no
    /// overrides.
    fn chain_code(
        &self,
        block: &BlockRef,
        state: &StateView,
        overrides: &EvmOverrides,
    ) -> RpcResult<Option<ChainCode>> {
        let overridden = overrides.has_state() || overrides.has_block();
        if overridden || check_rules(state.spec_version()?).is_ok() {
            return Ok(None);
        }
        let gas_limit = self.chain.record(block)?.block.header.gas_limit;
        ChainCode::new(self.chain.clone(), state.clone(), gas_limit)
    }

    /// Lays overrides over a sandbox.
    pub(crate) fn lay(
        &self,
        sandbox: &mut Sandbox<StateView>,
        overrides: EvmOverrides,
    ) -> Result<(), Failure> {
        if let Some(block) = overrides.block {
            overrides::apply_block(&mut sandbox.block, &mut sandbox.db, *block)?;
        }
        overrides::apply_state(&mut sandbox.db, overrides.state.unwrap_or_default())
    }

    /// `eth_call`.
    pub(crate) fn call(
        &self,
        request: TransactionRequest,
        id: Option<BlockId>,
        overrides: EvmOverrides,
    ) -> Result<Bytes, Failure> {
        let id = id.unwrap_or_default();
        let (block, state) = self.at(id)?;
        let tx = request::message(request, state.chain_id(), self.limits.call_gas)?;
        if let Some(mut code) = self.chain_code(&block, &state, &overrides)? {
            return call(&mut code, tx);
        }
        call(&mut self.sandbox_on(id, &block, state, overrides)?, tx)
    }

    /// `eth_estimateGas`.
    pub(crate) fn estimate(
        &self,
        mut request: TransactionRequest,
        id: Option<BlockId>,
        overrides: EvmOverrides,
    ) -> Result<u64, Failure> {
        let deadline = self.deadline();
        let id = id.unwrap_or_default();
        let (block, state) = self.at(id)?;
        let gas_cap = self.limits.call_gas;
        request.gas.get_or_insert(0);
        let tx = request::message(request, state.chain_id(), gas_cap)?;
        if let Some(mut code) = self.chain_code(&block, &state, &overrides)? {
            return estimate::estimate(&mut code, tx, gas_cap, deadline);
        }
        let mut sandbox = self.sandbox_on(id, &block, state, overrides)?;
        // A transaction that no block can hold must not get an estimate.
        sandbox.max_cycles = sandbox.db.db.block_cycle_limit().map_err(Failure::internal)?;
        estimate::estimate(&mut sandbox, tx, gas_cap, deadline)
    }

    /// `eth_createAccessList`.
    pub(crate) fn access_list(
        &self,
        request: TransactionRequest,
        id: Option<BlockId>,
        overrides: Option<StateOverride>,
    ) -> Result<AccessListResult, Failure> {
        let deadline = self.deadline();
        let mut sandbox = self.sandbox(id, EvmOverrides::state(overrides))?;
        let tx = request::message(request, sandbox.block.chain_id, self.limits.call_gas)?;
        access_list::create(&mut sandbox, tx, deadline)
    }

    /// `eth_simulateV1`.
    pub(crate) fn simulate(
        &self,
        payload: SimulatePayload,
        id: Option<BlockId>,
    ) -> Result<Vec<SimulatedBlock<Block>>, Failure> {
        let deadline = self.deadline();
        let block = self.chain.resolve_or_err(id.unwrap_or_default())?;
        let state = self.state(&block)?;
        let record = self.chain.record(&block)?;
        let header = &record.block.header;
        let base = simulate::Base { header, hash: block.hash, chain_id: state.chain_id() };
        simulate::simulate(state, base, payload, &self.limits, deadline)
    }

    /// What ran in `block`, and a sandbox with the state before it.
    pub(crate) fn before(&self, block: &BlockRef) -> Result<(Sandbox<StateView>, Script), Failure> {
        let record = self.chain.record(block)?;
        // An upgrade's first block ran on a state that names the runtime before it.
        if let Ok(state) = self.chain.state(block) {
            check_rules(state.spec_version().map_err(Failure::internal)?)?;
        }
        self.before_record(&record)
    }

    /// What ran in the block of `record`, and a sandbox with the state before it.
    pub(crate) fn before_record(
        &self,
        record: &Record,
    ) -> Result<(Sandbox<StateView>, Script), Failure> {
        if record.block.header.number == 0 {
            return Err(Failure::server("genesis is not traceable"));
        }
        let parent_hash = record.block.header.parent_hash;
        let parent = self
            .chain
            .resolve(BlockId::hash(parent_hash))?
            .ok_or_else(|| error::server(format_args!("parent block {parent_hash} not found")))?;
        let state = self.state(&parent)?;
        let script = Script::new(record, state.chain_id());
        Ok((Sandbox::strict(state, script.environment), script))
    }

    /// The block and position of a transaction.
    pub(crate) fn locate(&self, hash: B256) -> RpcResult<(BlockRef, usize)> {
        self.chain.locate(hash)?.ok_or_else(|| error::server("transaction not found"))
    }

    /// Most gas that a transaction runs with which a caller brings: that of a call, or of a block where that is more.
    pub(crate) fn most_gas(&self) -> RpcResult<u64> {
        let head = self.chain.record(&self.chain.head()?)?;
        Ok(self.limits.call_gas.max(head.block.header.gas_limit))
    }

    /// What one trace request may take.
    pub(crate) fn quota(&self) -> Quota {
        Quota::new(self.limits.trace_bytes, self.limits.trace_time)
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.limits.call_time).unwrap_or(now)
    }
}

/// Refuses a runtime that is newer than the one built into this node. Its rules may be others, and a wrong answer is
/// worse than none; blocks, transactions and plain calls go through the chain's own code all the same.
fn check_rules(spec_version: u32) -> RpcResult<()> {
    let known = VERSION.spec_version;
    if spec_version > known {
        return Err(error::unavailable(format_args!(
            "the chain's runtime has version {spec_version}, this node knows the rules up to \
             version {known}: update the node"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_newer_runtime_are_not_guessed() {
        let known = VERSION.spec_version;
        for old in [0, known] {
            check_rules(old).unwrap();
        }
        let refused = check_rules(known + 1).unwrap_err();
        assert_eq!(refused.code(), error::RESOURCE_UNAVAILABLE);
        assert!(refused.message().ends_with("update the node"), "{}", refused.message());
    }
}
