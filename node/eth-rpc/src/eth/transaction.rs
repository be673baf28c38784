//! Transactions: find them, follow them, send them.

use super::pending;
use crate::{
    chain::{Chain, Record},
    context::EthContext,
    convert,
    error::RpcResult,
    pool::{PoolTx, PoolView},
    types::{Bytes, B256},
};
use alloy_eips::{eip2718::Encodable2718, BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::{Index, Transaction, TransactionReceipt};
use jsonrpsee::proc_macros::rpc;
use std::sync::Arc;

/// Transactions. What does not exist is `null`.
#[rpc(server, namespace = "eth")]
pub trait TransactionApi {
    /// A transaction of the chain or of the pool.
    #[method(name = "getTransactionByHash", blocking)]
    fn by_hash(&self, hash: B256) -> RpcResult<Option<Transaction>>;

    /// The transaction at a position of a block.
    #[method(name = "getTransactionByBlockNumberAndIndex", blocking)]
    fn by_number_and_index(
        &self,
        number: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Transaction>>;

    /// The transaction at a position of a block.
    #[method(name = "getTransactionByBlockHashAndIndex", blocking)]
    fn by_hash_and_index(&self, hash: B256, index: Index) -> RpcResult<Option<Transaction>>;

    /// A transaction of the chain or of the pool, as it was sent.
    #[method(name = "getRawTransactionByHash", blocking)]
    fn raw_by_hash(&self, hash: B256) -> RpcResult<Option<Bytes>>;

    /// The transaction at a position of a block, as it was sent.
    #[method(name = "getRawTransactionByBlockNumberAndIndex", blocking)]
    fn raw_by_number_and_index(
        &self,
        number: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Bytes>>;

    /// The transaction at a position of a block, as it was sent.
    #[method(name = "getRawTransactionByBlockHashAndIndex", blocking)]
    fn raw_by_hash_and_index(&self, hash: B256, index: Index) -> RpcResult<Option<Bytes>>;

    /// What a transaction of the chain did.
    #[method(name = "getTransactionReceipt", blocking)]
    fn receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>>;

    /// Sends a signed transaction and returns its hash.
    #[method(name = "sendRawTransaction")]
    async fn send_raw(&self, raw: Bytes) -> RpcResult<B256>;
}

pub(super) struct Transactions {
    chain: Chain,
    pool: PoolView,
}

impl Transactions {
    pub(super) fn new(ctx: &EthContext) -> Self {
        Self { chain: ctx.chain.clone(), pool: ctx.pool.clone() }
    }

    fn mined(&self, hash: B256) -> RpcResult<Option<(Arc<Record>, usize)>> {
        let Some((block, index)) = self.chain.locate(hash)? else { return Ok(None) };
        Ok(Some((self.chain.record(&block)?, index)))
    }

    fn record(&self, id: BlockId) -> RpcResult<Option<Arc<Record>>> {
        self.chain.resolve(id)?.map(|block| self.chain.record(&block)).transpose()
    }

    fn at(&self, id: BlockId, index: Index) -> RpcResult<Option<Transaction>> {
        Ok(self.record(id)?.and_then(|record| convert::transaction(&record, index.0)))
    }

    /// The transaction at a position of the pending block.
    fn pending(&self, index: Index) -> RpcResult<Option<PoolTx>> {
        Ok(pending::transactions(&self.chain, &self.pool)?.into_iter().nth(index.0))
    }

    fn raw_at(&self, id: BlockId, index: Index) -> RpcResult<Option<Bytes>> {
        Ok(self.record(id)?.and_then(|record| raw(&record, index.0)))
    }
}

fn raw(record: &Record, index: usize) -> Option<Bytes> {
    Some(record.block.body.transactions.get(index)?.encoded_2718().into())
}

#[async_trait::async_trait]
impl TransactionApiServer for Transactions {
    fn by_hash(&self, hash: B256) -> RpcResult<Option<Transaction>> {
        if let Some((record, index)) = self.mined(hash)? {
            return Ok(convert::transaction(&record, index));
        }
        Ok(self.pool.by_hash(hash).map(|tx| convert::pending_transaction(&tx.tx)))
    }

    fn by_number_and_index(
        &self,
        number: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Transaction>> {
        if number.is_pending() {
            return Ok(self.pending(index)?.map(|tx| convert::pending_transaction(&tx.tx)));
        }
        self.at(number.into(), index)
    }

    fn by_hash_and_index(&self, hash: B256, index: Index) -> RpcResult<Option<Transaction>> {
        self.at(hash.into(), index)
    }

    fn raw_by_hash(&self, hash: B256) -> RpcResult<Option<Bytes>> {
        if let Some((record, index)) = self.mined(hash)? {
            return Ok(raw(&record, index));
        }
        Ok(self.pool.by_hash(hash).map(|tx| tx.tx.envelope.encoded_2718().into()))
    }

    fn raw_by_number_and_index(
        &self,
        number: BlockNumberOrTag,
        index: Index,
    ) -> RpcResult<Option<Bytes>> {
        if number.is_pending() {
            return Ok(self.pending(index)?.map(|tx| tx.tx.envelope.encoded_2718().into()));
        }
        self.raw_at(number.into(), index)
    }

    fn raw_by_hash_and_index(&self, hash: B256, index: Index) -> RpcResult<Option<Bytes>> {
        self.raw_at(hash.into(), index)
    }

    fn receipt(&self, hash: B256) -> RpcResult<Option<TransactionReceipt>> {
        let found = self.mined(hash)?;
        Ok(found.and_then(|(record, index)| convert::receipt(&record, index)))
    }

    async fn send_raw(&self, raw: Bytes) -> RpcResult<B256> {
        self.pool.submit(raw).await
    }
}
