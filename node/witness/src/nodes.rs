//! Records which nodes of the parent's tries are read.

use alloy_primitives::Bytes;
use bzk_evm::trie::NodeStore;
use sp_core::H256;
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

/// Where a node lies: owner of the trie and path.
type Place = (Option<H256>, Vec<u8>);

/// The parent's nodes, and what was read of them.
pub(crate) struct Recorder<'a, S> {
    base: &'a S,
    read: RefCell<HashMap<Place, Option<Bytes>>>,
}

impl<'a, S: NodeStore> Recorder<'a, S> {
    pub(crate) fn new(base: &'a S) -> Self {
        Self { base, read: RefCell::default() }
    }

    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Bytes> {
        let place = (owner, path.to_vec());
        let mut read = self.read.borrow_mut();
        read.entry(place).or_insert_with(|| self.base.get(owner, path).map(Bytes::from)).clone()
    }

    /// Every node that was read.
    pub(crate) fn into_nodes(self) -> BTreeSet<Bytes> {
        self.read.into_inner().into_values().flatten().collect()
    }
}

/// Private changes over recorded nodes.
pub(crate) struct Overlay<'a, S> {
    below: &'a Recorder<'a, S>,
    changed: HashMap<Place, Option<Vec<u8>>>,
}

impl<'a, S: NodeStore> Overlay<'a, S> {
    pub(crate) fn new(below: &'a Recorder<'a, S>) -> Self {
        Self { below, changed: HashMap::new() }
    }

    /// Forgets the trie of `owner`, so that a new one can start.
    pub(crate) fn clear(&mut self, owner: H256) {
        self.changed.retain(|(of, _), _| *of != Some(owner));
    }
}

impl<S: NodeStore> NodeStore for Overlay<'_, S> {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        match self.changed.get(&(owner, path.to_vec())) {
            Some(node) => node.clone(),
            None => self.below.get(owner, path).map(Into::into),
        }
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        self.changed.insert((owner, path.to_vec()), Some(node));
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.changed.insert((owner, path.to_vec()), None);
    }
}
