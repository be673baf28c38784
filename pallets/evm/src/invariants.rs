//! Rebuilds the tries from the flat maps and compares.

use crate::{
    commit::slot_leaf, AccountCodes, AccountStorages, Accounts, Config, Dirty, StateRoot, Touched,
    TrieKey, TriePages,
};
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_trie::{HashBuilder, Nibbles};
use bzk_evm::{
    account::{EMPTY_ROOT, KECCAK_EMPTY},
    trie::pages::{self, Page, PageStore},
};
use frame_support::ensure;
use sp_core::{H160, H256};
use sp_io::hashing::keccak_256;
use sp_runtime::TryRuntimeError;

/// Checks the invariants of the crate's documentation.
pub(crate) fn check<T: Config>() -> Result<(), TryRuntimeError> {
    ensure!(!Dirty::<T>::exists(), "invariant 6: changes are not committed");
    ensure!(!Touched::<T>::exists(), "invariant 6: a set of changes is left");
    check_code::<T>()?;
    let slots = flat_slots::<T>()?;

    let mut fresh = FreshPages::default();
    let mut accounts = BTreeMap::new();
    for (address, account) in Accounts::<T>::iter() {
        let owner = H256(keccak_256(address.as_bytes()));
        let leaves = slots.get(&address).cloned().unwrap_or_default();
        ensure!(
            trie_root(&leaves) == account.storage_root,
            "invariant 2: a storage root differs from the account's slots"
        );
        fresh.fill(Some(owner), &leaves, account.storage_root)?;
        accounts.insert(owner, account.rlp());
    }
    let root = StateRoot::<T>::get();
    ensure!(trie_root(&accounts) == root, "invariant 1: the state root differs from the accounts");
    fresh.fill(None, &accounts, root)?;

    let mut count = 0usize;
    for (key, page) in TriePages::<T>::iter() {
        ensure!(fresh.0.get(&key) == Some(&page), "invariant 5: a trie node is stale");
        count = count.saturating_add(1);
    }
    ensure!(count == fresh.0.len(), "invariant 5: a trie node is missing");
    Ok(())
}

/// Invariant 3.
fn check_code<T: Config>() -> Result<(), TryRuntimeError> {
    let mut codes = 0usize;
    for (address, code) in AccountCodes::<T>::iter() {
        let account = Accounts::<T>::get(address).ok_or("invariant 3: code without an account")?;
        ensure!(
            !code.is_empty() && keccak_256(&code) == account.code_hash.0,
            "invariant 3: code differs from its hash"
        );
        codes = codes.saturating_add(1);
    }
    let contracts =
        Accounts::<T>::iter_values().filter(|account| account.code_hash != KECCAK_EMPTY).count();
    ensure!(codes == contracts, "invariant 3: an account lacks its code");
    Ok(())
}

/// Leaves of the storage tries by account; checks invariant 4.
fn flat_slots<T: Config>() -> Result<BTreeMap<H160, BTreeMap<H256, Vec<u8>>>, TryRuntimeError> {
    let mut slots = BTreeMap::<H160, BTreeMap<H256, Vec<u8>>>::new();
    for (address, slot, value) in AccountStorages::<T>::iter() {
        ensure!(!value.is_zero(), "invariant 4: a zero slot is stored");
        ensure!(Accounts::<T>::contains_key(address), "invariant 4: a slot without an account");
        let leaf = (H256(keccak_256(slot.as_bytes())), slot_leaf(value));
        slots.entry(address).or_default().extend([leaf]);
    }
    Ok(slots)
}

/// The root over hashed keys by an implementation that shares nothing with our own.
fn trie_root(leaves: &BTreeMap<H256, Vec<u8>>) -> H256 {
    let mut builder = HashBuilder::default();
    for (key, value) in leaves {
        builder.add_leaf(Nibbles::unpack(key.0), value);
    }
    H256(builder.root().0)
}

/// The pages that the tries should have.
#[derive(Default)]
struct FreshPages(BTreeMap<TrieKey, Page>);

impl FreshPages {
    fn fill(
        &mut self,
        owner: Option<H256>,
        leaves: &BTreeMap<H256, Vec<u8>>,
        expected: H256,
    ) -> Result<(), TryRuntimeError> {
        let changes = leaves.iter().map(|(key, value)| (*key, Some(value.clone())));
        let root = pages::update(self, owner, EMPTY_ROOT, changes)
            .map_err(|_| "invariant 5: a fresh trie cannot be built")?;
        ensure!(root == expected, "invariant 5: a fresh trie has another root");
        Ok(())
    }
}

impl PageStore for FreshPages {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Page> {
        self.0.get(&TrieKey::new(owner, path)).cloned()
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], page: Page) {
        self.0.insert(TrieKey::new(owner, path), page);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.0.remove(&TrieKey::new(owner, path));
    }
}
