//! A deadline passes.

use super::*;

fn set(members: &[u16]) -> MemberSet {
    members.iter().copied().map(Member).collect()
}

#[test]
fn too_few_commitments_begin_another_attempt() {
    let mut fixture = Fixture::new();
    fixture.commit(Member(1)).unwrap();
    fixture.commit(Member(3)).unwrap();
    let actions = fixture.apply(Event::TimedOut);
    let expected = vec![Action::Silent(set(&[0, 2])), Action::Enter(Phase::Committing)];
    assert_eq!(actions, Ok(expected));
    assert_eq!((fixture.session.attempt, fixture.session.signers.len()), (1, 0));
    for index in [0, 1] {
        assert_eq!(fixture.commit(Member(index)), Ok(vec![]));
    }
    assert_eq!(fixture.commit(Member(2)), Ok(vec![Action::Enter(Phase::Sharing)]));
}

/// One of four may be dishonest: that it alone commits shows nothing.
#[test]
fn attack_request_that_only_the_dishonest_commit_to_fails() {
    for committed in [&[][..], &[2]] {
        let mut fixture = Fixture::new();
        for member in committed {
            fixture.commit(Member(*member)).unwrap();
        }
        let silent = MemberSet::all(4).without(set(committed));
        let expected = vec![Action::Silent(silent), Action::Enter(Phase::Failed)];
        assert_eq!(fixture.apply(Event::TimedOut), Ok(expected));
        assert_eq!(fixture.apply(Event::TimedOut), Err(Refusal::OutOfPhase));
    }
}

#[test]
fn signers_that_stay_silent_are_left_out_of_the_next_attempt() {
    let mut fixture = Fixture::committed();
    fixture.share(Member(0)).unwrap();
    fixture.share(Member(1)).unwrap();
    let actions = fixture.apply(Event::TimedOut);
    let expected = vec![Action::Silent(set(&[2])), Action::Enter(Phase::Committing)];
    assert_eq!(actions, Ok(expected));
    assert_eq!(fixture.session.attempt, 1);
    assert_eq!(fixture.commit(Member(2)), Err(Refusal::Stranger));
    for index in [0, 1, 3] {
        fixture.commit(Member(index)).unwrap();
    }
    assert_eq!(fixture.session.phase, Phase::Sharing);
}

#[test]
fn silent_members_come_back_when_there_are_too_few() {
    let mut fixture = Fixture::committed();
    fixture.share(Member(0)).unwrap();
    fixture.apply(Event::TimedOut).unwrap();
    assert!(fixture.session.silent.is_empty(), "1 and 2 are silent, 3 are needed of 4");
    fixture.commit(Member(1)).unwrap();
}

#[test]
fn complete_shares_wait_for_somebody_to_put_them_together() {
    let mut fixture = Fixture::shared();
    let actions = fixture.apply(Event::TimedOut);
    let expected = vec![Action::Silent(MemberSet::default()), Action::Enter(Phase::Sharing)];
    assert_eq!((actions, fixture.session.attempt), (Ok(expected), 0));
}
