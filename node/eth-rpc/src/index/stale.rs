//! Forks that finality has ruled out leave the index, some time later.
//!
//! It happens in the finality's own database batch and under the client's lock, so an import cannot
//! come between the reading and the writing of a list. An import that read before may put places
//! back that are gone; readers ask for the canonical one, and the next writer drops them.

use super::{
    entry::{self, Damaged, Head, Site, StoredBlock, TransactionSite},
    keys,
    logs::AuxEntry,
    write::IndexError,
};
use crate::types::{Block, FullBackend, Hash, Height};
use codec::{Decode, Encode};
use sc_client_api::{AuxStore, FinalityNotification, OnFinalityAction};
use std::{collections::BTreeSet, sync::Arc};

/// How long a dead fork stays, in final blocks: 17 minutes. Filters and subscriptions that have to
/// report its logs as removed read them for as long as a filter lives without being polled.
const KEPT: Height = 512;

/// What the client does at each finality.
pub(super) fn action(backend: Arc<FullBackend>) -> OnFinalityAction<Block> {
    Box::new(move |notification| {
        forget(&backend, notification).unwrap_or_else(|error| {
            tracing::error!(target: "eth-rpc", %error, "records of dead forks stay in the index");
            Vec::new()
        })
    })
}

fn forget(
    backend: &FullBackend,
    notification: &FinalityNotification<Block>,
) -> Result<Vec<AuxEntry>, IndexError> {
    let stale = notification.stale_blocks.iter().map(|block| block.hash).collect();
    let passed = Height::try_from(notification.tree_route.len()).unwrap_or(Height::MAX);
    entries(notification.header.number, passed, stale, |key| Ok(AuxStore::get_aux(backend, key)?))
}

