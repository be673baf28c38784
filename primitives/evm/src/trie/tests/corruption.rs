use super::{build, differential::key, Entries, MemoryStore};
use crate::trie::{get, node::Node, prove, update, TrieError, EMPTY_ROOT, MAX_VALUE_BYTES};
use alloc::{vec, vec::Vec};
use proptest::{
    collection::{btree_map, vec as vec_of},
    prelude::*,
    sample::Index,
};
use sp_core::H256;

fn entries() -> Entries {
    (0..200u32).map(|n| (H256(sp_io::hashing::keccak_256(&[n as u8])), vec![n as u8; 80])).collect()
}

fn nodes_of_trie() -> (MemoryStore, H256) {
    build(None, &entries())
}

#[test]
fn missing_nodes_are_errors() {
    let (store, root) = nodes_of_trie();
    for lost in store.0.keys() {
        let mut store = store.clone();
        store.0.remove(lost);
        let missing = TrieError::MissingNode(lost.1.clone());
        let below = |key: &&H256| {
            let nibbles: Vec<u8> = key.0.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
            nibbles.starts_with(&lost.1)
        };
        let key = *entries().keys().find(below).unwrap();
        assert_eq!(get(&store, None, root, key), Err(missing.clone()));
        assert_eq!(prove(&store, None, root, key), Err(missing.clone()));
        assert_eq!(update(&mut store, None, root, [(key, Some(vec![1]))]), Err(missing));
    }
}

#[test]
fn sibling_missing_at_a_collapse_is_an_error() {
    let keys = [H256::repeat_byte(0x11), H256::repeat_byte(0x22)];
    let (mut store, root) = build(None, &keys.map(|key| (key, vec![1; 40])).into());
    store.0.remove(&(None, vec![2])).unwrap();
    let result = update(&mut store, None, root, [(keys[0], None)]);
    assert_eq!(result, Err(TrieError::MissingNode(vec![2])));
}

#[test]
fn wrong_roots_are_errors() {
    let (mut store, root) = nodes_of_trie();
    let stale = H256::repeat_byte(9);
    let wrong = TrieError::WrongHash(vec![]);
    assert_eq!(update(&mut store, None, stale, [(stale, Some(vec![1]))]), Err(wrong.clone()));
    assert_eq!(get(&store, None, stale, stale), Err(wrong));
    let elsewhere = Some(H256::zero());
    assert_eq!(get(&store, elsewhere, root, stale), Err(TrieError::MissingNode(vec![])));
}

#[test]
fn nodes_of_another_trie_are_refused_by_reads() {
    let (mut store, root) = nodes_of_trie();
    let (key, path) = (*entries().keys().next().unwrap(), vec![0]);
    let node = store.0.get(&(None, vec![1])).unwrap().clone();
    store.0.insert((None, path.clone()), node);
    assert_eq!(get(&store, None, root, key), Err(TrieError::WrongHash(path)));
}

#[test]
fn values_out_of_bounds_are_errors() {
    let (key, mut store) = (H256::repeat_byte(1), MemoryStore::default());
    let mut insert = |len| update(&mut store, None, EMPTY_ROOT, [(key, Some(vec![1; len]))]);
    assert_eq!(insert(0), Err(TrieError::EmptyValue(key)));
    assert_eq!(insert(MAX_VALUE_BYTES + 1), Err(TrieError::LongValue(key)));
    assert!(insert(MAX_VALUE_BYTES).is_ok());
}

