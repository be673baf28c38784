//! Key generation on chain.

use super::*;
use bzk_threshold::{
    committee::Member,
    dkg::{ceremony::Phase, message::Message},
    fault::Fault,
    service::{ServiceError, SigningService},
};
use frame_support::traits::fungible::InspectHold;

fn on_hold(account: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &account)
}

fn honest(_: u64, message: Message) -> Option<Message> {
    Some(message)
}

fn attempt() -> u16 {
    Threshold::ceremony().unwrap().committee.attempt
}

fn slashed(account: u64, fault: Fault) {
    let event = Event::<Test>::Slashed { who: account, fault, amount: BOND / 2 };
    System::assert_has_event(event.into());
    assert_eq!(on_hold(account), BOND / 2);
    assert_eq!(Signers::<Test>::get(account).unwrap().status, Status::Jailed);
}

/// Lets the others finish, without whoever was excluded.
fn finish(members: &mut Members, expected: u16) {
    while Threshold::ceremony().is_some() {
        members.act(&honest);
    }
    assert_eq!(Keys::<Test>::get(0).unwrap().key.members, expected);
    assert_eq!(members.shares[&0].len(), usize::from(expected));
}

#[test]
fn elected_members_make_a_key() {
    run(4, || {
        let mut members = Members::default();
        assert_eq!(Threshold::active(), None);
        let epoch = members.make_key();
        let live = Keys::<Test>::get(epoch).unwrap();
        assert_eq!((live.key.members, live.key.threshold()), (4, 3));
        assert_eq!(Threshold::active(), Some((epoch, live.key.key)));
        assert_eq!(Adopted::get(), [(epoch, live.key.key)]);
        assert!(Deadlines::<Test>::get().is_empty());
        System::assert_has_event(Event::<Test>::KeyAdopted { epoch, key: live.key.key }.into());
    });
}

#[test]
fn committee_is_of_registered_bonded_and_elected_accounts() {
    run(6, || {
        Elected::set(vec![9, 6, 5, 5, 4, 1]);
        assert_ok!(Threshold::leave(RuntimeOrigin::signed(4)));
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        let committee = Threshold::ceremony().unwrap().committee;
        let owners: Vec<_> = committee.members.iter().map(owner).collect();
        assert_eq!(owners, [6, 5, 1]);
    });
}

#[test]
fn rotation_needs_the_admin_two_members_and_one_live_key() {
    run(4, || {
        assert_noop!(
            Threshold::rotate(RuntimeOrigin::signed(1)),
            sp_runtime::DispatchError::BadOrigin
        );
        Elected::set(vec![1]);
        assert_noop!(Threshold::rotate(RuntimeOrigin::root()), Error::<Test>::TooFewMembers);
        Elected::set(vec![1, 2, 3, 4]);
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        assert_noop!(Threshold::rotate(RuntimeOrigin::root()), Error::<Test>::RotationRunning);
        let mut members = Members::default();
        finish(&mut members, 4);
        members.make_key();
        assert_noop!(Threshold::rotate(RuntimeOrigin::root()), Error::<Test>::TooManyKeys);
        assert_eq!(Threshold::retire(1), Err(ServiceError::StillActive));
        assert_eq!(Threshold::retire(0), Ok(()));
        assert_eq!(Threshold::retire(0), Err(ServiceError::NoSuchKey));
        members.make_key();
        assert_eq!(Threshold::key(0), None);
        assert!(Threshold::key(1).is_some() && Threshold::key(2).is_some());
    });
}

fn silent_member_is_left_out(n: u64, phases: &[Phase]) {
    for phase in phases.iter().copied() {
        run(n, || {
            let mut members = Members::default();
            assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
            while Threshold::ceremony().unwrap().phase != phase {
                members.act(&honest);
            }
            members.act(&|account, message| (account != 2).then_some(message));
            assert_eq!(attempt(), 0);
            pass(10);
            assert_eq!(attempt(), 1, "{phase:?}");
            assert_eq!(Signers::<Test>::get(2).unwrap().misses, 1);
            assert_eq!(on_hold(2), BOND, "silence is not slashed");
            finish(&mut members, n as u16 - 1);
        });
    }
}

#[test]
fn silent_member_is_left_out_after_the_deadline() {
    silent_member_is_left_out(5, &[Phase::Commitments, Phase::Shares, Phase::Confirmation]);
}

fn bad_commitment_is_slashed(n: u64) {
    run(n, || {
        let mut members = Members::default();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        members.act(&|account, message| match message {
            Message::Round1(mut round1) if account == 3 => {
                round1.commitment[0] = round1.commitment[1];
                Some(Message::Round1(round1))
            }
            other => Some(other),
        });
        slashed(3, Fault::BadCommitment);
        assert_eq!(attempt(), 1);
        finish(&mut members, n as u16 - 1);
    });
}

#[test]
fn attack_bad_commitment_is_slashed() {
    bad_commitment_is_slashed(5);
}

