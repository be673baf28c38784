//! Lookups and Merkle proofs.

use super::{
    nibbles::Nibbles,
    node::{fetch_checked, invalid, Link, Node},
    NodeStore, TrieError, EMPTY_ROOT,
};
use alloc::vec::Vec;
use sp_core::H256;

/// The value of `key` in the trie with this `root`.
///
/// # Errors
/// As [`prove`].
pub fn get<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    root: H256,
    key: H256,
) -> Result<Option<Vec<u8>>, TrieError> {
    walk(store, owner, root, key, |_| ())
}

/// The nodes on the way to `key`, root first, as `eth_getProof` (EIP-1186) lists them.
///
/// They prove the value of a present key and the absence of any other. Inline nodes are not listed,
/// as their parents contain them; the empty trie has an empty proof.
///
/// # Errors
/// When a node is missing, malformed, or has not the hash its parent says.
pub fn prove<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    root: H256,
    key: H256,
) -> Result<Vec<Vec<u8>>, TrieError> {
    let mut nodes = Vec::new();
    walk(store, owner, root, key, |node| nodes.push(node))?;
    Ok(nodes)
}

/// Follows `key` down from `root`, hands each stored node to `visit`, returns the value.
fn walk<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    root: H256,
    key: H256,
    mut visit: impl FnMut(Vec<u8>),
) -> Result<Option<Vec<u8>>, TrieError> {
    let key = Nibbles::from_key(&key);
    let mut path = Nibbles::EMPTY;
    let mut link = if root == EMPTY_ROOT { Link::Empty } else { Link::Hash(root) };
    loop {
        let node = match &link {
            Link::Empty => return Ok(None),
            Link::Inline(node) => Node::decode(node.as_slice(), path.len()),
            Link::Hash(hash) => {
                let bytes = fetch_checked(store, owner, &path, *hash)?;
                let node = Node::decode(&bytes, path.len());
                visit(bytes);
                node
            }
        };
        let rest = key.tail(path.len());
        let step = match node.ok_or_else(|| invalid(&path))? {
            Node::Leaf { key, value } => return Ok((key.as_slice() == rest).then_some(value)),
            Node::Extension { key, .. } if !rest.starts_with(key.as_slice()) => return Ok(None),
            Node::Extension { key, child } => {
                link = child;
                key.len()
            }
            Node::Branch(children) => {
                let nibble = rest.first().copied().map(usize::from);
                link = *nibble.and_then(|n| children.get(n)).ok_or_else(|| invalid(&path))?;
                1
            }
        };
        path = key.head(path.len().saturating_add(step));
    }
}
