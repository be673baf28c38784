//! Hashes and signatures through the host, which runs them natively.

use crate::primitives::{Address, B256};
use revm::{
    precompile::{Crypto, PrecompileHalt},
    primitives::OnceLock,
};
use sp_io::EcdsaVerifyError;

/// keccak-256 by the host.
pub fn keccak256(data: &[u8]) -> B256 {
    B256::new(sp_io::hashing::keccak_256(data))
}

/// The address that made a signature of `r`, `s` and a recovery id (0, 1, 27 or 28).
pub fn recover_address(signature: &[u8; 65], message: &B256) -> Option<Address> {
    let key = recover_key(signature, &message.0).ok()?;
    Some(Address::from_word(keccak256(&key)))
}

/// The public key, x and y, that made a signature of `r`, `s` and a recovery id (0, 1, 27 or 28).
///
/// Native code remembers the newest signatures: a transaction is checked when it arrives, when the
/// pool validates it, when a block takes it and when a block with it is imported, and recovery is
/// the dearest part of each.
///
/// # Errors
/// There is no such key.
pub fn recover_key(signature: &[u8; 65], message: &[u8; 32]) -> Result<[u8; 64], EcdsaVerifyError> {
    let recover = || sp_io::crypto::secp256k1_ecdsa_recover(signature, message);
    #[cfg(feature = "std")]
    return signature_cache::get_or_insert((*signature, *message), recover);
    #[cfg(not(feature = "std"))]
    recover()
}

#[cfg(feature = "std")]
mod signature_cache {
    use schnellru::{ByLength, LruMap};
    use std::sync::{LazyLock, Mutex, PoisonError};

    /// Signature and message hash.
    type Signed = ([u8; 65], [u8; 32]);

    /// x and y.
    type Key = [u8; 64];

    /// A few full blocks and what waits for them; some 13 MiB.
    const ENTRIES: u32 = 65_536;

    static KEYS: LazyLock<Mutex<LruMap<Signed, Key>>> =
        LazyLock::new(|| Mutex::new(LruMap::new(ByLength::new(ENTRIES))));

    /// The key of `signed`; what `recover` finds is kept, a failure is not.
    pub(super) fn get_or_insert<E>(
        signed: Signed,
        recover: impl FnOnce() -> Result<Key, E>,
    ) -> Result<Key, E> {
        let keys = || KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys().get(&signed) {
            return Ok(*key);
        }
        let key = recover()?;
        keys().insert(signed, key);
        Ok(key)
    }
}

/// revm's cryptography, as far as the host has it.
///
/// The rest (RIPEMD-160, BN254, MODEXP, BLAKE2) is revm's own code without `std`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostCrypto;

impl Crypto for HostCrypto {
    fn sha256(&self, input: &[u8]) -> [u8; 32] {
        sp_io::hashing::sha2_256(input)
    }

    fn secp256k1_ecrecover(
        &self,
        signature: &[u8; 64],
        recovery_id: u8,
        message: &[u8; 32],
    ) -> Result<[u8; 32], PrecompileHalt> {
        let mut rsv = [0u8; 65];
        let (rs, v) = rsv.split_at_mut(64);
        rs.copy_from_slice(signature);
        v.fill(recovery_id);
        recover_address(&rsv, &B256::new(*message))
            .map(|address| address.into_word().0)
            .ok_or(PrecompileHalt::Secp256k1RecoverFailed)
    }
}

/// Makes revm use [`HostCrypto`] in this process or wasm instance. Further calls do nothing.
pub fn install() {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    INSTALLED.get_or_init(|| revm::install_crypto(HostCrypto));
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256, hex};
    use revm::precompile::{secp256k1::ec_recover_run, DefaultCrypto};

    #[test]
    fn keccak_of_nothing_is_the_known_constant() {
        assert_eq!(keccak256(&[]).0, crate::account::KECCAK_EMPTY.0);
    }

    #[test]
    fn host_and_library_agree_on_hash_and_recovery() {
        install();
        // go-ethereum, core/vm/testdata/precompiles/ecRecover.json, "ValidKey".
        let input = hex!(
            "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
            "000000000000000000000000000000000000000000000000000000000000001c"
            "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
            "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
        );
        let output = ec_recover_run(&input, 3_000).unwrap();
        let expected = address!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b");
        assert_eq!(output.bytes.as_ref(), expected.into_word().as_slice());

        let message: [u8; 32] = input[..32].try_into().unwrap();
        let signature: [u8; 64] = input[64..].try_into().unwrap();
        assert_eq!(
            HostCrypto.secp256k1_ecrecover(&signature, 1, &message),
            DefaultCrypto.secp256k1_ecrecover(&signature, 1, &message),
        );
        assert_eq!(HostCrypto.sha256(b"abc"), DefaultCrypto.sha256(b"abc"));
        assert_eq!(
            B256::new(HostCrypto.sha256(b"abc")),
            b256!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        );
    }

    #[test]
    fn unrecoverable_signature_halts_like_the_library() {
        let zero = [0u8; 64];
        assert!(HostCrypto.secp256k1_ecrecover(&zero, 0, &[7; 32]).is_err());
        assert!(DefaultCrypto.secp256k1_ecrecover(&zero, 0, &[7; 32]).is_err());
        let over = [0xff; 64];
        assert!(HostCrypto.secp256k1_ecrecover(&over, 1, &[7; 32]).is_err());
        assert!(DefaultCrypto.secp256k1_ecrecover(&over, 1, &[7; 32]).is_err());
    }
}
