//! The root of a list's trie, each item under the RLP of its index (yellow paper, 4.3.2: transactions and receipts).
//!
//! alloy's builder hashes in wasm; here the host does, as everywhere on chain.

use super::{
    keccak,
    nibbles::{common_prefix, Nibbles},
    node::{Inline, Link, Node},
    EMPTY_ROOT,
};
use alloc::{boxed::Box, vec::Vec};
use alloy_rlp::Encodable;
use sp_core::H256;

/// The first index whose RLP has two bytes. Those before it come in their order, but for 0, which is 0x80.
const LONG: usize = 0x80;

/// Longest key, in bytes.
const MAX_KEY_BYTES: usize = 9;

/// Root of the trie of `items`, in the order of the list.
pub fn ordered_root(items: &[impl AsRef<[u8]>]) -> H256 {
    let indices = (1..items.len().min(LONG)).chain(0..1).chain(LONG..items.len());
    let entry = |index: usize| Some((key(index)?, items.get(index)?.as_ref()));
    let entries: Vec<_> = indices.filter_map(entry).collect();
    subtree(&entries, 0).map_or(EMPTY_ROOT, |root| keccak(&root.encode()))
}

fn key(index: usize) -> Option<Nibbles> {
    let mut bytes = [0; MAX_KEY_BYTES];
    index.encode(&mut &mut bytes[..]);
    bytes
        .get(..index.length())?
        .iter()
        .try_fold(Nibbles::EMPTY, |key, byte| key.join(&[byte >> 4, byte & 0x0f]))
}

/// The node over `entries`, whose keys are sorted and agree in their first `depth` nibbles. No key is the beginning of
/// another one, so branches have no values.
fn subtree(entries: &[(Nibbles, &[u8])], depth: usize) -> Option<Node> {
    let (first, last) = (entries.first()?, entries.last()?);
    if entries.len() == 1 {
        let key = Nibbles::from_slice(first.0.tail(depth))?;
        return Some(Node::Leaf { key, value: first.1.to_vec() });
    }
    let fork = common_prefix(first.0.as_slice(), last.0.as_slice());
    let mut children = Box::new([Link::Empty; 16]);
    for group in entries.chunk_by(|a, b| a.0.at(fork) == b.0.at(fork)) {
        let nibble = group.first()?.0.at(fork)?;
        *children.get_mut(usize::from(nibble))? = link(&subtree(group, fork.saturating_add(1))?);
    }
    let branch = Node::Branch(children);
    if fork == depth {
        return Some(branch);
    }
    let key = Nibbles::from_slice(first.0.head(fork).tail(depth))?;
    Some(Node::Extension { key, child: link(&branch) })
}

fn link(node: &Node) -> Link {
    let bytes = node.encode();
    Inline::new(&bytes).map_or_else(|| Link::Hash(keccak(&bytes)), Link::Inline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloy_consensus::proofs::ordered_trie_root_encoded;
    use proptest::prelude::*;

    fn check(items: &[Vec<u8>]) {
        assert_eq!(ordered_root(items).0, ordered_trie_root_encoded(items).0, "{}", items.len());
    }

    #[test]
    fn lists_of_every_length_have_the_root_that_alloy_finds() {
        // Beyond 256 keys have three bytes.
        for length in 0..=600 {
            let items: Vec<_> = (0..length).map(|index: usize| vec![index as u8; 40]).collect();
            check(&items);
        }
    }

    proptest! {
        #[test]
        fn prop_items_of_any_length_have_the_root_that_alloy_finds(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..300),
        ) {
            check(&items);
        }
    }
}
