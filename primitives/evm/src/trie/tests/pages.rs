use super::{
    build,
    differential::{apply, changes, key, value},
    Entries,
};
use crate::trie::{
    pages::{find, update, Page, PageStore},
    prove, NodeStore, EMPTY_ROOT, MAX_VALUE_BYTES,
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use codec::{Decode, Encode, MaxEncodedLen};
use core::convert::Infallible;
use proptest::{
    collection::{btree_map, vec as vec_of},
    prelude::*,
    sample::Index,
};
use sp_core::H256;

/// Pages of one trie, and how often they were written.
#[derive(Clone, Debug, Default)]
struct Memory {
    pages: BTreeMap<Vec<u8>, Page>,
    writes: usize,
}

impl PageStore for Memory {
    fn get(&self, _: Option<H256>, path: &[u8]) -> Option<Page> {
        self.pages.get(path).cloned()
    }

    fn set(&mut self, _: Option<H256>, path: &[u8], page: Page) {
        self.writes += 1;
        assert!(page.encoded_size() <= Page::max_encoded_len(), "bounds of the store");
        self.pages.insert(path.to_vec(), page);
    }

    fn remove(&mut self, _: Option<H256>, path: &[u8]) {
        self.writes += 1;
        assert!(self.pages.remove(path).is_some(), "removal of a page that is not there");
    }
}

/// Reads the nodes as a node's RPC does.
impl NodeStore for Memory {
    fn get(&self, _: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        find(path, |path| Ok::<_, Infallible>(self.pages.get(path).cloned())).unwrap()
    }

    fn set(&mut self, _: Option<H256>, _: &[u8], _: Vec<u8>) {
        unreachable!("pages are written as a whole")
    }

    fn remove(&mut self, _: Option<H256>, _: &[u8]) {
        unreachable!("pages are written as a whole")
    }
}

fn fresh(entries: &Entries) -> (Memory, H256) {
    let mut pages = Memory::default();
    let changes = entries.iter().map(|(key, value)| (*key, Some(value.clone())));
    let root = update(&mut pages, None, EMPTY_ROOT, changes).unwrap();
    (pages, root)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn prop_pages_hold_the_nodes_of_the_trie_and_equal_fresh_ones(
        rounds in vec_of((changes(), 0usize..40), 1..12),
    ) {
        let (mut pages, mut root, mut entries) = (Memory::default(), EMPTY_ROOT, Entries::new());
        for (changes, deletions) in rounds {
            let changes = apply(&mut entries, changes, deletions);
            root = update(&mut pages, None, root, changes).unwrap();
            let (nodes, expected) = build(None, &entries);
            prop_assert_eq!(root, expected);
            for ((_, path), node) in &nodes.0 {
                prop_assert_eq!(NodeStore::get(&pages, None, path), Some(node.clone()));
            }
            // Equal to fresh ones, which hold as many nodes as the trie has: nothing is stale.
            let (fresh, _) = fresh(&entries);
            prop_assert_eq!(&pages.pages, &fresh.pages);
            prop_assert_eq!(pages.pages.values().map(nodes_on).sum::<usize>(), nodes.0.len());
        }
        let deletions = entries.keys().map(|key| (*key, None));
        prop_assert_eq!(update(&mut pages, None, root, deletions).unwrap(), EMPTY_ROOT);
        prop_assert!(pages.pages.is_empty());
    }

    #[test]
    fn prop_proofs_are_those_of_the_trie(
        entries in btree_map(key(), value(), 0..60),
        others in vec_of(key(), 1..20),
    ) {
        let ((pages, root), (nodes, _)) = (fresh(&entries), build(None, &entries));
        for key in entries.keys().copied().chain(others) {
            prop_assert_eq!(prove(&pages, None, root, key), prove(&nodes, None, root, key));
        }
    }

    #[test]
    fn attack_damaged_pages_never_panic(
        entries in btree_map(key(), value(), 1..40),
        damages in vec_of((any::<Index>(), any::<Index>(), any::<u8>()), 1..6),
        changes in changes(),
    ) {
        let (mut pages, root) = fresh(&entries);
        let paths: Vec<_> = pages.pages.keys().cloned().collect();
        for (page, byte, bits) in damages {
            let page = pages.pages.get_mut(page.get(&paths)).unwrap();
            let mut bytes = page.encode();
            *byte.get_mut(&mut bytes) ^= bits;
            *page = Page::decode(&mut &bytes[..]).unwrap_or_default();
        }
        for (key, _) in &changes {
            let _ = prove(&pages, None, root, *key);
        }
        let _ = update(&mut pages, None, root, changes);
    }
}

/// From the encoding, so that this does not rest on the code that is tested.
fn nodes_on(page: &Page) -> usize {
    let (node, leaves) = <(Vec<u8>, Vec<(u8, Vec<u8>)>)>::decode(&mut &page.encode()[..]).unwrap();
    assert!(!node.is_empty(), "leaves without their branch");
    assert!(leaves.is_sorted_by(|(a, _), (b, _)| a < b) && leaves.iter().all(|(at, _)| *at < 16));
    leaves.len() + 1
}

#[test]
fn a_changed_value_writes_the_pages_of_its_branches_alone() {
    let hashed = |n: u32| H256(sp_io::hashing::keccak_256(&n.to_le_bytes()));
    let entries: Entries = (0..5_000).map(|n| (hashed(n), vec![1; 70])).collect();
    let (mut pages, root) = fresh(&entries);
    // 5,000 keys below 4,096 places of three nibbles: few keys have a branch further down.
    assert!(pages.pages.len() < 3_000, "{} pages", pages.pages.len());
    pages.writes = 0;
    let branches = prove(&pages, None, root, hashed(7)).unwrap().len() - 1;
    update(&mut pages, None, root, [(hashed(7), Some(vec![2; 70]))]).unwrap();
    assert_eq!(pages.writes, branches);
}

#[test]
fn the_longest_leaf_and_the_fullest_page_fit() {
    let keys = (0..16u8).map(|nibble| H256::repeat_byte(nibble << 4 | 1));
    let entries: Entries = keys.map(|key| (key, vec![0xff; MAX_VALUE_BYTES])).collect();
    let (pages, root) = fresh(&entries);
    assert_eq!((pages.pages.len(), nodes_on(&pages.pages[&vec![]])), (1, 17));
    assert_eq!(pages.pages[&vec![]].encoded_size(), Page::max_encoded_len());
    for (key, value) in entries {
        assert_eq!(crate::trie::get(&pages, None, root, key), Ok(Some(value)));
    }
}
