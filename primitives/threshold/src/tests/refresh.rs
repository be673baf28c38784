//! Refresh of all shares.

use super::{
    group::Group,
    network::{request, Run},
    rng,
};
use crate::{
    bip340::recover,
    committee::{Member, MemberSet},
    element::Scalar,
    refresh::{self, Commitment},
    signing::session::Phase,
};
use alloc::{collections::BTreeMap, vec::Vec};

type Dealt = BTreeMap<Member, (Commitment, BTreeMap<Member, Scalar>)>;

/// What `receiver` has of each participant.
fn received(dealt: &Dealt, receiver: Member) -> BTreeMap<Member, (Commitment, Scalar)> {
    dealt
        .iter()
        .map(|(from, (commitment, shares))| (*from, (commitment.clone(), shares[&receiver])))
        .collect()
}

#[test]
fn refreshed_shares_sign_for_the_same_key() {
    let mut rng = rng(1);
    let group = Group::new(4, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let all = MemberSet::all(4);
    let dealt: Dealt =
        all.iter().map(|me| (me, refresh::deal(&key, me, all, &mut rng).unwrap())).collect();
    let (keys, fresh): (Vec<_>, Vec<_>) = shares
        .iter()
        .map(|share| refresh::finish(&key, share, &received(&dealt, share.member)).unwrap())
        .unzip();
    assert!(keys.iter().all(|fresh| *fresh == keys[0]));
    assert_eq!(keys[0].key, key.key);
    assert_ne!(keys[0].polynomial, key.polynomial);
    assert!(shares[0].package(&keys[0]).is_none(), "old shares are worth nothing");

    let request = request(transcript, 1, 3, 2);
    let mut run = Run::new(&group, &keys[0], &fresh, request, [].into(), &mut rng);
    assert_eq!(run.until_stuck(&mut rng), Phase::Signed);
    assert!(run.session.request.verify(recover, &key.key, &run.signatures));
}

#[test]
fn attack_wrong_refresh_share_names_the_dealer() {
    let mut rng = rng(2);
    let group = Group::new(4, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let all = MemberSet::all(4);
    let mut dealt: Dealt =
        all.iter().map(|me| (me, refresh::deal(&key, me, all, &mut rng).unwrap())).collect();
    dealt.get_mut(&Member(2)).unwrap().1.get_mut(&Member(0)).unwrap().0[31] ^= 1;
    let result = refresh::finish(&key, &shares[0], &received(&dealt, Member(0)));
    assert_eq!(result.unwrap_err(), Member(2));
    assert!(refresh::finish(&key, &shares[1], &received(&dealt, Member(1))).is_ok());
}
