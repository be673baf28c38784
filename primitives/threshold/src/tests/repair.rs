//! Repair of a lost share.

use super::{group::Group, rng};
use crate::{
    committee::{Member, MemberSet},
    element::Scalar,
    repair,
};
use alloc::{collections::BTreeMap, vec::Vec};

/// What the helpers send to the member that lost its share; the first one lies if asked to.
fn sums(lie: bool) -> (crate::key::GroupKey, Vec<crate::key::KeyShare>, Vec<Scalar>) {
    let mut rng = rng(1);
    let group = Group::new(5, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let helpers: MemberSet = [0, 1, 3, 4].map(Member).into_iter().collect();
    let dealt: BTreeMap<Member, BTreeMap<Member, Scalar>> = helpers
        .iter()
        .map(|helper| {
            let share = &shares[helper.index()];
            (helper, repair::deal(&key, share, helpers, Member(2), &mut rng).unwrap())
        })
        .collect();
    let mut sums: Vec<Scalar> = helpers
        .iter()
        .map(|helper| {
            let received: Vec<Scalar> = dealt.values().map(|deltas| deltas[&helper]).collect();
            repair::combine(&received).unwrap()
        })
        .collect();
    if lie {
        sums[0].0[31] ^= 1;
    }
    (key, shares, sums)
}

#[test]
fn lost_share_is_rebuilt() {
    let (key, shares, sums) = sums(false);
    assert_eq!(repair::finish(&key, Member(2), &sums), Some(shares[2].clone()));
}

#[test]
fn attack_lying_helper_cannot_plant_a_share() {
    let (key, _, sums) = sums(true);
    assert_eq!(repair::finish(&key, Member(2), &sums), None);
}

#[test]
fn too_few_helpers_are_refused() {
    let mut rng = rng(2);
    let group = Group::new(5, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let few: MemberSet = [0, 1, 3].map(Member).into_iter().collect();
    assert!(repair::deal(&key, &shares[0], few, Member(2), &mut rng).is_none());
    let with_lost = MemberSet::all(5);
    assert!(repair::deal(&key, &shares[0], with_lost, Member(2), &mut rng).is_none());
}
