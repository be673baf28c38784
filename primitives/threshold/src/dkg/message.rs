//! Messages of the key generation, with what anybody can check of one of them alone.

use crate::{
    bip340::{self, Recover},
    committee::{Committee, Member, MAX_MEMBERS},
    dleq,
    element::{Point, Scalar, Signature, XOnly},
    hash::tagged_hash,
    key::{commitment, Polynomial},
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_secp256k1_tr::{
    keys::dkg::round1::Package, keys::VerifiableSecretSharingCommitment,
    Signature as FrostSignature,
};
use k256::ProjectivePoint;
use scale_info::TypeInfo;

/// What a member broadcasts.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[allow(clippy::large_enum_variant, reason = "bounded vectors are on the heap")]
pub enum Message {
    /// Commits to the polynomial.
    Round1(Round1),
    /// Gives every other member its share.
    Round2(Round2),
    /// Says that a received share is wrong.
    Complaint(Complaint),
    /// Says that all shares were right and that the own share of the key is stored: the transcript.
    Confirm([u8; 32]),
}

/// A commitment to the sender's secret polynomial (Feldman) and the proof that the sender knows the
/// constant term (FROST, figure 1, round 1).
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Round1 {
    /// As many points as the threshold.
    pub commitment: Polynomial,
    /// Proof of knowledge of the constant term.
    pub proof: Signature,
}

impl Round1 {
    pub(crate) fn from_package(package: &Package) -> Option<Self> {
        let points: Option<Vec<Point>> = package
            .commitment()
            .coefficients()
            .iter()
            .map(|coefficient| Point::encode_point(&coefficient.value()))
            .collect();
        let proof = package.proof_of_knowledge().serialize().ok()?.try_into().ok()?;
        Some(Self { commitment: points?.try_into().ok()?, proof: Signature(proof) })
    }

    pub(crate) fn package(&self) -> Option<Package> {
        let proof = FrostSignature::deserialize(&self.proof.0).ok()?;
        Some(Package::new(commitment(&self.commitment)?, proof))
    }

    /// Checks length, points and proof. The work is that of decoding as many points as the
    /// threshold, and two multiplications.
    ///
    /// Returns the commitment; `None` when `sender` is to blame.
    pub fn check(
        &self,
        committee: &Committee,
        sender: Member,
    ) -> Option<VerifiableSecretSharingCommitment> {
        if self.commitment.len() != usize::from(committee.threshold()) {
            return None;
        }
        let package = self.package()?;
        frost_core::keys::dkg::verify_proof_of_knowledge(
            sender.identifier()?,
            package.commitment(),
            package.proof_of_knowledge(),
        )
        .ok()?;
        Some(package.commitment().clone())
    }
}

/// The shares that the sender has for the others, each encrypted to its session key.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Round2 {
    /// Key made for this message only.
    pub ephemeral: XOnly,
    /// Signature by the ephemeral key: nobody can send the ephemeral key of somebody else.
    pub possession: Signature,
    /// Encrypted shares in the order of the members, without the sender.
    pub shares: BoundedVec<Scalar, ConstU32<MAX_MEMBERS>>,
}

impl Round2 {
    /// What [`Self::possession`] signs.
    pub fn possession_digest(context: &[u8; 32], sender: Member, ephemeral: &XOnly) -> [u8; 32] {
        tagged_hash("bzk/threshold/ephemeral", &[context, &sender.0.to_le_bytes(), &ephemeral.0])
    }

    /// Checks length, scalars and possession; false when `sender` is to blame. One recovery.
    pub fn check(&self, recover: Recover, committee: &Committee, sender: Member) -> bool {
        let digest = Self::possession_digest(&committee.digest(), sender, &self.ephemeral);
        self.shares.len().checked_add(1) == Some(usize::from(committee.size()))
            && self.shares.iter().all(|share| share.decode_scalar().is_some())
            && bip340::verify(recover, &self.ephemeral, &digest, &self.possession)
    }

    /// What `sender` encrypted for `receiver`; `None` when they are the same or no members.
    pub fn share_for(&self, sender: Member, receiver: Member) -> Option<&Scalar> {
        match receiver.cmp(&sender) {
            core::cmp::Ordering::Less => self.shares.get(receiver.index()),
            core::cmp::Ordering::Equal => None,
            core::cmp::Ordering::Greater => self.shares.get(receiver.index().checked_sub(1)?),
        }
    }
}

/// The claim that a share is wrong, with the secret that opens it.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Complaint {
    /// Who sent the share.
    pub accused: Member,
    /// The ephemeral key of the accused times the secret session key of the accuser.
    pub shared: Point,
    /// Proof that it is.
    pub proof: dleq::Proof,
}

/// A coefficient of a sum that has vanished: no point of the curve.
const VANISHED: Point = Point([0; 33]);

/// Adds `commitment` to `sum`, the sum of none being empty; `None` when the lengths differ.
///
/// A coefficient that vanishes on the way is nobody's proven fault. Coefficients above the constant term
/// need no proof of knowledge, so whoever sees a commitment before the chain has it can send the negation
/// of its coefficients first: not the one who comes last is to blame. Who does that does not know its own
/// polynomial and is caught by its shares.
pub(crate) fn add(
    sum: &Polynomial,
    commitment: &VerifiableSecretSharingCommitment,
) -> Option<Polynomial> {
    let coefficients = commitment.coefficients();
    if !sum.is_empty() && sum.len() != coefficients.len() {
        return None;
    }
    let points: Option<Vec<Point>> = coefficients
        .iter()
        .enumerate()
        .map(|(degree, coefficient)| {
            let before = match sum.get(degree) {
                None | Some(&VANISHED) => ProjectivePoint::IDENTITY,
                Some(point) => point.decode_point()?,
            };
            Some(Point::encode_point(&(before + coefficient.value())).unwrap_or(VANISHED))
        })
        .collect();
    points?.try_into().ok()
}
