//! Trie nodes in pallet storage.

use crate::{Config, TrieKey, TrieNodes, MAX_DELETABLE_SLOTS};
use alloc::vec::Vec;
use bzk_evm::trie::NodeStore;
use core::marker::PhantomData;
use frame_support::{defensive, BoundedVec};
use sp_core::H256;

/// The nodes in [`TrieNodes`].
pub(crate) struct StoredNodes<T>(PhantomData<T>);

impl<T> Default for StoredNodes<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Config> StoredNodes<T> {
    /// Removes the storage trie of the account whose address hashes to `owner`.
    pub(crate) fn clear(owner: H256) {
        let prefix = TrieNodes::<T>::hashed_key_for(TrieKey::new(Some(owner), &[]));
        // A trie of n leaves has at most n - 1 branches and n - 1 extensions above them.
        let limit = MAX_DELETABLE_SLOTS.saturating_mul(3);
        let removed = frame_support::storage::unhashed::clear_prefix(&prefix, Some(limit), None);
        if removed.maybe_cursor.is_some() {
            defensive!("a deleted account had more trie nodes than genesis allows");
        }
    }
}

impl<T: Config> NodeStore for StoredNodes<T> {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        TrieNodes::<T>::get(TrieKey::new(owner, path)).map(Into::into)
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        match BoundedVec::try_from(node) {
            Ok(node) => TrieNodes::<T>::insert(TrieKey::new(owner, path), node),
            Err(_) => {
                defensive!("a trie node is longer than a full branch");
            }
        }
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        TrieNodes::<T>::remove(TrieKey::new(owner, path));
    }
}
