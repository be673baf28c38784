//! What the members confirm: that all of them saw the same messages.

use super::message::{Round1, Round2};
use crate::{committee::Committee, hash::tagged_hash};
use alloc::vec::Vec;
use codec::Encode;

/// The transcript after a round in which member `i` sent the message of digest `digests[i]`.
pub(super) fn extend(transcript: &[u8; 32], digests: &[[u8; 32]]) -> [u8; 32] {
    let parts: Vec<&[u8]> =
        core::iter::once(&transcript[..]).chain(digests.iter().map(|digest| &digest[..])).collect();
    tagged_hash("bzk/threshold/transcript", &parts)
}

pub(super) fn digest(message: &impl Encode) -> [u8; 32] {
    message.using_encoded(|bytes| tagged_hash("bzk/threshold/message", &[bytes]))
}

/// Digest of a whole ceremony, its messages in the order of the members. A certificate of all
/// members over it is the certificate of the key (ChillDKG's CertEq): the key follows from it.
pub fn transcript(committee: &Committee, round1: &[Round1], round2: &[Round2]) -> [u8; 32] {
    let round1: Vec<_> = round1.iter().map(digest).collect();
    let round2: Vec<_> = round2.iter().map(digest).collect();
    extend(&extend(&committee.digest(), &round1), &round2)
}