/// Entries for the finality of the block at `height`, which has made `passed` blocks before it final
/// as well and has ruled out those in `stale`.
fn entries<E: From<Damaged>>(
    height: Height,
    passed: Height,
    stale: Vec<Hash>,
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<AuxEntry>, E> {
    let mut entries = Vec::new();
    let mut dead = BTreeSet::new();
    let ripe = height.saturating_sub(KEPT);
    for height in ripe.saturating_sub(passed)..=ripe {
        let key = keys::stale(height);
        if let Some(bytes) = read(&key)? {
            dead.extend(entry::decode::<Vec<Hash>>(&bytes)?);
            entries.push((key, None));
        }
    }
    if !stale.is_empty() {
        entries.push((keys::stale(height), Some(stale.encode())));
    }
    let (mut blocks, mut transactions) = (BTreeSet::new(), BTreeSet::new());
    for at in &dead {
        let key = keys::head(*at);
        let Some(bytes) = read(&key)? else { continue };
        entries.push((key, None));
        let head = entry::decode::<Head>(&bytes)?;
        if head.site.at != *at {
            continue;
        }
        blocks.extend([keys::by_number(head.number), keys::by_hash(head.hash.0.into())]);
        let key = keys::block(*at);
        let Some(bytes) = read(&key)? else { continue };
        entries.push((key, None));
        let block = entry::decode_block(&entry::decode::<StoredBlock>(&bytes)?.rlp)?;
        transactions.extend(block.body.transactions.iter().map(|tx| *tx.tx_hash()));
    }
    for key in blocks {
        let list = read(&key)?;
        entries.extend(without(key, list, |site: &Site| dead.contains(&site.at))?);
    }
    for key in transactions.into_iter().map(keys::by_transaction) {
        let list = read(&key)?;
        let is_dead = |place: &TransactionSite| dead.contains(&place.site.at);
        entries.extend(without(key, list, is_dead)?);
    }
    Ok(entries)
}

/// The list under `key` without its dead places.
fn without<T: Encode + Decode>(
    key: Vec<u8>,
    list: Option<Vec<u8>>,
    is_dead: impl Fn(&T) -> bool,
) -> Result<Option<AuxEntry>, Damaged> {
    let Some(list) = list else { return Ok(None) };
    let mut places = entry::decode_list::<T>(&list)?;
    places.retain(|place| !is_dead(place));
    let left = (!places.is_empty()).then(|| places.encode());
    Ok(Some((key, left)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
    use alloy_primitives::Signature;
    use std::collections::BTreeMap;

    type Store = BTreeMap<Vec<u8>, Vec<u8>>;

    fn at(id: u8) -> Hash {
        Hash::repeat_byte(id)
    }

    fn transaction(nonce: u64) -> TxEnvelope {
        TxEip1559 { nonce, ..Default::default() }.into_signed(Signature::test_signature()).into()
    }

    fn push<T: Encode + Decode>(store: &mut Store, key: Vec<u8>, place: T) {
        let list = store.get(&key).map(|bytes| entry::decode_list::<T>(bytes).unwrap());
        let mut list = list.unwrap_or_default();
        list.push(place);
        store.insert(key, list.encode());
    }

    /// Indexes the Substrate block `id`, which closed Ethereum block 1 with these transactions.
    fn close(store: &mut Store, id: u8, nonces: &[u64]) {
        let site = Site { height: 1, at: at(id) };
        let body: Vec<_> = nonces.iter().copied().map(transaction).collect();
        let head = Head { number: 1, hash: at(id), site };
        store.insert(keys::head(at(id)), head.encode());
        push(store, keys::by_number(1), site);
        push(store, keys::by_hash(at(id).0.into()), site);
        for (index, tx) in (0..).zip(&body) {
            let place = TransactionSite { site, index };
            push(store, keys::by_transaction(*tx.tx_hash()), place);
        }
        let rlp = bzk_evm::block::encode(&bzk_evm::block::block(Default::default(), body));
        let stored = StoredBlock { rlp, receipts: vec![], senders: vec![] };
        store.insert(keys::block(at(id)), stored.encode());
    }

    fn finalize(store: &mut Store, height: Height, passed: Height, stale: &[u8]) {
        let stale = stale.iter().copied().map(at).collect();
        let read = |key: &[u8]| Ok::<_, Damaged>(store.get(key).cloned());
        for (key, value) in entries(height, passed, stale, read).unwrap() {
            match value {
                Some(value) => store.insert(key, value),
                None => store.remove(&key),
            };
        }
    }

    #[test]
    fn dead_forks_leave_what_the_chain_alone_would_have_left() {
        let mut expected = Store::new();
        close(&mut expected, 1, &[0, 1]);
        let mut store = Store::new();
        close(&mut store, 1, &[0, 1]);
        // Two forks share a transaction with each other and one with the chain.
        close(&mut store, 2, &[1, 5]);
        close(&mut store, 3, &[5, 6]);
        // A block of a fork that closed nothing.
        let head = store[&keys::head(at(3))].clone();
        store.insert(keys::head(at(4)), head);
        finalize(&mut store, 2, 0, &[2, 3, 4]);
        let before = store.clone();
        finalize(&mut store, 2 + KEPT - 1, KEPT - 2, &[]);
        assert_eq!(store, before, "forgotten too early");
        finalize(&mut store, 2 + KEPT, 0, &[]);
        assert_eq!(store, expected);
    }

    #[test]
    fn finality_that_jumps_passes_over_nothing() {
        let mut store = Store::new();
        close(&mut store, 2, &[1]);
        finalize(&mut store, 3, 0, &[2]);
        finalize(&mut store, 5_000, 4_996, &[9]);
        assert_eq!(store.into_keys().collect::<Vec<_>>(), [keys::stale(5_000)]);
    }

    #[test]
    fn block_that_was_never_indexed_is_no_error() {
        let mut store = Store::new();
        finalize(&mut store, 1, 0, &[7]);
        finalize(&mut store, 1 + KEPT, KEPT, &[]);
        assert!(store.is_empty());
    }
}
