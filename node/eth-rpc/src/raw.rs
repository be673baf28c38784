//! `debug_getRaw*`: blocks and receipts in Ethereum's own encoding, for provers and test tools.

use crate::{
    chain::{Chain, Record},
    context::EthContext,
    error::RpcResult,
    pool::PoolView,
    types::{Bytes, B256},
};
use alloy_eips::{eip2718::Encodable2718, BlockId};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods};
use std::sync::Arc;

/// Raw encodings.
#[rpc(server, namespace = "debug")]
pub trait RawApi {
    /// RLP of a header.
    #[method(name = "getRawHeader", blocking)]
    fn header(&self, block: BlockId) -> RpcResult<Bytes>;

    /// RLP of a block.
    #[method(name = "getRawBlock", blocking)]
    fn block(&self, block: BlockId) -> RpcResult<Bytes>;

    /// A transaction of the chain or of the pool, as it was sent; no bytes if there is none.
    #[method(name = "getRawTransaction", blocking)]
    fn transaction(&self, hash: B256) -> RpcResult<Bytes>;

    /// Receipts of a block, each as its receipts trie holds it.
    #[method(name = "getRawReceipts", blocking)]
    fn receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>>;
}

struct Raw {
    chain: Chain,
    pool: PoolView,
}

impl Raw {
    fn record(&self, block: BlockId) -> RpcResult<Arc<Record>> {
        self.chain.record(&self.chain.resolve_or_err(block)?)
    }
}

impl RawApiServer for Raw {
    fn header(&self, block: BlockId) -> RpcResult<Bytes> {
        Ok(alloy_rlp::encode(&self.record(block)?.block.header).into())
    }

    fn block(&self, block: BlockId) -> RpcResult<Bytes> {
        Ok(bzk_evm::block::encode(&self.record(block)?.block).into())
    }

    fn transaction(&self, hash: B256) -> RpcResult<Bytes> {
        if let Some((block, index)) = self.chain.locate(hash)? {
            let record = self.chain.record(&block)?;
            let tx = record.block.body.transactions.get(index);
            return Ok(tx.map(|tx| tx.encoded_2718()).unwrap_or_default().into());
        }
        let waiting = self.pool.by_hash(hash).map(|tx| tx.tx.envelope.encoded_2718());
        Ok(waiting.unwrap_or_default().into())
    }

    fn receipts(&self, block: BlockId) -> RpcResult<Vec<Bytes>> {
        let record = self.record(block)?;
        let receipts = record.receipts.iter();
        Ok(receipts.map(|receipt| receipt.to_envelope().encoded_2718().into()).collect())
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let raw = Raw { chain: ctx.chain.clone(), pool: ctx.pool.clone() };
    Ok(raw.into_rpc().into())
}
