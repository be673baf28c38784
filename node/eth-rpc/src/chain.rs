//! Canonical Ethereum blocks: which exist, where they are, what they hold.
//!
//! The index lists every Substrate block that closed an Ethereum block, forks included; what is
//! canonical is decided at reading, by the client's best chain. So a reorganisation rewrites
//! nothing.

use crate::{
    cache::RecordCache,
    error::{self, RpcResult},
    index::{
        entry::{self, Head, Site, StoredBlock, TransactionSite},
        keys,
    },
    state::{CodeCache, StateView},
    types::{address, b256, Address, FullBackend, FullClient, Hash, B256},
};
use alloy_eips::{BlockId, BlockNumberOrTag, RpcBlockHash};
use bzk_evm::receipt::Receipt;
use sc_client_api::{AuxStore, Backend, HeaderBackend, TrieCacheContext};
use std::sync::Arc;

/// Which Ethereum block, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRef {
    /// Ethereum block number.
    pub number: u64,
    /// Ethereum block hash.
    pub hash: B256,
    /// The Substrate block that closed it.
    pub at: Hash,
}

impl From<Head> for BlockRef {
    fn from(head: Head) -> Self {
        Self { number: head.number, hash: b256(head.hash), at: head.site.at }
    }
}

/// An Ethereum block with all that belongs to it.
#[derive(Debug)]
pub struct Record {
    /// Header and transactions.
    pub block: bzk_evm::block::Block,
    /// The block's hash.
    pub hash: B256,
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// One sender for each transaction.
    pub senders: Vec<Address>,
}

struct Inner {
    client: Arc<FullClient>,
    backend: Arc<FullBackend>,
    records: RecordCache,
    codes: Arc<CodeCache>,
}

/// Reads canonical Ethereum blocks and their state; a clone is cheap.
#[derive(Clone)]
pub struct Chain(Arc<Inner>);

impl Chain {
    /// Opens the index of `client`; decoded blocks take up to about `cache_bytes`.
    pub fn new(client: Arc<FullClient>, backend: Arc<FullBackend>, cache_bytes: usize) -> Self {
        let records = RecordCache::new(cache_bytes);
        Self(Arc::new(Inner { client, backend, records, codes: Arc::default() }))
    }

    /// The client below.
    pub fn client(&self) -> &Arc<FullClient> {
        &self.0.client
    }

    /// The database below.
    pub fn backend(&self) -> &Arc<FullBackend> {
        &self.0.backend
    }

    /// `latest`: the newest Ethereum block on the best chain.
    pub fn head(&self) -> RpcResult<BlockRef> {
        self.head_at(self.client().info().best_hash)
    }

    /// The newest Ethereum block that GRANDPA has finalised.
    pub fn finalized(&self) -> RpcResult<BlockRef> {
        self.head_at(self.client().info().finalized_hash)
    }

    /// The newest Ethereum block at the end of the Substrate block `at`. Known for blocks that are
    /// not final, for the last final one and for those that closed an Ethereum block.
    pub fn head_at(&self, at: Hash) -> RpcResult<BlockRef> {
        self.indexed_head(at)?.ok_or_else(|| {
            error::unavailable(format_args!("block {at:?} is not indexed: the node is syncing"))
        })
    }

    /// The Ethereum block that was closed exactly in the Substrate block `at`, if any.
    pub fn closed_in(&self, at: Hash) -> RpcResult<Option<BlockRef>> {
        Ok(self.indexed_head(at)?.filter(|head| head.at == at))
    }

    fn indexed_head(&self, at: Hash) -> RpcResult<Option<BlockRef>> {
        let Some(bytes) = self.aux(&keys::head(at))? else { return Ok(None) };
        Ok(Some(entry::decode::<Head>(&bytes).map_err(error::internal)?.into()))
    }

    /// Whether `block` is on the best chain.
    pub fn is_canonical(&self, block: &BlockRef) -> RpcResult<bool> {
        Ok(self.block_by_number(block.number)?.is_some_and(|canonical| canonical.at == block.at))
    }

