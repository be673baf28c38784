//! Ethereum's JSON-RPC over the node: what wallets, libraries and indexers speak.
//!
//! * [`index`] writes where each Ethereum block, transaction and log is, in the same database
//!   batch as the block itself; [`chain`] reads it and decides what is canonical.
//! * [`state`] reads accounts, code and storage of a block without wasm; execution is native.
//! * [`pool`] shows the Substrate pool as Ethereum's and applies geth's checks to what enters.
//! * `feed` follows the chain for filters and subscriptions, `exec` calls, simulates and traces.
//! * One module for each family of methods; [`module`] merges them.

pub mod chain;
pub mod context;
pub mod convert;
pub mod error;
pub mod index;
pub mod limits;
pub mod pool;
pub mod state;
pub mod types;

mod cache;
mod eth;
mod exec;
mod fee;
mod feed;
mod filters;
mod finality;
mod gate;
mod inclusion;
mod logs;
mod metrics;
mod net;
mod pubsub;
mod raw;
mod txpool;
mod witness;

pub use context::{EthContext, EthDeps};
pub use finality::{Finality, Stage, Step};
pub use inclusion::{AuthorStats, InclusionStats};
pub use index::{index_existing, EthIndexImport};
pub use limits::Limits;
pub use pubsub::SubscriptionIds;

use jsonrpsee::{core::RegisterMethodError, RpcModule};

/// All Ethereum methods over one node, for a node with one RPC server.
///
/// # Errors
/// Two modules register the same method.
pub fn create(deps: EthDeps) -> Result<RpcModule<()>, RegisterMethodError> {
    module(&EthContext::new(deps))
}

/// All Ethereum methods over one context. Substrate builds the module once per listen address;
/// filters, subscriptions and caches exist once per context, so make one and pass it here.
///
/// # Errors
/// Two modules register the same method.
pub fn module(ctx: &EthContext) -> Result<RpcModule<()>, RegisterMethodError> {
    let mut module = RpcModule::new(());
    module.merge(eth::methods(ctx)?)?;
    module.merge(exec::methods(ctx)?)?;
    module.merge(fee::methods(ctx)?)?;
    module.merge(filters::methods(ctx)?)?;
    module.merge(finality::methods(ctx)?)?;
    module.merge(inclusion::methods(ctx)?)?;
    module.merge(logs::methods(ctx)?)?;
    module.merge(net::methods(ctx)?)?;
    module.merge(pubsub::methods(ctx)?)?;
    module.merge(raw::methods(ctx)?)?;
    module.merge(txpool::methods(ctx)?)?;
    module.merge(witness::methods(ctx)?)?;
    Ok(module)
}
