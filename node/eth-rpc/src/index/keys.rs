//! Keys of the index in the client's auxiliary store. A value's key never changes its meaning;
//! a new layout gets a new prefix.

use crate::types::{Hash, Height};
use alloy_primitives::B256;
use codec::Encode;
use sp_io::hashing::blake2_256;

/// Which part of a log a bitmap is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogPart {
    /// The contract that logged.
    Address,
    /// The topic at this position, 0 to 3.
    Topic(u8),
}

impl LogPart {
    fn tag(self) -> u8 {
        match self {
            Self::Address => 0,
            Self::Topic(position) => position.saturating_add(1),
        }
    }
}

/// Ethereum block hash -> Substrate blocks that closed it.
pub fn by_hash(hash: B256) -> Vec<u8> {
    [b"bzk/h/", hash.as_slice()].concat()
}

/// Ethereum block number -> Substrate blocks that closed one of this number.
pub fn by_number(number: u64) -> Vec<u8> {
    [b"bzk/n/", number.to_be_bytes().as_slice()].concat()
}

/// Ethereum transaction hash -> Substrate blocks and positions that hold it.
pub fn by_transaction(hash: B256) -> Vec<u8> {
    [b"bzk/t/", hash.as_slice()].concat()
}

/// Substrate block -> the Ethereum block closed there.
pub fn block(at: Hash) -> Vec<u8> {
    [b"bzk/b/", at.as_bytes()].concat()
}

/// Substrate block -> the newest Ethereum block at its end.
pub fn head(at: Hash) -> Vec<u8> {
    [b"bzk/s/", at.as_bytes()].concat()
}

/// Height of a final Substrate block -> the blocks that its finality ruled out.
pub fn stale(height: Height) -> Vec<u8> {
    [b"bzk/x/", height.to_be_bytes().as_slice()].concat()
}

/// Part and value of a log, chunk of block numbers -> the blocks of the chunk that may hold it.
pub fn logs(part: LogPart, value: &[u8], chunk: u64) -> Vec<u8> {
    // A hash keeps keys short and equally long, whatever the value.
    let digest = (part.tag(), value).using_encoded(blake2_256);
    [b"bzk/l/".as_slice(), &digest, &chunk.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn keys_of_all_kinds_differ_for_the_same_bytes() {
        let (eth, at) = (B256::repeat_byte(7), Hash::repeat_byte(7));
        let mut keys = BTreeSet::from([
            by_hash(eth),
            by_number(7),
            by_transaction(eth),
            block(at),
            head(at),
            stale(7),
            logs(LogPart::Address, eth.as_slice(), 7),
            logs(LogPart::Address, eth.as_slice(), 8),
        ]);
        keys.extend((0..4).map(|position| logs(LogPart::Topic(position), eth.as_slice(), 7)));
        assert_eq!(keys.len(), 12);
    }

    #[test]
    fn keys_are_stable_on_disk() {
        assert_eq!(by_number(1), b"bzk/n/\0\0\0\0\0\0\0\x01");
        assert_eq!(by_hash(B256::ZERO), [b"bzk/h/".as_slice(), &[0; 32]].concat());
        assert_eq!(logs(LogPart::Topic(0), &[], 0).len(), 6 + 32 + 8);
    }
}
