//! Signing on chain.

use super::*;
use bzk_threshold::{
    bip340,
    committee::Member,
    fault::Fault,
    service::{ServiceError, SigningService},
    signing::request::Input,
};
use frame_support::traits::fungible::InspectHold;

pub(super) fn input(sighash: u8) -> Input {
    Input { sighash: [sighash; 32], root: sighash.is_multiple_of(2).then_some([0xab; 32]) }
}

/// Four members with a key.
fn with_key(test: impl FnOnce(&Members, u32)) {
    with_key_of(4, test);
}

fn with_key_of(n: u64, test: impl FnOnce(&Members, u32)) {
    run(n, || {
        let mut members = Members::default();
        let epoch = members.make_key();
        test(&members, epoch);
    });
}

fn attempt(session: u64) -> u16 {
    Sessions::<Test>::get(session).unwrap().session.attempt
}

fn sign_with(members: &Members, epoch: u32, session: u64, absent: &[Member], silent: &[Member]) {
    let key = Keys::<Test>::get(epoch).unwrap().key;
    sign(session, &key, &members.shares[&epoch], absent, silent);
}

#[test]
fn requested_inputs_are_signed_for_their_output_keys() {
    with_key(|members, epoch| {
        let inputs: Vec<Input> = (0..25).map(input).collect();
        let session = Threshold::request(epoch, inputs.clone()).unwrap();
        sign_with(members, epoch, session, &[Member(2)], &[]);
        let (id, signatures) = Signed::get().pop().unwrap();
        assert_eq!((id, signatures.len()), (session, 25));
        let key = Threshold::key(epoch).unwrap();
        for (input, signature) in inputs.iter().zip(&signatures) {
            // Not with the host's recovery, which the pallet has used.
            let output = input.output_key(bip340::recover, &key).unwrap();
            assert!(bip340::verify(bip340::recover, &output, &input.sighash, signature));
        }
        assert_eq!(Sessions::<Test>::count(), 0);
        assert!(Deadlines::<Test>::get().is_empty());
    });
}

#[test]
fn silent_signers_are_left_out_of_the_next_attempt() {
    with_key(|members, epoch| {
        let session = Threshold::request(epoch, vec![input(1)]).unwrap();
        sign_with(members, epoch, session, &[Member(3)], &[Member(0)]);
        pass(3);
        assert_eq!(attempt(session), 1);
        let missed = |account| Signers::<Test>::get(account).unwrap().misses;
        assert_eq!([1, 2, 3, 4].map(missed), [1, 0, 0, 0]);
        sign_with(members, epoch, session, &[], &[]);
        assert_eq!(Signed::get().len(), 1);
    });
}

#[test]
fn members_that_are_never_there_lose_their_seat_and_no_money() {
    with_key(|members, epoch| {
        let session = Threshold::request(epoch, vec![input(1)]).unwrap();
        for round in 1..=3 {
            sign_with(members, epoch, session, &[Member(2), Member(3)], &[]);
            pass(3);
            assert_eq!(attempt(session), round, "members that were restarted can come now");
        }
        let status = |account| Signers::<Test>::get(account).unwrap().status;
        assert_eq!([1, 2].map(status), [Status::Ready, Status::Ready]);
        assert_eq!([3, 4].map(status), [Status::Jailed, Status::Jailed]);
        assert_eq!(Balances::balance_on_hold(&HoldReason::Bond.into(), &4), BOND);
    });
}

#[test]
fn attack_liar_is_slashed_and_the_others_sign() {
    with_key(|members, epoch| {
        let session = Threshold::request(epoch, vec![input(1), input(2)]).unwrap();
        Liar::set(Some(Member(1)));
        sign_with(members, epoch, session, &[], &[]);
        Liar::set(None);
        assert_eq!(attempt(session), 1);
        let fault = Fault::BadSignatureShare;
        System::assert_has_event(Event::<Test>::Slashed { who: 2, fault, amount: BOND / 2 }.into());
        sign_with(members, epoch, session, &[], &[]);
        assert_eq!(Signed::get().len(), 1);
    });
}

#[test]
fn attack_more_liars_than_can_be_spared_fail_the_session() {
    with_key(|members, epoch| {
        let session = Threshold::request(epoch, vec![input(1)]).unwrap();
        for liar in [0, 1] {
            Liar::set(Some(Member(liar)));
            sign_with(members, epoch, session, &[], &[]);
        }
        Liar::set(None);
        assert_eq!(FailedSessions::get(), [session]);
        assert_eq!(Sessions::<Test>::count(), 0);
    });
}

/// Whoever was jailed is a member until the next rotation, and could cost every session a deadline for nothing.
#[test]
fn attack_jailed_members_do_not_hold_sessions_up() {
    with_key(|members, epoch| {
        let request = || Threshold::request(epoch, vec![input(1)]).unwrap();
        Liar::set(Some(Member(0)));
        let session = request();
        sign_with(members, epoch, session, &[], &[]);
        assert_eq!(attempt(session), 1);
        sign_with(members, epoch, session, &[], &[]);
        assert_eq!(Signed::get().len(), 1);
        // The next session is signed without another attempt.
        sign_with(members, epoch, request(), &[], &[]);
        assert_eq!(Signed::get().len(), 2);
        Liar::set(None);
        // When there are too few, it is asked.
        let session = request();
        sign_with(members, epoch, session, &[Member(1)], &[]);
        pass(3);
        assert_eq!(attempt(session), 1);
        sign_with(members, epoch, session, &[Member(1)], &[]);
        assert_eq!(Signed::get().len(), 3);
        let missed = |account| Signers::<Test>::get(account).unwrap().misses;
        assert_eq!([1, 2].map(missed), [0, 1], "who is not asked misses nothing");
    });
}

