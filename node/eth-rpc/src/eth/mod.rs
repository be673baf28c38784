//! The methods of the `eth` namespace that read blocks, transactions and accounts, and the one
//! that sends a transaction.

mod account;
mod block;
mod config;
mod node;
mod pending;
mod transaction;

use crate::context::EthContext;
use account::AccountApiServer;
use block::BlockApiServer;
use config::ConfigApiServer;
use jsonrpsee::{core::RegisterMethodError, Methods, RpcModule};
use node::NodeApiServer;
use transaction::TransactionApiServer;

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(());
    module.merge(account::Accounts::new(ctx).into_rpc())?;
    module.merge(block::Blocks::new(ctx).into_rpc())?;
    module.merge(config::Rules::new(ctx).into_rpc())?;
    module.merge(node::Node::new(ctx).into_rpc())?;
    module.merge(transaction::Transactions::new(ctx).into_rpc())?;
    Ok(module.into())
}
