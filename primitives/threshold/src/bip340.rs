//! BIP-340 signatures, verified by the one elliptic curve operation that a runtime has natively.
//!
//! ECDSA recovery of `(r, s, v)` for `z` gives `r^-1 (sR - zG)` where `R` is the point with x
//! coordinate `r` and the parity `v`: any combination of a chosen point and the generator.

use crate::{
    element::{Scalar, Signature, XOnly},
    hash::{tagged_hash, to_scalar},
};
use k256::{elliptic_curve::sec1::ToEncodedPoint, ProjectivePoint};
use rand_core::{CryptoRng, RngCore};

/// ECDSA public key recovery: signature `r || s || v` and message hash to the 64 bytes of the
/// uncompressed key. `recover_on_host` in a runtime, [`recover`] elsewhere.
pub type Recover = fn(&[u8; 65], &[u8; 32]) -> Option<[u8; 64]>;

/// [`Recover`] by the host of a runtime.
#[cfg(feature = "sp-io")]
pub fn recover_on_host(signature: &[u8; 65], hash: &[u8; 32]) -> Option<[u8; 64]> {
    sp_io::crypto::secp256k1_ecdsa_recover(signature, hash).ok()
}

/// [`Recover`] without a host.
pub fn recover(signature: &[u8; 65], hash: &[u8; 32]) -> Option<[u8; 64]> {
    let [scalars @ .., v] = signature;
    let (r, s) = scalars.split_at(32);
    let r: [u8; 32] = r.try_into().ok()?;
    let s = Scalar(s.try_into().ok()?).decode_scalar()?;
    let mut point = XOnly(r).lift()?;
    if v & 1 == 1 {
        point = -point;
    }
    let inverse: k256::Scalar = Option::from(Scalar(r).decode_scalar()?.invert())?;
    let key = (point * s - ProjectivePoint::GENERATOR * to_scalar(hash)) * inverse;
    let encoded = key.to_affine().to_encoded_point(false);
    encoded.as_bytes().get(1..)?.try_into().ok()
}

/// `a * key + b * G`, for the key lifted to an even y; `None` when `key` is none of the curve, `a`
/// is zero or the result is infinity.
pub fn combine(
    recover: Recover,
    key: &XOnly,
    a: &k256::Scalar,
    b: &k256::Scalar,
) -> Option<[u8; 64]> {
    let r = Scalar(key.0).decode_scalar()?;
    let mut signature = [0; 65];
    let (r_bytes, rest) = signature.split_at_mut(32);
    r_bytes.copy_from_slice(&key.0);
    let (s_bytes, _) = rest.split_at_mut(32);
    s_bytes.copy_from_slice(&(a * &r).to_bytes());
    recover(&signature, &(-(b * &r)).to_bytes().into())
}

fn challenge(nonce: &[u8], key: &XOnly, message: &[u8; 32]) -> k256::Scalar {
    to_scalar(&tagged_hash("BIP0340/challenge", &[nonce, &key.0, message]))
}

/// Whether `signature` of `message` is by `key` (BIP-340).
pub fn verify(recover: Recover, key: &XOnly, message: &[u8; 32], signature: &Signature) -> bool {
    let (nonce, s) = signature.0.split_at(32);
    let Some(s) = s.try_into().ok().and_then(|s| Scalar(s).decode_scalar()) else { return false };
    // R' = s * G - e * P must have an even y and the x coordinate of the signature.
    let e = challenge(nonce, key, message);
    let Some(point) = combine(recover, key, &-e, &s) else { return false };
    let (x, y) = point.split_at(32);
    x == nonce && y.last().is_some_and(|byte| byte & 1 == 0)
}

/// The key `P + H(P || root) G` of a Taproot output with the internal key `internal` and the script
/// tree `root` (BIP-341); `None` with a probability of 2^-128.
pub fn output_key(recover: Recover, internal: &XOnly, root: &[u8; 32]) -> Option<XOnly> {
    let tweak = Scalar(tagged_hash("TapTweak", &[&internal.0, root])).decode_scalar()?;
    let point = combine(recover, internal, &k256::Scalar::ONE, &tweak)?;
    let (x, _) = point.split_at(32);
    x.try_into().ok().map(XOnly)
}

/// The secret session key of a member: it signs messages (BIP-340) and opens the shares sent to
/// it (ECDH), as ChillDKG's host key does. Wiped when dropped.
pub struct SecretKey(k256::schnorr::SigningKey);

impl SecretKey {
    /// Draws a key.
    pub fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        Self(k256::schnorr::SigningKey::random(rng))
    }

    /// Takes the 32 bytes of a key; `None` when they are zero or not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        k256::schnorr::SigningKey::from_bytes(bytes).ok().map(Self)
    }

    /// The 32 bytes of the key, for storage.
    pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key.
    pub fn public(&self) -> XOnly {
        XOnly(self.0.verifying_key().to_bytes().into())
    }

    /// The scalar whose point is [`Self::public`] with an even y.
    pub(crate) fn scalar(&self) -> &k256::Scalar {
        self.0.as_nonzero_scalar()
    }

    /// Signs `message`; `None` with a probability of 2^-128.
    pub fn sign(
        &self,
        message: &[u8; 32],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Signature> {
        let mut auxiliary = [0; 32];
        rng.fill_bytes(&mut auxiliary);
        self.0.sign_raw(message, &auxiliary).ok().map(|signature| Signature(signature.to_bytes()))
    }
}

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}
