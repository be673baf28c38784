//! The transaction pool in geth's shapes: `txpool_*`.

mod group;

use crate::{
    convert,
    error::{limit_exceeded, RpcResult},
    gate::Gate,
    pool::{PoolTx, PoolView},
    types::Address,
    EthContext,
};
use alloy_rpc_types_eth::Transaction;
use async_trait::async_trait;
use group::{by_sender, summary, ByNonce, BySender, Pool};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods};
use serde::Serialize;

/// Transactions in one answer: about 15 MB of JSON.
const MAX_TRANSACTIONS: usize = 16_384;

/// Bytes of these, encoded: in JSON each is two digits.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Looks at the whole pool that run at once, as each copies it.
const LOOKS: usize = 4;

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
    #[method(name = "txpool_content")]
    async fn content(&self) -> RpcResult<Pool<BySender<Transaction>>>;

    /// All transactions of one sender by nonce.
    #[method(name = "txpool_contentFrom")]
    async fn content_from(&self, sender: Address) -> RpcResult<Pool<ByNonce<Transaction>>>;

    /// All transactions by sender and nonce, each in one line.
    #[method(name = "txpool_inspect")]
    async fn inspect(&self) -> RpcResult<Pool<BySender<String>>>;

    /// How many transactions wait.
    #[method(name = "txpool_status")]
    fn status(&self) -> RpcResult<Status>;
}

struct TxPool {
    pool: PoolView,
    gate: Gate,
}

/// All that waits: what the next block may hold, and what waits for an earlier nonce.
fn all(pool: &PoolView) -> RpcResult<(Vec<PoolTx>, Vec<PoolTx>)> {
    let (pending, queued) = pool.counts();
    check_size(pending.saturating_add(queued), pool.bytes())?;
    Ok((pool.pending().collect(), pool.queued()))
}

/// An error if so many transactions, with so many bytes, do not fit an answer.
fn check_size(count: usize, bytes: usize) -> RpcResult<()> {
    if count <= MAX_TRANSACTIONS && bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(limit_exceeded(format_args!(
        "the pool holds {count} transactions of {bytes} bytes, more than fit an answer \
         ({MAX_TRANSACTIONS}, {MAX_BYTES} bytes): use txpool_contentFrom"
    )))
}

fn shown(tx: &PoolTx) -> Transaction {
    convert::pending_transaction(&tx.tx)
}

#[async_trait]
impl TxPoolApiServer for TxPool {
    async fn content(&self) -> RpcResult<Pool<BySender<Transaction>>> {
        let pool = self.pool.clone();
        let look = move || -> RpcResult<_> {
            let (pending, queued) = all(&pool)?;
            Ok(Pool { pending: by_sender(&pending, shown), queued: by_sender(&queued, shown) })
        };
        self.gate.run(look).await
    }

    async fn content_from(&self, sender: Address) -> RpcResult<Pool<ByNonce<Transaction>>> {
        let pool = self.pool.clone();
        let look = move || -> RpcResult<_> {
            let by_nonce =
                |txs: &[PoolTx]| by_sender(txs, shown).into_values().next().unwrap_or_default();
            let (pending, queued) = pool.of_sender(sender);
            Ok(Pool { pending: by_nonce(&pending), queued: by_nonce(&queued) })
        };
        self.gate.run(look).await
    }

    async fn inspect(&self) -> RpcResult<Pool<BySender<String>>> {
        let pool = self.pool.clone();
        let look = move || -> RpcResult<_> {
            let (pending, queued) = all(&pool)?;
            let line = |tx: &PoolTx| summary(&tx.tx.envelope);
            Ok(Pool { pending: by_sender(&pending, line), queued: by_sender(&queued, line) })
        };
        self.gate.run(look).await
    }

    fn status(&self) -> RpcResult<Status> {
        let (pending, queued) = self.pool.counts();
        Ok(Status { pending: pending as u64, queued: queued as u64 })
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(TxPool { pool: ctx.pool.clone(), gate: Gate::new(LOOKS) }.into_rpc().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_pool_of_long_transactions_is_not_copied_into_an_answer() {
        assert!(check_size(MAX_TRANSACTIONS, MAX_BYTES).is_ok());
        for (count, bytes) in [(MAX_TRANSACTIONS + 1, 0), (1_000, 1_000 * 128 * 1024)] {
            let error = check_size(count, bytes).unwrap_err();
            assert_eq!(error.code(), -32005);
            assert!(error.message().contains("use txpool_contentFrom"), "{error:?}");
        }
    }
}
