//! Repair: as many helpers as the threshold rebuild the share of a member that has lost it, and
//! learn nothing (Laing and Stinson, ePrint 2017/1155; frost's `repairable`).
//!
//! Two messages of each helper: a [`Deal`] that splits the helper's part of the lost share among the
//! helpers, and a [`Sum`] of what it was dealt, for the member. frost checks neither. Here each deal
//! comes with commitments to all its scalars (Feldman), which must add up to the part that the public
//! key says the helper has; so every wrong scalar has a name on it.

use crate::{
    bip340::SecretKey,
    committee::{Committee, Member, MemberSet, MAX_MEMBERS},
    element::{Point, Scalar},
    hash::tagged_hash,
    key::{GroupKey, KeyShare},
    sealed::Sealed,
};
use alloc::{collections::BTreeMap, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_core::compute_lagrange_coefficient;
use frost_secp256k1_tr::{
    keys::repairable::{repair_share_part1, repair_share_part2, repair_share_part3, Delta, Sigma},
    Secp256K1Sha256TR,
};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;

/// Who repairs whose share of which key.
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
pub struct Plan {
    /// Transcript of the key's ceremony.
    pub transcript: [u8; 32],
    /// [`GroupKey::digest`]: a share from before a refresh repairs none from after it.
    pub polynomial: [u8; 32],
    /// Whose share is lost.
    pub lost: Member,
    /// As many others as the threshold.
    pub helpers: MemberSet,
    /// Drawn for this repair: deals of two repairs cannot be mixed.
    pub id: [u8; 32],
}

impl Plan {
    /// The plan of `lost` with `helpers`; `None` when these are not as many members as the threshold,
    /// without `lost`.
    pub fn new(
        transcript: [u8; 32],
        group: &GroupKey,
        lost: Member,
        helpers: MemberSet,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let mut id = [0; 32];
        rng.fill_bytes(&mut id);
        let plan = Self { transcript, polynomial: group.digest(), lost, helpers, id };
        plan.fits(group).then_some(plan)
    }

    /// Whether this is a plan for a share of `group`.
    pub fn fits(&self, group: &GroupKey) -> bool {
        self.polynomial == group.digest()
            && self.lost.0 < group.members
            && self.helpers.len() == group.threshold()
            && self.helpers.without(MemberSet::all(group.members)).is_empty()
            && !self.helpers.contains(self.lost)
    }

    /// What the helpers' messages are signed for.
    pub fn context(&self) -> [u8; 32] {
        self.using_encoded(|bytes| tagged_hash("bzk/threshold/repair", &[bytes]))
    }

    /// What the request of the member is signed for: anybody who knows the key can tell.
    pub fn request_context(transcript: &[u8; 32]) -> [u8; 32] {
        tagged_hash("bzk/threshold/repair/request", &[transcript])
    }
}

/// What a helper gives to all helpers.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Deal {
    /// Commitments to the scalars, by ascending helper.
    pub commitments: BoundedVec<Point, ConstU32<MAX_MEMBERS>>,
    /// The scalars, the helper's own with them.
    pub sealed: Sealed,
}

/// What a helper gives to the member in the end.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Sum {
    /// Digest of the deals that were added up.
    pub deals: [u8; 32],
    /// One scalar.
    pub sealed: Sealed,
}

/// The deals of all helpers.
pub type Deals = BTreeMap<Member, Deal>;

/// Why a repair ends without a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The helper's message is not what its commitments or its public share say: choose others.
    Lied(Member),
    /// The helper added up other deals than these: begin again, with all files.
    OtherDeals(Member),
    /// A message is missing, or the plan is of another key.
    Incomplete,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Lied(Member(helper)) => {
                write!(f, "member {helper} lies: repair with other helpers")
            }
            Self::OtherDeals(Member(helper)) => {
                write!(f, "member {helper} added up other deals than these: begin again")
            }
            Self::Incomplete => f.write_str("a message is missing, or of another key"),
        }
    }
}

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

impl Deal {
    /// The deal of the helper with `share`.
    ///
    /// `None` when the plan is of another key, or the helper is not in it.
    pub fn make(
        plan: &Plan,
        group: &GroupKey,
        committee: &Committee,
        share: &KeyShare,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        if !plan.fits(group) {
            return None;
        }
        let deltas = deal(group, share, plan.helpers, plan.lost, rng)?;
        let commitments: Option<Vec<Point>> =
            deltas.values().map(|delta| Point::encode_point(&commit(delta)?)).collect();
        let sealed = Sealed::seal(&plan.context(), committee, share.member, &deltas, rng)?;
        Some(Self { commitments: commitments?.try_into().ok()?, sealed })
    }

