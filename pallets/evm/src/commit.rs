//! Folds what changed since the last Ethereum block into the tries.

use crate::{
    page_store::StoredPages, AccountStorages, Accounts, Config, Dirty, StateRoot, Touched,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use bzk_evm::{
    primitives::U256,
    trie::{pages, TrieError},
};
use frame_support::defensive;
use sp_core::{H160, H256};
use sp_io::hashing::keccak_256;

/// Changed slots by changed account.
pub(crate) type DirtyKeys = BTreeMap<H160, BTreeSet<H256>>;

/// Takes the dirty keys, updates the tries and returns the state root.
pub(crate) fn commit<T: Config>() -> H256 {
    Touched::<T>::kill();
    let mut keys = DirtyKeys::new();
    for account in Dirty::<T>::take().into_iter().flatten() {
        keys.entry(account.address).or_default().extend(account.slots);
    }
    if keys.is_empty() {
        return StateRoot::<T>::get();
    }
    update_tries::<T>(&keys).unwrap_or_else(|error| {
        // Only a corrupt database gets here; the root then no longer follows the state, which
        // every re-execution and `try_state` shows.
        log::error!(target: "runtime::evm", "state trie update failed: {error:?}");
        defensive!("the state trie is corrupt");
        StateRoot::<T>::get()
    })
}

/// Updates storage tries first, then the state trie over the accounts that own them.
pub(crate) fn update_tries<T: Config>(keys: &DirtyKeys) -> Result<H256, TrieError> {
    let mut stored = StoredPages::<T>::default();
    let mut leaves = Vec::with_capacity(keys.len());
    for (address, slots) in keys {
        let owner = H256(keccak_256(address.as_bytes()));
        leaves.push((owner, account_leaf::<T>(&mut stored, *address, owner, slots)?));
    }
    let root = pages::update(&mut stored, None, StateRoot::<T>::get(), leaves)?;
    StateRoot::<T>::put(root);
    Ok(root)
}

/// The leaf of one account, its storage root brought up to date; `None` if it no longer exists.
fn account_leaf<T: Config>(
    stored: &mut StoredPages<T>,
    address: H160,
    owner: H256,
    slots: &BTreeSet<H256>,
) -> Result<Option<Vec<u8>>, TrieError> {
    let Some(mut account) = Accounts::<T>::get(address) else { return Ok(None) };
    if !slots.is_empty() {
        let values = slots.iter().map(|slot| {
            let value = AccountStorages::<T>::get(address, slot);
            (H256(keccak_256(slot.as_bytes())), value.map(slot_leaf))
        });
        let root = pages::update(stored, Some(owner), account.storage_root, values)?;
        if root != account.storage_root {
            account.storage_root = root;
            Accounts::<T>::insert(address, account);
        }
    }
    Ok(Some(account.rlp()))
}

/// The leaf of a storage trie: RLP of the value without leading zeros.
pub(crate) fn slot_leaf(value: H256) -> Vec<u8> {
    alloy_rlp::encode(U256::from_be_bytes(value.0))
}
