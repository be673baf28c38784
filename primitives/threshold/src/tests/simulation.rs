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

const CHEATER: Member = Member(1);

/// In a group of `n`, the second member cheats: it is named. Returns the others.
fn cheater_is_named(n: u16, cheat: Cheat, fault: Fault) -> Group {
    let mut rng = rng(u64::from(n));
    let mut group = Group::new(n, &mut rng);
    let Outcome::Failed(blames) = group.generate(&[(CHEATER, cheat)].into(), &mut rng) else {
        panic!("{cheat:?} made a key")
    };
    assert_eq!(blames, [Blame { member: CHEATER, fault }], "{cheat:?}");
    let mut keys: Vec<SecretKey> = core::mem::take(&mut group.keys);
    keys.remove(CHEATER.index());
    Group::of(keys, 1)
}

/// Without the cheater, a group makes a key.
fn others_finish(group: &Group) {
    let n = group.committee.size();
    let (key, shares, transcript) = group.key(&mut rng(u64::from(n)));
    assert_eq!(key.threshold(), threshold(n));
    assert_eq!(shares.len(), usize::from(n));
    assert_ne!(transcript, [0; 32]);
}

/// Every way to cheat in a group of `n`, those that are found late at the end.
fn cheats(n: u16) -> [(Cheat, Fault); 9] {
    [
        (Cheat::BadCommitment, Fault::BadCommitment),
        (Cheat::Silence(Phase::Commitments), Fault::Silence),
        (Cheat::Silence(Phase::Shares), Fault::Silence),
        (Cheat::BadShare(Member(0)), Fault::BadShare),
        (Cheat::FalseAccusation(Member(n - 1)), Fault::FalseAccusation),
        (Cheat::BadShare(Member(n - 1)), Fault::BadShare),
        (Cheat::Silence(Phase::Confirmation), Fault::Silence),
        (Cheat::Silence(Phase::Testing), Fault::Silence),
        (Cheat::BadTestShare, Fault::BadSignatureShare),
    ]
}

#[test]
fn four_members_name_every_cheater_and_the_others_finish() {
    for (cheat, fault) in cheats(4) {
        others_finish(&cheater_is_named(4, cheat, fault));
    }
}

#[test]
fn sixteen_members_name_every_cheater_and_the_others_finish() {
    for (cheat, fault) in cheats(16) {
        others_finish(&cheater_is_named(16, cheat, fault));
    }
}

// Two tests, beside each other: what is found late takes long.
#[test]
fn thirty_two_members_name_every_cheater_but_the_last_two_to_be_found() {
    for (cheat, fault) in &cheats(32)[..7] {
        cheater_is_named(32, *cheat, *fault);
    }
}

#[test]
fn thirty_two_members_name_the_last_two_to_be_found_and_the_others_finish() {
    let [.., (cheat, fault), (last_cheat, last_fault)] = cheats(32);
    cheater_is_named(32, cheat, fault);
    // The same ones, whatever the cheater did.
    others_finish(&cheater_is_named(32, last_cheat, last_fault));
}

#[test]
fn hundred_members_name_every_cheater_that_is_found_before_the_key_is_made() {
    cheats(100)[..5].iter().for_each(|(cheat, fault)| {
        cheater_is_named(100, *cheat, *fault);
    });
}

#[test]
#[ignore = "takes minutes; run by hand"]
fn hundred_members_name_every_cheater_and_the_others_finish() {
    let others = cheats(100).map(|(cheat, fault)| cheater_is_named(100, cheat, fault));
    others_finish(&others[0]);
}

/// Signs `inputs` inputs with a group of `n` of which `n - t` behave like this.
fn sign(n: u16, inputs: u8, behaviour: Behaviour) -> (session::Session, Vec<Blame>, u32) {
    let mut rng = rng(u64::from(n));
    let group = Group::new(n, &mut rng);
    // The tests above make keys of every size.
    let (key, shares, transcript) =
        if n < 32 { group.key(&mut rng) } else { group.dealt(&mut rng) };
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
    for (n, inputs) in [(4, 25), (16, 5), (32, 2), (100, 2)] {
        let (session, blames, timeouts) = sign(n, inputs, Behaviour::NeverCommits);
        assert_eq!((session.attempt, blames.len(), timeouts), (0, 0, 0));
    }
}

#[test]
fn members_that_commit_and_stay_silent_cost_one_deadline_together() {
    for n in [4, 16, 32, 100] {
        let (session, blames, timeouts) = sign(n, 2, Behaviour::NeverShares);
        assert_eq!((session.attempt, blames.len(), timeouts), (1, 0, 1));
    }
}

#[test]
fn lying_members_are_named_and_the_others_sign() {
    for (n, inputs) in [(4, 2), (16, 2), (32, 2), (100, 1)] {
        let (session, blames, timeouts) = sign(n, inputs, Behaviour::Lies);
        let liars = n - threshold(n);
        let expected: Vec<_> = (0..liars)
            .map(|index| Blame { member: Member(index), fault: Fault::BadSignatureShare })
            .collect();
        assert_eq!(blames, expected);
        assert_eq!((session.attempt, timeouts), (liars, 0), "one attempt per liar, no waiting");
        assert_eq!(session.barred.len(), liars);
    }
}

/// Half of those that a group can spare stay silent after they have committed, the other half lies.
#[test]
fn silent_and_lying_members_together_do_not_stop_the_others() {
    for n in [4, 7, 16, 32, 100] {
        let mut rng = rng(u64::from(n));
        let group = Group::new(n, &mut rng);
        let (key, shares, transcript) = group.dealt(&mut rng);
        let request = request(transcript, 1, key.threshold(), 1);
        let spare = n - key.threshold();
        let silent = spare.div_ceil(2);
        let behaviour = |index| match index < silent {
            true => Behaviour::NeverShares,
            false => Behaviour::Lies,
        };
        let behaviours = (0..spare).map(|index| (Member(index), behaviour(index))).collect();
        let mut run = Run::new(&group, &key, &shares, request, behaviours, &mut rng);
        assert_eq!(run.until_stuck(&mut rng), session::Phase::Signed, "{n} members");
        assert!(run.session.request.verify(recover, &key.key, &run.signatures));
        let named: Vec<_> = run.blames.iter().map(|blame| blame.member.0).collect();
        assert_eq!(named, (silent..spare).collect::<Vec<_>>(), "liars, and nobody else");
        assert_eq!(run.timeouts, 1, "the silent cost one deadline together");
        assert_eq!(run.session.attempt, 1 + spare - silent);
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
