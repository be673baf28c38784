//! Repair: as many helpers as the threshold rebuild the share of a member that has lost it, and
//! learn nothing (Laing and Stinson, ePrint 2017/1155; frost's `repairable`).
//!
//! The scalars are secret: send them encrypted ([`encryption`](crate::encryption)).

use crate::{
    committee::{Member, MemberSet},
    element::Scalar,
    key::{GroupKey, KeyShare},
};
use alloc::{collections::BTreeMap, vec::Vec};
use frost_secp256k1_tr::keys::repairable::{
    repair_share_part1, repair_share_part2, repair_share_part3, Delta, Sigma,
};
use frost_secp256k1_tr::Secp256K1Sha256TR;
use rand_core::{CryptoRng, RngCore};

/// Step 1, by each helper: what it sends to each helper, itself included.
///
/// `None` when the helper is not among the helpers, `lost` is, or they are too few.
pub fn deal(
    group: &GroupKey,
    share: &KeyShare,
    helpers: MemberSet,
    lost: Member,
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<BTreeMap<Member, Scalar>> {
    if helpers.contains(lost) {
        return None;
    }
    let identifiers: Option<Vec<_>> = helpers.iter().map(Member::identifier).collect();
    let package = share.package(group)?;
    let deltas = repair_share_part1::<Secp256K1Sha256TR, _>(
        &identifiers?,
        &package,
        rng,
        lost.identifier()?,
    )
    .ok()?;
    helpers
        .iter()
        .map(|helper| {
            let delta = deltas.get(&helper.identifier()?)?.serialize();
            Some((helper, Scalar(delta.try_into().ok()?)))
        })
        .collect()
}

/// Step 2, by each helper: what it sends to the member that lost its share, from what it got of all
/// helpers. `None` when a scalar is malformed.
pub fn combine(received: &[Scalar]) -> Option<Scalar> {
    let deltas: Option<Vec<_>> =
        received.iter().map(|delta| Delta::deserialize(&delta.0).ok()).collect();
    Some(Scalar(repair_share_part2(&deltas?).serialize().try_into().ok()?))
}

/// Step 3, by the member `lost`: its share, from what it got of all helpers.
///
/// `None` when the result is not the share of `group`: a helper has lied (frost does not check). Who
/// it was cannot be told; ask other helpers.
pub fn finish(group: &GroupKey, lost: Member, received: &[Scalar]) -> Option<KeyShare> {
    let sigmas: Option<Vec<_>> =
        received.iter().map(|sigma| Sigma::deserialize(&sigma.0).ok()).collect();
    let public = group.public_package([lost])?;
    let package = repair_share_part3(&sigmas?, lost.identifier()?, &public).ok()?;
    let share = KeyShare::from_package(lost, &package)?;
    share.package(group).map(|_| share)
}
