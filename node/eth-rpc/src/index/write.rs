//! Entries that one Substrate block adds to the index.

use super::{
    entry::{self, Damaged, Head, Site, StoredBlock, TransactionSite},
    keys,
    logs::{self, AuxEntry},
};
use crate::types::{FullBackend, FullClient, Hash, Height};
use bitcoinzk_runtime::Runtime;
use codec::{Decode, Encode};
use sc_client_api::{AuxStore, HeaderBackend};
use sp_core::H256;
use std::sync::Arc;

/// Most entries of settled blocks that one import removes.
const PRUNE_AT_ONCE: Height = 64;

/// Why a block could not be indexed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// An entry does not decode.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// The database failed.
    #[error("index: {0}")]
    Database(#[from] sp_blockchain::Error),
    /// The block announces an Ethereum block in its digest and does not store it.
    #[error("block {0:?} closes an Ethereum block that its state does not hold")]
    Missing(Hash),
    /// The block stores another Ethereum block than its digest announces.
    #[error("block {at:?} stores Ethereum block {stored:?} and announces {announced:?}")]
    Mismatch {
        /// Substrate block.
        at: Hash,
        /// Hash of what it stores.
        stored: H256,
        /// Hash in its digest.
        announced: H256,
    },
}

/// An Ethereum block as one Substrate block stored it.
pub(crate) struct Closed {
    pub(super) hash: H256,
    pub(super) number: u64,
    pub(crate) gas_used: u64,
    pub(crate) transactions: Vec<H256>,
    pub(super) stored: StoredBlock,
}

impl Closed {
    /// Reads the storage values of pallet-ethereum; `value` looks one up by its key.
    pub(super) fn read(
        at: Hash,
        value: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Self, IndexError> {
        let item = |key: [u8; 32]| value(&key).ok_or(IndexError::Missing(at));
        let stored = [
            item(pallet_ethereum::CurrentBlock::<Runtime>::hashed_key())?,
            item(pallet_ethereum::CurrentReceipts::<Runtime>::hashed_key())?,
            item(pallet_ethereum::CurrentSenders::<Runtime>::hashed_key())?,
        ];
        let stored = entry::decode::<StoredBlock>(&stored.concat())?;
        let block = entry::decode_block(&stored.rlp)?;
        let hashes = block.body.transactions.iter().map(|tx| H256(tx.tx_hash().0));
        Ok(Self {
            hash: H256(block.header.hash_slow().0),
            number: block.header.number,
            gas_used: block.header.gas_used,
            transactions: hashes.collect(),
            stored,
        })
    }
}

/// Reads the present index while a block is imported. Writers take turns: lists are read, extended
/// and written back.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) client: Arc<FullClient>,
    pub(super) backend: Arc<FullBackend>,
}

impl Writer {
    /// Entries for the Substrate block `site` on top of `parent`.
    pub(super) fn entries(
        &self,
        site: Site,
        parent: Hash,
        closed: Option<&Closed>,
    ) -> Result<Vec<AuxEntry>, IndexError> {
        let mut entries = self.settled_heads()?;
        match closed {
            Some(closed) => {
                let head = Head { number: closed.number, hash: closed.hash, site };
                entries.push((keys::head(site.at), Some(head.encode())));
                self.block_entries(site, closed, &mut entries)?;
            }
            // After warp sync the first blocks have no indexed parent.
            None => {
                let head = self.backend.get_aux(&keys::head(parent))?;
                entries.extend(head.map(|head| (keys::head(site.at), Some(head))));
            }
        }
        Ok(entries)
    }

    fn block_entries(
        &self,
        site: Site,
        closed: &Closed,
        entries: &mut Vec<AuxEntry>,
    ) -> Result<(), IndexError> {
        entries.push((keys::block(site.at), Some(closed.stored.encode())));
        entries.push(self.listed(keys::by_number(closed.number), site, |site| *site)?);
        entries.push(self.listed(keys::by_hash(closed.hash.0.into()), site, |site| *site)?);
        for (index, hash) in (0..).zip(&closed.transactions) {
            let place = TransactionSite { site, index };
            let key = keys::by_transaction(hash.0.into());
            entries.push(self.listed(key, place, |place| place.site)?);
        }
        let read = |key: &[u8]| Ok::<_, IndexError>(self.backend.get_aux(key)?);
        entries.extend(logs::write(closed.number, &closed.stored.receipts, read)?);
        Ok(())
    }

    /// The list under `key` with `place` added and forks removed that finality has ruled out.
    fn listed<T: Encode + Decode>(
        &self,
        key: Vec<u8>,
        place: T,
        site: impl Fn(&T) -> Site,
    ) -> Result<AuxEntry, IndexError> {
        let mut places = match self.backend.get_aux(&key)? {
            Some(bytes) => entry::decode_list::<T>(&bytes)?,
            None => Vec::new(),
        };
        let mut kept = Vec::with_capacity(places.len().saturating_add(1));
        for old in places.drain(..) {
            if site(&old) != site(&place) && self.is_live(&site(&old))? {
                kept.push(old);
            }
        }
        kept.push(place);
        Ok((key, Some(kept.encode())))
    }

    fn is_live(&self, site: &Site) -> Result<bool, IndexError> {
        let finalized = self.client.info().finalized_number;
        Ok(site.height > finalized || self.client.hash(site.height)? == Some(site.at))
    }

    /// Removes what nobody asks for any more: the head of a finalised block that closed nothing.
    fn settled_heads(&self) -> Result<Vec<AuxEntry>, IndexError> {
        let start: Height = match self.backend.get_aux(PRUNED)? {
            Some(bytes) => entry::decode(&bytes)?,
            None => 1,
        };
        let end = self.client.info().finalized_number.min(start.saturating_add(PRUNE_AT_ONCE));
        if start >= end {
            return Ok(Vec::new());
        }
        let mut entries = vec![(PRUNED.to_vec(), Some(end.encode()))];
        for height in start..end {
            let Some(at) = self.client.hash(height)? else { continue };
            let Some(bytes) = self.backend.get_aux(&keys::head(at))? else { continue };
            if entry::decode::<Head>(&bytes)?.site.at != at {
                entries.push((keys::head(at), None));
            }
        }
        Ok(entries)
    }
}

/// Key of the height below which [`Writer::settled_heads`] is done.
const PRUNED: &[u8] = b"bzk/pruned";
