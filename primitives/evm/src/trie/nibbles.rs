//! Sequences of nibbles and their hex-prefix encoding (yellow paper, appendix C).

use super::MAX_PATH_NIBBLES;
use alloc::vec::Vec;
use sp_core::H256;

/// Set in the first byte of a leaf's key.
pub(super) const LEAF_FLAG: u8 = 0x20;
const ODD_FLAG: u8 = 0x10;

/// At most 64 nibbles, one per byte. On the stack: an allocation in wasm is a host call.
#[derive(Clone, Copy)]
pub(super) struct Nibbles {
    len: usize,
    bytes: [u8; MAX_PATH_NIBBLES],
}

impl Nibbles {
    pub(super) const EMPTY: Self = Self { len: 0, bytes: [0; MAX_PATH_NIBBLES] };

    pub(super) fn from_key(key: &H256) -> Self {
        let mut nibbles = Self { len: MAX_PATH_NIBBLES, ..Self::EMPTY };
        for (pair, byte) in nibbles.bytes.chunks_exact_mut(2).zip(key.as_bytes()) {
            if let [high, low] = pair {
                (*high, *low) = (byte >> 4, byte & 0x0f);
            }
        }
        nibbles
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The nibble at `index`.
    pub(super) fn at(&self, index: usize) -> Option<u8> {
        self.as_slice().get(index).copied()
    }

    /// The first `len` nibbles, or all when there are fewer.
    pub(super) fn head(&self, len: usize) -> Self {
        Self { len: self.len.min(len), ..*self }
    }

    /// All but the first `skip` nibbles.
    pub(super) fn tail(&self, skip: usize) -> &[u8] {
        self.as_slice().get(skip..).unwrap_or_default()
    }

    /// `nibbles` alone; `None` when they are too many.
    pub(super) fn from_slice(nibbles: &[u8]) -> Option<Self> {
        Self::EMPTY.join(nibbles)
    }

    /// These nibbles followed by `tail`; `None` when they are too many.
    pub(super) fn join(mut self, tail: &[u8]) -> Option<Self> {
        let len = self.len.checked_add(tail.len())?;
        self.bytes.get_mut(self.len..len)?.copy_from_slice(tail);
        self.len = len;
        Some(self)
    }

    /// Reads a hex-prefix encoding; the flag says whether it ends at a leaf.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, bool)> {
        let (&first, rest) = bytes.split_first()?;
        let odd = first & ODD_FLAG != 0;
        if first & !(LEAF_FLAG | ODD_FLAG | 0x0f) != 0 || !odd && first & 0x0f != 0 {
            return None;
        }
        let odd_len = usize::from(odd);
        let mut nibbles =
            Self { len: odd_len.checked_add(rest.len().checked_mul(2)?)?, ..Self::EMPTY };
        let (head, tail) = nibbles.bytes.get_mut(..nibbles.len)?.split_at_mut_checked(odd_len)?;
        head.fill(first & 0x0f);
        for (pair, byte) in tail.chunks_exact_mut(2).zip(rest) {
            if let [high, low] = pair {
                (*high, *low) = (byte >> 4, byte & 0x0f);
            }
        }
        Some((nibbles, first & LEAF_FLAG != 0))
    }

    /// Length of the hex-prefix encoding.
    pub(super) fn encoded_len(&self) -> usize {
        (self.len / 2).saturating_add(1)
    }

    /// Appends the hex-prefix encoding.
    pub(super) fn encode(&self, leaf: bool, out: &mut Vec<u8>) {
        let flag = if leaf { LEAF_FLAG } else { 0 };
        let nibbles = self.as_slice();
        let (first, rest) = match nibbles.split_first() {
            Some((nibble, rest)) if nibbles.len() % 2 == 1 => (flag | ODD_FLAG | nibble, rest),
            _ => (flag, nibbles),
        };
        out.push(first);
        out.extend(rest.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, n| byte << 4 | n)));
    }
}

/// How many leading nibbles `a` and `b` share.
pub(super) fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
