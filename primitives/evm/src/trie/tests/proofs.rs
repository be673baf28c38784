use super::{build, differential::key, Entries};
use crate::trie::{get, prove, EMPTY_ROOT};
use alloc::{vec, vec::Vec};
use alloy_primitives::{Bytes, B256};
use alloy_trie::{proof::verify_proof, Nibbles};
use proptest::{collection::btree_map, prelude::*};
use sp_core::H256;

fn verifies(root: H256, key: H256, value: Option<Vec<u8>>, proof: &[Vec<u8>]) -> bool {
    let proof: Vec<Bytes> = proof.iter().cloned().map(Bytes::from).collect();
    verify_proof(B256::from(root.0), Nibbles::unpack(key), value, &proof).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn prop_alloy_accepts_proofs_of_present_and_absent_keys(
        entries in btree_map(key(), proptest::collection::vec(any::<u8>(), 1..40), 0..60),
        others in proptest::collection::vec(key(), 1..60),
    ) {
        let (store, root) = build(None, &entries);
        for key in entries.keys().copied().chain(others) {
            let proof = prove(&store, None, root, key).unwrap();
            let value = entries.get(&key).cloned();
            prop_assert!(verifies(root, key, value.clone(), &proof));
            prop_assert!(!verifies(root, key, Some(vec![0xaa; 41]), &proof));
            prop_assert!(value.is_none() || !verifies(root, key, None, &proof));
            prop_assert_eq!(get(&store, None, root, key).unwrap(), value);
        }
    }
}

#[test]
fn proof_in_the_empty_trie_is_empty() {
    let (store, root) = build(None, &Entries::new());
    assert_eq!(root, EMPTY_ROOT);
    let proof = prove(&store, None, root, H256::zero()).unwrap();
    assert!(proof.is_empty() && verifies(root, H256::zero(), None, &proof));
}

#[test]
fn inline_nodes_are_part_of_their_parent_element() {
    // given: a root extension of 63 nibbles, and a branch of two inline leaves below it
    let entries: Entries = [0u8, 1].map(|n| (H256::from_low_u64_be(n.into()), vec![n + 1])).into();
    let (store, root) = build(None, &entries);
    // then: the branch (5 short items) is inline as well, so the proof is the root alone
    for (key, value) in entries {
        let proof = prove(&store, None, root, key).unwrap();
        assert_eq!((proof.len(), store.0.len()), (1, 1));
        assert!(verifies(root, key, Some(value), &proof));
    }
    let absent = H256::from_low_u64_be(5);
    let proof = prove(&store, None, root, absent).unwrap();
    assert!(proof.len() == 1 && verifies(root, absent, None, &proof));
}
