//! The transaction pool in geth's shapes: `txpool_*`.

mod group;

use crate::{
    convert,
    error::{limit_exceeded, RpcResult},
    pool::PoolTx,
    types::Address,
    EthContext,
};
use alloy_rpc_types_eth::Transaction;
use group::{by_sender, summary, ByNonce, BySender, Pool};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods};
use serde::Serialize;

/// Transactions in one answer: about 15 MB of JSON.
const MAX_TRANSACTIONS: usize = 16_384;

/// How many transactions wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Status {
    /// Those that the next block may hold.
    #[serde(with = "alloy_serde::quantity")]
    pub pending: u64,
    /// Those that wait for an earlier nonce.
    #[serde(with = "alloy_serde::quantity")]
    pub queued: u64,
}

/// The transaction pool.
#[rpc(server)]
pub trait TxPoolApi {
    /// All transactions by sender and nonce.
    #[method(name = "txpool_content", blocking)]
    fn content(&self) -> RpcResult<Pool<BySender<Transaction>>>;

    /// All transactions of one sender by nonce.
    #[method(name = "txpool_contentFrom", blocking)]
    fn content_from(&self, sender: Address) -> RpcResult<Pool<ByNonce<Transaction>>>;

    /// All transactions by sender and nonce, each in one line.
    #[method(name = "txpool_inspect", blocking)]
    fn inspect(&self) -> RpcResult<Pool<BySender<String>>>;

    /// How many transactions wait.
    #[method(name = "txpool_status")]
    fn status(&self) -> RpcResult<Status>;
}

struct TxPool(EthContext);

impl TxPool {
    fn all(&self) -> RpcResult<(Vec<PoolTx>, Vec<PoolTx>)> {
        let (pending, queued) = self.0.pool.counts();
        let count = pending.saturating_add(queued);
        if count > MAX_TRANSACTIONS {
            return Err(limit_exceeded(format_args!(
                "the pool holds {count} transactions, more than fit an answer \
                 ({MAX_TRANSACTIONS}): use txpool_contentFrom"
            )));
        }
        Ok((self.0.pool.pending().collect(), self.0.pool.queued()))
    }
}

fn shown(tx: &PoolTx) -> Transaction {
    convert::pending_transaction(&tx.tx)
}

impl TxPoolApiServer for TxPool {
    fn content(&self) -> RpcResult<Pool<BySender<Transaction>>> {
        let (pending, queued) = self.all()?;
        Ok(Pool { pending: by_sender(&pending, shown), queued: by_sender(&queued, shown) })
    }

    fn content_from(&self, sender: Address) -> RpcResult<Pool<ByNonce<Transaction>>> {
        let by_nonce =
            |txs: &[PoolTx]| by_sender(txs, shown).into_values().next().unwrap_or_default();
        let (pending, queued) = self.0.pool.of_sender(sender);
        Ok(Pool { pending: by_nonce(&pending), queued: by_nonce(&queued) })
    }

    fn inspect(&self) -> RpcResult<Pool<BySender<String>>> {
        let (pending, queued) = self.all()?;
        let line = |tx: &PoolTx| summary(&tx.tx.envelope);
        Ok(Pool { pending: by_sender(&pending, line), queued: by_sender(&queued, line) })
    }

    fn status(&self) -> RpcResult<Status> {
        let (pending, queued) = self.0.pool.counts();
        Ok(Status { pending: pending as u64, queued: queued as u64 })
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(TxPool(ctx.clone()).into_rpc().into())
}
