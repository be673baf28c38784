//! A member commits.

use super::*;
use crate::{
    committee::Committee,
    dkg::{message::Message, participant},
    element::Point,
    tests::rng,
};

#[test]
fn last_commitment_opens_the_next_phase() {
    let mut rng = rng(1);
    let mut fixture = Fixture::new(&mut rng);
    assert!(fixture.ceremony.key().is_none());
    for index in [2, 0, 3] {
        let message = fixture.round1[index as usize].clone();
        assert_eq!(fixture.apply(Event::Round1(Member(index), &message)), Ok([].into()));
    }
    let message = fixture.round1[1].clone();
    let actions = fixture.apply(Event::Round1(Member(1), &message));
    assert_eq!(actions, Ok([Action::Enter(Phase::Shares)].into()));
    assert_eq!(fixture.ceremony.key().unwrap().threshold(), 3);
}

#[test]
fn second_commitment_of_a_member_is_refused() {
    let mut fixture = Fixture::new(&mut rng(1));
    let (first, other) = (fixture.round1[0].clone(), fixture.round1[1].clone());
    fixture.apply(Event::Round1(Member(0), &first)).unwrap();
    for message in [&first, &other] {
        let refused = fixture.apply(Event::Round1(Member(0), message));
        assert_eq!(refused, Err(Refusal::Duplicate));
    }
}

#[test]
fn strangers_are_refused() {
    let mut fixture = Fixture::new(&mut rng(1));
    let message = fixture.round1[0].clone();
    for stranger in [4, 5, 127, 128, u16::MAX] {
        let refused = fixture.apply(Event::Round1(Member(stranger), &message));
        assert_eq!(refused, Err(Refusal::Stranger));
    }
}

#[test]
fn attack_commitment_of_another_length_is_blamed() {
    let mut rng = rng(1);
    for length in [0, 1, 2, 4] {
        let mut fixture = Fixture::new(&mut rng);
        let mut message = fixture.round1[0].clone();
        let point = message.commitment[0];
        message.commitment = vec![point; length].try_into().unwrap();
        fixture.fails(Event::Round1(Member(0), &message), 0, Fault::BadCommitment);
    }
}

#[test]
fn attack_points_off_the_curve_are_blamed() {
    let mut fixture = Fixture::new(&mut rng(1));
    let mut message = fixture.round1[3].clone();
    message.commitment[2] = Point([2; 33]);
    while message.commitment[2].decode_point().is_some() {
        message.commitment[2].0[32] += 1;
    }
    fixture.fails(Event::Round1(Member(3), &message), 3, Fault::BadCommitment);
}

/// Rogue key: the negation of what others committed to would make the sum the attacker's own.
#[test]
fn attack_commitment_without_knowledge_of_its_secret_is_blamed() {
    let mut fixture = Fixture::new(&mut rng(1));
    let victim = fixture.round1[0].clone();
    fixture.apply(Event::Round1(Member(0), &victim)).unwrap();
    let mut rogue = fixture.round1[1].clone();
    rogue.commitment[0] = victim.commitment[0];
    rogue.commitment[0].0[0] ^= 1;
    fixture.fails(Event::Round1(Member(1), &rogue), 1, Fault::BadCommitment);
    // Replaying the victim's message does not help: the proof names its sender.
    let mut fixture = Fixture::new(&mut rng(1));
    fixture.fails(Event::Round1(Member(1), &victim), 1, Fault::BadCommitment);
}

/// The negation of `point`.
fn negated(point: &Point) -> Point {
    let mut negated = *point;
    negated.0[0] ^= 1;
    negated
}

/// All give their shares after the commitments of `fixture`, of which that of `cheat` is not of its
/// polynomial; member 1 complains about it.
fn cheat_is_caught_by_its_shares(
    mut fixture: Fixture,
    honest: Round1,
    cheat: u16,
    rng: &mut ChaCha20Rng,
) {
    let mut own = fixture.round1.clone();
    own[usize::from(cheat)] = honest;
    let participants = core::mem::take(&mut fixture.participants);
    let mut machines = Vec::new();
    for (index, participant) in participants.into_iter().enumerate() {
        let seen = if index == usize::from(cheat) { &own } else { &fixture.round1 };
        let event = participant::Event::Commitments(seen);
        let key = &fixture.group.keys[index];
        let (participant, mut actions) = participant.apply(event, key, rng).unwrap();
        let Some(participant::Action::Publish(Message::Round2(message))) = actions.pop() else {
            panic!("no shares")
        };
        machines.push(participant);
        fixture.round2.push(message);
    }
    fixture.share_all();
    let event = participant::Event::Shares(&fixture.round2);
    let key = &fixture.group.keys[1];
    let (_, mut actions) = machines.remove(1).apply(event, key, rng).unwrap();
    let Some(participant::Action::Publish(Message::Complaint(complaint))) = actions.pop() else {
        panic!("no complaint")
    };
    let accused = usize::from(cheat);
    let (round1, round2) = (fixture.round1[accused].clone(), fixture.round2[accused].clone());
    let event = Event::Complaint(Member(1), &complaint, &round1, &round2);
    fixture.fails(event, cheat, Fault::BadShare);
}

