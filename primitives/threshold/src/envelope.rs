//! A message with its sender and signature.

use crate::{
    bip340::{self, Recover, SecretKey},
    committee::Member,
    element::{Signature, XOnly},
    hash::tagged_hash,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;

/// `message` of `sender`, signed with its session key for one context: the digest of a
/// [`Committee`](crate::committee::Committee) or of an
/// [`Request`](crate::signing::request::Request).
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Envelope<M> {
    /// Who says it.
    pub sender: Member,
    /// What is said.
    pub message: M,
    /// Signature of context, sender and message.
    pub signature: Signature,
}

impl<M: Encode> Envelope<M> {
    fn digest(context: &[u8; 32], sender: Member, message: &M) -> [u8; 32] {
        message.using_encoded(|bytes| {
            tagged_hash("bzk/threshold/envelope", &[context, &sender.0.to_le_bytes(), bytes])
        })
    }

    /// Signs `message` with `secret`; `None` with a probability of 2^-128.
    pub fn seal(
        context: &[u8; 32],
        sender: Member,
        message: M,
        secret: &SecretKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let signature = secret.sign(&Self::digest(context, sender, &message), rng)?;
        Some(Self { sender, message, signature })
    }

    /// Whether the holder of `key` said this in `context`.
    pub fn verify(&self, recover: Recover, context: &[u8; 32], key: &XOnly) -> bool {
        let digest = Self::digest(context, self.sender, &self.message);
        bip340::verify(recover, key, &digest, &self.signature)
    }
}
