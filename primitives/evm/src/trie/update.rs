//! Batched update: sorted changes go down the trie together, so each node on their ways is read,
//! encoded and hashed once however many changes pass through it.

use super::{
    keccak,
    nibbles::{common_prefix, Nibbles},
    node::{fetch_checked, invalid, load, Inline, Link, Node, MIN_HASHED_BYTES},
    NodeStore, TrieError, EMPTY_ROOT, MAX_VALUE_BYTES,
};
use alloc::{boxed::Box, vec::Vec};
use core::mem;
use sp_core::H256;

/// Applies `changes` (hashed key to RLP value, `None` deletes) to the trie with this `root` and
/// returns the new root. Of several changes to one key the last counts.
///
/// The root's node is checked against `root`, so a stale root is refused; hashes further down are
/// not, since the store under it is authenticated by Substrate's own state root.
///
/// # Errors
/// When a node on the way is missing or malformed, or a value is empty or too long. The store may
/// then hold a part of the changes: the caller discards it.
pub fn update<S: NodeStore + ?Sized>(
    store: &mut S,
    owner: Option<H256>,
    root: H256,
    changes: impl IntoIterator<Item = (H256, Option<Vec<u8>>)>,
) -> Result<H256, TrieError> {
    let changes = sorted(changes)?;
    let path = Nibbles::EMPTY;
    let mut slot = if root == EMPTY_ROOT {
        Slot::EMPTY
    } else {
        let bytes = fetch_checked(store, owner, &path, root)?;
        Slot::Node(Node::decode(&bytes, 0).ok_or_else(|| invalid(&path))?, true)
    };
    if !(Update { store: &mut *store, owner }).apply(&path, &mut slot, &changes)? {
        return Ok(root);
    }
    let Slot::Node(node, _) = slot else { return Ok(EMPTY_ROOT) };
    let bytes = node.encode();
    let root = keccak(&bytes);
    store.set(owner, path.as_slice(), bytes);
    Ok(root)
}

struct Change {
    key: Nibbles,
    value: Option<Vec<u8>>,
}

fn sorted(
    changes: impl IntoIterator<Item = (H256, Option<Vec<u8>>)>,
) -> Result<Vec<Change>, TrieError> {
    let change = |(key, value): (H256, Option<Vec<u8>>)| match value.as_ref().map_or(1, Vec::len) {
        0 => Err(TrieError::EmptyValue(key)),
        1..=MAX_VALUE_BYTES => Ok(Change { key: Nibbles::from_key(&key), value }),
        _ => Err(TrieError::LongValue(key)),
    };
    let mut changes = changes.into_iter().map(change).collect::<Result<Vec<_>, _>>()?;
    changes.sort_by(|a, b| a.key.as_slice().cmp(b.key.as_slice()));
    changes.dedup_by(|later, kept| {
        let same = later.key.as_slice() == kept.key.as_slice();
        if same {
            mem::swap(later, kept);
        }
        same
    });
    Ok(changes)
}

/// A subtree while it is updated.
enum Slot {
    /// As its parent has it.
    Link(Link),
    /// Open, its own children closed. The flag says whether the store has a node at its path.
    Node(Node, bool),
}

impl Slot {
    const EMPTY: Self = Self::Link(Link::Empty);

    fn is_empty(&self) -> bool {
        matches!(self, Self::Link(Link::Empty))
    }
}

struct Update<'a, S: ?Sized> {
    store: &'a mut S,
    owner: Option<H256>,
}

/// A subtree after its changes, and whether they changed it.
type Changed = (Option<Node>, bool);

