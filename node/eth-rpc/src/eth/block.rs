//! Blocks and what they hold.

use super::pending;
use crate::{
    chain::{BlockRef, Chain, Record},
    context::EthContext,
    convert,
    error::{self, RpcResult},
    pool::PoolView,
    types::B256,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::U64;
use alloy_rpc_types_eth::{Block, Header, Index, TransactionReceipt};
use jsonrpsee::proc_macros::rpc;
use std::sync::Arc;

/// Blocks. What does not exist is `null`.
#[rpc(server, namespace = "eth")]
pub trait BlockApi {
    /// Number of the newest block.
    #[method(name = "blockNumber", blocking)]
    fn number(&self) -> RpcResult<U64>;

    /// A block with whole transactions (`full`) or their hashes.
    #[method(name = "getBlockByNumber", blocking)]
    fn by_number(&self, number: BlockNumberOrTag, full: Option<bool>) -> RpcResult<Option<Block>>;

    /// A block with whole transactions (`full`) or their hashes.
    #[method(name = "getBlockByHash", blocking)]
    fn by_hash(&self, hash: B256, full: Option<bool>) -> RpcResult<Option<Block>>;

    /// A block's header.
    #[method(name = "getHeaderByNumber", blocking)]
    fn header_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<Header>>;

    /// A block's header.
    #[method(name = "getHeaderByHash", blocking)]
    fn header_by_hash(&self, hash: B256) -> RpcResult<Option<Header>>;

    /// Transactions in a block.
    #[method(name = "getBlockTransactionCountByNumber", blocking)]
    fn count_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<U64>>;

    /// Transactions in a block.
    #[method(name = "getBlockTransactionCountByHash", blocking)]
    fn count_by_hash(&self, hash: B256) -> RpcResult<Option<U64>>;

    /// All receipts of a block.
    #[method(name = "getBlockReceipts", blocking)]
    fn receipts(&self, block: BlockId) -> RpcResult<Option<Vec<TransactionReceipt>>>;

    /// Blocks have no uncles here: 0 for a block that exists.
    #[method(name = "getUncleCountByBlockNumber", blocking)]
    fn uncles_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<U64>>;

    /// Blocks have no uncles here: 0 for a block that exists.
    #[method(name = "getUncleCountByBlockHash", blocking)]
    fn uncles_by_hash(&self, hash: B256) -> RpcResult<Option<U64>>;

    /// Blocks have no uncles here: always `null`.
    #[method(name = "getUncleByBlockNumberAndIndex")]
    fn uncle_by_number(&self, number: BlockNumberOrTag, index: Index) -> RpcResult<Option<Block>>;

    /// Blocks have no uncles here: always `null`.
    #[method(name = "getUncleByBlockHashAndIndex")]
    fn uncle_by_hash(&self, hash: B256, index: Index) -> RpcResult<Option<Block>>;
}

pub(super) struct Blocks {
    chain: Chain,
    pool: PoolView,
}

impl Blocks {
    pub(super) fn new(ctx: &EthContext) -> Self {
        Self { chain: ctx.chain.clone(), pool: ctx.pool.clone() }
    }

    fn find(&self, id: impl Into<BlockId>) -> RpcResult<Option<BlockRef>> {
        self.chain.resolve(id.into())
    }

    fn record(&self, id: impl Into<BlockId>) -> RpcResult<Option<Arc<Record>>> {
        self.find(id)?.map(|block| self.chain.record(&block)).transpose()
    }

    fn block(&self, id: impl Into<BlockId>, full: Option<bool>) -> RpcResult<Option<Block>> {
        let full = full.unwrap_or_default();
        Ok(self.record(id)?.map(|record| convert::block(&record, full)))
    }
}

fn count(record: Arc<Record>) -> U64 {
    U64::from(record.block.body.transactions.len())
}

impl BlockApiServer for Blocks {
    fn number(&self) -> RpcResult<U64> {
        Ok(U64::from(self.chain.head()?.number))
    }

    fn by_number(&self, number: BlockNumberOrTag, full: Option<bool>) -> RpcResult<Option<Block>> {
        if number.is_pending() {
            return pending::block(&self.chain, &self.pool, full.unwrap_or_default()).map(Some);
        }
        self.block(number, full)
    }

    fn by_hash(&self, hash: B256, full: Option<bool>) -> RpcResult<Option<Block>> {
        self.block(hash, full)
    }

    fn header_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<Header>> {
        Ok(self.record(number)?.map(|record| convert::header(&record)))
    }

    fn header_by_hash(&self, hash: B256) -> RpcResult<Option<Header>> {
        Ok(self.record(hash)?.map(|record| convert::header(&record)))
    }

    fn count_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        if number.is_pending() {
            let transactions = pending::transactions(&self.chain, &self.pool)?;
            return Ok(Some(U64::from(transactions.len())));
        }
        Ok(self.record(number)?.map(count))
    }

    fn count_by_hash(&self, hash: B256) -> RpcResult<Option<U64>> {
        Ok(self.record(hash)?.map(count))
    }

    fn receipts(&self, block: BlockId) -> RpcResult<Option<Vec<TransactionReceipt>>> {
        // Nothing is executed for the pending block.
        if block.is_pending() {
            return Err(error::server("pending receipts is not available"));
        }
        Ok(self.record(block)?.map(|record| convert::receipts(&record)))
    }

    fn uncles_by_number(&self, number: BlockNumberOrTag) -> RpcResult<Option<U64>> {
        Ok(self.find(number)?.map(|_| U64::ZERO))
    }

    fn uncles_by_hash(&self, hash: B256) -> RpcResult<Option<U64>> {
        Ok(self.find(hash)?.map(|_| U64::ZERO))
    }

    fn uncle_by_number(&self, _: BlockNumberOrTag, _: Index) -> RpcResult<Option<Block>> {
        Ok(None)
    }

    fn uncle_by_hash(&self, _: B256, _: Index) -> RpcResult<Option<Block>> {
        Ok(None)
    }
}
