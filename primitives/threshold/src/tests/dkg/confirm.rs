//! A member confirms.

use super::*;
use crate::{
    dkg::{message::Message, participant, transcript},
    tests::rng,
};

#[test]
fn members_and_chain_agree_on_transcript_and_key() {
    let mut rng = rng(1);
    let mut fixture = Fixture::shared(&mut rng);
    let digest = transcript(&fixture.group.committee, &fixture.round1, &fixture.round2);
    assert_eq!(digest, fixture.ceremony.transcript);
    let participants = core::mem::take(&mut fixture.participants);
    for (index, participant) in (0..).zip(participants) {
        let event = participant::Event::Shares(&fixture.round2);
        let key = &fixture.group.keys[usize::from(index)];
        let (_, actions) = participant.apply(event, key, &mut rng).unwrap();
        let [participant::Action::StoreShare(key, share), participant::Action::Publish(message)] =
            &actions[..]
        else {
            panic!("{actions:?}: store, then confirm")
        };
        assert_eq!(message, &Message::Confirm(digest));
        assert_eq!(Some(key), fixture.ceremony.key().as_ref());
        assert!(share.package(key).is_some());
        let actions = fixture.apply(Event::Confirm(Member(index), digest)).unwrap();
        let expected = [Action::Enter(Phase::Testing), Action::Test(key.clone())];
        assert_eq!(actions, if index == 3 { expected.to_vec() } else { [].into() });
    }
}

#[test]
fn confirmation_of_another_transcript_is_refused() {
    let mut fixture = Fixture::shared(&mut rng(1));
    let refused = fixture.apply(Event::Confirm(Member(0), [0; 32]));
    assert_eq!(refused, Err(Refusal::Mismatch));
}

#[test]
fn key_is_adopted_only_after_the_test() {
    let mut fixture = Fixture::shared(&mut rng(1));
    assert_eq!(fixture.apply(Event::Tested), Err(Refusal::OutOfPhase));
    let digest = fixture.ceremony.transcript;
    for index in 0..4 {
        fixture.apply(Event::Confirm(Member(index), digest)).unwrap();
    }
    let key = fixture.ceremony.key().unwrap();
    let adopted = [Action::Enter(Phase::Adopted), Action::Adopt(key)];
    assert_eq!(fixture.apply(Event::Tested), Ok(adopted.into()));
    assert_eq!(fixture.apply(Event::Tested), Err(Refusal::OutOfPhase));
}

/// A member that restarts goes on with the stored polynomial and comes to the same share.
#[test]
fn crash_of_a_participant_goes_on_from_the_stored_polynomial() {
    let mut rng = rng(7);
    let group = Group::new(4, &mut rng);
    let (first, mut actions) =
        participant::Participant::begin(group.committee.clone(), Member(0), &mut rng).unwrap();
    drop(first);
    let polynomial = match actions.remove(0) {
        participant::Action::StorePolynomial(polynomial) => polynomial,
        other => panic!("{other:?} before the polynomial is stored"),
    };
    let posted = match actions.remove(0) {
        participant::Action::Publish(Message::Round1(message)) => message,
        other => panic!("{other:?} is no commitment"),
    };
    let resume = |rng: &mut ChaCha20Rng| {
        participant::Participant::resume(group.committee.clone(), Member(0), &polynomial, rng)
            .unwrap()
            .0
    };
    let (mut participants, mut round1) = group.begin(&mut rng);
    round1[0] = posted;
    participants[0] = resume(&mut rng);
    let (mut participants, round2) = group.share(participants, &round1, &mut rng);
    // Killed again after the shares were sent: those on chain count, not the new ones.
    let event = participant::Event::Commitments(&round1);
    participants[0] = resume(&mut rng).apply(event, &group.keys[0], &mut rng).unwrap().0;
    for (participant, key) in participants.into_iter().zip(&group.keys) {
        let (_, actions) =
            participant.apply(participant::Event::Shares(&round2), key, &mut rng).unwrap();
        assert!(matches!(actions[0], participant::Action::StoreShare(..)), "{actions:?}");
    }
}

/// A node that shows another commitment under our name is found out.
#[test]
fn attack_lying_node_cannot_replace_our_commitment() {
    let mut rng = rng(8);
    let mut fixture = Fixture::committed(&mut rng);
    let (participants, mut round1) = fixture.group.begin(&mut rng);
    round1[0] = fixture.round1[0].clone();
    let participant = participants.into_iter().next().unwrap();
    let event = participant::Event::Commitments(&round1);
    let failure = participant.apply(event, &fixture.group.keys[0], &mut rng).err();
    assert_eq!(failure, Some(participant::Failure::BadChain));
    fixture.share_all();
}
