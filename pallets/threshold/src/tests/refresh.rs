//! New shares of the same key.

use super::*;
use bzk_threshold::{
    committee::Member,
    key::{GroupKey, KeyShare},
    refresh::{confirmation_message, context, renew, Confirmations, Deal},
    service::SigningService,
    signing::request::Input,
};
use sp_runtime::transaction_validity::InvalidTransaction;
use std::collections::BTreeMap;

/// What the members of `epoch` exchange: the renewed key, their shares of it and their confirmations.
fn refreshed(members: &Members, epoch: u32) -> (GroupKey, Vec<KeyShare>, Confirmations) {
    let live = Keys::<Test>::get(epoch).unwrap();
    let (committee, group) = (&live.committee, &live.key);
    let context = context(&live.transcript, group, 0);
    let key = |member: Member| session_key(owner(committee.key(member).unwrap()));
    let deals: BTreeMap<Member, Deal> = (0..committee.size())
        .map(Member)
        .map(|me| {
            let deal = with_rng(|rng| Deal::make(&context, group, committee, me, rng));
            (me, deal.unwrap())
        })
        .collect();
    let (keys, shares): (Vec<_>, Vec<_>) = members.shares[&epoch]
        .iter()
        .map(|share| renew(&context, group, share, &deals, &key(share.member)).unwrap())
        .unzip();
    let renewed = keys[0].clone();
    let message = confirmation_message(&live.transcript, group, &renewed.polynomial);
    let confirmations: Vec<_> = (0..committee.size())
        .map(|member| with_rng(|rng| key(Member(member)).sign(&message, rng)).unwrap())
        .collect();
    (renewed, shares, confirmations.try_into().unwrap())
}

fn take(
    epoch: u32,
    key: &GroupKey,
    confirmations: &Confirmations,
) -> Result<(), sp_runtime::transaction_validity::TransactionValidityError> {
    let (polynomial, confirmations) = (key.polynomial.clone(), confirmations.clone());
    submit(Call::refresh { epoch, polynomial, confirmations })
}

fn input() -> Vec<Input> {
    vec![Input { sighash: [5; 32], root: None }]
}

#[test]
fn refreshed_shares_sign_for_the_same_key() {
    run(4, || {
        let mut members = Members::default();
        let epoch = members.make_key();
        let before = Threshold::key(epoch);
        let (renewed, shares, confirmations) = refreshed(&members, epoch);
        assert_ok!(take(epoch, &renewed, &confirmations));
        assert_eq!(Threshold::key(epoch), before);
        assert_eq!(Keys::<Test>::get(epoch).unwrap().key, renewed);
        System::assert_last_event(Event::SharesRefreshed { epoch }.into());
        // A refresh is taken once.
        let again = take(epoch, &renewed, &confirmations);
        assert_eq!(again, Err(InvalidTransaction::BadProof.into()));

        let session = Threshold::request(epoch, input()).unwrap();
        sign(session, &renewed, &shares, &[Member(3)], &[]);
        assert_eq!(Signed::get().len(), 1);
        // Who lies is judged by the new polynomial.
        Liar::set(Some(Member(1)));
        let session = Threshold::request(epoch, input()).unwrap();
        sign(session, &renewed, &shares, &[], &[]);
        Liar::set(None);
        let status = |account| Signers::<Test>::get(account).unwrap().status;
        assert_eq!([1, 2, 3, 4].map(status)[1], Status::Jailed);
        assert_eq!(status(1), Status::Ready);
        sign(session, &renewed, &shares, &[Member(1)], &[]);
        assert_eq!(Signed::get().len(), 2);
    });
}

#[test]
fn refresh_waits_until_the_key_signs_nothing() {
    run(4, || {
        let mut members = Members::default();
        let epoch = members.make_key();
        let (renewed, _, confirmations) = refreshed(&members, epoch);
        let session = Threshold::request(epoch, input()).unwrap();
        let early = take(epoch, &renewed, &confirmations);
        assert_eq!(early, Err(InvalidTransaction::Future.into()));
        Threshold::cancel(session);
        assert_ok!(take(epoch, &renewed, &confirmations));
    });
}

#[test]
fn attack_refresh_that_not_all_have_confirmed_is_refused() {
    run(4, || {
        let mut members = Members::default();
        let epoch = members.make_key();
        let (renewed, _, confirmations) = refreshed(&members, epoch);
        let bad: Result<(), _> = Err(InvalidTransaction::BadProof.into());
        let mut fewer = confirmations.clone();
        fewer.pop();
        assert_eq!(take(epoch, &renewed, &fewer), bad);
        let mut forged = confirmations.clone();
        forged[2].0[40] ^= 1;
        assert_eq!(take(epoch, &renewed, &forged), bad);
        // Another refresh than the one that was confirmed, and a key of nobody's.
        let (other, _, _) = refreshed(&members, epoch);
        assert_eq!(take(epoch, &other, &confirmations), bad);
        let stale = take(epoch + 1, &renewed, &confirmations);
        assert_eq!(stale, Err(InvalidTransaction::Stale.into()));
        assert_ok!(take(epoch, &renewed, &confirmations));
    });
}
