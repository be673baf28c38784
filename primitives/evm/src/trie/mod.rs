//! The Ethereum state trie: a Merkle Patricia trie whose nodes lie in a [`NodeStore`] in place.
//!
//! Nodes are kept by position (owner, nibble path), not by hash, so an update overwrites what it
//! replaces and the store holds exactly the nodes of one version: the root's node and each node
//! of at least 32 bytes. Smaller nodes are inline in their parent, as in Ethereum. A database keeps them on
//! [`pages`].
//!
//! All keys are hashes (32 bytes), so branches never carry values; a node that says otherwise is
//! refused. What comes from a store is untrusted in shape: it can yield an error, never a panic.

mod nibbles;
mod node;
mod ordered;
pub mod pages;
mod read;
mod update;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use sp_core::H256;

pub use ordered::ordered_root;
pub use read::{get, prove};
pub use update::update;

/// Root of the trie without entries: the hash of the RLP empty string.
pub const EMPTY_ROOT: H256 = H256(alloy_trie::EMPTY_ROOT_HASH.0);

/// Longest value, in bytes; an account takes at most 110.
pub const MAX_VALUE_BYTES: usize = 128;

/// Longest encoded node, in bytes: a branch with sixteen hashed children.
pub const MAX_NODE_BYTES: usize = 532;

/// Longest path of a node, in nibbles.
pub const MAX_PATH_NIBBLES: usize = 64;

/// Encoded nodes by position.
///
/// `owner` is the hashed address whose storage trie it is, `None` for the account trie; `path` has
/// one nibble per byte and is empty for the root.
pub trait NodeStore {
    /// The node at `path`, if there is one.
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>>;
    /// Puts `node` (at most [`MAX_NODE_BYTES`]) at `path`, over any other.
    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>);
    /// Removes the node at `path`, if there is one.
    fn remove(&mut self, owner: Option<H256>, path: &[u8]);
}

/// Why a trie could not be read or updated. Paths have one nibble per byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrieError {
    /// The store lacks a node that its parent, or the given root, names.
    MissingNode(Vec<u8>),
    /// The node is not the encoding of a trie node, or cannot stand at this depth.
    InvalidNode(Vec<u8>),
    /// The node has another hash than its parent, or the given root, says.
    WrongHash(Vec<u8>),
    /// A value to insert is empty; deletion is asked for by `None`.
    EmptyValue(H256),
    /// A value to insert is longer than [`MAX_VALUE_BYTES`].
    LongValue(H256),
}

impl core::fmt::Display for TrieError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::MissingNode(path) => write!(f, "trie node at path {path:x?} is missing"),
            Self::InvalidNode(path) => write!(f, "trie node at path {path:x?} is malformed"),
            Self::WrongHash(path) => write!(f, "trie node at path {path:x?} has the wrong hash"),
            Self::EmptyValue(key) => write!(f, "value of {key:?} is empty; use None to delete"),
            Self::LongValue(key) => {
                write!(f, "value of {key:?} is longer than {MAX_VALUE_BYTES} bytes")
            }
        }
    }
}

impl core::error::Error for TrieError {}

fn keccak(bytes: &[u8]) -> H256 {
    H256(sp_io::hashing::keccak_256(bytes))
}
