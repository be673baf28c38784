//! What a block needs, fetched by idle processors while wasm executes it.
//!
//! Wasm executes on one thread, from the first transaction on. Much of its time goes into what can be had from the
//! transaction alone: the recovery of its sender, and in a large ledger the way down to the accounts and to their nodes
//! of the Ethereum trie. Other threads do that, from the last transaction back; what they find wasm finds in the cache of
//! [`bzk_evm::crypto`] and in the database's cache of the state. Without them it only takes longer.

use crate::types::{h160, Block, FullBackend, Hash};
use alloy_consensus::Transaction;
use alloy_primitives::{keccak256, Address};
use bitcoinzk_runtime::{Ethereum, Runtime, UncheckedExtrinsic};
use codec::{Decode, Encode};
use pallet_ethereum::RawTransaction;
use pallet_evm::TrieKey;
use sc_client_api::{Backend, StateBackend, TrieCacheContext};
use sp_runtime::{traits::Block as _, OpaqueExtrinsic};
use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        LazyLock,
    },
    thread,
};

/// Fewer extrinsics are not worth a thread.
const WORTH_A_THREAD: usize = 16;

/// Most threads beside the one that executes.
const MAX_THREADS: usize = 4;

/// Extrinsics that a thread takes at once; with the last of them what it has read goes into the common cache.
const CHUNK: usize = 64;

/// Nibbles of a path that are followed: the trie of a ledger of 2^32 accounts is less deep.
const PATH_NIBBLES: usize = 12;

/// Executes `block` by `execute` on top of `parent`; meanwhile other threads fetch what it needs.
pub(super) fn fetch<R>(
    backend: &FullBackend,
    parent: Hash,
    block: &Block,
    execute: impl FnOnce() -> R,
) -> R {
    let extrinsics = block.extrinsics();
    let threads = thread::available_parallelism().map_or(0, |all| all.get().saturating_sub(1));
    if extrinsics.len() < WORTH_A_THREAD || std::env::var_os("BZK_NO_AHEAD").is_some() {
        return execute();
    }
    let left = AtomicUsize::new(extrinsics.len());
    thread::scope(|scope| {
        for _ in 0..threads.min(MAX_THREADS) {
            let fetch_chunks = || {
                while let Some(chunk) = take_last(extrinsics, &left) {
                    fetch_chunk(backend, parent, chunk);
                }
            };
            let _ = thread::Builder::new().name("ahead".into()).spawn_scoped(scope, fetch_chunks);
        }
        let result = execute();
        left.store(0, Ordering::Relaxed);
        result
    })
}

/// The last of the extrinsics that are `left`, at most [`CHUNK`].
fn take_last<'a>(
    extrinsics: &'a [OpaqueExtrinsic],
    left: &AtomicUsize,
) -> Option<&'a [OpaqueExtrinsic]> {
    let less = |left: usize| (left > 0).then(|| left.saturating_sub(CHUNK));
    let end = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
    extrinsics.get(less(end)?..end)
}

/// Recovers the senders and reads the accounts, found or not. What is wrong with an extrinsic wasm will find.
fn fetch_chunk(backend: &FullBackend, parent: Hash, extrinsics: &[OpaqueExtrinsic]) {
    let Ok(state) = backend.state_at(parent, TrieCacheContext::Trusted) else { return };
    for transaction in extrinsics.iter().filter_map(raw_transaction) {
        let Ok(transaction) = Ethereum::recover(&transaction) else { continue };
        let parties = [Some(transaction.sender), transaction.envelope.to()];
        if std::env::var_os("BZK_ONLY_SENDERS").is_some() {
            continue;
        }
        for key in parties.into_iter().flatten().flat_map(keys) {
            let _ = state.storage(&key);
        }
    }
}

/// Where the state has an account, and the end of its path in the Ethereum trie. On the way there lie all pages that
/// a change of the account changes.
fn keys(address: Address) -> [Vec<u8>; 2] {
    let path: Vec<u8> =
        keccak256(address).iter().flat_map(|byte| [byte >> 4, byte & 0xf]).collect();
    let end = TrieKey::new(None, &path[..PATH_NIBBLES]);
    [
        pallet_evm::Accounts::<Runtime>::hashed_key_for(h160(address)),
        pallet_evm::TriePages::<Runtime>::hashed_key_for(end),
    ]
}

/// The transaction in a bare `Ethereum.transact`. Other calls are not decoded: they may nest, and threads have little
/// stack.
fn raw_transaction(extrinsic: &OpaqueExtrinsic) -> Option<RawTransaction> {
    static PREFIX: LazyLock<Option<Vec<u8>>> = LazyLock::new(|| {
        let extrinsic = UncheckedExtrinsic::from_raw_transaction(Vec::new())?.encode();
        let opaque = OpaqueExtrinsic::decode(&mut extrinsic.as_slice()).ok()?;
        // All but the length of the transaction, 0 in one byte.
        opaque.inner().split_last().map(|(_, prefix)| prefix.to_vec())
    });
    let mut raw = extrinsic.inner().strip_prefix(PREFIX.as_deref()?)?;
    RawTransaction::decode(&mut raw).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_extrinsic_is_taken_once_from_the_last_on() {
        let blob = |index: usize| OpaqueExtrinsic::from_blob(index.to_le_bytes().to_vec());
        let extrinsics: Vec<_> = (0..2 * CHUNK + 1).map(blob).collect();
        let left = AtomicUsize::new(extrinsics.len());
        let chunks: Vec<_> = std::iter::from_fn(|| take_last(&extrinsics, &left)).collect();
        assert_eq!(chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>(), [CHUNK, CHUNK, 1]);
        assert_eq!(chunks.into_iter().rev().flatten().cloned().collect::<Vec<_>>(), extrinsics);
        assert!(take_last(&extrinsics, &left).is_none());
    }

    #[test]
    fn transactions_are_found_in_their_extrinsics_and_nowhere_else() {
        let raw = vec![7; 300];
        let extrinsic = UncheckedExtrinsic::from_raw_transaction(raw.clone()).unwrap().encode();
        let extrinsic = OpaqueExtrinsic::decode(&mut extrinsic.as_slice()).unwrap();
        assert_eq!(raw_transaction(&extrinsic).unwrap().into_inner(), raw);
        let mut other = extrinsic.inner().to_vec();
        other[1] ^= 1;
        assert!(raw_transaction(&OpaqueExtrinsic::from_blob(other)).is_none());
    }

    #[test]
    fn the_end_of_a_path_begins_with_every_page_on_it() {
        let address = Address::repeat_byte(7);
        let [_, end] = keys(address);
        let hash = keccak256(address);
        for page in [&[][..], &[hash[0] >> 4], &[hash[0] >> 4, hash[0] & 0xf, hash[1] >> 4]] {
            let page = pallet_evm::TriePages::<Runtime>::hashed_key_for(TrieKey::new(None, page));
            assert!(end.starts_with(&page));
        }
    }
}
