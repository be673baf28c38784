//! Encryption of key shares: a one-time pad derived from a Diffie-Hellman secret and added to the
//! share, as in ChillDKG's EncPedPop (BIP draft 0.3).
//!
//! No AEAD: who sent a ciphertext is shown by the signature of the message that holds it, and
//! whether the share in it is right by the sender's public commitment (Feldman), which a tag could
//! not show. The pad costs no bytes, and *every* ciphertext opens to exactly one share, so there is
//! no third verdict beside a good and a bad share.
//!
//! The sender's key is made for one message and proven to be its own, so that the secret can be
//! shown in a complaint: it opens nothing else, and nobody can send garbage under the ephemeral key
//! of another sender in order to have the receiver open that sender's share.

use crate::{
    bip340::SecretKey,
    committee::Member,
    element::{Point, Scalar, XOnly},
    hash::{tagged_hash, to_scalar},
};
use codec::Encode;

/// The shared secret of `secret` and `public`; `None` when `public` is not of the curve.
pub fn agree(secret: &SecretKey, public: &XOnly) -> Option<Point> {
    Point::encode_point(&(public.lift()? * secret.scalar()))
}

/// What is added to the share that `sender` has for `receiver`.
fn pad(context: &[u8; 32], shared: &Point, sender: Member, receiver: Member) -> k256::Scalar {
    to_scalar(&tagged_hash(
        "bzk/threshold/pad",
        &[context, &shared.0, &(sender, receiver).encode()],
    ))
}

/// Encrypts `share` of `sender` for `receiver`.
pub fn seal(
    context: &[u8; 32],
    shared: &Point,
    (sender, receiver): (Member, Member),
    share: &k256::Scalar,
) -> Scalar {
    Scalar::encode_scalar(&(share + pad(context, shared, sender, receiver)))
}

/// The share in `sealed`; `None` when that is no scalar.
pub fn open(
    context: &[u8; 32],
    shared: &Point,
    (sender, receiver): (Member, Member),
    sealed: &Scalar,
) -> Option<k256::Scalar> {
    Some(sealed.decode_scalar()? - pad(context, shared, sender, receiver))
}
