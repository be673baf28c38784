//! Tagged hashes (BIP-340) and the scalars made of them.

use k256::{
    elliptic_curve::{bigint::U256, ops::Reduce},
    Scalar,
};
use sha2::{Digest, Sha256};

/// `SHA256(SHA256(tag) || SHA256(tag) || parts...)`, BIP-340's domain separation. The parts are not
/// delimited: all but the last must be of fixed length.
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = Sha256::digest(tag);
    let mut hasher = Sha256::new_with_prefix(tag);
    hasher.update(tag);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// `hash` modulo the order of secp256k1. The bias is below 2^-127.
pub(crate) fn to_scalar(hash: &[u8; 32]) -> Scalar {
    <Scalar as Reduce<U256>>::reduce_bytes(&(*hash).into())
}
