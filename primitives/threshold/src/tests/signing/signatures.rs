//! Somebody brings the signatures.

use super::*;
use crate::{element::Signature, signing::aggregate::aggregate};

fn signatures(fixture: &Fixture) -> Vec<Signature> {
    let public = fixture.key.public_package(fixture.group.members()).unwrap();
    aggregate(&fixture.session.request, &public, &fixture.nonces, &fixture.shares).unwrap()
}

#[test]
fn right_signatures_end_the_session() {
    let mut fixture = Fixture::shared();
    let (signatures, key) = (signatures(&fixture), fixture.key.clone());
    let actions = fixture.apply(Event::Signatures(&signatures, &key));
    assert_eq!(actions, Ok(vec![Action::Enter(Phase::Signed)]));
    let again = fixture.apply(Event::Signatures(&signatures, &key));
    assert_eq!(again, Err(Refusal::OutOfPhase));
}

#[test]
fn attack_wrong_missing_or_swapped_signatures_are_refused() {
    let mut fixture = Fixture::shared();
    let (right, key) = (signatures(&fixture), fixture.key.clone());
    let mut wrong = right.clone();
    wrong[1].0[40] ^= 1;
    let swapped = vec![right[1], right[0]];
    for signatures in [vec![], vec![right[0]], [right.clone(), right].concat(), wrong, swapped] {
        let refused = fixture.apply(Event::Signatures(&signatures, &key));
        assert_eq!(refused, Err(Refusal::Mismatch));
    }
}