#[test]
fn malformed_nodes_are_errors() {
    let branch = |children: &[&[u8]], value: &[u8]| {
        let mut payload = children.concat();
        payload.extend(core::iter::repeat_n(0x80, 16 - children.len()));
        payload.extend(value);
        [vec![0xc0 + payload.len() as u8], payload].concat()
    };
    // A leaf for the key 0 at the root; `first` is the first byte of its hex prefix.
    let leaf = |first| [vec![0xe3, 0xa1, first], vec![0; 32], vec![5]].concat();
    assert!(Node::decode(&leaf(0x20), 0).is_some());
    let nodes = [
        ("nothing", vec![]),
        ("an empty list", vec![0xc0]),
        ("a truncated list", vec![0xc2, 0x20]),
        ("one item", vec![0xc1, 0x20]),
        ("three items", vec![0xc3, 0x20, 0x20, 0x20]),
        ("a leaf too high", vec![0xc2, 0x20, 0x05]),
        ("a leaf with an unknown flag", leaf(0x60)),
        ("a leaf with a nibble for padding", leaf(0x21)),
        ("a leaf too low", [vec![0xe4, 0xa2, 0x20], vec![0; 33], vec![5]].concat()),
        ("a leaf whose key is a list", [vec![0xe3, 0xe1, 0x20], vec![0; 32], vec![5]].concat()),
        ("an extension by nothing", [vec![0xe2, 0x00, 0xa0], vec![7; 32]].concat()),
        ("an extension to nothing", vec![0xc2, 0x11, 0x80]),
        ("an extension to a short string", vec![0xc3, 0x11, 0x81, 0x80]),
        ("a branch of one child", branch(&[&[0xc2, 0x20, 0x05]], &[0x80])),
        ("a branch with a value", branch(&[&[0xc2, 0x20, 5], &[0xc2, 0x20, 5]], &[5])),
        ("bytes after the node", [leaf(0x20), vec![0]].concat()),
        ("a length beyond memory", vec![0xff; 40]),
    ];
    for (name, node) in nodes {
        let mut store = MemoryStore::default();
        let root = H256(sp_io::hashing::keccak_256(&node));
        store.0.insert((None, vec![]), node);
        let invalid = TrieError::InvalidNode(vec![]);
        assert_eq!(get(&store, None, root, H256::zero()), Err(invalid.clone()), "{name}");
        let change = [(H256::zero(), Some(vec![1]))];
        assert_eq!(update(&mut store, None, root, change), Err(invalid), "{name}");
    }
}

/// The damage that `attack_damaged_nodes_never_panic` does.
fn damage() -> impl Strategy<Value = (Index, Index, Option<u8>, Vec<u8>)> {
    (any::<Index>(), any::<Index>(), any::<Option<u8>>(), vec_of(any::<u8>(), 0..40))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn attack_damaged_nodes_never_panic(
        entries in btree_map(key(), vec_of(any::<u8>(), 1..40), 1..40),
        damages in vec_of(damage(), 1..6),
        changes in vec_of((key(), any::<Option<u8>>()), 1..40),
    ) {
        let (mut store, mut root) = build(None, &entries);
        let paths: Vec<_> = store.0.keys().cloned().collect();
        for (node, byte, flip, junk) in damages {
            let node = store.0.get_mut(node.get(&paths)).unwrap();
            match flip {
                Some(bits) => *byte.get_mut(node) ^= bits,
                None => *node = junk,
            }
            if node.is_empty() {
                node.push(0xc0);
            }
        }
        // The root's hash is made to fit, so that the damage is not found out at once.
        if let Some(node) = store.0.get(&(None, vec![])) {
            root = H256(sp_io::hashing::keccak_256(node));
        }
        for (key, _) in &changes {
            let _ = get(&store, None, root, *key);
            let _ = prove(&store, None, root, *key);
        }
        let changes = changes.into_iter().map(|(key, value)| (key, value.map(|byte| vec![byte])));
        let _ = update(&mut Lenient(store), None, root, changes);
    }
}

/// Like the pallet's map: a removal of what is not there does nothing.
struct Lenient(MemoryStore);

impl crate::trie::NodeStore for Lenient {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        crate::trie::NodeStore::get(&self.0, owner, path)
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        crate::trie::NodeStore::set(&mut self.0, owner, path, node);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.0 .0.remove(&(owner, path.to_vec()));
    }
}
