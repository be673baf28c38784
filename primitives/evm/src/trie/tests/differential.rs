use super::{alloy_root, assert_no_stale_nodes, build, Entries, MemoryStore};
use crate::trie::{get, update, EMPTY_ROOT};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use proptest::{collection::vec as vec_of, prelude::*, sample::select};
use sp_core::H256;

pub(super) type Changes = Vec<(H256, Option<Vec<u8>>)>;

/// Keys that meet often: few nibbles, far up or far down, else zero; some fully random.
pub(super) fn key() -> impl Strategy<Value = H256> {
    let nibbles = || select(vec![0x00u8, 0x01, 0x02, 0x10, 0x12, 0xf0, 0xff]);
    prop_oneof![
        3 => (nibbles(), nibbles()).prop_map(|(a, b)| at([(0, a), (1, b)])),
        3 => (nibbles(), nibbles()).prop_map(|(a, b)| at([(15, a), (31, b)])),
        4 => (nibbles(), any::<u8>()).prop_map(|(a, b)| at([(30, a), (31, b)])),
        2 => any::<[u8; 32]>().prop_map(H256),
    ]
}

fn at(bytes: [(usize, u8); 2]) -> H256 {
    let mut key = H256::zero();
    for (index, byte) in bytes {
        key.0[index] = byte;
    }
    key
}

/// Short ones make inline nodes, those of an account's length never do.
pub(super) fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => any::<u8>().prop_map(|byte| vec![byte]),
        2 => vec_of(any::<u8>(), 1..34),
        1 => vec_of(any::<u8>(), 70..110),
    ]
}

pub(super) fn changes() -> impl Strategy<Value = Changes> {
    vec_of((key(), proptest::option::weighted(0.6, value())), 0..40)
}

/// Applies to the model what `update` applies to the trie; deletes half of what is there on top.
pub(super) fn apply(entries: &mut Entries, mut changes: Changes, deletions: usize) -> Changes {
    changes.extend(entries.keys().skip(1).step_by(2).take(deletions).map(|key| (*key, None)));
    for (key, value) in &changes {
        match value {
            Some(value) => entries.insert(*key, value.clone()),
            None => entries.remove(key),
        };
    }
    changes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn prop_root_and_nodes_equal_a_fresh_trie(
        rounds in vec_of((changes(), 0usize..40), 1..12),
        owner in proptest::option::of(any::<[u8; 32]>().prop_map(H256)),
    ) {
        let (mut store, mut root, mut entries) =
            (MemoryStore::default(), EMPTY_ROOT, Entries::new());
        for (changes, deletions) in rounds {
            let changes = apply(&mut entries, changes, deletions);
            root = update(&mut store, owner, root, changes.clone()).unwrap();
            prop_assert_eq!(root, alloy_root(&entries));
            assert_no_stale_nodes(&store, owner, root);
            prop_assert_eq!((&store, root), (&build(owner, &entries).0, root));
            for (key, _) in changes {
                let value = get(&store, owner, root, key).unwrap();
                prop_assert_eq!(value.as_ref(), entries.get(&key));
            }
        }
        let deletions = entries.keys().map(|key| (*key, None));
        prop_assert_eq!(update(&mut store, owner, root, deletions).unwrap(), EMPTY_ROOT);
        prop_assert_eq!(store, MemoryStore::default());
    }

    #[test]
    fn prop_order_of_distinct_changes_is_irrelevant(
        base in proptest::collection::btree_map(key(), value(), 0..30),
        changes in proptest::collection::btree_map(key(), proptest::option::of(value()), 0..30),
    ) {
        let (store, root) = build(None, &base);
        let (mut one_by_one, mut last) = (store.clone(), root);
        for change in changes.clone().into_iter().rev() {
            last = update(&mut one_by_one, None, last, [change]).unwrap();
        }
        let mut batched = store;
        prop_assert_eq!(update(&mut batched, None, root, changes).unwrap(), last);
        prop_assert_eq!(batched, one_by_one);
    }
}

#[test]
fn thousands_of_hashed_accounts_match_alloy() {
    let key = |n: u32| H256(sp_io::hashing::keccak_256(&n.to_le_bytes()));
    let mut entries: Entries = (0..5_000).map(|n| (key(n), vec![n as u8 + 1; 70])).collect();
    let (mut store, mut root) = build(None, &entries);
    assert_eq!(root, alloy_root(&entries));
    for round in 1..6u32 {
        let changes: BTreeMap<_, _> = (0..700)
            .map(|n| (key(n * 13 * round), (n % 3 != 0).then(|| vec![round as u8; 75])))
            .collect();
        apply(&mut entries, changes.clone().into_iter().collect(), 0);
        root = update(&mut store, None, root, changes).unwrap();
        assert_eq!(root, alloy_root(&entries));
        assert_no_stale_nodes(&store, None, root);
    }
}

#[test]
fn last_change_of_a_key_counts() {
    let (key, mut store) = (H256::repeat_byte(7), MemoryStore::default());
    let changes = [(key, Some(vec![1])), (key, None), (key, Some(vec![2]))];
    let root = update(&mut store, None, EMPTY_ROOT, changes).unwrap();
    assert_eq!(get(&store, None, root, key), Ok(Some(vec![2])));
    let changes = [(key, Some(vec![3])), (key, None)];
    assert_eq!(update(&mut store, None, root, changes), Ok(EMPTY_ROOT));
}

#[test]
fn owners_do_not_share_nodes() {
    let owners = [None, Some(H256::zero()), Some(H256::repeat_byte(1))];
    let mut store = MemoryStore::default();
    let roots = owners.map(|owner| {
        let value = owner.map_or(9, |owner| owner.0[0]);
        let changes = (0..50).map(|n| (H256::repeat_byte(n), Some(vec![value, n])));
        update(&mut store, owner, EMPTY_ROOT, changes).unwrap()
    });
    let gone = (0..50).map(|n| (H256::repeat_byte(n), None));
    assert_eq!(update(&mut store, owners[1], roots[1], gone), Ok(EMPTY_ROOT));
    let read = |index: usize| get(&store, owners[index], roots[index], H256::repeat_byte(3));
    assert_eq!((read(0), read(2)), (Ok(Some(vec![9, 3])), Ok(Some(vec![1, 3]))));
}

#[test]
fn unchanged_values_write_nothing() {
    struct ReadOnly(MemoryStore);
    impl crate::trie::NodeStore for ReadOnly {
        fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
            crate::trie::NodeStore::get(&self.0, owner, path)
        }
        fn set(&mut self, _: Option<H256>, path: &[u8], _: Vec<u8>) {
            panic!("wrote {path:?}");
        }
        fn remove(&mut self, _: Option<H256>, path: &[u8]) {
            panic!("removed {path:?}");
        }
    }
    let entries: Entries = (0..60).map(|n| (H256::from_low_u64_be(n * n), vec![1, 2])).collect();
    let (store, root) = build(None, &entries);
    let same = entries.into_iter().map(|(key, value)| (key, Some(value)));
    let absent = (0..60).map(|n| (H256::from_low_u64_be(n * n + 2), None));
    assert_eq!(update(&mut ReadOnly(store), None, root, same.chain(absent)), Ok(root));
}
