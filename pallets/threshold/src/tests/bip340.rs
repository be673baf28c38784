//! The host's recovery does what the pure one does.

use super::*;
use bzk_threshold::{bip340, element::Signature};

#[test]
fn host_and_library_verify_alike() {
    run(0, || {
        for account in 1..20 {
            let (key, message) = (session_key(account), [account as u8; 32]);
            let mut signature = with_rng(|rng| key.sign(&message, rng)).unwrap();
            for flip in [None, Some(0), Some(20), Some(32), Some(63)] {
                if let Some(byte) = flip {
                    signature.0[byte] ^= 1;
                }
                let verified = [crate::recover, bip340::recover]
                    .map(|recover| bip340::verify(recover, &key.public(), &message, &signature));
                assert_eq!(verified, [flip.is_none(); 2]);
                if let Some(byte) = flip {
                    signature.0[byte] ^= 1;
                }
            }
            let output = [crate::recover, bip340::recover]
                .map(|recover| bip340::output_key(recover, &key.public(), &message));
            assert!(output[0].is_some() && output[0] == output[1]);
        }
        for garbage in [0, 1, 2, 0xff] {
            let key = bzk_threshold::element::XOnly([garbage; 32]);
            let signature = Signature([garbage; 64]);
            assert!(!bip340::verify(crate::recover, &key, &[garbage; 32], &signature));
        }
    });
}
