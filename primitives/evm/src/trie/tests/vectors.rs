//! Vectors of ethereum/tests, `TrieTests`, the ones with hashed ("secure") keys.

use super::{assert_no_stale_nodes, MemoryStore};
use crate::trie::{update, EMPTY_ROOT};
use alloc::{format, vec::Vec};
use alloy_primitives::hex;
use sp_core::H256;

/// Strings with `0x` stand for bytes, others for themselves, as in the JSON.
fn bytes(text: &str) -> Vec<u8> {
    text.strip_prefix("0x").map_or_else(|| text.into(), |digits| hex::decode(digits).unwrap())
}

/// Applies the pairs in one batch and one by one, and expects `root` both times.
fn check(name: &str, pairs: &[(&str, Option<&str>)], root: &str) {
    let change = |(key, value): &(&str, Option<&str>)| {
        (H256(sp_io::hashing::keccak_256(&bytes(key))), value.map(bytes))
    };
    let expected = H256::from_slice(&bytes(root));
    let mut store = MemoryStore::default();
    let batched = update(&mut store, None, EMPTY_ROOT, pairs.iter().map(change));
    assert_eq!(batched, Ok(expected), "{name}, batched");
    assert_no_stale_nodes(&store, None, expected);

    let mut store = MemoryStore::default();
    let one_by_one = pairs
        .iter()
        .map(change)
        .fold(EMPTY_ROOT, |root, change| update(&mut store, None, root, [change]).unwrap());
    assert_eq!(one_by_one, expected, "{name}, one by one");
    assert_no_stale_nodes(&store, None, expected);
}

#[test]
fn empty_root_is_the_hash_of_the_empty_string_in_rlp() {
    assert_eq!(EMPTY_ROOT.0, sp_io::hashing::keccak_256(&[0x80]));
    check("nothing", &[], "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
}

/// `trieanyorder_secureTrie.json`.
#[test]
fn any_order_vectors_hold() {
    check(
        "singleItem",
        &[("A", Some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))],
        "0xe9e2935138352776cad724d31c9fa5266a5c593bb97726dd2a908fe6d53284df",
    );
    check(
        "dogs",
        &[("doe", Some("reindeer")), ("dog", Some("puppy")), ("dogglesworth", Some("cat"))],
        "0xd4cd937e4a4368d7931a9cf51686b7e10abb3dce38a39000fd7902a092b64585",
    );
    check(
        "foo",
        &[("foo", Some("bar")), ("food", Some("bass"))],
        "0x1385f23a33021025d9e87cca5c66c00de06178807b96a9acc92b7d651ccde842",
    );
    check(
        "smallValues",
        &[("be", Some("e")), ("dog", Some("puppy")), ("bed", Some("d"))],
        "0x826a4f9f9054a3e980e54b20da992c24fa20467f1ca635115ef4917be66e746f",
    );
    check(
        "testy",
        &[("test", Some("test")), ("te", Some("testy"))],
        "0xaea54fb6c80499674248a462864c420c9d9f3b3d38c879c12425bade1ad76552",
    );
    check(
        "hex",
        &[("0x0045", Some("0x0123456789")), ("0x4500", Some("0x9876543210"))],
        "0xbc11c02c8ab456db0c4d2728b6a2a6210d06f26a2ace4f7d8bdfc72ddf2630ab",
    );
}

