//! Encryption of secrets at rest: XChaCha20-Poly1305 with a key from a passphrase (scrypt, RFC 7914).

use chacha20poly1305::{
    aead::{Aead, KeyInit, Payload},
    XChaCha20Poly1305, XNonce,
};
use rand_core::{OsRng, RngCore};
use zeroize::Zeroizing;

/// Bytes of the salt of a store.
pub const SALT_BYTES: usize = 32;

const NONCE_BYTES: usize = 24;

/// Cost of a guess: 2^15 blocks of 1 KiB, about 0.1 s and 32 MiB.
const LOG_N: u8 = 15;
const R: u32 = 8;
const P: u32 = 1;

/// Why something sealed cannot be opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Wrong passphrase, another name, or a damaged file.
    #[error("{0} does not open: wrong passphrase, or the file is damaged or renamed")]
    Unreadable(String),
}

/// The key of a store. Wiped when dropped.
pub struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// Derives the key of the store with this salt. Takes about 0.1 s.
    pub fn derive(passphrase: &[u8], salt: &[u8; SALT_BYTES]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        let params = scrypt::Params::new(LOG_N, R, P, 32).expect("constants are in range");
        scrypt::scrypt(passphrase, salt, &params, &mut key[..]).expect("32 bytes are in range");
        Self(key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    /// Encrypts `secret` under `name`: a random nonce and the ciphertext.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; NONCE_BYTES];
        OsRng.fill_bytes(&mut sealed);
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let ciphertext = self
            .cipher()
            .encrypt(XNonce::from_slice(&sealed), payload)
            .expect("secrets are shorter than 256 GiB");
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Decrypts what was sealed under `name`.
    ///
    /// # Errors
    /// [`SealError::Unreadable`].
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let unreadable = || SealError::Unreadable(name.to_owned());
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(unreadable)?;
        let payload = Payload { msg: ciphertext, aad: name.as_bytes() };
        self.cipher()
            .decrypt(XNonce::from_slice(nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| unreadable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_open_under_their_name_and_passphrase_only() {
        let key = SealKey::derive(b"correct horse", &[1; SALT_BYTES]);
        let sealed = key.seal("share", b"secret");
        assert_eq!(&key.open("share", &sealed).unwrap()[..], b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_ne!(sealed, key.seal("share", b"secret"), "fresh nonces");
        let unreadable = |name: &str| Err(SealError::Unreadable(name.to_owned()));
        assert_eq!(key.open("other", &sealed), unreadable("other"));
        for key in [
            SealKey::derive(b"correct horsf", &[1; SALT_BYTES]),
            SealKey::derive(b"correct horse", &[2; SALT_BYTES]),
        ] {
            assert_eq!(key.open("share", &sealed), unreadable("share"));
        }
        for length in 0..sealed.len() {
            assert_eq!(key.open("share", &sealed[..length]), unreadable("share"));
        }
        for byte in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[byte] ^= 1;
            assert_eq!(key.open("share", &damaged), unreadable("share"));
        }
    }
}