/// Coefficients above the constant term need no proof. So who sees a commitment in the pool could send the
/// negation of a coefficient before it is in a block, and have its honest sender slashed.
#[test]
fn attack_commitment_that_cancels_one_on_its_way_frames_nobody() {
    let mut rng = rng(1);
    for cheat in [0, 2, 3] {
        let mut fixture = Fixture::new(&mut rng);
        let honest = fixture.round1[cheat as usize].clone();
        let victim = fixture.round1[1].commitment[1];
        fixture.round1[cheat as usize].commitment[1] = negated(&victim);
        for index in [cheat, 1] {
            let message = fixture.round1[index as usize].clone();
            assert_eq!(fixture.apply(Event::Round1(Member(index), &message)), Ok([].into()));
        }
        assert!(fixture.ceremony.polynomial[1].decode_point().is_none(), "it vanishes for now");
        for index in (0..4).filter(|index| ![cheat, 1].contains(index)) {
            let message = fixture.round1[index as usize].clone();
            fixture.apply(Event::Round1(Member(index), &message)).unwrap();
        }
        assert_eq!(fixture.ceremony.phase, Phase::Shares);
        assert!(fixture.ceremony.key().is_some());
        cheat_is_caught_by_its_shares(fixture, honest, cheat, &mut rng);
    }
}

/// The last sender can make a coefficient of the whole sum vanish, and is caught in the same way.
#[test]
fn attack_coefficient_that_cancels_the_sum_is_blamed() {
    let mut rng = rng(1);
    let mut fixture = Fixture::new(&mut rng);
    for index in 0..3 {
        let message = fixture.round1[index as usize].clone();
        fixture.apply(Event::Round1(Member(index), &message)).unwrap();
    }
    let honest = fixture.round1[3].clone();
    fixture.round1[3].commitment[1] = negated(&fixture.ceremony.polynomial[1]);
    let message = fixture.round1[3].clone();
    let actions = fixture.apply(Event::Round1(Member(3), &message));
    assert_eq!(actions, Ok([Action::Enter(Phase::Shares)].into()));
    assert!(fixture.ceremony.key().is_none());
    cheat_is_caught_by_its_shares(fixture, honest, 3, &mut rng);
}

/// Honest members make the key whatever vanishes on the way to the sum.
#[test]
fn sum_that_vanishes_on_the_way_is_the_same_in_any_order() {
    let mut rng = rng(1);
    let fixture = Fixture::new(&mut rng);
    let commitment = |index: usize| crate::key::commitment(&fixture.round1[index].commitment);
    let (first, second) = (commitment(0).unwrap(), commitment(1).unwrap());
    let negation: Vec<Point> = fixture.round1[0].commitment.iter().map(negated).collect();
    let negation = crate::key::commitment(&negation).unwrap();
    let add = |sum, commitment| crate::dkg::message::add(&sum, commitment).unwrap();
    let straight = add(add(add(Default::default(), &first), &second), &negation);
    let nothing = add(add(Default::default(), &first), &negation);
    assert!(nothing.iter().all(|point| point.decode_point().is_none()));
    assert_eq!(add(nothing, &second), straight);
    assert_eq!(straight, fixture.round1[1].commitment);
}

#[test]
fn committees_need_two_different_members() {
    let group = Group::new(3, &mut rng(1));
    let with = |members: &[usize]| {
        let members: Vec<_> = members.iter().map(|i| group.committee.members[*i]).collect();
        let members = members.try_into().unwrap();
        Ceremony::new(Committee { members, ..group.committee.clone() })
    };
    assert!(with(&[]).is_none() && with(&[0]).is_none());
    assert!(with(&[0, 1, 0]).is_none());
    assert!(with(&[2, 1]).is_some());
}

use alloc::vec;
