//! The digest item that ties a Substrate block to the Ethereum block it closed.

use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{ConsensusEngineId, Digest, DigestItem};

/// Marks our digest items; Frontier's id, so that its tools find them.
pub const ENGINE_ID: ConsensusEngineId = *b"fron";

/// What the digest tells about the Ethereum block that the Substrate block closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Hashes {
    /// keccak-256 of the Ethereum header.
    pub block_hash: H256,
}

impl Hashes {
    /// Finds the item in the digest of a Substrate header; `None` if no Ethereum block was closed.
    pub fn find(digest: &Digest) -> Option<Self> {
        digest.logs().iter().find_map(|item| match item {
            DigestItem::Consensus(ENGINE_ID, bytes) => Self::decode(&mut &bytes[..]).ok(),
            _ => None,
        })
    }
}

impl From<Hashes> for DigestItem {
    fn from(hashes: Hashes) -> Self {
        Self::Consensus(ENGINE_ID, hashes.encode())
    }
}
