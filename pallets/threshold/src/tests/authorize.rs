//! Feeless messages: what the pool refuses.

use super::*;
use bzk_threshold::{
    committee::Member, dkg::message::Message, element::Signature, envelope::Envelope,
    service::SigningService, signing::message::Message as SigningMessage,
};
use sp_runtime::transaction_validity::InvalidTransaction;

fn commitment(member: u16) -> Message {
    use bzk_threshold::dkg::participant::{Action, Participant};
    let committee = Threshold::ceremony().unwrap().committee;
    let (_, mut actions) =
        with_rng(|rng| Participant::begin(committee, Member(member), rng)).unwrap();
    match actions.pop() {
        Some(Action::Publish(message)) => message,
        other => panic!("{other:?}: no commitment"),
    }
}

fn refused(envelope: Envelope<Message>, why: InvalidTransaction) {
    assert_eq!(submit(Call::dkg { envelope }), Err(why.into()));
}

#[test]
fn attack_messages_of_strangers_and_forgeries_are_refused() {
    run(4, || {
        let message = Message::Confirm([0; 32]);
        let envelope = Envelope { sender: Member(0), message, signature: Signature([0; 64]) };
        refused(envelope, InvalidTransaction::Stale);
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        let sealed = seal_dkg(Member(0), commitment(0));
        for sender in [4, 100, u16::MAX] {
            let sender = Member(sender);
            refused(Envelope { sender, ..sealed.clone() }, InvalidTransaction::BadSigner);
        }
        refused(Envelope { sender: Member(1), ..sealed.clone() }, InvalidTransaction::BadProof);
        refused(
            Envelope { signature: Signature([0xff; 64]), ..sealed.clone() },
            InvalidTransaction::BadProof,
        );
        assert_ok!(submit(Call::dkg { envelope: sealed.clone() }));
        refused(sealed, InvalidTransaction::Stale);
    });
}

#[test]
fn attack_replay_in_the_next_attempt_is_refused() {
    run(5, || {
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        let sealed = seal_dkg(Member(0), commitment(0));
        for member in 0..4 {
            assert_ok!(send_dkg(Member(member), commitment(member)));
        }
        pass(10);
        assert_eq!(Threshold::ceremony().unwrap().committee.attempt, 1);
        refused(sealed, InvalidTransaction::BadProof);
    });
}

#[test]
fn messages_out_of_phase_and_about_something_else_are_refused() {
    run(4, || {
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        refused(seal_dkg(Member(0), Message::Confirm([0; 32])), InvalidTransaction::Stale);
        let mut members = Members::default();
        members.act(&|_, message| Some(message));
        members.act(&|_, message| Some(message));
        refused(seal_dkg(Member(0), Message::Confirm([0; 32])), InvalidTransaction::Call);
    });
}

#[test]
fn signed_and_unsigned_origins_send_nothing() {
    run(4, || {
        assert_ok!(Threshold::rotate(RuntimeOrigin::root()));
        let envelope = seal_dkg(Member(0), commitment(0));
        for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::root(), RuntimeOrigin::none()] {
            assert_noop!(
                Threshold::dkg(origin, envelope.clone()),
                sp_runtime::DispatchError::BadOrigin
            );
        }
    });
}

#[test]
fn attack_signing_messages_and_signatures_that_are_not_due_are_refused() {
    run(4, || {
        let epoch = Members::default().make_key();
        let session = Threshold::request(epoch, vec![super::session::input(1)]).unwrap();
        let request = Sessions::<Test>::get(session).unwrap().session.request;
        let send = |attempt, message| {
            let context = request.digest(attempt);
            let key = session_key(1);
            let envelope =
                with_rng(|rng| Envelope::seal(&context, Member(0), message, &key, rng)).unwrap();
            submit(Call::sign { session, envelope })
        };
        let nonces = SigningMessage::Nonces(Default::default());
        let shares = SigningMessage::Shares(Default::default());
        assert_eq!(send(1, nonces), Err(InvalidTransaction::BadProof.into()));
        assert_eq!(send(0, shares), Err(InvalidTransaction::Stale.into()));
        let complete = |session| {
            let signatures = vec![Signature([1; 64])].try_into().unwrap();
            submit(Call::complete { session, signatures })
        };
        assert_eq!(complete(session), Err(InvalidTransaction::Stale.into()));
        assert_eq!(complete(99), Err(InvalidTransaction::Stale.into()));
    });
}