impl<S: NodeStore + ?Sized> Update<'_, S> {
    /// Applies `changes`, whose keys all start with `path`, to the subtree at `path`.
    fn apply(
        &mut self,
        path: &Nibbles,
        slot: &mut Slot,
        changes: &[Change],
    ) -> Result<bool, TrieError> {
        let (node, stored, link) = match mem::replace(slot, Slot::EMPTY) {
            Slot::Node(node, stored) => (Some(node), stored, None),
            Slot::Link(link) => {
                (load(self.store, self.owner, path, &link)?, link.is_stored(), Some(link))
            }
        };
        let (node, changed) = match node {
            None => self.grow(path, changes)?,
            Some(Node::Leaf { key, value }) => self.leaf(path, key, value, changes)?,
            Some(Node::Extension { key, child }) => self.extension(path, key, child, changes)?,
            Some(Node::Branch(links)) => {
                self.branch(path, Box::new(links.map(Slot::Link)), changes)?
            }
        };
        *slot = match (link, node) {
            (Some(link), _) if !changed => Slot::Link(link),
            (_, Some(node)) => Slot::Node(node, stored),
            (_, None) => {
                self.forget(path, stored);
                Slot::EMPTY
            }
        };
        Ok(changed)
    }

    /// Builds a subtree where there is none.
    fn grow(&mut self, path: &Nibbles, changes: &[Change]) -> Result<Changed, TrieError> {
        let changes = insertions(changes);
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            return Ok((None, false));
        };
        if let ([_], Some(value)) = (changes, &first.value) {
            let key = Nibbles::from_slice(first.key.tail(path.len()));
            let key = key.ok_or_else(|| invalid(path))?;
            return Ok((Some(Node::Leaf { key, value: value.clone() }), true));
        }
        let fork = first.key.head(common_prefix(first.key.as_slice(), last.key.as_slice()));
        Ok((self.fork(path, &fork, None, changes)?, true))
    }

    fn leaf(
        &mut self,
        path: &Nibbles,
        key: Nibbles,
        value: Vec<u8>,
        changes: &[Change],
    ) -> Result<Changed, TrieError> {
        let full = path.join(key.as_slice()).ok_or_else(|| invalid(path))?;
        let shared = |change: &Change| common_prefix(full.as_slice(), change.key.as_slice());
        let mut others =
            changes.iter().filter(|c| c.value.is_some() && shared(c) < full.len()).map(shared);
        let Some(first) = others.next() else {
            let own = changes.iter().find(|change| shared(change) == full.len());
            return Ok(match own.map(|change| &change.value) {
                Some(None) => (None, true),
                Some(Some(new)) if *new != value => {
                    (Some(Node::Leaf { key, value: new.clone() }), true)
                }
                _ => (Some(Node::Leaf { key, value }), false),
            });
        };
        let fork = full.head(others.fold(first, usize::min));
        let below = Nibbles::from_slice(full.tail(fork.len().saturating_add(1)));
        let leaf = Node::Leaf { key: below.ok_or_else(|| invalid(path))?, value };
        let old = full.at(fork.len()).map(|nibble| (nibble, Slot::Node(leaf, false)));
        Ok((self.fork(path, &fork, old, within(changes, &fork))?, true))
    }

    fn extension(
        &mut self,
        path: &Nibbles,
        key: Nibbles,
        child: Link,
        changes: &[Change],
    ) -> Result<Changed, TrieError> {
        let full = path.join(key.as_slice()).ok_or_else(|| invalid(path))?;
        let shared = |change: &Change| common_prefix(full.as_slice(), change.key.as_slice());
        let added = insertions(changes);
        let ends = added.first().into_iter().chain(added.last());
        let fork = full.head(ends.map(shared).fold(full.len(), usize::min));
        let changes = within(changes, &fork);
        if fork.len() == full.len() {
            let mut slot = Slot::Link(child);
            if changes.is_empty() || !self.apply(&full, &mut slot, changes)? {
                return Ok((Some(Node::Extension { key, child }), false));
            }
            return Ok((self.join(path, key.as_slice(), slot)?, true));
        }
        let below = full.tail(fork.len().saturating_add(1));
        let old = if below.is_empty() {
            Slot::Link(child)
        } else {
            let key = Nibbles::from_slice(below).ok_or_else(|| invalid(path))?;
            Slot::Node(Node::Extension { key, child }, false)
        };
        let old = full.at(fork.len()).map(|nibble| (nibble, old));
        Ok((self.fork(path, &fork, old, changes)?, true))
    }

    /// A new branch at `fork`, at or below `path`, out of `changes` and the `old` child.
    fn fork(
        &mut self,
        path: &Nibbles,
        fork: &Nibbles,
        old: Option<(u8, Slot)>,
        changes: &[Change],
    ) -> Result<Option<Node>, TrieError> {
        let mut children = Box::new([const { Slot::EMPTY }; 16]);
        if let Some((nibble, slot)) = old {
            *children.get_mut(usize::from(nibble)).ok_or_else(|| invalid(fork))? = slot;
        }
        match self.branch(fork, children, changes)? {
            (Some(node), _) => self.join(path, fork.tail(path.len()), Slot::Node(node, false)),
            (None, _) => Ok(None),
        }
    }

    fn branch(
        &mut self,
        path: &Nibbles,
        mut children: Box<[Slot; 16]>,
        changes: &[Change],
    ) -> Result<Changed, TrieError> {
        let mut changed = false;
        for group in changes.chunk_by(|a, b| a.key.at(path.len()) == b.key.at(path.len())) {
            let nibble = group.first().and_then(|change| change.key.at(path.len()));
            let nibble = nibble.ok_or_else(|| invalid(path))?;
            let slot = children.get_mut(usize::from(nibble)).ok_or_else(|| invalid(path))?;
            changed |= self.apply(&step(path, nibble)?, slot, group)?;
        }
        let mut occupied = (0u8..).zip(children.iter_mut()).filter(|(_, slot)| !slot.is_empty());
        let node = match (occupied.next(), occupied.next()) {
            (None, _) => None,
            (Some((nibble, only)), None) => {
                self.join(path, &[nibble], mem::replace(only, Slot::EMPTY))?
            }
            _ => {
                let mut links = Box::new([Link::Empty; 16]);
                for ((nibble, link), slot) in (0u8..).zip(links.iter_mut()).zip(*children) {
                    *link = match slot {
                        Slot::Link(link) => link,
                        Slot::Node(node, stored) => self.close(&step(path, nibble)?, &node, stored),
                    };
                }
                Some(Node::Branch(links))
            }
        };
        Ok((node, changed))
    }

    /// The subtree at `path` whose only part is `slot`, `key` further down.
    fn join(&mut self, path: &Nibbles, key: &[u8], slot: Slot) -> Result<Option<Node>, TrieError> {
        let at = path.join(key).ok_or_else(|| invalid(path))?;
        let (node, stored, link) = match slot {
            Slot::Node(node, stored) => (node, stored, None),
            Slot::Link(link) => match load(self.store, self.owner, &at, &link)? {
                Some(node) => (node, link.is_stored(), Some(link)),
                None => return Ok(None),
            },
        };
        if key.is_empty() {
            return Ok(Some(node));
        }
        let key = Nibbles::from_slice(key).ok_or_else(|| invalid(path))?;
        let longer = |tail: Nibbles| key.join(tail.as_slice()).ok_or_else(|| invalid(path));
        Ok(Some(match node {
            Node::Branch(_) => {
                let child = link.unwrap_or_else(|| self.close(&at, &node, stored));
                Node::Extension { key, child }
            }
            Node::Leaf { key, value } => {
                self.forget(&at, stored);
                Node::Leaf { key: longer(key)?, value }
            }
            Node::Extension { key, child } => {
                self.forget(&at, stored);
                Node::Extension { key: longer(key)?, child }
            }
        }))
    }

    /// Encodes `node` into the store, or into the link when it is short.
    fn close(&mut self, path: &Nibbles, node: &Node, stored: bool) -> Link {
        let bytes = node.encode();
        if bytes.len() < MIN_HASHED_BYTES {
            if let Some(inline) = Inline::new(&bytes) {
                self.forget(path, stored);
                return Link::Inline(inline);
            }
        }
        let hash = keccak(&bytes);
        self.store.set(self.owner, path.as_slice(), bytes);
        Link::Hash(hash)
    }

    fn forget(&mut self, path: &Nibbles, stored: bool) {
        if stored {
            self.store.remove(self.owner, path.as_slice());
        }
    }
}

fn step(path: &Nibbles, nibble: u8) -> Result<Nibbles, TrieError> {
    path.join(&[nibble]).ok_or_else(|| invalid(path))
}

/// The changes from the first to the last insertion.
fn insertions(changes: &[Change]) -> &[Change] {
    let first = changes.iter().position(|change| change.value.is_some());
    let last = changes.iter().rposition(|change| change.value.is_some());
    first.zip(last).and_then(|(first, last)| changes.get(first..=last)).unwrap_or_default()
}

/// The changes whose keys start with `prefix`.
fn within<'a>(changes: &'a [Change], prefix: &Nibbles) -> &'a [Change] {
    let head = |change: &Change| change.key.head(prefix.len());
    let start = changes.partition_point(|change| head(change).as_slice() < prefix.as_slice());
    let end = changes.partition_point(|change| head(change).as_slice() <= prefix.as_slice());
    changes.get(start..end).unwrap_or_default()
}
