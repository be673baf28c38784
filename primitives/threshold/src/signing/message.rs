//! Messages of a signing session.

use super::request::MAX_INPUTS;
use crate::{
    committee::Member,
    element::{Point, Scalar},
};
use alloc::{collections::BTreeMap, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_secp256k1_tr::{
    round1::{NonceCommitment, SigningCommitments},
    round2::SignatureShare,
    SigningPackage,
};
use scale_info::TypeInfo;

/// Commitment to the two nonces of one input.
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
pub struct NoncePair {
    /// The hiding nonce.
    pub hiding: Point,
    /// The binding nonce.
    pub binding: Point,
}

impl NoncePair {
    /// Frost's form; `None` when a point is none of the curve.
    pub(crate) fn commitments(&self) -> Option<SigningCommitments> {
        let hiding = NonceCommitment::deserialize(&self.hiding.0).ok()?;
        let binding = NonceCommitment::deserialize(&self.binding.0).ok()?;
        Some(SigningCommitments::new(hiding, binding))
    }

    pub(crate) fn from_commitments(commitments: &SigningCommitments) -> Option<Self> {
        let point = |commitment: &NonceCommitment| {
            Some(Point(commitment.serialize().ok()?.try_into().ok()?))
        };
        Some(Self { hiding: point(commitments.hiding())?, binding: point(commitments.binding())? })
    }
}

/// Commitments of a member, one per input.
pub type Nonces = BoundedVec<NoncePair, ConstU32<MAX_INPUTS>>;

/// Signature shares of a member, one per input.
pub type Shares = BoundedVec<Scalar, ConstU32<MAX_INPUTS>>;

/// Whether all points of `nonces` are of the curve.
pub fn well_formed(nonces: &Nonces) -> bool {
    nonces.iter().all(|pair| pair.commitments().is_some())
}

/// Frost's form of a share; `None` when it is not below the order.
pub(crate) fn signature_share(share: &Scalar) -> Option<SignatureShare> {
    SignatureShare::deserialize(&share.0).ok()
}

/// Frost's package for the input of index `input`; `None` when a commitment is malformed or missing.
pub(crate) fn package<'a>(
    nonces: impl IntoIterator<Item = (Member, &'a Nonces)>,
    input: usize,
    sighash: &[u8; 32],
) -> Option<SigningPackage> {
    let commitments: Option<BTreeMap<_, _>> = nonces
        .into_iter()
        .map(|(member, nonces)| Some((member.identifier()?, nonces.get(input)?.commitments()?)))
        .collect();
    Some(SigningPackage::new(commitments?, sighash))
}

/// What a member broadcasts in an attempt.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Message {
    /// Offers to sign.
    Nonces(Nonces),
    /// Signs.
    Shares(Shares),
    /// Says that a signature share is wrong.
    Report(Report),
}

/// The claim that a member's share for an input is wrong.
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
pub struct Report {
    /// Who sent the share.
    pub accused: Member,
    /// Index of the input.
    pub input: u16,
}

/// The nonces that all signers of an attempt published.
pub type SignerNonces = Vec<(Member, Nonces)>;
