//! Attacks across machines: replay, confusion of contexts, forgery.

use super::{group::Group, network::request, rng};
use crate::{
    bip340::{recover, SecretKey},
    committee::{Committee, Member},
    dkg::message::Message,
    encryption,
    envelope::Envelope,
    signing::{message::Message as SigningMessage, request},
};
use alloc::vec::Vec;

/// A message of one chain, epoch, attempt or committee means nothing in another.
#[test]
fn attack_replay_in_another_context_is_refused() {
    let mut rng = rng(1);
    let group = Group::new(4, &mut rng);
    let message = Message::Confirm([1; 32]);
    let committee = &group.committee;
    let sealed =
        Envelope::seal(&committee.digest(), Member(0), message, &group.keys[0], &mut rng).unwrap();
    let key = committee.key(Member(0)).unwrap();
    assert!(sealed.verify(recover, &committee.digest(), key));
    let mut members: Vec<_> = committee.members.to_vec();
    members.swap(2, 3);
    let others = [
        Committee { genesis: [8; 32], ..committee.clone() },
        Committee { epoch: 2, ..committee.clone() },
        Committee { attempt: 1, ..committee.clone() },
        Committee { members: members.try_into().unwrap(), ..committee.clone() },
    ];
    for other in others {
        assert!(!sealed.verify(recover, &other.digest(), key));
    }
}

#[test]
fn attack_message_under_another_name_is_refused() {
    let mut rng = rng(1);
    let group = Group::new(4, &mut rng);
    let context = group.committee.digest();
    let message = Message::Confirm([1; 32]);
    let mut sealed =
        Envelope::seal(&context, Member(0), message, &group.keys[0], &mut rng).unwrap();
    let keys: Vec<_> = group.members().map(|m| *group.committee.key(m).unwrap()).collect();
    assert!(!sealed.verify(recover, &context, &keys[1]));
    sealed.sender = Member(1);
    assert!(keys.iter().all(|key| !sealed.verify(recover, &context, key)));
}

/// Nonces of an attempt are nonces of that attempt only.
#[test]
fn attack_replay_of_a_signing_message_in_another_attempt_is_refused() {
    let mut rng = rng(1);
    let key = SecretKey::random(&mut rng);
    let request = request([1; 32], 1, 2, 1);
    let message = SigningMessage::Shares(Default::default());
    let sealed = Envelope::seal(&request.digest(0), Member(0), message, &key, &mut rng).unwrap();
    assert!(sealed.verify(recover, &request.digest(0), &key.public()));
    assert!(!sealed.verify(recover, &request.digest(1), &key.public()));
}

/// What members sign to adopt a key cannot spend: nobody knows a transaction with that hash, and
/// the two messages are the same for all members.
#[test]
fn adoption_message_depends_on_the_transcript_only() {
    let (a, b) = (request::adoption([1; 32], 0, 4), request::adoption([1; 32], 9, 5));
    assert_eq!(a.inputs, b.inputs);
    assert_ne!(a.inputs, request::adoption([2; 32], 0, 4).inputs);
    assert_eq!((a.required, b.required), (4, 5));
}

/// Whoever sees the ciphertext and everything public learns nothing without a secret key, and what
/// is shown in a complaint opens one share only.
#[test]
fn attack_shared_secret_of_one_pair_opens_no_other_share() {
    let mut rng = rng(1);
    let (a, b, ephemeral) =
        (SecretKey::random(&mut rng), SecretKey::random(&mut rng), SecretKey::random(&mut rng));
    let context = [3; 32];
    let share = *SecretKey::random(&mut rng).scalar();
    let shared = encryption::agree(&ephemeral, &a.public()).unwrap();
    assert_eq!(encryption::agree(&a, &ephemeral.public()), Some(shared));
    let pair = (Member(0), Member(1));
    let sealed = encryption::seal(&context, &shared, pair, &share);
    assert_eq!(encryption::open(&context, &shared, pair, &sealed), Some(share));
    for (context, pair) in [([4; 32], pair), (context, (Member(1), Member(0)))] {
        assert_ne!(encryption::open(&context, &shared, pair, &sealed), Some(share));
    }
    let other = encryption::agree(&b, &ephemeral.public()).unwrap();
    assert_ne!(encryption::open(&context, &other, pair, &sealed), Some(share));
}
