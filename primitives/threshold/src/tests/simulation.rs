//! Whole groups: a cheater of each kind is named and the others finish; so does signing.

use super::{
    group::{Cheat, Group, Outcome},
    network::{request, Behaviour, Run},
    rng,
};
use crate::{
    bip340::{recover, SecretKey},
    committee::{threshold, Member},
    dkg::ceremony::Phase,
    fault::{Blame, Fault},
    signing::session,
};
use alloc::{collections::BTreeMap, vec::Vec};

/// In a group of `n`, the second member cheats: it is named, and without it the others make a key.
fn cheater_is_named_and_the_others_finish(n: u16, cheat: Cheat, fault: Fault) {
    let mut rng = rng(u64::from(n));
    let mut group = Group::new(n, &mut rng);
    let cheater = Member(1);
    let Outcome::Failed(blames) = group.generate(&[(cheater, cheat)].into(), &mut rng) else {
        panic!("{cheat:?} made a key")
    };
    assert_eq!(blames, [Blame { member: cheater, fault }], "{cheat:?}");

    let mut keys: Vec<SecretKey> = core::mem::take(&mut group.keys);
    keys.remove(cheater.index());
    let group = Group::of(keys, 1);
    let (key, shares, transcript) = group.key(&mut rng);
    assert_eq!(key.threshold(), threshold(n - 1));
    assert_eq!(shares.len(), usize::from(n - 1));
    assert_ne!(transcript, [0; 32]);
}

fn every_cheat(n: u16) {
    let victim = Member(n - 1);
    for (cheat, fault) in [
        (Cheat::BadCommitment, Fault::BadCommitment),
        (Cheat::BadShare(victim), Fault::BadShare),
        (Cheat::BadShare(Member(0)), Fault::BadShare),
        (Cheat::FalseAccusation(victim), Fault::FalseAccusation),
        (Cheat::Silence(Phase::Commitments), Fault::Silence),
        (Cheat::Silence(Phase::Shares), Fault::Silence),
        (Cheat::Silence(Phase::Confirmation), Fault::Silence),
        (Cheat::Silence(Phase::Testing), Fault::Silence),
        (Cheat::BadTestShare, Fault::BadSignatureShare),
    ] {
        cheater_is_named_and_the_others_finish(n, cheat, fault);
    }
}

#[test]
fn four_members_name_every_cheater() {
    every_cheat(4);
}

#[test]
fn sixteen_members_name_every_cheater() {
    every_cheat(16);
}

#[test]
fn thirty_two_members_name_a_cheater_of_each_kind() {
    for (cheat, fault) in [
        (Cheat::BadCommitment, Fault::BadCommitment),
        (Cheat::BadShare(Member(31)), Fault::BadShare),
        (Cheat::FalseAccusation(Member(31)), Fault::FalseAccusation),
        (Cheat::Silence(Phase::Shares), Fault::Silence),
    ] {
        cheater_is_named_and_the_others_finish(32, cheat, fault);
    }
}

#[test]
#[ignore = "takes minutes; run by hand"]
fn hundred_members_name_a_bad_share_and_the_others_finish() {
    cheater_is_named_and_the_others_finish(100, Cheat::BadShare(Member(99)), Fault::BadShare);
}

/// Signs `inputs` inputs with a group of `n` of which `n - t` behave like this.
fn sign(n: u16, inputs: u8, behaviour: Behaviour) -> (session::Session, Vec<Blame>, u32) {
    let mut rng = rng(u64::from(n));
    let group = Group::new(n, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let request = request(transcript, 1, key.threshold(), inputs);
    let spare = n - key.threshold();
    let behaviours: BTreeMap<_, _> = (0..spare).map(|index| (Member(index), behaviour)).collect();
    let mut run = Run::new(&group, &key, &shares, request, behaviours, &mut rng);
    assert_eq!(run.until_stuck(&mut rng), session::Phase::Signed, "{behaviour:?}");
    assert!(run.session.request.verify(recover, &key.key, &run.signatures));
    (run.session, run.blames, run.timeouts)
}

#[test]
fn absent_members_cost_nothing() {
    for (n, inputs) in [(4, 25), (16, 5), (32, 2)] {
        let (session, blames, timeouts) = sign(n, inputs, Behaviour::NeverCommits);
        assert_eq!((session.attempt, blames.len(), timeouts), (0, 0, 0));
    }
}

#[test]
fn members_that_commit_and_stay_silent_cost_one_deadline_together() {
    for n in [4, 16, 32] {
        let (session, blames, timeouts) = sign(n, 2, Behaviour::NeverShares);
        assert_eq!((session.attempt, blames.len(), timeouts), (1, 0, 1));
    }
}

#[test]
fn lying_members_are_named_and_the_others_sign() {
    for n in [4, 16, 32] {
        let (session, blames, timeouts) = sign(n, 2, Behaviour::Lies);
        let liars = n - threshold(n);
        let expected: Vec<_> = (0..liars)
            .map(|index| Blame { member: Member(index), fault: Fault::BadSignatureShare })
            .collect();
        assert_eq!(blames, expected);
        assert_eq!((session.attempt, timeouts), (liars, 0), "one attempt per liar, no waiting");
        assert_eq!(session.barred.len(), liars);
    }
}

#[test]
fn false_reports_are_blamed_on_the_reporter_and_stop_nothing() {
    let (session, blames, _) = sign(4, 2, Behaviour::ReportsFalsely);
    assert_eq!(blames, [Blame { member: Member(0), fault: Fault::FalseReport }]);
    assert_eq!(session.attempt, 0);
}

#[test]
fn more_liars_than_a_group_can_spare_end_the_session() {
    let mut rng = rng(9);
    let group = Group::new(4, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let request = request(transcript, 1, 3, 1);
    let behaviours = [(Member(0), Behaviour::Lies), (Member(2), Behaviour::Lies)].into();
    let mut run = Run::new(&group, &key, &shares, request, behaviours, &mut rng);
    assert_eq!(run.until_stuck(&mut rng), session::Phase::Failed);
    assert_eq!(run.blames.len(), 2);
}