/// `trietest_secureTrie.json`.
#[test]
fn vectors_with_deletions_hold() {
    check(
        "emptyValues",
        &[
            ("do", Some("verb")),
            ("expanse", Some("wookiedoo")),
            ("horse", Some("stallion")),
            ("shaman", Some("horse")),
            ("doge", Some("coin")),
            ("expanse", None),
            ("dog", Some("puppy")),
            ("shaman", None),
        ],
        "0x29b235a58c3c25ab83010c327d5932bcf05324b7d6b1185e650798034783ca9d",
    );
    let [a, b, c, d, e, f, g, h, i] = [
        "0x0000000000000000000000000000000000000000000000000000000000000045",
        "0x0000000000000000000000000000000000000000000000000000000000000046",
        "0x0000000000000000000000000000000000000000000000000000001234567890",
        "0x000000000000000000000000697c7b8c961b56f675d570498424ac8de1a918f6",
        "0x0000000000000000000000007ef9e639e2733cb34e4dfc576d4b23f72db776b2",
        "0x000000000000000000000000ec4f34c97e43fbb2816cfd95e388353c7181dab1",
        "0x4655474156000000000000000000000000000000000000000000000000000000",
        "0x4e616d6552656700000000000000000000000000000000000000000000000000",
        "0x6f6f6f6820736f2067726561742c207265616c6c6c793f000000000000000000",
    ];
    check(
        "jeff",
        &[
            (a, Some("0x22b224a1420a802ab51d326e29fa98e34c4f24ea")),
            (b, Some("0x67706c2076330000000000000000000000000000000000000000000000000000")),
            (c, Some("0x697c7b8c961b56f675d570498424ac8de1a918f6")),
            (d, Some("0x1234567890")),
            (e, Some(g)),
            (f, Some(h)),
            (g, Some("0x7ef9e639e2733cb34e4dfc576d4b23f72db776b2")),
            (h, Some("0xec4f34c97e43fbb2816cfd95e388353c7181dab1")),
            (c, None),
            (d, Some(i)),
            (i, Some("0x697c7b8c961b56f675d570498424ac8de1a918f6")),
        ],
        "0x72adb52e9d9428f808e3e8045be18d3baa77881d0cfab89a17a2bcbacee2f320",
    );
}

/// `hex_encoded_securetrie_test.json`: accounts.
#[test]
fn account_vectors_hold() {
    const NO_STORAGE: &str = "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421";
    const NO_CODE: &str = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
    let account = |head: &str, storage, code| format!("0x{head}a0{storage}a0{code}");
    let [a, b, c, d, e, f] = [
        "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b",
        "0x095e7baea6a6c7c4c2dfeb977efac326af552d87",
        "0xd2571607e241ecf590ed94b12d87c94babe36db6",
        "0x62c01474f089b07dae603491675dc5b5748f7049",
        "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba",
        "0x0000000000000000000000000000000000000001",
    ];
    let code = "04bccc5d94f4d1f99aab44369a910179931772f2a5c001c3229f57831c102769";
    let storage = "ba4b47865c55a341a4a78759bb913cd15c3ee8eaf30a62fa8d1c8863113d84e8";
    check(
        "test1",
        &[
            (a, Some(&account("f848018405f446a7", NO_STORAGE, NO_CODE))),
            (b, Some(&account("f8440101", NO_STORAGE, code))),
            (c, Some(&account("f8440180", storage, NO_CODE))),
            (d, Some(&account("f8448080", NO_STORAGE, NO_CODE))),
            (e, Some(&account("f8478083019a59", NO_STORAGE, NO_CODE))),
        ],
        "0x730a444e08ab4b8dee147c9b232fc52d34a223d600031c1e9d25bfc985cbd797",
    );
    let code = "501653f02840675b1aab0328c6634762af5d51764e78f9641cccd9b27b90db4f";
    check(
        "test2",
        &[
            (a, Some(&account("f84c01880de0b6b3a7622746", NO_STORAGE, NO_CODE))),
            (b, Some(&account("f84780830186b7", NO_STORAGE, code))),
            (e, Some(&account("f8468082521a", NO_STORAGE, NO_CODE))),
        ],
        "0xa7c787bf470808896308c215e22c7a580a0087bb6db6e8695fb4759537283a83",
    );
    let storage = "65fee2fffd7a68488cf7ef79f35f7979133172ac5727b5e0cf322953d13de492";
    let code = "6e5d8fec8b6b9bf41c3fb9b61696d5c87b66f6daa98d5f02ba9361b0c6916467";
    check(
        "test3",
        &[
            (a, Some(&account("f84c01880de0b6b3a7614bc3", NO_STORAGE, NO_CODE))),
            (b, Some(&account("f84880840132b3a0", storage, code))),
            (f, Some(&account("f8448080", NO_STORAGE, NO_CODE))),
            (e, Some(&account("f8478083012d9d", NO_STORAGE, NO_CODE))),
        ],
        "0x40b37be88a49e2c08b8d33fcb03a0676ffd0481df54dfebd3512b8ec54f40cad",
    );
}
