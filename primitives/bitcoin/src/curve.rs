//! Taproot keys and Schnorr signatures on a single public key recovery each.
//!
//! ECDSA recovery gives r^-1 (s R - z G), where R is the point with x coordinate r. That is one host call in the
//! runtime and one precompile in the EVM, so choose r, s and z to get what BIP-340 and BIP-341 need:
//! * r = P.x, s = r, z = -t r gives P + t G, the output key of a tweak t;
//! * r = P.x, s = -e r, z = -s' r gives s' G - e P, which must be the R of a Schnorr signature (R.x, s').

use alloy_primitives::{uint, U256};
use bitcoin::hashes::{sha256, Hash, HashEngine};

/// The order of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// Recovers public keys from ECDSA signatures on secp256k1.
pub trait Recover {
    /// The key r^-1 (s R - z G) as x and y, where R has x coordinate `r` and is odd when `odd`.
    ///
    /// Any s in 1..n must be taken, also the high ones. `None` when r or s is out of range, R is not on the curve,
    /// or the result is the point at infinity.
    fn recover(z: &[u8; 32], r: &[u8; 32], s: &[u8; 32], odd: bool) -> Option<[u8; 64]>;
}

/// The host function of a Substrate runtime.
#[cfg(feature = "sp-io")]
#[derive(Debug)]
pub enum Host {}

#[cfg(feature = "sp-io")]
impl Recover for Host {
    fn recover(z: &[u8; 32], r: &[u8; 32], s: &[u8; 32], odd: bool) -> Option<[u8; 64]> {
        let mut signature = [0u8; 65];
        signature.get_mut(..32)?.copy_from_slice(r);
        signature.get_mut(32..64)?.copy_from_slice(s);
        *signature.last_mut()? = odd.into();
        sp_io::crypto::secp256k1_ecdsa_recover(&signature, z).ok()
    }
}

/// Portable Rust.
#[cfg(any(feature = "k256", test))]
#[derive(Debug)]
pub enum Portable {}

#[cfg(any(feature = "k256", test))]
impl Recover for Portable {
    fn recover(z: &[u8; 32], r: &[u8; 32], s: &[u8; 32], odd: bool) -> Option<[u8; 64]> {
        use core::ops::{Mul, Neg};
        use k256::{
            elliptic_curve::{
                ops::{LinearCombination, Reduce},
                point::DecompressPoint,
                sec1::ToEncodedPoint,
                PrimeField,
            },
            AffinePoint, ProjectivePoint, Scalar, U256,
        };
        let scalar = |bytes: &[u8; 32]| {
            Option::<Scalar>::from(Scalar::from_repr((*bytes).into()))
                .filter(|scalar| *scalar != Scalar::ZERO)
        };
        let point = Option::<AffinePoint>::from(AffinePoint::decompress(
            &(*r).into(),
            u8::from(odd).into(),
        ))?;
        let inverse = Option::<Scalar>::from(scalar(r)?.invert())?;
        let z = <Scalar as Reduce<U256>>::reduce_bytes(&(*z).into());
        let key = ProjectivePoint::lincomb(
            &point.into(),
            &inverse.mul(scalar(s)?),
            &ProjectivePoint::GENERATOR,
            &inverse.mul(z.neg()),
        );
        key.to_affine().to_encoded_point(false).as_bytes().get(1..)?.try_into().ok()
    }
}

/// A point as its x coordinate and whether y is odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The x coordinate; as a public key, that of BIP-340.
    pub x: [u8; 32],
    /// Whether y is odd.
    pub odd: bool,
}

impl Point {
    fn new(coordinates: [u8; 64]) -> Option<Self> {
        let (x, y) = coordinates.split_first_chunk::<32>()?;
        Some(Self { x: *x, odd: y.last()? & 1 == 1 })
    }
}

/// P + t G for the BIP-340 key `p`.
///
/// `None` when `p` is not a key, t is not below the curve's order, or the sum is infinite. A key whose x lies
/// between the curve's order and the field's prime is not taken: nobody can find one.
pub fn add_tweak<R: Recover>(p: &[u8; 32], t: &[u8; 32]) -> Option<Point> {
    let (r, t) = (U256::from_be_bytes(*p), U256::from_be_bytes(*t));
    if t >= ORDER {
        return None;
    }
    let z = negate(t.mul_mod(r, ORDER));
    Point::new(R::recover(&z.to_be_bytes(), p, p, false)?)
}

/// Verifies a BIP-340 signature over `message`.
pub fn verify_schnorr<R: Recover>(p: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Some((signed, s)) = signature.split_first_chunk::<32>() else { return false };
    let s = U256::from_be_slice(s);
    if s >= ORDER {
        return false;
    }
    let mut engine = tagged("BIP0340/challenge");
    for part in [signed, p, message] {
        engine.input(part);
    }
    let e = U256::from_be_bytes(sha256::Hash::from_engine(engine).to_byte_array());
    let r = U256::from_be_bytes(*p);
    let (s, z) = (negate(e.mul_mod(r, ORDER)), negate(s.mul_mod(r, ORDER)));
    R::recover(&z.to_be_bytes(), p, &s.to_be_bytes(), false)
        .and_then(Point::new)
        .is_some_and(|point| !point.odd && point.x == *signed)
}

/// The hash engine of a BIP-340 tag.
pub(crate) fn tagged(tag: &str) -> sha256::HashEngine {
    let tag = sha256::Hash::hash(tag.as_bytes()).to_byte_array();
    let mut engine = sha256::Hash::engine();
    engine.input(&tag);
    engine.input(&tag);
    engine
}

/// The negative of a number below the order.
fn negate(number: U256) -> U256 {
    ORDER.saturating_sub(number).reduce_mod(ORDER)
}