    /// The block that `id` names. `None` if there is none; a hash may name a block of a fork
    /// unless `requireCanonical` is set.
    pub fn resolve(&self, id: BlockId) -> RpcResult<Option<BlockRef>> {
        match id {
            BlockId::Hash(hash) => self.block_by_hash(hash),
            BlockId::Number(tag) => match tag {
                BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => self.head().map(Some),
                BlockNumberOrTag::Safe | BlockNumberOrTag::Finalized => self.finalized().map(Some),
                BlockNumberOrTag::Earliest => self.block_by_number(0),
                BlockNumberOrTag::Number(number) => self.block_by_number(number),
            },
        }
    }

    /// As [`Self::resolve`]; a block that does not exist is geth's `header not found`.
    pub fn resolve_or_err(&self, id: BlockId) -> RpcResult<BlockRef> {
        self.resolve(id)?.ok_or_else(error::header_not_found)
    }

    fn block_by_hash(&self, wanted: RpcBlockHash) -> RpcResult<Option<BlockRef>> {
        let hash = wanted.block_hash;
        let sites = self.list::<Site>(&keys::by_hash(hash))?;
        if let Some(site) = self.canonical(&sites)? {
            return self.closed_in(site.at);
        }
        match sites.first() {
            Some(_) if wanted.require_canonical == Some(true) => {
                Err(error::server("hash is not currently canonical"))
            }
            Some(site) => self.closed_in(site.at),
            None => Ok(None),
        }
    }

    /// The canonical block of this number.
    pub fn block_by_number(&self, number: u64) -> RpcResult<Option<BlockRef>> {
        let sites = self.list::<Site>(&keys::by_number(number))?;
        match self.canonical(&sites)? {
            Some(site) => self.closed_in(site.at),
            None => Ok(None),
        }
    }

    /// Block and position of a transaction on the best chain.
    pub fn locate(&self, tx_hash: B256) -> RpcResult<Option<(BlockRef, usize)>> {
        for place in self.list::<TransactionSite>(&keys::by_transaction(tx_hash))? {
            if self.is_best(&place.site)? {
                let index = usize::try_from(place.index).map_err(error::internal)?;
                return Ok(self.closed_in(place.site.at)?.map(|block| (block, index)));
            }
        }
        Ok(None)
    }

    /// Header, transactions, receipts and senders of `block`.
    pub fn record(&self, block: &BlockRef) -> RpcResult<Arc<Record>> {
        if let Some(record) = self.0.records.get(block.at) {
            return Ok(record);
        }
        let bytes = self.aux(&keys::block(block.at))?.ok_or_else(|| {
            error::internal(format_args!("body of block {} is not in the index", block.number))
        })?;
        let record = Arc::new(decode_record(&bytes, block.hash).map_err(error::internal)?);
        // Decoded, a block takes about thrice its encoding.
        let size = bytes.len().saturating_mul(3).saturating_add(2_048);
        self.0.records.insert(block.at, record.clone(), size);
        Ok(record)
    }

    /// The EVM state after `block`.
    pub fn state(&self, block: &BlockRef) -> RpcResult<StateView> {
        // The EVM only changes where a block is closed, so every Substrate block from the closing
        // one up to the next closing one has the same EVM state; the newest is pruned last.
        let best = self.client().info().best_hash;
        let at = if self.head_at(best)?.at == block.at { best } else { block.at };
        match self.open(at) {
            Err(sp_blockchain::Error::UnknownBlock(_)) => self.state_before_next(block),
            state => state.map_err(error::internal),
        }
    }

    fn state_before_next(&self, block: &BlockRef) -> RpcResult<StateView> {
        let pruned = || error::state_pruned(block.number);
        // The successor below is that of the canonical block.
        if !self.is_canonical(block)? {
            return Err(pruned());
        }
        let next = self.block_by_number(block.number.saturating_add(1))?.ok_or_else(pruned)?;
        let header = self.client().header(next.at).map_err(error::internal)?;
        self.open(header.ok_or_else(pruned)?.parent_hash).map_err(|_| pruned())
    }