    /// Whether the commitments add up to the part of the lost share that `helper` has, by its public
    /// share. One multiplication per coefficient.
    pub fn check(&self, plan: &Plan, group: &GroupKey, helper: Member) -> bool {
        let holds = || {
            if !plan.helpers.contains(helper)
                || self.commitments.len() != usize::from(plan.helpers.len())
            {
                return None;
            }
            let helpers: Option<_> = plan.helpers.iter().map(Member::identifier).collect();
            let weight = compute_lagrange_coefficient::<Secp256K1Sha256TR>(
                &helpers?,
                Some(plan.lost.identifier()?),
                helper.identifier()?,
            )
            .ok()?;
            let sum = add(self.commitments.iter())?;
            Some(sum == group.public_share(helper)? * weight)
        };
        holds().unwrap_or(false)
    }

    /// The commitment to what the helper of this `rank` is dealt.
    fn commitment(&self, rank: usize) -> Option<&Point> {
        self.commitments.get(rank)
    }
}

impl Sum {
    /// What `helper` sends to the member, from the deals of all helpers.
    ///
    /// # Errors
    /// Names the helper whose deal is wrong.
    pub fn make(
        plan: &Plan,
        group: &GroupKey,
        committee: &Committee,
        helper: Member,
        deals: &Deals,
        secret: &SecretKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, Failure> {
        check_deals(plan, group, deals)?;
        let context = plan.context();
        let rank = plan.helpers.rank(helper).ok_or(Failure::Incomplete)?;
        let received: Result<Vec<Scalar>, Failure> = deals
            .iter()
            .map(|(dealer, deal)| {
                deal.sealed
                    .open(&context, (*dealer, helper), secret)
                    .filter(|delta| opens(deal.commitment(rank), delta))
                    .ok_or(Failure::Lied(*dealer))
            })
            .collect();
        let sum = combine(&received?).ok_or(Failure::Incomplete)?;
        let sealed = Sealed::seal(&context, committee, helper, &[(plan.lost, sum)].into(), rng)
            .ok_or(Failure::Incomplete)?;
        Ok(Self { deals: digest(deals), sealed })
    }
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
/// `None` when the result is not the share of `group`: a helper has lied. [`recover`] names it.
pub fn finish(group: &GroupKey, lost: Member, received: &[Scalar]) -> Option<KeyShare> {
    let sigmas: Option<Vec<_>> =
        received.iter().map(|sigma| Sigma::deserialize(&sigma.0).ok()).collect();
    let public = group.public_package([lost])?;
    let package = repair_share_part3(&sigmas?, lost.identifier()?, &public).ok()?;
    let share = KeyShare::from_package(lost, &package)?;
    share.package(group).map(|_| share)
}

/// Step 3 with the messages of all helpers: the share of the member whose session key is `secret`.
///
/// # Errors
/// Names the helper that lied.
pub fn recover(
    plan: &Plan,
    group: &GroupKey,
    deals: &Deals,
    sums: &BTreeMap<Member, Sum>,
    secret: &SecretKey,
) -> Result<KeyShare, Failure> {
    check_deals(plan, group, deals)?;
    if sums.len() != deals.len() {
        return Err(Failure::Incomplete);
    }
    let (context, digest) = (plan.context(), digest(deals));
    let mut received = Vec::new();
    for (helper, sum) in sums {
        if sum.deals != digest {
            return Err(Failure::OtherDeals(*helper));
        }
        let scalar = sum.sealed.open(&context, (*helper, plan.lost), secret);
        let rank = plan.helpers.rank(*helper).ok_or(Failure::Incomplete)?;
        let dealt = deals.values().map(|deal| deal.commitment(rank)).collect::<Option<Vec<_>>>();
        let promised = dealt.and_then(add);
        let right = |scalar: &Scalar| promised.is_some() && commit(scalar) == promised;
        received.push(scalar.filter(right).ok_or(Failure::Lied(*helper))?);
    }
    finish(group, plan.lost, &received).ok_or(Failure::Incomplete)
}

/// Digest of all deals: what a [`Sum`] is of.
fn digest(deals: &Deals) -> [u8; 32] {
    deals.using_encoded(|bytes| tagged_hash("bzk/threshold/repair/deals", &[bytes]))
}

/// Names the first helper whose deal is not of its share.
fn check_deals(plan: &Plan, group: &GroupKey, deals: &Deals) -> Result<(), Failure> {
    let dealers: MemberSet = deals.keys().copied().collect();
    if !plan.fits(group) || dealers != plan.helpers {
        return Err(Failure::Incomplete);
    }
    match deals.iter().find(|(helper, deal)| !deal.check(plan, group, **helper)) {
        Some((liar, _)) => Err(Failure::Lied(*liar)),
        None => Ok(()),
    }
}

fn commit(scalar: &Scalar) -> Option<ProjectivePoint> {
    Some(ProjectivePoint::GENERATOR * scalar.decode_scalar()?)
}

fn opens(commitment: Option<&Point>, scalar: &Scalar) -> bool {
    let committed = commitment.and_then(Point::decode_point);
    committed.is_some() && committed == commit(scalar)
}

fn add<'a>(points: impl IntoIterator<Item = &'a Point>) -> Option<ProjectivePoint> {
    points
        .into_iter()
        .try_fold(ProjectivePoint::IDENTITY, |sum, point| Some(sum + point.decode_point()?))
}
