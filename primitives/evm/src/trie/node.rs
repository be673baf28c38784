//! Trie nodes and their RLP.

use super::{
    keccak,
    nibbles::{Nibbles, LEAF_FLAG},
    NodeStore, TrieError, MAX_PATH_NIBBLES,
};
use alloc::{boxed::Box, vec::Vec};
use alloy_rlp::{Encodable, Header, EMPTY_STRING_CODE};
use sp_core::H256;

/// Nodes shorter than this are inline in their parent.
pub(super) const MIN_HASHED_BYTES: usize = 32;

/// What a parent holds of its child.
#[derive(Clone, Copy, Default)]
pub(super) enum Link {
    #[default]
    Empty,
    Hash(H256),
    Inline(Inline),
}

/// The encoding of a node of less than 32 bytes.
#[derive(Clone, Copy)]
pub(super) struct Inline {
    len: u8,
    bytes: [u8; MIN_HASHED_BYTES - 1],
}

impl Inline {
    /// `None` when the node is too long to be inline.
    pub(super) fn new(node: &[u8]) -> Option<Self> {
        let mut bytes = [0; MIN_HASHED_BYTES - 1];
        bytes.get_mut(..node.len())?.copy_from_slice(node);
        Some(Self { len: u8::try_from(node.len()).ok()?, bytes })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl Link {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether the child has an entry of its own in the store.
    pub(super) fn is_stored(&self) -> bool {
        matches!(self, Self::Hash(_))
    }

    fn from_item(item: &Item<'_>) -> Option<Self> {
        match (item.list, item.payload.len()) {
            (true, _) => Inline::new(item.raw).map(Self::Inline),
            (false, 0) => Some(Self::Empty),
            (false, H256_BYTES) => Some(Self::Hash(H256::from_slice(item.payload))),
            (false, _) => None,
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Empty => 1,
            Self::Hash(_) => H256_BYTES.saturating_add(1),
            Self::Inline(node) => usize::from(node.len),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => out.push(EMPTY_STRING_CODE),
            Self::Hash(hash) => hash.as_bytes().encode(out),
            Self::Inline(node) => out.extend_from_slice(node.as_slice()),
        }
    }
}

const H256_BYTES: usize = 32;

/// A node of the trie. Partial keys are relative to the node's own path.
pub(super) enum Node {
    Leaf { key: Nibbles, value: Vec<u8> },
    Extension { key: Nibbles, child: Link },
    Branch(Box<[Link; 16]>),
}

impl Node {
    /// Reads the node that stands `depth` nibbles below the root; `None` when it is malformed or
    /// cannot stand there.
    pub(super) fn decode(bytes: &[u8], depth: usize) -> Option<Self> {
        let mut rest = bytes;
        let mut items = Header::decode_bytes(&mut rest, true).ok()?;
        let (first, second) = (Item::take(&mut items)?, Item::take(&mut items)?);
        if !rest.is_empty() {
            return None;
        }
        if items.is_empty() {
            return Self::decode_short(&first, &second, depth);
        }
        let mut children = Box::new([Link::Empty; 16]);
        let mut occupied = 0usize;
        for (index, child) in children.iter_mut().enumerate() {
            *child = match index {
                0 => Link::from_item(&first)?,
                1 => Link::from_item(&second)?,
                _ => Link::from_item(&Item::take(&mut items)?)?,
            };
            occupied = occupied.saturating_add(usize::from(!child.is_empty()));
        }
        let well_formed = items == [EMPTY_STRING_CODE] && occupied > 1 && depth < MAX_PATH_NIBBLES;
        well_formed.then_some(Self::Branch(children))
    }

    fn decode_short(key: &Item<'_>, second: &Item<'_>, depth: usize) -> Option<Self> {
        let (key, leaf) = Nibbles::decode((!key.list).then_some(key.payload)?)?;
        let end = depth.checked_add(key.len())?;
        if leaf {
            let value = (!second.list && !second.payload.is_empty()).then_some(second.payload)?;
            (end == MAX_PATH_NIBBLES).then(|| Self::Leaf { key, value: value.to_vec() })
        } else {
            let child = Link::from_item(second)?;
            (key.len() > 0 && end < MAX_PATH_NIBBLES && !child.is_empty())
                .then_some(Self::Extension { key, child })
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Leaf { key, value } => {
                let mut out = short_node(key, true, value.as_slice().length());
                value.as_slice().encode(&mut out);
                out
            }
            Self::Extension { key, child } => {
                let mut out = short_node(key, false, child.encoded_len());
                child.encode(&mut out);
                out
            }
            Self::Branch(children) => {
                let lengths = children.iter().map(Link::encoded_len);
                let mut out = list(lengths.fold(1, usize::saturating_add));
                children.iter().for_each(|child| child.encode(&mut out));
                out.push(EMPTY_STRING_CODE);
                out
            }
        }
    }
}

/// Whether an encoded node is a leaf.
pub(super) fn is_leaf(mut node: &[u8]) -> bool {
    let Ok(mut items) = Header::decode_bytes(&mut node, true) else { return false };
    let (key, value) = (Item::take(&mut items), Item::take(&mut items));
    let flags = key.filter(|_| value.is_some() && items.is_empty());
    flags.and_then(|key| key.payload.first().copied()).is_some_and(|first| first & LEAF_FLAG != 0)
}

/// A list header for `payload_length` bytes, with room for them.
fn list(payload_length: usize) -> Vec<u8> {
    let header = Header { list: true, payload_length };
    let mut out = Vec::with_capacity(header.length_with_payload());
    header.encode(&mut out);
    out
}

/// A leaf or extension up to its second item, which takes `second_length` bytes.
fn short_node(key: &Nibbles, leaf: bool, second_length: usize) -> Vec<u8> {
    let key_header = Header { list: false, payload_length: key.encoded_len() };
    // The first byte of a hex prefix is below 0x80, so alone it is its own encoding.
    let bare = key.encoded_len() == 1;
    let key_length = if bare { 1 } else { key_header.length_with_payload() };
    let mut out = list(key_length.saturating_add(second_length));
    if !bare {
        key_header.encode(&mut out);
    }
    key.encode(leaf, &mut out);
    out
}

/// One RLP item: `raw` with its header, `payload` without.
struct Item<'a> {
    list: bool,
    raw: &'a [u8],
    payload: &'a [u8],
}

impl<'a> Item<'a> {
    fn take(buf: &mut &'a [u8]) -> Option<Self> {
        let start = *buf;
        let Header { list, payload_length } = Header::decode(buf).ok()?;
        let (payload, rest) = buf.split_at_checked(payload_length)?;
        *buf = rest;
        let raw = start.get(..start.len().checked_sub(rest.len())?)?;
        Some(Self { list, raw, payload })
    }
}

/// The child at `path` that `link` stands for, without a check of its hash.
pub(super) fn load<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    path: &Nibbles,
    link: &Link,
) -> Result<Option<Node>, TrieError> {
    let node = match link {
        Link::Empty => return Ok(None),
        Link::Hash(_) => Node::decode(&fetch(store, owner, path)?, path.len()),
        Link::Inline(node) => Node::decode(node.as_slice(), path.len()),
    };
    node.map(Some).ok_or_else(|| invalid(path))
}

/// The encoded node at `path`, checked against `hash`.
pub(super) fn fetch_checked<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    path: &Nibbles,
    hash: H256,
) -> Result<Vec<u8>, TrieError> {
    let bytes = fetch(store, owner, path)?;
    if keccak(&bytes) != hash {
        return Err(TrieError::WrongHash(path.as_slice().to_vec()));
    }
    Ok(bytes)
}

fn fetch<S: NodeStore + ?Sized>(
    store: &S,
    owner: Option<H256>,
    path: &Nibbles,
) -> Result<Vec<u8>, TrieError> {
    store
        .get(owner, path.as_slice())
        .ok_or_else(|| TrieError::MissingNode(path.as_slice().to_vec()))
}

pub(super) fn invalid(path: &Nibbles) -> TrieError {
    TrieError::InvalidNode(path.as_slice().to_vec())
}
