//! A deadline passes.

use super::*;
use crate::tests::rng;

fn silence(members: &[u16]) -> Result<Vec<Action>, Refusal> {
    let blames = members
        .iter()
        .map(|member| Action::Blame(Blame { member: Member(*member), fault: Fault::Silence }));
    Ok(blames.chain([Action::Enter(Phase::Failed)]).collect())
}

#[test]
fn everybody_who_owes_a_message_is_named() {
    let mut rng = rng(1);
    let mut fixture = Fixture::new(&mut rng);
    let message = fixture.round1[2].clone();
    fixture.apply(Event::Round1(Member(2), &message)).unwrap();
    assert_eq!(fixture.apply(Event::TimedOut), silence(&[0, 1, 3]));

    let mut fixture = Fixture::committed(&mut rng);
    assert_eq!(fixture.apply(Event::TimedOut), silence(&[0, 1, 2, 3]));

    let mut fixture = Fixture::shared(&mut rng);
    let transcript = fixture.ceremony.transcript;
    for index in [0, 1, 3] {
        fixture.apply(Event::Confirm(Member(index), transcript)).unwrap();
    }
    assert_eq!(fixture.apply(Event::TimedOut), silence(&[2]));
}

#[test]
fn ended_ceremonies_take_nothing() {
    let mut fixture = Fixture::new(&mut rng(1));
    fixture.apply(Event::TimedOut).unwrap();
    let message = fixture.round1[0].clone();
    for event in [Event::TimedOut, Event::Tested, Event::Round1(Member(0), &message)] {
        assert_eq!(fixture.apply(event), Err(Refusal::OutOfPhase));
    }
}
