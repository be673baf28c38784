//! Refresh of all shares.

use super::{
    group::Group,
    network::{request, Run},
    rng,
};
use crate::{
    bip340::recover,
    committee::{Member, MemberSet},
    element::{Scalar, Signature},
    key::{GroupKey, KeyShare},
    refresh::{self, Commitment, Deal},
    signing::{session::Phase, signer::Signer},
};
use alloc::{collections::BTreeMap, vec::Vec};
use frost_core::keys::reconstruct;
use rand_chacha::ChaCha20Rng;

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

/// A refresh by messages: the key and the shares after it.
fn renew(
    group: &Group,
    key: &GroupKey,
    shares: &[KeyShare],
    transcript: &[u8; 32],
    rng: &mut ChaCha20Rng,
) -> (GroupKey, Vec<KeyShare>) {
    let context = refresh::context(transcript, key, 0);
    let deals: BTreeMap<Member, Deal> = group
        .members()
        .map(|me| (me, Deal::make(&context, key, &group.committee, me, rng).unwrap()))
        .collect();
    let renewed = shares.iter().zip(&group.keys);
    let (keys, fresh): (Vec<_>, Vec<_>) = renewed
        .map(|(share, secret)| refresh::renew(&context, key, share, &deals, secret).unwrap())
        .unzip();
    assert!(keys.iter().all(|other| *other == keys[0]));
    (keys[0].clone(), fresh)
}

#[test]
fn attack_old_share_with_new_shares_does_not_sign() {
    let mut rng = rng(3);
    let group = Group::new(4, &mut rng);
    let (key, old, transcript) = group.key(&mut rng);
    let (renewed, fresh) = renew(&group, &key, &old, &transcript, &mut rng);
    assert_eq!(renewed.key, key.key);
    // A thief has one share from before and two from after, as many as the threshold.
    assert!(Signer::new(transcript, &renewed, &old[0], []).is_none(), "refused at once");
    let secret = |packages: &[(&KeyShare, &GroupKey)]| {
        let packages: Vec<_> =
            packages.iter().map(|(share, key)| share.package(key).unwrap()).collect();
        reconstruct(&packages).unwrap()
    };
    let mixed = secret(&[(&old[0], &key), (&fresh[1], &renewed), (&fresh[2], &renewed)]);
    let whole = secret(&[(&fresh[0], &renewed), (&fresh[1], &renewed), (&fresh[2], &renewed)]);
    let before = secret(&[(&old[0], &key), (&old[1], &key), (&old[3], &key)]);
    assert_eq!(whole.serialize(), before.serialize(), "the secret is the same");
    assert_ne!(mixed.serialize(), whole.serialize());
    // What such a share signs is wrong, so the session names its owner and the others sign.
    let request = request(transcript, 1, 3, 2);
    let lies = [(Member(0), super::network::Behaviour::Lies)].into();
    let mut run = Run::new(&group, &renewed, &fresh, request, lies, &mut rng);
    assert_eq!(run.until_stuck(&mut rng), Phase::Signed);
    assert_eq!(run.blames[0].member, Member(0));
}

#[test]
fn attack_wrong_scalar_in_a_deal_names_the_dealer() {
    let mut rng = rng(4);
    let group = Group::new(4, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let context = refresh::context(&transcript, &key, 0);
    let mut deals: BTreeMap<Member, Deal> = group
        .members()
        .map(|me| (me, Deal::make(&context, &key, &group.committee, me, &mut rng).unwrap()))
        .collect();
    let result = |deals: &BTreeMap<Member, Deal>, me: usize| {
        refresh::renew(&context, &key, &shares[me], deals, &group.keys[me]).map(|_| ())
    };
    deals.get_mut(&Member(2)).unwrap().sealed.scalars[1].1 .0[31] ^= 1;
    assert_eq!(result(&deals, 1), Err(Member(2)));
    assert_eq!(result(&deals, 0), Ok(()));
    // A deal of another attempt does not open.
    let other = refresh::context(&transcript, &key, 1);
    let stale = Deal::make(&other, &key, &group.committee, Member(3), &mut rng).unwrap();
    deals.insert(Member(3), stale);
    assert_eq!(result(&deals, 0), Err(Member(3)));
    deals.remove(&Member(3));
    assert_eq!(result(&deals, 0), Err(Member(3)), "all members take part");
}

#[test]
fn chain_takes_a_polynomial_that_all_have_signed_and_nothing_else() {
    let mut rng = rng(5);
    let group = Group::new(4, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let (renewed, _) = renew(&group, &key, &shares, &transcript, &mut rng);
    let sign = |polynomial, rng: &mut ChaCha20Rng| -> Vec<Signature> {
        let message = refresh::confirmation_message(&transcript, &key, polynomial);
        group.keys.iter().map(|secret| secret.sign(&message, rng).unwrap()).collect()
    };
    let accepted = |transcript, old: &GroupKey, new: &GroupKey, signatures: &[Signature]| {
        let (committee, polynomial) = (&group.committee, &new.polynomial);
        refresh::accepted(recover, committee, transcript, old, polynomial, signatures)
    };
    let signatures = sign(&renewed.polynomial, &mut rng);
    assert!(accepted(&transcript, &key, &renewed, &signatures));
    // Not by all, not in their order, not for another key or again.
    assert!(!accepted(&transcript, &key, &renewed, &signatures[..3]));
    let mut mixed = signatures.clone();
    mixed.swap(0, 1);
    assert!(!accepted(&transcript, &key, &renewed, &mixed));
    assert!(!accepted(&[0; 32], &key, &renewed, &signatures));
    assert!(!accepted(&transcript, &renewed, &renewed, &signatures));
    assert!(!accepted(&transcript, &renewed, &key, &signatures), "no way back");
    // Another key, or another threshold, even if all sign it.
    let (other, _, _) = Group::new(4, &mut rng).key(&mut rng);
    assert!(!accepted(&transcript, &key, &other, &sign(&other.polynomial, &mut rng)));
    let mut lower = renewed.clone();
    lower.polynomial.pop();
    assert!(!accepted(&transcript, &key, &lower, &sign(&lower.polynomial, &mut rng)));
}
