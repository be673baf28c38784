//! The part of a trie that a batch of transactions needs; the rest becomes hashes.

use std::collections::BTreeSet;

use ethereum_types::H256;
use mpt_trie::partial_trie::{HashedPartialTrie, Node, PartialTrie, WrappedNode};

type Trie = Node<HashedPartialTrie>;

/// A node whose encoding is shorter stands in its parent, and has no hash there. With keys that are hashes only leaves do.
const HASH_BYTES: usize = 32;

/// The keys of a trie that a batch needs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Keys {
    /// Those that it looks for or writes.
    pub touched: BTreeSet<H256>,
    /// Those of them that it deletes before it inserts any other.
    pub deleted: BTreeSet<H256>,
}

/// The nodes of `trie` on the ways to the touched keys, and what stays alone where the deleted ones were: a branch
/// with a single child merges with it, so that child has to be known. All other nodes become hashes.
pub fn subset(trie: &HashedPartialTrie, keys: &Keys) -> HashedPartialTrie {
    let touched: Vec<_> = keys.touched.iter().map(nibbles).collect();
    let deleted = keys.deleted.iter().map(nibbles).collect();
    HashedPartialTrie::new(match touched.as_slice() {
        [] => closed(trie),
        touched => cut(trie, 0, touched, &deleted).0,
    })
}

fn nibbles(key: &H256) -> Vec<u8> {
    key.as_bytes().iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect()
}

/// What of `node`, which lies `depth` nibbles below the root, the `touched` keys need, all of which lead to it; and
/// whether nothing of it stays when the `deleted` ones are gone.
fn cut(
    node: &Trie,
    depth: usize,
    touched: &[Vec<u8>],
    deleted: &BTreeSet<Vec<u8>>,
) -> (Trie, bool) {
    match node {
        Node::Empty | Node::Hash(_) => (node.clone(), false),
        Node::Leaf { nibbles, .. } => {
            let rest = path(nibbles);
            let gone = touched.iter().any(|key| key[depth..] == rest && deleted.contains(key));
            (node.clone(), gone)
        }
        Node::Extension { nibbles, child } => {
            let below = path(nibbles);
            let on: Vec<_> =
                touched.iter().filter(|key| key[depth..].starts_with(&below)).cloned().collect();
            let (child, gone) = match on.as_slice() {
                [] => (closed(child), false),
                on => cut(child, depth + below.len(), on, deleted),
            };
            (Node::Extension { nibbles: *nibbles, child: child.into() }, gone)
        }
        Node::Branch { children, value } => {
            let mut kept: [WrappedNode<HashedPartialTrie>; 16] = Default::default();
            let (mut staying, mut any_gone) = (Vec::new(), false);
            for (index, child) in children.iter().enumerate() {
                let on: Vec<_> = touched
                    .iter()
                    .filter(|key| usize::from(key[depth]) == index)
                    .cloned()
                    .collect();
                let (part, gone) = match on.as_slice() {
                    [] => (closed(child), false),
                    on => cut(child, depth + 1, on, deleted),
                };
                any_gone |= gone;
                if !gone && !matches!(part, Node::Empty) {
                    staying.push((index, on.is_empty()));
                }
                kept[index] = part.into();
            }
            if let ([(index, true)], true) = (staying.as_slice(), any_gone) {
                kept[*index] = opened(&children[*index]).into();
            }
            let gone = any_gone && staying.is_empty();
            (Node::Branch { children: kept, value: value.clone() }, gone)
        }
    }
}

/// A node of which nothing but the hash is known.
fn closed(node: &HashedPartialTrie) -> Trie {
    match &**node {
        Node::Empty | Node::Hash(_) => (**node).clone(),
        // Two headers or more, half the nibbles, the value.
        Node::Leaf { nibbles, value } if 2 + nibbles.count / 2 + value.len() < HASH_BYTES => {
            (**node).clone()
        }
        _ => Node::Hash(node.hash()),
    }
}

/// A node whose children are closed.
fn opened(node: &HashedPartialTrie) -> Trie {
    match &**node {
        Node::Extension { nibbles, child } => {
            Node::Extension { nibbles: *nibbles, child: closed(child).into() }
        }
        Node::Branch { children, value } => {
            let closed = |index: usize| closed(&children[index]).into();
            Node::Branch { children: std::array::from_fn(closed), value: value.clone() }
        }
        other => other.clone(),
    }
}

fn path(nibbles: &mpt_trie::nibbles::Nibbles) -> Vec<u8> {
    (0..nibbles.count).map(|index| nibbles.get_nibble(index)).collect()
}

#[cfg(test)]
mod tests {
    use keccak_hash::keccak;
    use mpt_trie::nibbles::Nibbles;

    use super::*;

    /// Keys of which some share up to 24 nibbles, so that tries are deep and narrow too, and leaves short enough to
    /// stand in their parents. No branch does: keys would have to share 54.
    fn key(number: u64) -> H256 {
        let mut key = keccak((number >> number.trailing_zeros().min(8)).to_be_bytes());
        let shared = 1 + number as usize % 12;
        key.as_bytes_mut()[shared..].copy_from_slice(&keccak(number.to_be_bytes())[shared..]);
        key
    }

    fn path_of(key: &H256) -> Nibbles {
        Nibbles::from_bytes_be(key.as_bytes()).unwrap()
    }

    /// A generator (splitmix64).
    fn next(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Deletes, then inserts, as the kernel does.
    fn change(trie: &mut HashedPartialTrie, keys: &Keys) -> H256 {
        for key in &keys.deleted {
            // Of a key that is not there the kernel knows that, and deletes nothing.
            if trie.get(path_of(key)).is_some() {
                trie.delete(path_of(key)).unwrap();
            }
        }
        for (number, key) in keys.touched.iter().enumerate() {
            if number % 3 > 0 {
                trie.insert(path_of(key), vec![number as u8 + 1; number % 40 + 1]).unwrap();
            }
        }
        trie.hash()
    }

    #[test]
    fn prop_subset_has_the_same_root_before_and_after_its_changes() {
        let mut seed = 5;
        let mut smaller = 0;
        for _ in 0..2_000 {
            let size = next(&mut seed) % 60;
            let mut trie = HashedPartialTrie::new(Node::Empty);
            for _ in 0..size {
                let number = next(&mut seed) % 80;
                trie.insert(path_of(&key(number)), vec![1; (number % 37 + 1) as usize]).unwrap();
            }
            let mut keys = Keys::default();
            for _ in 0..next(&mut seed) % 12 {
                let key = key(next(&mut seed) % 90);
                keys.touched.insert(key);
                if next(&mut seed) % 2 == 0 {
                    keys.deleted.insert(key);
                }
            }
            let mut part = subset(&trie, &keys);
            assert_eq!(part.hash(), trie.hash());
            smaller += usize::from(part.items().count() < trie.items().count());
            // An error here is a node that was closed and is needed.
            assert_eq!(change(&mut part, &keys), change(&mut trie, &keys));
        }
        assert!(smaller > 1_000, "{smaller}");
    }

    #[test]
    fn untouched_trie_is_a_hash() {
        let mut trie = HashedPartialTrie::new(Node::Empty);
        assert_eq!(*subset(&trie, &Keys::default()), Node::Empty);
        trie.insert(path_of(&key(1)), vec![1]).unwrap();
        assert_eq!(*subset(&trie, &Keys::default()), Node::Hash(trie.hash()));
    }
}
