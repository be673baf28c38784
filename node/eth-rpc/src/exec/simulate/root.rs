//! The state root that simulated blocks would have, from the trie of the block below.

use crate::{exec::failure::Failure, state::StateView};
use alloy_primitives::{keccak256, map::HashMap, Address, B256, U256};
use alloy_rpc_types_eth::state::StateOverride;
use bzk_evm::{
    account::{from_evm, Account},
    trie::{self, NodeStore, EMPTY_ROOT},
};
use revm::{
    database::{in_memory_db::Cache, DbAccount},
    state::EvmState,
};
use sp_core::H256;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// A state whose trie can be read.
pub(crate) trait TrieSource {
    /// Root of the state trie.
    fn state_root(&self) -> Result<B256, Failure>;
    /// Root of an account's storage trie.
    fn storage_root(&self, address: Address) -> Result<B256, Failure>;
    /// A node by owner (hashed address, or none for the state trie) and nibble path.
    fn node(&self, owner: Option<B256>, path: &[u8]) -> Result<Option<Vec<u8>>, Failure>;
}

impl TrieSource for StateView {
    fn state_root(&self) -> Result<B256, Failure> {
        self.root().map_err(Failure::internal)
    }

    fn storage_root(&self, address: Address) -> Result<B256, Failure> {
        Ok(B256::new(self.account(address).map_err(Failure::internal)?.storage_root.0))
    }

    fn node(&self, owner: Option<B256>, path: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        self.trie_node(owner, path).map_err(Failure::internal)
    }
}

/// Owner and nibble path of a node.
type Place = (Option<H256>, Vec<u8>);

/// Nodes that simulated blocks have changed, over those of the state below.
struct Nodes<S> {
    base: S,
    changed: HashMap<Place, Option<Vec<u8>>>,
    /// A read that failed; the trie sees a missing node.
    failed: RefCell<Option<Failure>>,
}

impl<S: TrieSource> NodeStore for Nodes<S> {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        if let Some(node) = self.changed.get(&(owner, path.to_vec())) {
            return node.clone();
        }
        let read = self.base.node(owner.map(|owner| B256::new(owner.0)), path);
        read.unwrap_or_else(|failure| {
            self.failed.replace(Some(failure));
            None
        })
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        self.changed.insert((owner, path.to_vec()), Some(node));
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.changed.insert((owner, path.to_vec()), None);
    }
}

/// Follows the state root from block to block.
pub(super) struct Roots<S> {
    nodes: Nodes<S>,
    state: H256,
    storages: HashMap<Address, H256>,
    /// Accounts that the current block may have changed, and which of their slots.
    dirty: BTreeMap<Address, BTreeSet<U256>>,
}

impl<S: TrieSource> Roots<S> {
    /// Starts at the root of `base`.
    pub(super) fn new(base: S) -> Result<Self, Failure> {
        let state = H256(base.state_root()?.0);
        let nodes = Nodes { base, changed: HashMap::default(), failed: RefCell::default() };
        Ok(Self { nodes, state, storages: HashMap::default(), dirty: BTreeMap::new() })
    }

    /// Notes what a transaction touched.
    pub(super) fn touch(&mut self, changes: &EvmState) {
        for (address, account) in changes.iter().filter(|(_, account)| account.is_touched()) {
            let changed = account.storage.iter().filter(|(_, slot)| slot.is_changed());
            self.dirty.entry(*address).or_default().extend(changed.map(|(slot, _)| *slot));
        }
    }

    /// Notes what the caller overrides.
    pub(super) fn touch_overrides(&mut self, overrides: &StateOverride) {
        for (address, account) in overrides {
            let slots = account.state.iter().chain(&account.state_diff).flat_map(|map| map.keys());
            let slots = slots.map(|slot| U256::from_be_bytes(slot.0));
            self.dirty.entry(*address).or_default().extend(slots);
        }
    }

    /// The root once everything noted since the last call has the values in `cache`.
    pub(super) fn commit(&mut self, cache: &Cache) -> Result<B256, Failure> {
        let mut leaves = Vec::new();
        for (address, slots) in std::mem::take(&mut self.dirty) {
            let Some(account) = cache.accounts.get(&address) else { continue };
            leaves.push((hashed(address.as_slice()), self.leaf(address, account, slots)?));
        }
        self.state = self.update(None, self.state, leaves)?;
        Ok(B256::new(self.state.0))
    }

    /// The account's leaf; none if it is empty, which Ethereum does not keep.
    fn leaf(
        &mut self,
        address: Address,
        account: &DbAccount,
        slots: BTreeSet<U256>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let storage_root = self.storage_root(address, account, slots)?;
        let leaf = Account {
            nonce: account.info.nonce,
            balance: from_evm(account.info.balance),
            code_hash: H256(account.info.code_hash().0),
            storage_root,
        };
        Ok((!leaf.is_empty()).then(|| leaf.rlp()))
    }

    fn storage_root(
        &mut self,
        address: Address,
        account: &DbAccount,
        slots: BTreeSet<U256>,
    ) -> Result<H256, Failure> {
        // An overlay without anything below it knows all its slots.
        let whole = account.account_state.is_storage_cleared();
        let (root, slots) = match (whole, self.storages.get(&address)) {
            (true, _) => (EMPTY_ROOT, account.storage.keys().copied().collect()),
            (false, Some(root)) => (*root, slots),
            (false, None) => (H256(self.nodes.base.storage_root(address)?.0), slots),
        };
        let leaves = slots.into_iter().map(|slot| {
            let value = account.storage.get(&slot).copied().unwrap_or_default();
            let leaf = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            (hashed(&slot.to_be_bytes::<32>()), leaf)
        });
        let root = self.update(Some(hashed(address.as_slice())), root, leaves.collect())?;
        self.storages.insert(address, root);
        Ok(root)
    }

    fn update(
        &mut self,
        owner: Option<H256>,
        root: H256,
        leaves: Vec<(H256, Option<Vec<u8>>)>,
    ) -> Result<H256, Failure> {
        let updated = trie::update(&mut self.nodes, owner, root, leaves);
        match self.nodes.failed.take() {
            Some(failure) => Err(failure),
            None => updated.map_err(Failure::internal),
        }
    }
}

fn hashed(bytes: &[u8]) -> H256 {
    H256(keccak256(bytes).0)
}
