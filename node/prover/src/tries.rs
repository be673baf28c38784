//! Builds the decoder's partial tries from a bag of RLP nodes.

use std::collections::HashMap;

use anyhow::{bail, ensure, Context, Result};
use ethereum_types::H256;
use keccak_hash::keccak;
use mpt_trie::{
    nibbles::Nibbles,
    partial_trie::{HashedPartialTrie, Node, WrappedNode},
};
use rlp::{Prototype, Rlp};

/// Root of the empty trie.
const EMPTY_ROOT: H256 = keccak_hash::KECCAK_NULL_RLP;

/// Deepest path, in nodes: 64 nibbles and the leaf.
const MAX_DEPTH: usize = 65;

/// Trie nodes by their hash.
pub struct NodeBag(HashMap<H256, Vec<u8>>);

impl NodeBag {
    /// Indexes `nodes` by keccak.
    pub fn new(nodes: impl IntoIterator<Item = Vec<u8>>) -> Self {
        Self(nodes.into_iter().map(|node| (keccak(&node), node)).collect())
    }

    /// The trie below `root`; subtries whose nodes are not in the bag stay hashes.
    ///
    /// # Errors
    /// When a node is not a trie node.
    pub fn trie(&self, root: H256) -> Result<HashedPartialTrie> {
        if root == EMPTY_ROOT {
            return Ok(HashedPartialTrie::from(Node::Empty));
        }
        Ok(HashedPartialTrie::from(self.hashed(root, 0)?))
    }

    fn hashed(&self, hash: H256, depth: usize) -> Result<Node<HashedPartialTrie>> {
        match self.0.get(&hash) {
            Some(bytes) => self.node(&Rlp::new(bytes), depth),
            None => Ok(Node::Hash(hash)),
        }
    }

    /// A child: a hash of 32 bytes, a node in place, or nothing.
    fn child(&self, rlp: &Rlp<'_>, depth: usize) -> Result<WrappedNode<HashedPartialTrie>> {
        Ok(match rlp.prototype()? {
            Prototype::Data(0) => Node::Empty,
            Prototype::Data(32) => self.hashed(rlp.as_val()?, depth)?,
            Prototype::List(_) => self.node(rlp, depth)?,
            other => bail!("a trie node has a child of shape {other:?}"),
        }
        .into())
    }

    fn node(&self, rlp: &Rlp<'_>, depth: usize) -> Result<Node<HashedPartialTrie>> {
        ensure!(depth < MAX_DEPTH, "the trie is deeper than {MAX_DEPTH} nodes");
        match rlp.item_count()? {
            17 => {
                let mut children: [WrappedNode<HashedPartialTrie>; 16] = Default::default();
                for (index, child) in children.iter_mut().enumerate() {
                    *child = self.child(&rlp.at(index)?, depth + 1)?;
                }
                Ok(Node::Branch { children, value: rlp.val_at(16)? })
            }
            2 => {
                let (nibbles, leaf) = hex_prefix(rlp.at(0)?.data()?)?;
                Ok(if leaf {
                    Node::Leaf { nibbles, value: rlp.val_at(1)? }
                } else {
                    Node::Extension { nibbles, child: self.child(&rlp.at(1)?, depth + 1)? }
                })
            }
            count => bail!("a trie node has {count} items"),
        }
    }
}

/// Decodes a hex-prefix path; the flag tells whether it ends at a leaf.
fn hex_prefix(bytes: &[u8]) -> Result<(Nibbles, bool)> {
    let first = *bytes.first().context("a trie path is empty")?;
    ensure!(bytes.len() <= 33, "a trie path has {} bytes", bytes.len());
    let mut nibbles = Nibbles::default();
    if first & 0x10 != 0 {
        nibbles.push_nibble_back(first & 0x0f);
    }
    for byte in bytes.iter().skip(1) {
        nibbles.push_nibble_back(byte >> 4);
        nibbles.push_nibble_back(byte & 0x0f);
    }
    Ok((nibbles, first & 0x20 != 0))
}
