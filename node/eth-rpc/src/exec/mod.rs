//! Execution outside of blocks: calls, estimates, simulations and traces.
//!
//! Everything runs native revm with the profile's rules over a [`StateView`], in a [`Sandbox`]
//! that nobody else sees. The parts take any `DatabaseRef`, so their tests need no node; this
//! module connects them to the chain and bounds what runs at once. Where the chain's runtime is
//! newer than the node, calls and estimates run its code ([`ChainCode`]), and the rest is refused.
//!
//! [`ChainCode`]: chain_code::ChainCode
//! [`StateView`]: crate::state::StateView
//! [`Sandbox`]: sandbox::Sandbox

mod access_list;
mod api;
mod call;
mod chain_code;
mod env;
mod estimate;
mod executor;
mod failure;
mod overrides;
mod request;
mod runner;
mod sandbox;
mod simulate;
mod trace;

#[cfg(test)]
mod fixture;

use crate::context::EthContext;
use api::{CallApiServer, DebugApiServer, TraceApiServer};
use jsonrpsee::{core::RegisterMethodError, Methods};

pub(crate) use executor::Executor;

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let mut methods = Methods::new();
    methods.merge(CallApiServer::into_rpc(ctx.evm.clone()))?;
    methods.merge(DebugApiServer::into_rpc(ctx.evm.clone()))?;
    methods.merge(TraceApiServer::into_rpc(ctx.evm.clone()))?;
    Ok(methods)
}
