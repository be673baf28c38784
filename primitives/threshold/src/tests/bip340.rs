//! Signatures by recovery, against k256 and the vectors of BIP-340 and BIP-341.

use super::rng;
use crate::{
    bip340::{combine, output_key, recover, verify, SecretKey},
    element::{Point, Signature, XOnly},
    hash::{tagged_hash, to_scalar},
};
use alloc::{string::String, vec::Vec};
use k256::{schnorr::VerifyingKey, ProjectivePoint};
use proptest::prelude::*;
use rand_chacha::rand_core::RngCore;
use std::{path::PathBuf, println};

fn fixture(path: &str) -> Option<String> {
    let root = std::env::var_os("BZK_FIXTURES").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures")
    });
    let text = std::fs::read_to_string(root.join(path)).ok();
    if text.is_none() {
        println!("SKIPPED: no {path} in {}", root.display());
    }
    text
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: Option<Vec<u8>> = (0..text.len() / 2)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
        .collect();
    bytes?.try_into().ok()
}

#[test]
fn vectors_of_bip340() {
    let Some(text) = fixture("bitcoin/bip340-vectors.csv") else {
        return;
    };
    let mut checked = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        // Vectors 15 to 18 have messages of other lengths; we sign hashes only.
        let (Some(key), Some(message), Some(signature)) =
            (hex(fields[2]), hex(fields[4]), hex(fields[5]))
        else {
            continue;
        };
        let verified = verify(recover, &XOnly(key), &message, &Signature(signature));
        assert_eq!(verified, fields[6] == "TRUE", "vector {}", fields[0]);
        checked += 1;
    }
    assert_eq!(checked, 15);
}

#[test]
fn recovery_agrees_with_k256() {
    let mut rng = rng(1);
    for _ in 0..50 {
        let secret = SecretKey::random(&mut rng);
        let key = secret.public();
        let mut message = [0; 32];
        rng.fill_bytes(&mut message);
        let mut signature = secret.sign(&message, &mut rng).unwrap();
        for flip in [None, Some(0), Some(31), Some(32), Some(63)] {
            if let Some(byte) = flip {
                signature.0[byte] ^= 1;
            }
            let reference = k256::schnorr::Signature::try_from(&signature.0[..])
                .and_then(|signature| {
                    VerifyingKey::from_bytes(&key.0)?.verify_raw(&message, &signature)
                })
                .is_ok();
            assert_eq!(verify(recover, &key, &message, &signature), reference);
            assert_eq!(reference, flip.is_none());
            if let Some(byte) = flip {
                signature.0[byte] ^= 1;
            }
        }
    }
}

#[test]
fn combination_agrees_with_the_curve() {
    let mut rng = rng(2);
    for _ in 0..20 {
        let key = SecretKey::random(&mut rng).public();
        let (a, b) = (SecretKey::random(&mut rng), SecretKey::random(&mut rng));
        let expected = key.lift().unwrap() * a.scalar() + ProjectivePoint::GENERATOR * b.scalar();
        let combined = combine(recover, &key, a.scalar(), b.scalar()).unwrap();
        assert_eq!(Point::encode_point(&expected).unwrap().x_only().0, combined[..32]);
    }
}

#[test]
fn output_key_is_internal_key_plus_tweak() {
    let key = SecretKey::random(&mut rng(3)).public();
    let root = [9; 32];
    let tweak = to_scalar(&tagged_hash("TapTweak", &[&key.0, &root]));
    let expected = key.lift().unwrap() + ProjectivePoint::GENERATOR * tweak;
    let expected = Point::encode_point(&expected).unwrap().x_only();
    assert_eq!(output_key(recover, &key, &root), Some(expected));
}

proptest! {
    #[test]
    fn prop_garbage_never_verifies_and_never_panics(
        key in any::<[u8; 32]>(), message in any::<[u8; 32]>(), bytes in any::<[[u8; 32]; 2]>(),
    ) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&bytes[0]);
        signature[32..].copy_from_slice(&bytes[1]);
        prop_assert!(!verify(recover, &XOnly(key), &message, &Signature(signature)));
    }
}
