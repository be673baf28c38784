//! The key of a group, and a member's share of it.
//!
//! One rule for keys (BIP-341): `P`, the result of the key generation, is the *internal key*. An
//! output pays to `P` itself or to `Q = P + H(P || root) G`. `P` already contains the tweak for "no
//! script path": frost-secp256k1-tr applies it at the end of the key generation, so that no member
//! can hide a script in the sum of the commitments. It is applied here and nowhere else.

use crate::{
    committee::{Member, MAX_MEMBERS, MAX_THRESHOLD},
    element::{Point, XOnly},
    hash::{tagged_hash, to_scalar},
};
use alloc::{collections::BTreeSet, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_secp256k1_tr::keys::{
    KeyPackage, PublicKeyPackage, SigningShare, VerifiableSecretSharingCommitment, VerifyingShare,
};
use k256::ProjectivePoint;
use scale_info::TypeInfo;
use zeroize::Zeroizing;

/// Commitment to a polynomial: one point per coefficient, as many as the threshold.
pub type Polynomial = BoundedVec<Point, ConstU32<MAX_THRESHOLD>>;

/// Frost's form of `polynomial`; `None` when a point is none of the curve.
pub(crate) fn commitment(polynomial: &[Point]) -> Option<VerifiableSecretSharingCommitment> {
    VerifiableSecretSharingCommitment::deserialize(polynomial.iter().map(|point| point.0)).ok()
}

/// Names `polynomial`.
pub(crate) fn digest(polynomial: &Polynomial) -> [u8; 32] {
    polynomial.using_encoded(|bytes| tagged_hash("bzk/threshold/polynomial", &[bytes]))
}

/// The public half of a key: enough to verify a share of any member.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct GroupKey {
    /// The internal key P.
    pub key: XOnly,
    /// Commitment to the polynomial that the members share: P, and its value at a member's
    /// identifier is the public half of that member's share.
    pub polynomial: Polynomial,
    /// How many members have a share.
    pub members: u16,
}

impl GroupKey {
    /// The key that a ceremony of `members` members has made whose commitments add up to `sum`;
    /// `None` when it is malformed or has no members.
    ///
    /// Does to the commitments what frost-secp256k1-tr's `part3` does to the shares: negates them if
    /// the sum of the secrets has a point with odd y, then adds the tweak for "no script path".
    pub fn from_sum(sum: &Polynomial, members: u16) -> Option<Self> {
        let untweaked = sum.first()?;
        let tweak = to_scalar(&tagged_hash("TapTweak", &[&untweaked.x_only().0]));
        let odd = untweaked.0.first() == Some(&3);
        let points: Option<Vec<Point>> = sum
            .iter()
            .enumerate()
            .map(|(degree, point)| {
                let point = point.decode_point()?;
                let point = if odd { -point } else { point };
                Point::encode_point(&match degree {
                    0 => point + ProjectivePoint::GENERATOR * tweak,
                    _ => point,
                })
            })
            .collect();
        let polynomial: Polynomial = points?.try_into().ok()?;
        let key = polynomial.first()?.x_only();
        (members > 0 && u32::from(members) <= MAX_MEMBERS).then_some(Self {
            key,
            polynomial,
            members,
        })
    }

    /// Names the polynomial: it changes with a refresh, the key does not.
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.polynomial)
    }

    /// The public half of the share of `member`: one multiplication per coefficient.
    pub(crate) fn public_share(&self, member: Member) -> Option<ProjectivePoint> {
        let package = self.public_package([member])?;
        Some(package.verifying_shares().get(&member.identifier()?)?.to_element())
    }

    /// Signers that a signature needs.
    pub fn threshold(&self) -> u16 {
        // At most MAX_THRESHOLD.
        self.polynomial.len() as u16
    }

    /// Frost's public key package with the shares of `members` only: each costs as many
    /// multiplications as the threshold.
    pub fn public_package(
        &self,
        members: impl IntoIterator<Item = Member>,
    ) -> Option<PublicKeyPackage> {
        let identifiers: Option<BTreeSet<_>> =
            members.into_iter().map(Member::identifier).collect();
        let commitment = commitment(&self.polynomial)?;
        PublicKeyPackage::from_commitment(&identifiers?, &commitment).ok()
    }
}

/// A member's share of a key: the 32 secret bytes. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyShare {
    /// Whose share it is.
    pub member: Member,
    secret: Zeroizing<[u8; 32]>,
}

impl KeyShare {
    /// Takes the secret of a share, as [`Self::secret`] gave it.
    pub fn new(member: Member, secret: [u8; 32]) -> Self {
        Self { member, secret: Zeroizing::new(secret) }
    }

    pub(crate) fn from_package(member: Member, package: &KeyPackage) -> Option<Self> {
        let secret = Zeroizing::new(package.signing_share().serialize());
        Some(Self::new(member, <Vec<u8> as AsRef<[u8]>>::as_ref(&secret).try_into().ok()?))
    }

    /// The secret, for the encrypted key store.
    pub fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// Frost's key package; `None` when this is no share of `group`.
    pub fn package(&self, group: &GroupKey) -> Option<KeyPackage> {
        let identifier = self.member.identifier()?;
        let share = SigningShare::deserialize(&self.secret[..]).ok()?;
        let verifying_share = VerifyingShare::from(share);
        let public = group.public_package([self.member])?;
        (public.verifying_shares().get(&identifier) == Some(&verifying_share)).then(|| {
            let key = *public.verifying_key();
            KeyPackage::new(identifier, share, verifying_share, key, group.threshold())
        })
    }
}

impl core::fmt::Debug for KeyShare {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyShare(of {:?})", self.member)
    }
}
