//! Proof that two points have the same discrete logarithm (Chaum and Pedersen, CRYPTO '92), made
//! non-interactive by Fiat and Shamir.
//!
//! With it the receiver of an encrypted share shows the secret that it has in common with the
//! sender, and nothing else.

use crate::{
    bip340::SecretKey,
    element::{Point, Scalar, XOnly},
    hash::{tagged_hash, to_scalar},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use k256::ProjectivePoint;
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;

/// The proof: challenge and response.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Proof {
    challenge: Scalar,
    response: Scalar,
}

fn challenge(
    context: &[u8; 32],
    key: &XOnly,
    base: &XOnly,
    shared: &Point,
    nonces: [&ProjectivePoint; 2],
) -> Option<k256::Scalar> {
    let [a, b] = nonces;
    let (a, b) = (Point::encode_point(a)?, Point::encode_point(b)?);
    let hash =
        tagged_hash("bzk/threshold/dleq", &[context, &key.0, &base.0, &shared.0, &a.0, &b.0]);
    Some(to_scalar(&hash))
}

/// The product of `secret` and `base`, and the proof that its factor is the secret of
/// `secret.public()`. `None` when `base` is no x coordinate of the curve.
pub fn prove(
    context: &[u8; 32],
    secret: &SecretKey,
    base: &XOnly,
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<(Point, Proof)> {
    let point = base.lift()?;
    let shared = Point::encode_point(&(point * secret.scalar()))?;
    // Hedged like BIP-340: a poor generator alone does not repeat a nonce under another statement.
    let mut random = [0; 32];
    rng.fill_bytes(&mut random);
    let secret_bytes = secret.to_bytes();
    let nonce = to_scalar(&tagged_hash(
        "bzk/threshold/dleq/nonce",
        &[&*secret_bytes, &random, context, &base.0],
    ));
    let c = challenge(
        context,
        &secret.public(),
        base,
        &shared,
        [&(ProjectivePoint::GENERATOR * nonce), &(point * nonce)],
    )?;
    let proof = Proof {
        challenge: Scalar::encode_scalar(&c),
        response: Scalar::encode_scalar(&(nonce + c * secret.scalar())),
    };
    Some((shared, proof))
}

/// Whether `shared` is `base` times the secret of `key`.
pub fn verify(
    context: &[u8; 32],
    key: &XOnly,
    base: &XOnly,
    shared: &Point,
    proof: &Proof,
) -> bool {
    let holds = || {
        let (c, z) = (proof.challenge.decode_scalar()?, proof.response.decode_scalar()?);
        let (key_point, base_point) = (key.lift()?, base.lift()?);
        let a = ProjectivePoint::GENERATOR * z - key_point * c;
        let b = base_point * z - shared.decode_point()? * c;
        Some(challenge(context, key, base, shared, [&a, &b])? == c)
    };
    holds().unwrap_or(false)
}
