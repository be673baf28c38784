//! Refresh: new shares of the same key, so that shares stolen before are worth nothing together
//! with shares stolen after.
//!
//! Each participant deals a random polynomial whose constant term is zero. It does not give back
//! what was lost: old shares of a threshold of members still make the key, whoever holds them. A
//! new committee therefore makes a new key, and coins are swept to it.
//!
//! All members take part. Each signs the new polynomial once its own new share is on disk; with the
//! signatures of all of them the chain replaces the old polynomial ([`accepted`]), by which shares of
//! signatures are judged. That is the one moment at which everybody changes over.

use crate::{
    bip340::{self, Recover, SecretKey},
    committee::{Committee, Member, MemberSet, MAX_MEMBERS, MAX_THRESHOLD},
    element::{Point, Scalar, Signature},
    hash::tagged_hash,
    key::{self, GroupKey, KeyShare, Polynomial},
    sealed::Sealed,
};
use alloc::{collections::BTreeMap, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_core::keys::CoefficientCommitment;
use frost_secp256k1_tr::keys::{
    refresh::refresh_dkg_part1, SecretShare, SigningShare, VerifiableSecretSharingCommitment,
};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;

/// Commitment to a polynomial without its constant term, which is zero.
pub type Commitment = Vec<Point>;

/// What a member gives to all members.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Deal {
    /// Commitment to the sender's polynomial.
    pub commitment: BoundedVec<Point, ConstU32<MAX_THRESHOLD>>,
    /// Its values for all members, the sender with them.
    pub sealed: Sealed,
}

/// That a member holds its share of a new polynomial.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Confirmation {
    /// [`GroupKey::digest`] after the refresh.
    pub polynomial: [u8; 32],
    /// Signature of [`confirmation_message`] by the session key, for the chain.
    pub signature: Signature,
}

/// Signatures of [`confirmation_message`] by all members, in their order.
pub type Confirmations = BoundedVec<Signature, ConstU32<MAX_MEMBERS>>;

/// What all members have confirmed: the call that tells the chain.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proposal {
    /// Epoch of the key.
    pub epoch: u32,
    /// The new polynomial.
    pub polynomial: Polynomial,
    /// The signatures of all members.
    pub signatures: Confirmations,
}

/// What the members' messages of a refresh of `group` are signed for. Attempts are counted by the
/// operators: one that a member has spoilt is begun again under another number.
pub fn context(transcript: &[u8; 32], group: &GroupKey, attempt: u16) -> [u8; 32] {
    let parts: [&[u8]; 3] = [transcript, &group.digest(), &attempt.to_le_bytes()];
    tagged_hash("bzk/threshold/refresh/attempt", &parts)
}

/// What all members sign so that `new` replaces the polynomial of `old`. It is bound to both, so it can
/// be used once.
pub fn confirmation_message(transcript: &[u8; 32], old: &GroupKey, new: &Polynomial) -> [u8; 32] {
    tagged_hash("bzk/threshold/refresh", &[transcript, &old.digest(), &key::digest(new)])
}

/// Whether all members of `committee` have signed that `new` replaces the polynomial of `old`, of the
/// same key and threshold. One recovery per member.
pub fn accepted(
    recover: Recover,
    committee: &Committee,
    transcript: &[u8; 32],
    old: &GroupKey,
    new: &Polynomial,
    signatures: &[Signature],
) -> bool {
    let message = confirmation_message(transcript, old, new);
    new.len() == old.polynomial.len()
        && new.first() == old.polynomial.first()
        && *new != old.polynomial
        && signatures.len() == committee.members.len()
        && committee
            .members
            .iter()
            .zip(signatures)
            .all(|(key, signature)| bip340::verify(recover, key, &message, signature))
}

impl Deal {
    /// The deal of member `me` to all members.
    ///
    /// `None` when `group` has other members than `committee`.
    pub fn make(
        context: &[u8; 32],
        group: &GroupKey,
        committee: &Committee,
        me: Member,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let (commitment, shares) = deal(group, me, MemberSet::all(group.members), rng)?;
        let sealed = Sealed::seal(context, committee, me, &shares, rng)?;
        Some(Self { commitment: commitment.try_into().ok()?, sealed })
    }
}

