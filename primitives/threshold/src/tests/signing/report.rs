//! A member reports a share.

use super::*;
use crate::signing::{
    aggregate::{aggregate, share_is_right, Failure},
    message::Report,
    session::Evidence,
};

fn report(fixture: &mut Fixture, reporter: u16, report: Report) -> Result<Vec<Action>, Refusal> {
    let (key, nonces) = (fixture.key.clone(), fixture.selected());
    let shares = fixture.shares.get(&report.accused).cloned().unwrap_or_default();
    let evidence = Evidence { group: &key, nonces: &nonces, shares: &shares };
    fixture.apply(Event::Report(Member(reporter), report, evidence))
}

/// Shares 0, 1, 2 are sent; the second one is wrong in its second input.
fn with_liar() -> Fixture {
    let mut fixture = Fixture::committed();
    fixture.share(Member(0)).unwrap();
    let mut shares = fixture.sign(Member(1));
    shares[1].0[31] ^= 1;
    fixture.shares.insert(Member(1), shares.clone());
    fixture.apply(Event::Shares(Member(1), &shares)).unwrap();
    fixture.share(Member(2)).unwrap();
    fixture
}

#[test]
fn every_right_share_is_right_for_its_input_only() {
    let fixture = Fixture::shared();
    let nonces = fixture.selected();
    for (member, shares) in &fixture.shares {
        for (index, share) in (0..).zip(shares) {
            for input in 0..2 {
                let right = share_is_right(
                    &fixture.session.request,
                    &fixture.key,
                    &nonces,
                    *member,
                    input,
                    share,
                );
                assert_eq!(right, Some(input == index));
            }
        }
    }
}

#[test]
fn liar_is_found_and_barred() {
    let mut fixture = with_liar();
    let public = fixture.key.public_package(fixture.group.members()).unwrap();
    let failure =
        aggregate(&fixture.session.request, &public, &fixture.nonces, &fixture.shares).unwrap_err();
    let found = Report { accused: Member(1), input: 1 };
    assert_eq!(failure, Failure::Cheaters(vec![found]));
    let actions = report(&mut fixture, 3, found);
    let expected = vec![blame(1, Fault::BadSignatureShare), Action::Enter(Phase::Committing)];
    assert_eq!(actions, Ok(expected));
    assert!(fixture.session.barred.contains(Member(1)));
}

#[test]
fn attack_false_report_is_blamed_on_the_reporter() {
    let mut fixture = with_liar();
    // The liar's share for the first input is right, and so are those of the others.
    let actions = report(&mut fixture, 3, Report { accused: Member(1), input: 0 });
    assert_eq!(actions, Ok(vec![blame(3, Fault::FalseReport)]));
    assert_eq!(fixture.session.phase, Phase::Sharing, "the attempt goes on");
    let again = report(&mut fixture, 3, Report { accused: Member(0), input: 0 });
    assert_eq!(again, Err(Refusal::Stranger), "barred");
}

/// Whoever is barred does not come back: without enough others the session ends, and can be asked for anew.
#[test]
fn attack_false_reports_of_more_than_can_be_spared_end_the_session() {
    let mut fixture = Fixture::committed();
    fixture.share(Member(0)).unwrap();
    fixture.share(Member(1)).unwrap();
    for reporter in [3, 2] {
        let actions = report(&mut fixture, reporter, Report { accused: Member(0), input: 0 });
        assert_eq!(actions, Ok(vec![blame(reporter, Fault::FalseReport)]));
    }
    let missing: MemberSet = [Member(2)].into_iter().collect();
    let expected = vec![Action::Silent(missing), Action::Enter(Phase::Failed)];
    assert_eq!(fixture.apply(Event::TimedOut), Ok(expected));
}

/// Two members swap what they owe: the sum is right, so the signature is; nobody was cheated, and
/// each wrong share can be proven all the same.
#[test]
fn attack_swapped_errors_still_make_a_signature_but_can_be_reported() {
    let mut fixture = Fixture::shared();
    let shift = |fixture: &mut Fixture, member: u16, delta: k256::Scalar| {
        let share = &mut fixture.shares.get_mut(&Member(member)).unwrap()[0];
        let value = share.decode_scalar().unwrap() + delta;
        *share = crate::element::Scalar::encode_scalar(&value);
    };
    shift(&mut fixture, 0, k256::Scalar::ONE);
    shift(&mut fixture, 1, -k256::Scalar::ONE);
    let public = fixture.key.public_package(fixture.group.members()).unwrap();
    let signatures =
        aggregate(&fixture.session.request, &public, &fixture.nonces, &fixture.shares).unwrap();
    assert!(fixture.session.request.verify(recover, &fixture.key.key, &signatures));
    let actions = report(&mut fixture, 2, Report { accused: Member(0), input: 0 }).unwrap();
    assert_eq!(actions[0], blame(0, Fault::BadSignatureShare));
}

#[test]
fn reports_about_nothing_are_refused() {
    let mut fixture = with_liar();
    for (accused, input) in [(3, 0), (4, 0), (u16::MAX, 0), (0, 2), (0, u16::MAX)] {
        let refused = report(&mut fixture, 2, Report { accused: Member(accused), input });
        assert_eq!(refused, Err(Refusal::Mismatch));
    }
    let refused = report(&mut fixture, 4, Report { accused: Member(0), input: 0 });
    assert_eq!(refused, Err(Refusal::Stranger));
}
