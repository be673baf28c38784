//! `eth_simulateV1`: blocks of calls on top of a block, each seeing what those before it did.

mod block;
mod codes;
mod plan;
mod root;
mod transfers;

#[cfg(test)]
mod tests;

pub(crate) use root::TrieSource;

use super::{failure::Failure, sandbox::Sandbox};
use crate::limits::Limits;
use alloy_primitives::{B256, U256};
use alloy_rpc_types_eth::{
    simulate::{SimulatePayload, SimulatedBlock},
    Block,
};
use block::{Budget, Builder};
use bzk_evm::{block::Header, execute::BlockEnvironment};
use revm::DatabaseRef;
use root::Roots;
use std::time::Instant;

/// The block below the simulated ones.
pub(crate) struct Base<'a> {
    /// Its header.
    pub(crate) header: &'a Header,
    /// Its hash.
    pub(crate) hash: B256,
    /// The chain that it is of.
    pub(crate) chain_id: u64,
}

/// Runs `payload` on `state`, the state after `base`.
pub(crate) fn simulate<DB>(
    state: DB,
    base: Base<'_>,
    payload: SimulatePayload,
    limits: &Limits,
    deadline: Instant,
) -> Result<Vec<SimulatedBlock<Block>>, Failure>
where
    DB: DatabaseRef + TrieSource + Clone,
{
    let Base { header, hash, chain_id } = base;
    check_size(&payload, limits)?;
    let SimulatePayload {
        block_state_calls,
        trace_transfers,
        validation,
        return_full_transactions,
    } = payload;
    let blocks = plan::plan(header, block_state_calls, limits.simulate_blocks)?;
    let roots = Roots::new(state.clone())?;
    let mut sandbox = Sandbox::relaxed(state, BlockEnvironment::of(header, chain_id));
    sandbox.cfg.disable_nonce_check = !validation;
    sandbox.db.cache.block_hashes.insert(U256::from(header.number), hash);
    let mut builder = Builder {
        sandbox,
        roots,
        budget: Budget { gas: limits.call_gas, deadline },
        parent: header.clone(),
        parent_hash: hash,
        trace_transfers,
        validation,
        full_transactions: return_full_transactions,
    };
    blocks.into_iter().map(|block| builder.build(block)).collect()
}

fn check_size(payload: &SimulatePayload, limits: &Limits) -> Result<(), Failure> {
    let blocks = payload.block_state_calls.len();
    if blocks == 0 {
        return Err(Failure::params("empty input"));
    }
    if blocks > limits.simulate_blocks {
        return Err(codes::limit(format_args!("too many blocks: {blocks}")));
    }
    let calls: usize = payload.block_state_calls.iter().map(|block| block.calls.len()).sum();
    if calls > limits.simulate_calls {
        return Err(codes::limit(format_args!(
            "too many calls: {calls} > {}",
            limits.simulate_calls
        )));
    }
    Ok(())
}
