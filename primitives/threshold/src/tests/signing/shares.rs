//! A signer signs.

use super::*;
use crate::element::Scalar;

#[test]
fn shares_come_from_signers_once() {
    let mut fixture = Fixture::committed();
    assert_eq!(fixture.share(Member(1)), Ok(vec![]));
    let shares = fixture.shares[&Member(1)].clone();
    let mut send = |member| fixture.apply(Event::Shares(Member(member), &shares));
    assert_eq!(send(1), Err(Refusal::Duplicate));
    assert_eq!(send(3), Err(Refusal::Stranger));
    assert_eq!(send(4), Err(Refusal::Stranger));
}

#[test]
fn attack_malformed_shares_are_blamed_and_the_next_attempt_begins() {
    let mut fixture = Fixture::committed();
    let mut shares = fixture.sign(Member(2));
    shares[0] = Scalar([0xff; 32]);
    let actions = fixture.apply(Event::Shares(Member(2), &shares));
    let expected = vec![blame(2, Fault::BadSignatureShare), Action::Enter(Phase::Committing)];
    assert_eq!(actions, Ok(expected));
    assert_eq!((fixture.session.attempt, fixture.session.signers.len()), (1, 0));
}

/// The node shows the signer other signers than the chain has: it signs once at most.
#[test]
fn attack_second_set_of_signers_gets_no_share() {
    let mut fixture = Fixture::committed();
    let first = fixture.selected();
    let mut second = first.clone();
    second[2] = (Member(3), fixture.draw(Member(3)));
    let signer = fixture.signers.remove(&Member(0)).unwrap();
    let mut released = 0;
    let mut signer = Some(signer);
    for nonces in [first.clone(), second, first] {
        let event = signer::Event::Selected { session: 1, attempt: 0, nonces };
        let (next, _) = signer.take().unwrap().apply(event, &mut fixture.rng);
        let event = signer::Event::Approved { session: 1, attempt: 0 };
        let (next, actions) = next.apply(event, &mut fixture.rng);
        signer = Some(next);
        released += actions.len() / 2;
    }
    assert_eq!(released, 1);
}

/// Without the policy's word, and for sets without it, a signer keeps its shares.
#[test]
fn attack_no_share_leaves_without_approval_or_for_too_few() {
    let mut fixture = Fixture::committed();
    let signer = fixture.signers.remove(&Member(0)).unwrap();
    let approved = || signer::Event::Approved { session: 1, attempt: 0 };
    let (signer, actions) = signer.apply(approved(), &mut fixture.rng);
    assert_eq!(actions, [], "approved before the signers are known");
    let few = fixture.selected()[..2].to_vec();
    let event = signer::Event::Selected { session: 1, attempt: 0, nonces: few };
    let (signer, actions) = signer.apply(event, &mut fixture.rng);
    assert_eq!(actions, []);
    let (_, actions) = signer.apply(approved(), &mut fixture.rng);
    assert_eq!(actions, []);
}
