//! A member commits.

use super::*;
use crate::{committee::Committee, element::Point, tests::rng};

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

/// Coefficients above the constant term need no proof, so the last sender could make one vanish.
#[test]
fn attack_coefficient_that_cancels_the_sum_is_blamed() {
    let mut fixture = Fixture::new(&mut rng(1));
    for index in 0..3 {
        let message = fixture.round1[index as usize].clone();
        fixture.apply(Event::Round1(Member(index), &message)).unwrap();
    }
    let mut message = fixture.round1[3].clone();
    let sum = fixture.ceremony.polynomial[1];
    message.commitment[1] = sum;
    message.commitment[1].0[0] ^= 1;
    fixture.fails(Event::Round1(Member(3), &message), 3, Fault::BadCommitment);
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
