//! What a member can be blamed for.

use crate::committee::Member;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A breach of the protocol. All but [`Fault::Silence`] are proven by signed messages.
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
pub enum Fault {
    /// A commitment of the key generation that is malformed or has a wrong proof of knowledge.
    BadCommitment,
    /// Encrypted shares that are malformed or do not fit the sender's commitment.
    BadShare,
    /// A complaint about a share that is right, or with a wrong proof.
    FalseAccusation,
    /// Nonce commitments that are malformed.
    BadNonces,
    /// A signature share that is malformed or wrong.
    BadSignatureShare,
    /// A report of a signature share that is right.
    FalseReport,
    /// Nothing before the deadline.
    Silence,
}

/// Who did what.
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
pub struct Blame {
    /// The culprit.
    pub member: Member,
    /// What it did.
    pub fault: Fault,
}
