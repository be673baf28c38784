//! Pages of nodes, as a chain stores them: a leaf lies on the page of the branch above it.
//!
//! What changes a value changes its leaf and the branch above. On one page they are one entry of the database to
//! read and to write, not two. A page is at the path of its node and holds, if that is a branch, those of its
//! leaves that are not inline. Only the leaf of a trie that has no other node is a page itself.

use super::{node::is_leaf, NodeStore, TrieError, MAX_NODE_BYTES};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode, MaxEncodedLen};
use core::{
    cell::{RefCell, RefMut},
    mem,
};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, H256};

/// Longest encoded leaf below a branch, in bytes: 63 nibbles in 33, a value of
/// [`MAX_VALUE_BYTES`](super::MAX_VALUE_BYTES) in 130, and the header of the list.
pub const MAX_LEAF_BYTES: usize = 165;

type Leaf = BoundedVec<u8, ConstU32<{ MAX_LEAF_BYTES as u32 }>>;

/// A node and the leaves right below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Page {
    /// RLP of the node.
    node: BoundedVec<u8, ConstU32<{ MAX_NODE_BYTES as u32 }>>,
    /// RLP of the leaves, by nibble.
    leaves: BoundedVec<(u8, Leaf), ConstU32<16>>,
}

impl Page {
    fn node(&self) -> Option<Vec<u8>> {
        (!self.node.is_empty()).then(|| self.node.to_vec())
    }

    fn leaf(&self, nibble: u8) -> Option<Vec<u8>> {
        let leaf = self.leaves.iter().find(|(at, _)| *at == nibble);
        leaf.map(|(_, leaf)| leaf.to_vec())
    }

    // `update` bounds the values, and so the nodes: nothing is cut here or in `set_own`.
    fn set_leaf(&mut self, nibble: u8, leaf: Vec<u8>) {
        self.remove_leaf(nibble);
        let mut leaves = mem::take(&mut self.leaves).into_inner();
        let index = leaves.partition_point(|(at, _)| *at < nibble);
        leaves.insert(index, (nibble, BoundedVec::truncate_from(leaf)));
        self.leaves = BoundedVec::truncate_from(leaves);
    }

    /// Tells whether there was one.
    fn remove_leaf(&mut self, nibble: u8) -> bool {
        let before = self.leaves.len();
        self.leaves.retain(|(at, _)| *at != nibble);
        self.leaves.len() < before
    }

    fn is_empty(&self) -> bool {
        self.node.is_empty() && self.leaves.is_empty()
    }
}

/// Pages by position; `owner` and `path` are those of [`NodeStore`].
pub trait PageStore {
    /// The page at `path`, if there is one.
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Page>;
    /// Puts `page` at `path`, over any other.
    fn set(&mut self, owner: Option<H256>, path: &[u8], page: Page);
    /// Removes the page at `path`.
    fn remove(&mut self, owner: Option<H256>, path: &[u8]);
}

/// The node at `path`, if there is one, out of the pages that `read` gives.
///
/// # Errors
/// Those of `read`.
pub fn find<E>(
    path: &[u8],
    read: impl Fn(&[u8]) -> Result<Option<Page>, E>,
) -> Result<Option<Vec<u8>>, E> {
    if let Some((nibble, above)) = path.split_last() {
        if let Some(leaf) = read(above)?.and_then(|page| page.leaf(*nibble)) {
            return Ok(Some(leaf));
        }
    }
    Ok(read(path)?.and_then(|page| page.node()))
}

/// As [`update`](super::update), on pages; each that changes is written once.
///
/// # Errors
/// As [`update`](super::update).
pub fn update<S: PageStore + ?Sized>(
    store: &mut S,
    owner: Option<H256>,
    root: H256,
    changes: impl IntoIterator<Item = (H256, Option<Vec<u8>>)>,
) -> Result<H256, TrieError> {
    let mut nodes = Nodes { store, open: RefCell::default() };
    let root = super::update(&mut nodes, owner, root, changes)?;
    let open: Vec<_> = nodes.open.get_mut().keys().cloned().collect();
    open.iter().for_each(|path| nodes.close(owner, path));
    Ok(root)
}

/// The nodes of one trie during an update. It goes down and comes back, and sets a branch after the leaves below it:
/// so a page is open from then when it is read until its own node is set.
struct Nodes<'a, S: ?Sized> {
    store: &'a mut S,
    open: RefCell<BTreeMap<Vec<u8>, Open>>,
}

struct Open {
    page: Page,
    stored: bool,
    changed: bool,
}

impl<S: PageStore + ?Sized> Nodes<'_, S> {
    fn open(&self, owner: Option<H256>, path: &[u8]) -> RefMut<'_, Open> {
        RefMut::map(self.open.borrow_mut(), |open| {
            open.entry(path.to_vec()).or_insert_with(|| {
                let page = self.store.get(owner, path);
                Open { stored: page.is_some(), page: page.unwrap_or_default(), changed: false }
            })
        })
    }

    fn close(&mut self, owner: Option<H256>, path: &[u8]) {
        match self.open.get_mut().remove(path) {
            Some(Open { page, changed: true, .. }) if !page.is_empty() => {
                self.store.set(owner, path, page);
            }
            Some(Open { stored: true, changed: true, .. }) => self.store.remove(owner, path),
            _ => {}
        }
    }

    /// Sets the node of the page itself, which closes the page.
    fn set_own(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        let mut open = self.open(owner, path);
        open.changed |= open.page.node[..] != node[..];
        open.page.node = BoundedVec::truncate_from(node);
        drop(open);
        self.close(owner, path);
    }
}

impl<S: PageStore + ?Sized> NodeStore for Nodes<'_, S> {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        let above = path.split_last();
        let leaf = above.and_then(|(nibble, above)| self.open(owner, above).page.leaf(*nibble));
        leaf.or_else(|| self.open(owner, path).page.node())
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        match path.split_last() {
            Some((nibble, above)) if is_leaf(&node) => {
                let mut open = self.open(owner, above);
                open.page.set_leaf(*nibble, node);
                open.changed = true;
                drop(open);
                // If a branch was here and shrank to this leaf, the update has read its page.
                if self.open.get_mut().contains_key(path) {
                    self.set_own(owner, path, Vec::new());
                }
            }
            above => {
                // If a leaf was here and grew to this branch, the update has read the page above.
                if let Some((nibble, above)) = above {
                    if let Some(open) = self.open.get_mut().get_mut(above) {
                        open.changed |= open.page.remove_leaf(*nibble);
                    }
                }
                self.set_own(owner, path, node);
            }
        }
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        if let Some((nibble, above)) = path.split_last() {
            let mut open = self.open(owner, above);
            if open.page.remove_leaf(*nibble) {
                open.changed = true;
                return;
            }
        }
        self.set_own(owner, path, Vec::new());
    }
}
