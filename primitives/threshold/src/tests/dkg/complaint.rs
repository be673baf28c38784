//! A member complains.

use super::*;
use crate::{
    bip340::SecretKey,
    dkg::{
        judge,
        message::{Complaint, Message},
        participant,
    },
    dleq,
    element::Point,
    tests::{network::accuse, rng},
};

/// All shares are sent; that of member 1 for member 3 is wrong.
fn with_bad_share(rng: &mut ChaCha20Rng) -> Fixture {
    let mut fixture = Fixture::committed(rng);
    fixture.round2[1].shares[2].0[5] ^= 1;
    fixture.share_all();
    fixture
}

fn complain(
    fixture: &mut Fixture,
    accuser: u16,
    complaint: &Complaint,
) -> Result<Vec<Action>, Refusal> {
    let accused = usize::from(complaint.accused.0).min(3);
    let (round1, round2) = (fixture.round1[accused].clone(), fixture.round2[accused].clone());
    fixture.apply(Event::Complaint(Member(accuser), complaint, &round1, &round2))
}

fn blamed(member: u16, fault: Fault) -> Result<Vec<Action>, Refusal> {
    let blame = Action::Blame(Blame { member: Member(member), fault });
    Ok([blame, Action::Enter(Phase::Failed)].into())
}

#[test]
fn victim_of_a_bad_share_proves_it() {
    let mut rng = rng(1);
    let mut fixture = with_bad_share(&mut rng);
    let participant = fixture.participants.pop().unwrap();
    let event = participant::Event::Shares(&fixture.round2);
    let (_, actions) = participant.apply(event, &fixture.group.keys[3], &mut rng).unwrap();
    let [participant::Action::Publish(Message::Complaint(complaint))] = &actions[..] else {
        panic!("{actions:?}: no complaint")
    };
    assert_eq!(complaint.accused, Member(1));
    assert_eq!(complain(&mut fixture, 3, complaint), blamed(1, Fault::BadShare));
}

#[test]
fn attack_false_accusation_is_blamed_on_the_accuser() {
    let mut rng = rng(1);
    let mut fixture = Fixture::shared(&mut rng);
    let complaint = accuse(&fixture.group, Member(3), Member(1), &fixture.round2, &mut rng);
    assert_eq!(complain(&mut fixture, 3, &complaint), blamed(3, Fault::FalseAccusation));
}

/// A wrong shared secret would open a right share to garbage.
#[test]
fn attack_complaint_with_a_wrong_secret_is_blamed_on_the_accuser() {
    let mut rng = rng(1);
    let mut fixture = Fixture::shared(&mut rng);
    let mut complaint = accuse(&fixture.group, Member(3), Member(1), &fixture.round2, &mut rng);
    complaint.shared = fixture.round1[0].commitment[0];
    assert_eq!(complain(&mut fixture, 3, &complaint), blamed(3, Fault::FalseAccusation));
    let mut fixture = Fixture::shared(&mut rng);
    complaint.shared = Point([0; 33]);
    assert_eq!(complain(&mut fixture, 3, &complaint), blamed(3, Fault::FalseAccusation));
}

/// The proof is of the accuser's key, in this pair, in this ceremony.
#[test]
fn attack_proof_of_another_key_or_pair_is_blamed_on_the_accuser() {
    let mut rng = rng(1);
    let fixture = with_bad_share(&mut rng);
    let context = fixture.group.committee.digest();
    let ephemeral = fixture.round2[1].ephemeral;
    let prove = |context: &[u8; 32], key: &SecretKey, rng: &mut ChaCha20Rng| {
        let (shared, proof) = dleq::prove(context, key, &ephemeral, rng).unwrap();
        Complaint { accused: Member(1), shared, proof }
    };
    let right = judge::context(&context, Member(3), Member(1));
    let other_key = prove(&right, &SecretKey::random(&mut rng), &mut rng);
    let other_pair =
        prove(&judge::context(&context, Member(2), Member(1)), &fixture.group.keys[3], &mut rng);
    let other_ceremony =
        prove(&judge::context(&[0; 32], Member(3), Member(1)), &fixture.group.keys[3], &mut rng);
    for complaint in [other_key, other_pair, other_ceremony] {
        let mut fixture = with_bad_share(&mut rng_again());
        assert_eq!(complain(&mut fixture, 3, &complaint), blamed(3, Fault::FalseAccusation));
    }
    let complaint = prove(&right, &fixture.group.keys[3], &mut rng);
    let mut fixture = with_bad_share(&mut rng_again());
    assert_eq!(complain(&mut fixture, 3, &complaint), blamed(1, Fault::BadShare));
}

fn rng_again() -> ChaCha20Rng {
    rng(1)
}

#[test]
fn complaints_about_nobody_or_oneself_are_refused() {
    let mut rng = rng(1);
    let mut fixture = with_bad_share(&mut rng);
    for accused in [3, 4, u16::MAX] {
        let mut complaint = accuse(&fixture.group, Member(3), Member(1), &fixture.round2, &mut rng);
        complaint.accused = Member(accused);
        assert_eq!(complain(&mut fixture, 3, &complaint), Err(Refusal::Mismatch));
    }
}

#[test]
fn complaints_after_confirmation_are_refused() {
    let mut rng = rng(1);
    let mut fixture = Fixture::shared(&mut rng);
    let transcript = fixture.ceremony.transcript;
    fixture.apply(Event::Confirm(Member(3), transcript)).unwrap();
    let complaint = accuse(&fixture.group, Member(3), Member(1), &fixture.round2, &mut rng);
    assert_eq!(complain(&mut fixture, 3, &complaint), Err(Refusal::Duplicate));
}
