//! Keys of trie nodes.

use crate::TrieKey;
use codec::{Decode, Encode, MaxEncodedLen};
use proptest::prelude::*;
use sp_core::H256;

#[test]
fn key_is_owner_and_one_byte_per_nibble() {
    assert_eq!(TrieKey::new(None, &[]).encode(), [0]);
    assert_eq!(TrieKey::new(None, &[1, 15, 0]).encode(), [0, 0x10, 0xf0, 0]);
    let owner = H256::repeat_byte(7);
    let expected = [&[1][..], owner.as_bytes(), &[0x20]].concat();
    assert_eq!(TrieKey::new(Some(owner), &[2]).encode(), expected);
}

#[test]
fn malformed_keys_are_refused() {
    let long = [&[0][..], &[0; 65]].concat();
    for bytes in [&[][..], &[2], &[1, 7, 7], &[0, 0x11], &long] {
        assert!(TrieKey::decode(&mut &bytes[..]).is_err(), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn prop_keys_round_trip(
        owner: Option<[u8; 32]>,
        nibbles in prop::collection::vec(0u8..16, 0..=64),
    ) {
        let key = TrieKey::new(owner.map(H256), &nibbles);
        let bytes = key.encode();
        prop_assert!(bytes.len() <= TrieKey::max_encoded_len());
        let decoded = TrieKey::decode(&mut &bytes[..]).unwrap();
        prop_assert_eq!(decoded.owner(), owner.map(H256));
        prop_assert_eq!(decoded.nibbles(), nibbles);
    }

    #[test]
    fn prop_any_bytes_decode_to_their_own_key_or_fail(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        if let Ok(key) = TrieKey::decode(&mut &bytes[..]) {
            prop_assert_eq!(key.encode(), bytes);
        }
    }
}
