//! What the committee's group key signs for the bridge contract; layout in `contracts/README.md`.

use crate::deposit::Bridge;
use alloy_primitives::{keccak256, B256, U256};

/// A message to the bridge contract. Its digest is a bare keccak256, so none can be read as a Bitcoin sighash, which
/// is a tagged SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Names the next group key.
    Rotate {
        /// The next group key, x-only.
        next_key: [u8; 32],
        /// The last Bitcoin height at which a deposit to the outgoing key counts.
        closes_at: u32,
    },
    /// Stops or resumes claims and new withdrawals.
    SetPaused(bool),
    /// Changes rules and limits; holds the hash of the encoded terms.
    SetTerms(B256),
    /// Gives a withdrawal back; holds its commitment.
    Cancel(B256),
}

impl Message {
    /// The 32 bytes that the group key of `epoch` signs with BIP-340, untweaked. `nonce` is the contract's next.
    pub fn digest(&self, bridge: &Bridge, epoch: u32, nonce: u32) -> B256 {
        let (kind, body) = match self {
            Self::Rotate { next_key, closes_at } => {
                let words = [*next_key, U256::from(*closes_at).to_be_bytes()];
                (1u8, keccak256(words.as_flattened()))
            }
            Self::SetPaused(paused) => (2, keccak256(U256::from(*paused).to_be_bytes::<32>())),
            Self::SetTerms(body) => (3, *body),
            Self::Cancel(commitment) => (4, *commitment),
        };
        let words: [[u8; 32]; 6] = [
            U256::from(bridge.chain_id).to_be_bytes(),
            bridge.address.into_word().0,
            U256::from(kind).to_be_bytes(),
            U256::from(epoch).to_be_bytes(),
            U256::from(nonce).to_be_bytes(),
            body.0,
        ];
        keccak256(words.as_flattened())
    }
}
