//! Tests against alloy-trie, which shares no code with ours beyond RLP headers.

mod corruption;
mod differential;
mod pages;
mod proofs;
mod vectors;

use super::{update, NodeStore, EMPTY_ROOT, MAX_NODE_BYTES};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use alloy_primitives::B256;
use alloy_rlp::Decodable;
use alloy_trie::{
    nodes::{RlpNode, TrieNode},
    HashBuilder, Nibbles,
};
use sp_core::H256;

/// What a trie should hold.
type Entries = BTreeMap<H256, Vec<u8>>;

#[derive(Clone, Default, Debug, PartialEq)]
struct MemoryStore(BTreeMap<(Option<H256>, Vec<u8>), Vec<u8>>);

impl NodeStore for MemoryStore {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        self.0.get(&(owner, path.to_vec())).cloned()
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        assert!(node.len() <= MAX_NODE_BYTES && path.len() <= 64, "bounds of the store");
        self.0.insert((owner, path.to_vec()), node);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        let old = self.0.remove(&(owner, path.to_vec()));
        assert!(old.is_some(), "removal of a node that is not there");
    }
}

/// A store with the trie of `entries`, built in one go, and its root.
fn build(owner: Option<H256>, entries: &Entries) -> (MemoryStore, H256) {
    let mut store = MemoryStore::default();
    let changes = entries.iter().map(|(key, value)| (*key, Some(value.clone())));
    let root = update(&mut store, owner, EMPTY_ROOT, changes).unwrap();
    (store, root)
}

/// The root that alloy-trie computes.
fn alloy_root(entries: &Entries) -> H256 {
    let mut builder = HashBuilder::default();
    for (key, value) in entries {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    H256(builder.root().0)
}

/// Fails unless the store holds exactly the nodes that alloy-trie finds from `root` down.
fn assert_no_stale_nodes(store: &MemoryStore, owner: Option<H256>, root: H256) {
    let mut paths = BTreeSet::new();
    if root != EMPTY_ROOT {
        visit(store, owner, Vec::new(), &RlpNode::word_rlp(&B256::from(root.0)), &mut paths);
    }
    assert_eq!(store.0.keys().cloned().collect::<BTreeSet<_>>(), paths);
}

fn visit(
    store: &MemoryStore,
    owner: Option<H256>,
    path: Vec<u8>,
    link: &RlpNode,
    paths: &mut BTreeSet<(Option<H256>, Vec<u8>)>,
) {
    let bytes = match link.as_hash() {
        Some(hash) => {
            let bytes = store.get(owner, &path).expect("a linked node is stored");
            assert_eq!(alloy_primitives::keccak256(&bytes), hash);
            paths.insert((owner, path.clone()));
            bytes
        }
        None => link.to_vec(),
    };
    match TrieNode::decode(&mut &bytes[..]).unwrap() {
        TrieNode::EmptyRoot => panic!("an empty node is never linked"),
        TrieNode::Leaf(leaf) => assert_eq!(path.len() + leaf.key.len(), 64),
        TrieNode::Extension(extension) => {
            let path = [path, extension.key.to_vec()].concat();
            visit(store, owner, path, &extension.child, paths);
        }
        TrieNode::Branch(branch) => {
            for (nibble, child) in branch.as_ref().children() {
                if let Some(child) = child {
                    visit(store, owner, [&path[..], &[nibble]].concat(), child, paths);
                }
            }
        }
    }
}