    /// The EVM state at the end of the Substrate block `at`.
    pub fn open(&self, at: Hash) -> Result<StateView, sp_blockchain::Error> {
        let state = self.backend().state_at(at, TrieCacheContext::Untrusted)?;
        Ok(StateView::new(at, state, self.0.codes.clone()))
    }

    /// Memory of the decoded blocks, in bytes (approximate).
    pub(crate) fn cached_bytes(&self) -> usize {
        self.0.records.bytes()
    }

    /// A raw value of the index.
    pub(crate) fn aux(&self, key: &[u8]) -> RpcResult<Option<Vec<u8>>> {
        AuxStore::get_aux(&**self.backend(), key).map_err(error::internal)
    }

    fn list<T: codec::Decode>(&self, key: &[u8]) -> RpcResult<Vec<T>> {
        match self.aux(key)? {
            Some(bytes) => entry::decode_list(&bytes).map_err(error::internal),
            None => Ok(Vec::new()),
        }
    }

    fn canonical(&self, sites: &[Site]) -> RpcResult<Option<Site>> {
        for site in sites {
            if self.is_best(site)? {
                return Ok(Some(*site));
            }
        }
        Ok(None)
    }

    fn is_best(&self, site: &Site) -> RpcResult<bool> {
        // Blocks that the operator took back (`revert`) keep their heights in the database.
        if site.height > self.client().info().best_number {
            return Ok(false);
        }
        let hash = self.client().hash(site.height).map_err(error::internal)?;
        Ok(hash == Some(site.at))
    }
}

/// Reads the index's form of a block.
pub(crate) fn decode_record(bytes: &[u8], hash: B256) -> Result<Record, entry::Damaged> {
    let stored = entry::decode::<StoredBlock>(bytes)?;
    let block = entry::decode_block(&stored.rlp)?;
    let transactions = block.body.transactions.len();
    if stored.receipts.len() != transactions || stored.senders.len() != transactions {
        return Err(entry::Damaged::new(format_args!(
            "{transactions} transactions, {} receipts, {} senders",
            stored.receipts.len(),
            stored.senders.len()
        )));
    }
    let senders = stored.senders.into_iter().map(address).collect();
    Ok(Record { block, hash, receipts: stored.receipts, senders })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxEip1559};
    use alloy_primitives::Signature;
    use codec::Encode;
    use proptest::prelude::*;
    use sp_core::H160;

    fn stored(transactions: usize, receipts: usize, senders: usize) -> Vec<u8> {
        let tx = TxEip1559 { chain_id: bzk_core::CHAIN_ID, ..Default::default() };
        let tx = tx.into_signed(Signature::test_signature()).into();
        let block = bzk_evm::block::block(Default::default(), vec![tx; transactions]);
        let receipt =
            Receipt { tx_type: 2, success: true, cumulative_gas_used: 21_000, logs: vec![] };
        StoredBlock {
            rlp: bzk_evm::block::encode(&block),
            receipts: vec![receipt; receipts],
            senders: vec![H160::repeat_byte(5); senders],
        }
        .encode()
    }

    #[test]
    fn stored_block_becomes_a_record() {
        let record = decode_record(&stored(2, 2, 2), B256::repeat_byte(9)).unwrap();
        assert_eq!(record.hash, B256::repeat_byte(9));
        assert_eq!(record.block.body.transactions.len(), 2);
        assert_eq!(record.senders, [Address::repeat_byte(5); 2]);
    }

    #[test]
    fn block_whose_parts_differ_in_number_is_damaged() {
        assert!(decode_record(&stored(2, 1, 2), B256::ZERO).is_err());
        assert!(decode_record(&stored(2, 2, 3), B256::ZERO).is_err());
        assert!(decode_record(&stored(0, 0, 0), B256::ZERO).is_ok());
    }

    proptest! {
        #[test]
        fn prop_record_decoder_survives_damage(at in 0usize..500, byte: u8) {
            let mut bytes = stored(1, 1, 1);
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = decode_record(&bytes, B256::ZERO);
            let _ = decode_record(&bytes[..at], B256::ZERO);
        }
    }
}
