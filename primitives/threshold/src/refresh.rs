//! Refresh: new shares of the same key, so that shares stolen before are worth nothing together
//! with shares stolen after.
//!
//! Each participant deals a random polynomial whose constant term is zero. It does not give back
//! what was lost: old shares of a threshold of members still make the key, whoever holds them. A
//! new committee therefore makes a new key, and coins are swept to it.

use crate::{
    committee::{Member, MemberSet},
    element::{Point, Scalar},
    key::{GroupKey, KeyShare},
};
use alloc::{collections::BTreeMap, vec::Vec};
use frost_core::keys::CoefficientCommitment;
use frost_secp256k1_tr::keys::{
    refresh::refresh_dkg_part1, SecretShare, SigningShare, VerifiableSecretSharingCommitment,
};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};

/// Commitment to a polynomial without its constant term, which is zero.
pub type Commitment = Vec<Point>;

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