#[test]
fn sessions_are_bounded_cancelled_and_retired_with_their_key() {
    with_key(|members, epoch| {
        let request = |count: u8| Threshold::request(epoch, (0..count).map(input).collect());
        assert_eq!(request(0), Err(ServiceError::BadInputs));
        assert_eq!(request(51), Err(ServiceError::BadInputs));
        assert_eq!(Threshold::request(7, vec![input(1)]), Err(ServiceError::NoSuchKey));
        let sessions: Vec<u64> = (0..3).map(|_| request(1).unwrap()).collect();
        assert_eq!(request(1), Err(ServiceError::Busy));
        // Commitments of a session that is cancelled go with it.
        sign_with(members, epoch, sessions[0], &[], &[Member(0)]);
        Threshold::cancel(sessions[0]);
        Threshold::cancel(sessions[0]);
        let last = request(1).unwrap();
        assert!(last > sessions[2], "numbers are never used again");
        // A full house does not stop a rotation.
        let mut members = Members::default();
        members.make_key();
        assert_eq!(Sessions::<Test>::count(), 3);
        assert_ok!(Threshold::retire(epoch));
        assert_eq!(Sessions::<Test>::count(), 0);
    });
}

/// The members' bitcoinds know that it is of no use any more. One that commits all the same does not make
/// the others pay for it.
#[test]
fn attack_request_that_honest_members_refuse_costs_them_nothing() {
    with_key(|members, epoch| {
        let refused =
            [&[Member(0), Member(1), Member(2), Member(3)][..], &[Member(0), Member(1), Member(2)]];
        for (absent, round) in refused.into_iter().cycle().take(8).zip(1..) {
            let session = Threshold::request(epoch, vec![input(1)]).unwrap();
            sign_with(members, epoch, session, absent, &[]);
            pass(3);
            assert_eq!((Sessions::<Test>::count(), FailedSessions::get().len()), (0, round));
            assert_eq!(FailedSessions::get().last(), Some(&session));
        }
        for account in 1..=4 {
            let signer = Signers::<Test>::get(account).unwrap();
            assert_eq!((signer.misses, signer.status), (0, Status::Ready));
            assert_eq!(Balances::balance_on_hold(&HoldReason::Bond.into(), &account), BOND);
        }
        let session = Threshold::request(epoch, vec![input(2)]).unwrap();
        sign_with(members, epoch, session, &[], &[]);
        assert_eq!(Signed::get().len(), 1);
    });
}

#[test]
fn many_deadlines_are_handled_over_several_blocks() {
    with_key(|members, epoch| {
        let request = |_| Threshold::request(epoch, vec![input(1)]).unwrap();
        let sessions: Vec<u64> = (0..3).map(request).collect();
        for session in &sessions {
            sign_with(members, epoch, *session, &[Member(2), Member(3)], &[]);
        }
        pass(3);
        let waits = |id: &u64| {
            let duty = Duty::Session(*id);
            Deadlines::<Test>::get().iter().find(|(other, _)| *other == duty).unwrap().1
        };
        let now = System::block_number();
        let late = sessions.iter().filter(|id| waits(id) <= now).count();
        assert_eq!(late, 3 - crate::MAX_TIMEOUTS);
        pass(1);
        assert!(sessions.iter().all(|id| waits(id) > now));
    });
}

/// As many as can be spared are away, or commit and say no more.
#[test]
fn large_committees_sign_with_all_that_can_be_spared_silent() {
    for n in [16, 32] {
        with_key_of(n, |members, epoch| {
            let spare = n as u16 - Keys::<Test>::get(epoch).unwrap().key.threshold();
            let some: Vec<Member> = (0..spare).map(Member).collect();
            let session = Threshold::request(epoch, vec![input(1), input(2)]).unwrap();
            sign_with(members, epoch, session, &some, &[]);
            assert_eq!(Signed::get().len(), 1);

            let session = Threshold::request(epoch, vec![input(3)]).unwrap();
            sign_with(members, epoch, session, &[], &some);
            pass(3);
            assert_eq!(attempt(session), 1, "one deadline for all of them together");
            sign_with(members, epoch, session, &some, &[]);
            assert_eq!(Signed::get().len(), 2);
        });
    }
}

#[test]
fn attack_all_liars_that_can_be_spared_are_slashed_and_the_others_sign() {
    for n in [16, 32] {
        with_key_of(n, |members, epoch| {
            let spare = n as u16 - Keys::<Test>::get(epoch).unwrap().key.threshold();
            let session = Threshold::request(epoch, vec![input(2)]).unwrap();
            for liar in 0..spare {
                Liar::set(Some(Member(liar)));
                sign_with(members, epoch, session, &[], &[]);
                assert_eq!(attempt(session), liar + 1);
                let (who, fault) = (u64::from(liar) + 1, Fault::BadSignatureShare);
                let event = Event::<Test>::Slashed { who, fault, amount: BOND / 2 };
                System::assert_has_event(event.into());
            }
            Liar::set(None);
            sign_with(members, epoch, session, &[], &[]);
            assert_eq!(Signed::get().len(), 1);
        });
    }
}
