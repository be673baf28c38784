//! A member offers to sign.

use super::*;
use crate::element::Point;

#[test]
fn first_members_to_commit_are_the_signers() {
    let mut fixture = Fixture::new();
    assert_eq!(fixture.commit(Member(3)), Ok(vec![]));
    assert_eq!(fixture.commit(Member(1)), Ok(vec![]));
    assert_eq!(fixture.commit(Member(0)), Ok(vec![Action::Enter(Phase::Sharing)]));
    let signers: Vec<_> = fixture.session.signers.iter().collect();
    assert_eq!(signers, [Member(0), Member(1), Member(3)]);
    assert_eq!(fixture.commit(Member(2)), Err(Refusal::OutOfPhase), "late");
}

#[test]
fn second_offer_and_strangers_are_refused() {
    let mut fixture = Fixture::new();
    fixture.commit(Member(0)).unwrap();
    assert_eq!(fixture.commit(Member(0)), Err(Refusal::Duplicate));
    let nonces = fixture.nonces[&Member(0)].clone();
    for stranger in [4, 128, u16::MAX] {
        let refused = fixture.apply(Event::Nonces(Member(stranger), &nonces));
        assert_eq!(refused, Err(Refusal::Stranger));
    }
}

#[test]
fn attack_malformed_nonces_are_blamed_and_the_others_go_on() {
    let mut fixture = Fixture::new();
    let mut nonces = fixture.draw(Member(0));
    nonces[1].binding = Point([0; 33]);
    let actions = fixture.apply(Event::Nonces(Member(0), &nonces));
    assert_eq!(actions, Ok(vec![blame(0, Fault::BadNonces)]));
    assert_eq!(fixture.commit(Member(0)), Err(Refusal::Stranger), "barred");
    // The group cannot spare another one.
    let mut nonces = fixture.draw(Member(1));
    nonces.pop();
    let actions = fixture.apply(Event::Nonces(Member(1), &nonces));
    assert_eq!(actions, Ok(vec![blame(1, Fault::BadNonces), Action::Enter(Phase::Failed)]));
}

#[test]
fn sessions_sign_something_with_somebody() {
    let fixture = Fixture::new();
    let request = fixture.session.request;
    let new = |required, members, inputs| {
        Session::new(super::request(request.group, 1, required, inputs), members).is_some()
    };
    assert!(new(3, 4, 1) && new(4, 4, 50));
    assert!(!new(0, 4, 1) && !new(5, 4, 1) && !new(3, 4, 0));
}
