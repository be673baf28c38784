//! Decoding of what strangers send: limits, one encoding per value, no panics.

use crate::{
    committee::{Committee, Member, MAX_MEMBERS, MAX_THRESHOLD},
    dkg::message::{Message as DkgMessage, Round1, Round2},
    element::{Point, Scalar, Signature, XOnly},
    envelope::Envelope,
    refresh, repair,
    sealed::Sealed,
    signing::{
        message::{Message as SigningMessage, NoncePair, Nonces, Shares},
        request::{Input, Request, MAX_INPUTS},
    },
};
use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeAll, Encode, MaxEncodedLen};
use proptest::prelude::*;

fn largest_round1() -> Round1 {
    let commitment = vec![Point([2; 33]); MAX_THRESHOLD as usize].try_into().unwrap();
    Round1 { commitment, proof: Signature([1; 64]) }
}

#[test]
fn largest_messages_are_as_long_as_promised() {
    let round2 = Round2 {
        ephemeral: XOnly([1; 32]),
        possession: Signature([1; 64]),
        shares: vec![Scalar([1; 32]); MAX_MEMBERS as usize].try_into().unwrap(),
    };
    let message = DkgMessage::Round2(round2);
    assert_eq!(message.encoded_size(), DkgMessage::max_encoded_len());
    let pair = NoncePair { hiding: Point([2; 33]), binding: Point([2; 33]) };
    let nonces = vec![pair; MAX_INPUTS as usize].try_into().unwrap();
    let message = SigningMessage::Nonces(nonces);
    assert_eq!(message.encoded_size(), SigningMessage::max_encoded_len());
    // 25 inputs: 66 bytes each, and 32 for the shares.
    let nonces = vec![pair; 25].try_into().unwrap();
    assert_eq!(SigningMessage::Nonces(nonces).encoded_size(), 1 + 1 + 25 * 66);
}

#[test]
fn attack_length_without_the_elements_is_refused() {
    let bomb = codec::Compact(u32::MAX).encode();
    assert!(crate::key::Polynomial::decode(&mut &bomb[..]).is_err());
}

/// A list with an element for each member, coefficient or input is no longer than there can be of these, in
/// whatever it comes.
#[test]
fn prop_lists_are_as_long_as_the_largest_committee_allows() {
    fn takes<M: Decode>(parts: impl Encode) -> bool {
        M::decode_all(&mut &parts.encode()[..]).is_ok()
    }
    let (key, point) = (XOnly([1; 32]), Point([2; 33]));
    let (scalar, signature) = (Scalar([1; 32]), Signature([1; 64]));
    for count in 0..=300 {
        let (points, scalars) = (vec![point; count], vec![scalar; count]);
        let sealed = (key, Vec::<(Member, Scalar)>::new());

        let fits = count <= MAX_MEMBERS as usize;
        let members = vec![key; count];
        assert_eq!(takes::<Committee>(([0u8; 32], 0u32, 0u16, members)), fits);
        assert_eq!(takes::<Round2>((key, signature, &scalars)), fits);
        assert_eq!(takes::<Sealed>((key, vec![(Member(0), scalar); count])), fits);
        assert_eq!(takes::<repair::Deal>((&points, &sealed)), fits);
        assert_eq!(takes::<refresh::Confirmations>(vec![signature; count]), fits);

        let fits = count <= MAX_THRESHOLD as usize;
        assert_eq!(takes::<Round1>((&points, signature)), fits);
        assert_eq!(takes::<refresh::Deal>((&points, &sealed)), fits);
        let none = Vec::<Signature>::new();
        assert_eq!(takes::<refresh::Proposal>((0u32, &points, none)), fits);

        let fits = count <= MAX_INPUTS as usize;
        let pair = NoncePair { hiding: point, binding: point };
        assert_eq!(takes::<Nonces>(vec![pair; count]), fits);
        assert_eq!(takes::<Shares>(&scalars), fits);
    }
}

proptest! {
    #[test]
    fn prop_garbage_decodes_to_itself_or_fails(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        fn check<M: Decode + Encode>(bytes: &[u8]) {
            let mut rest = bytes;
            if let Ok(message) = M::decode(&mut rest) {
                assert_eq!(message.encode(), bytes[..bytes.len() - rest.len()]);
            }
        }
        check::<Envelope<DkgMessage>>(&bytes);
        check::<Envelope<SigningMessage>>(&bytes);
        check::<Envelope<repair::Plan>>(&bytes);
        check::<Envelope<repair::Deal>>(&bytes);
        check::<Envelope<repair::Sum>>(&bytes);
        check::<Envelope<refresh::Deal>>(&bytes);
        check::<Envelope<refresh::Confirmation>>(&bytes);
        check::<refresh::Proposal>(&bytes);
        check::<Committee>(&bytes);
        check::<Request>(&bytes);
    }

    /// One flipped bit in a message does not pass for another one.
    #[test]
    fn prop_flipped_bits_change_the_message(byte in 0usize..2_000, bit in 0u8..8) {
        let message = Envelope {
            sender: Member(3),
            message: DkgMessage::Round1(largest_round1()),
            signature: Signature([7; 64]),
        };
        let mut bytes: Vec<u8> = message.encode();
        let index = byte % bytes.len();
        bytes[index] ^= 1 << bit;
        prop_assert_ne!(Envelope::<DkgMessage>::decode_all(&mut &bytes[..]).ok(), Some(message));
    }

    #[test]
    fn prop_points_that_decode_encode_to_themselves(bytes in any::<[u8; 32]>(), odd in any::<bool>()) {
        let mut point = [2 + u8::from(odd); 33];
        point[1..].copy_from_slice(&bytes);
        if let Some(decoded) = Point(point).decode_point() {
            prop_assert_eq!(Point::encode_point(&decoded), Some(Point(point)));
        }
    }
}

#[test]
fn points_have_one_encoding() {
    for prefix in [0, 1, 4, 5, 6, 7, 0xff] {
        assert_eq!(Point([prefix; 33]).decode_point(), None);
    }
    // The field's prime as a coordinate: zero under another name.
    let p = hex_literal::hex!("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
    assert_eq!(XOnly(p).lift(), None);
    let order =
        hex_literal::hex!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
    assert_eq!(Scalar(order).decode_scalar(), None);
}

#[test]
fn attempts_of_a_request_have_different_digests() {
    let input = Input { sighash: [1; 32], root: None };
    let inputs = vec![input].try_into().unwrap();
    let request = Request { group: [0; 32], session: 1, required: 2, inputs };
    let mut digests: Vec<_> = (0..10).map(|attempt| request.digest(attempt)).collect();
    digests.push(Request { session: 2, ..request.clone() }.digest(0));
    digests.push(Request { required: 3, ..request.clone() }.digest(0));
    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}