fn bad_share_is_slashed_on_complaint(n: u64) {
    run(n, || {
        let mut members = Members::default();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        members.act(&honest);
        members.act(&|account, message| match message {
            Message::Round2(mut round2) if account == 4 => {
                round2.shares[0].0[31] ^= 1;
                Some(Message::Round2(round2))
            }
            other => Some(other),
        });
        assert_eq!(Threshold::ceremony().unwrap().phase, Phase::Confirmation);
        members.act(&honest);
        slashed(4, Fault::BadShare);
        finish(&mut members, n as u16 - 1);
    });
}

#[test]
fn attack_bad_share_is_slashed_on_complaint() {
    bad_share_is_slashed_on_complaint(5);
}

fn false_accusation_is_slashed(n: u64) {
    run(n, || {
        let mut members = Members::default();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        members.act(&honest);
        members.act(&honest);
        // A complaint with a made-up secret: the proof does not hold.
        let round2 = EncryptedShares::<Test>::get(Member(1)).unwrap();
        let (shared, proof) = with_rng(|rng| {
            bzk_threshold::dleq::prove(&[0; 32], &session_key(1), &round2.ephemeral, rng)
        })
        .unwrap();
        let complaint =
            bzk_threshold::dkg::message::Complaint { accused: Member(1), shared, proof };
        assert_ok!(send_dkg(Member(0), Message::Complaint(complaint)));
        slashed(1, Fault::FalseAccusation);
        finish(&mut members, n as u16 - 1);
    });
}

#[test]
fn attack_false_accusation_is_slashed() {
    false_accusation_is_slashed(5);
}

fn wrong_share_in_the_test_of_the_key_is_slashed(n: u64) {
    run(n, || {
        let mut members = Members::default();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        (0..3).for_each(|_| members.act(&honest));
        assert_eq!(Threshold::ceremony().unwrap().phase, Phase::Testing);
        Liar::set(Some(Member(1)));
        members.act(&honest);
        Liar::set(None);
        slashed(2, Fault::BadSignatureShare);
        assert!(Adopted::get().is_empty());
        assert_eq!(attempt(), 1);
        finish(&mut members, n as u16 - 1);
    });
}

#[test]
fn attack_wrong_share_in_the_test_of_the_key_is_slashed() {
    wrong_share_in_the_test_of_the_key_is_slashed(5);
}

#[test]
fn silence_in_the_test_of_the_key_leaves_out_the_silent() {
    run(5, || {
        let mut members = Members::default();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        (0..3).for_each(|_| members.act(&honest));
        pass(10);
        // Nobody signed: nobody is left, and the rotation ends.
        System::assert_has_event(Event::<Test>::RotationFailed { epoch: 0 }.into());
        assert_eq!(Threshold::ceremony(), None);
        assert_eq!(Sessions::<Test>::count(), 0);
    });
}

#[test]
fn failing_rotation_leaves_the_old_key_signing() {
    run(4, || {
        let mut members = Members::default();
        let epoch = members.make_key();
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        // 60% of four are three: two silent members are too many.
        members.act(&|account, message| (account > 2).then_some(message));
        pass(10);
        System::assert_has_event(Event::<Test>::RotationFailed { epoch: 1 }.into());
        assert_eq!(Threshold::active().unwrap().0, epoch);
        assert!(Threshold::request(epoch, vec![super::session::input(1)]).is_ok());
    });
}

/// As many as can fail a rotation by staying away from it, again and again.
#[test]
fn attack_silent_members_do_not_block_rotations_for_ever() {
    run(4, || {
        MaxMisses::set(20);
        let mut members = Members::default();
        members.make_key();
        let status = |account| Signers::<Test>::get(account).unwrap().status;
        for epoch in 1..=3 {
            assert_eq!([1, 4].map(status), [Status::Ready, Status::Ready]);
            assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
            members.act(&|account, message| (account <= 2).then_some(message));
            pass(10);
            System::assert_has_event(Event::<Test>::RotationFailed { epoch }.into());
        }
        assert_eq!([1, 2].map(status), [Status::Ready, Status::Ready]);
        assert_eq!([3, 4].map(status), [Status::Jailed, Status::Jailed]);
        assert_eq!([3, 4].map(on_hold), [BOND; 2], "silence is not slashed");
        let epoch = members.make_key();
        assert_eq!(Keys::<Test>::get(epoch).unwrap().key.members, 2);
    });
}

/// A cheater of each kind among so many whose own message is the proof: it is named and slashed, and the others make a key.
fn every_proven_cheat(n: u64) {
    bad_commitment_is_slashed(n);
    bad_share_is_slashed_on_complaint(n);
    false_accusation_is_slashed(n);
}

/// The same of what a deadline or the test of the key shows; silence is noted only.
fn every_late_cheat(n: u64) {
    silent_member_is_left_out(n, &[Phase::Shares]);
    wrong_share_in_the_test_of_the_key_is_slashed(n);
}

fn every_cheat(n: u64) {
    every_proven_cheat(n);
    every_late_cheat(n);
}

#[test]
fn attack_every_cheat_among_four() {
    every_cheat(4);
}

#[test]
fn attack_every_cheat_among_sixteen() {
    every_cheat(16);
}

// Two tests, beside each other: each ceremony of so many takes seconds.
#[test]
fn attack_every_proven_cheat_among_thirty_two() {
    every_proven_cheat(32);
}

#[test]
fn attack_every_late_cheat_among_thirty_two() {
    every_late_cheat(32);
}