/// The new key and share of the member whose session key is `secret`, from the deals of all members.
///
/// # Errors
/// The member whose deal is wrong or missing; ourselves when our share is none of `group`.
pub fn renew(
    context: &[u8; 32],
    group: &GroupKey,
    share: &KeyShare,
    deals: &BTreeMap<Member, Deal>,
    secret: &SecretKey,
) -> Result<(GroupKey, KeyShare), Member> {
    let me = share.member;
    let dealt: Result<BTreeMap<Member, (Commitment, Scalar)>, Member> =
        MemberSet::all(group.members)
            .iter()
            .map(|dealer| {
                let deal = deals.get(&dealer).ok_or(dealer)?;
                let scalar = deal.sealed.open(context, (dealer, me), secret).ok_or(dealer)?;
                Ok((dealer, (deal.commitment.to_vec(), scalar)))
            })
            .collect();
    finish(group, share, &dealt?)
}

/// What a participant deals: the commitment for all, and the share of each participant, itself
/// included. The shares are secret: send them encrypted.
///
/// `None` when the participants are fewer than the threshold.
pub fn deal(
    group: &GroupKey,
    me: Member,
    participants: MemberSet,
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<(Commitment, BTreeMap<Member, Scalar>)> {
    let (n, t) = (participants.len(), group.threshold());
    let (secret, package) = refresh_dkg_part1(me.identifier()?, n, t, rng).ok()?;
    let coefficients = package.commitment().coefficients();
    let points: Option<Commitment> =
        coefficients.iter().map(|point| Point::encode_point(&point.value())).collect();
    let shares: Option<BTreeMap<_, _>> = participants
        .iter()
        .map(|member| {
            let share =
                SigningShare::from_coefficients(&secret.coefficients(), member.identifier()?);
            Some((member, Scalar::encode_scalar(&share.to_scalar())))
        })
        .collect();
    Some((points?, shares?))
}

/// Whether `share` is what `commitment` promises to `receiver`. frost's refresh names no culprit;
/// this does.
pub fn check(group: &GroupKey, commitment: &Commitment, receiver: Member, share: &Scalar) -> bool {
    let holds = || {
        if commitment.len().checked_add(1)? != usize::from(group.threshold()) {
            return None;
        }
        let points: Option<Vec<_>> = commitment.iter().map(Point::decode_point).collect();
        let zero = CoefficientCommitment::new(ProjectivePoint::IDENTITY);
        let coefficients =
            core::iter::once(zero).chain(points?.into_iter().map(CoefficientCommitment::new));
        let commitment = VerifiableSecretSharingCommitment::new(coefficients.collect());
        let share = SigningShare::new(share.decode_scalar()?);
        SecretShare::new(receiver.identifier()?, share, commitment).verify().ok()
    };
    holds().is_some()
}

/// The key and the share after what all participants dealt: by participant its commitment and the
/// share it has for us. The key is the same; whoever took no part has no share of it any more.
///
/// # Errors
/// The participant whose commitment or share is wrong; ourselves when our share is none of `group`
/// or a coefficient vanishes.
pub fn finish(
    group: &GroupKey,
    share: &KeyShare,
    dealt: &BTreeMap<Member, (Commitment, Scalar)>,
) -> Result<(GroupKey, KeyShare), Member> {
    let me = share.member;
    if let Some((culprit, _)) =
        dealt.iter().find(|(_, (commitment, scalar))| !check(group, commitment, me, scalar))
    {
        return Err(*culprit);
    }
    let finish = || {
        let mut polynomial = group.polynomial.clone();
        let mut secret = Scalar(*share.secret()).decode_scalar()?;
        for (commitment, scalar) in dealt.values() {
            secret += scalar.decode_scalar()?;
            for (point, added) in polynomial.iter_mut().skip(1).zip(commitment) {
                *point = Point::encode_point(&(point.decode_point()? + added.decode_point()?))?;
            }
        }
        let group = GroupKey { polynomial, ..group.clone() };
        let share = KeyShare::new(me, secret.to_bytes().into());
        share.package(&group)?;
        Some((group, share))
    };
    finish().ok_or(me)
}
