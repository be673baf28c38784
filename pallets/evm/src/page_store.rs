//! Pages of trie nodes in pallet storage.

use crate::{Config, TrieKey, TriePages, MAX_DELETABLE_SLOTS};
use bzk_evm::trie::pages::{Page, PageStore};
use core::marker::PhantomData;
use frame_support::defensive;
use sp_core::H256;

/// The pages in [`TriePages`].
pub(crate) struct StoredPages<T>(PhantomData<T>);

impl<T> Default for StoredPages<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Config> StoredPages<T> {
    /// Removes the storage trie of the account whose address hashes to `owner`.
    pub(crate) fn clear(owner: H256) {
        let prefix = TriePages::<T>::hashed_key_for(TrieKey::new(Some(owner), &[]));
        // A trie of n leaves has at most n - 1 branches and n - 1 extensions above them.
        let limit = MAX_DELETABLE_SLOTS.saturating_mul(2);
        let removed = frame_support::storage::unhashed::clear_prefix(&prefix, Some(limit), None);
        if removed.maybe_cursor.is_some() {
            defensive!("a deleted account had more trie nodes than genesis allows");
        }
    }
}

impl<T: Config> PageStore for StoredPages<T> {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Page> {
        TriePages::<T>::get(TrieKey::new(owner, path))
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], page: Page) {
        TriePages::<T>::insert(TrieKey::new(owner, path), page);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        TriePages::<T>::remove(TrieKey::new(owner, path));
    }
}
