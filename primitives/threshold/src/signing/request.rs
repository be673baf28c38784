//! What a session signs.

use crate::{
    bip340::{self, Recover},
    element::{Signature, XOnly},
    hash::tagged_hash,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_secp256k1_tr::keys::Tweak;
use scale_info::TypeInfo;

/// Most inputs of a session; a payout has at most as many.
pub const MAX_INPUTS: u32 = 50;

/// One message to sign and the output key to sign it with.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Input {
    /// The message: a BIP-341 signature hash.
    pub sighash: [u8; 32],
    /// Root of the output's script tree; none for an output of the internal key itself.
    pub root: Option<[u8; 32]>,
}

impl Input {
    /// The key of the output.
    pub fn output_key(&self, recover: Recover, internal: &XOnly) -> Option<XOnly> {
        match &self.root {
            None => Some(*internal),
            Some(root) => bip340::output_key(recover, internal, root),
        }
    }

    /// `key` as it signs this input. Never `tweak(None)`: the key generation has done that.
    pub(crate) fn tweak<K: Tweak>(&self, key: K) -> K {
        match self.root {
            None => key,
            Some(root) => key.tweak(Some(root)),
        }
    }
}

/// What is asked of a group. Its digest with the number of an attempt is in every message, so
/// nonces and shares are bound to key, session, attempt, inputs and number of signers; FROST binds
/// them to the set of signers.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Request {
    /// Transcript of the ceremony that made the key.
    pub group: [u8; 32],
    /// Number of the session; never used again for this group.
    pub session: u64,
    /// How many sign: the threshold, or all for a test of a new key.
    pub required: u16,
    /// What to sign, all at once.
    pub inputs: BoundedVec<Input, ConstU32<MAX_INPUTS>>,
}

impl Request {
    /// What the messages of `attempt` are signed for.
    pub fn digest(&self, attempt: u16) -> [u8; 32] {
        self.using_encoded(|bytes| {
            tagged_hash("bzk/threshold/attempt", &[&attempt.to_le_bytes(), bytes])
        })
    }

    /// Whether `signatures` are those of all inputs by the group of the key `internal`.
    pub fn verify(&self, recover: Recover, internal: &XOnly, signatures: &[Signature]) -> bool {
        signatures.len() == self.inputs.len()
            && self.inputs.iter().zip(signatures).all(|(input, signature)| {
                input
                    .output_key(recover, internal)
                    .is_some_and(|key| bip340::verify(recover, &key, &input.sighash, signature))
            })
    }
}

/// The request that proves a new key: all members sign, with the key itself and with a script tree
/// of which nobody knows a script.
///
/// The messages are hashes under a tag of ours, so they are no signature hashes of Bitcoin.
pub fn adoption(transcript: [u8; 32], session: u64, members: u16) -> Request {
    let message = tagged_hash("bzk/threshold/adoption", &[&transcript]);
    let inputs = [
        Input { sighash: message, root: None },
        Input { sighash: message, root: Some(transcript) },
    ];
    let inputs = BoundedVec::truncate_from(inputs.to_vec());
    Request { group: transcript, session, required: members, inputs }
}
