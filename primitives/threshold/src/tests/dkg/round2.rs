//! A member gives its shares.

use super::*;
use crate::{element::Scalar, tests::rng};

#[test]
fn last_shares_open_the_next_phase() {
    let mut fixture = Fixture::committed(&mut rng(1));
    let transcript = fixture.ceremony.transcript;
    fixture.share_all();
    assert_eq!(fixture.ceremony.phase, Phase::Confirmation);
    assert_ne!(fixture.ceremony.transcript, transcript);
}

#[test]
fn shares_before_all_commitments_are_refused() {
    let mut rng = rng(1);
    let message = Fixture::committed(&mut rng).round2[0].clone();
    let mut fixture = Fixture::new(&mut rng);
    let refused = fixture.apply(Event::Round2(Member(0), &message));
    assert_eq!(refused, Err(Refusal::OutOfPhase));
}

#[test]
fn attack_missing_or_surplus_shares_are_blamed() {
    let mut rng = rng(1);
    for surplus in [true, false] {
        let mut fixture = Fixture::committed(&mut rng);
        let mut message = fixture.round2[2].clone();
        match surplus {
            true => message.shares.try_push(Scalar([1; 32])).unwrap(),
            false => drop(message.shares.pop()),
        }
        fixture.fails(Event::Round2(Member(2), &message), 2, Fault::BadShare);
    }
}

#[test]
fn attack_share_that_is_no_scalar_is_blamed() {
    let mut fixture = Fixture::committed(&mut rng(1));
    let mut message = fixture.round2[2].clone();
    message.shares[1] = Scalar([0xff; 32]);
    fixture.fails(Event::Round2(Member(2), &message), 2, Fault::BadShare);
}

/// If it passed, the receiver's complaint about the garbage would open the victim's share.
#[test]
fn attack_ephemeral_key_of_another_member_is_blamed() {
    let mut rng = rng(1);
    let mut fixture = Fixture::committed(&mut rng);
    let mut message = fixture.round2[1].clone();
    message.ephemeral = fixture.round2[0].ephemeral;
    message.possession = fixture.round2[0].possession;
    fixture.fails(Event::Round2(Member(1), &message), 1, Fault::BadShare);
}
