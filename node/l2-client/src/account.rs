//! The key that a daemon pays gas with.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{hex, Address, Bytes, Signature, U256};
use k256::ecdsa::SigningKey;
use std::fmt;

/// Not a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a private key is 32 bytes in hexadecimal, not zero and below the order of secp256k1")]
pub struct AccountError;

/// An Ethereum account with its private key.
#[derive(Clone)]
pub struct Account {
    key: SigningKey,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.address())
    }
}

impl Account {
    /// Takes the private key in hexadecimal, with or without `0x`.
    ///
    /// # Errors
    /// [`AccountError`], which does not repeat the key.
    pub fn from_hex(key: &str) -> Result<Self, AccountError> {
        let bytes = hex::decode(key.trim()).map_err(|_| AccountError)?;
        SigningKey::from_slice(&bytes).map(|key| Self { key }).map_err(|_| AccountError)
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        let point = self.key.verifying_key().to_encoded_point(false);
        // Less the byte that says "uncompressed".
        Address::from_raw_public_key(&point.as_bytes()[1..])
    }

    /// The encoded transaction with the account's signature.
    pub(crate) fn sign(&self, transaction: TxEip1559) -> Bytes {
        let digest = transaction.signature_hash();
        let (signature, recovery) = self
            .key
            .sign_prehash_recoverable(digest.as_slice())
            .expect("a digest of 32 bytes can be signed");
        let (r, s) = signature.split_bytes();
        let signature =
            Signature::new(U256::from_be_slice(&r), U256::from_be_slice(&s), recovery.is_y_odd());
        let signed: TxEnvelope = transaction.into_signed(signature).into();
        signed.encoded_2718().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eips::eip2718::Decodable2718;
    use k256::ecdsa::{RecoveryId, VerifyingKey};

    const KEY: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";

    #[test]
    fn key_gives_its_address() {
        let account = Account::from_hex(KEY).unwrap();
        let expected = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23".parse::<Address>().unwrap();
        assert_eq!(account.address(), expected);
        assert_eq!(Account::from_hex(&KEY[2..]).unwrap().address(), expected);
        for bad in ["", "0x12", &"00".repeat(32), &"ff".repeat(32), "zz"] {
            assert_eq!(Account::from_hex(bad).unwrap_err(), AccountError);
        }
    }

    #[test]
    fn key_is_not_printed() {
        let account = Account::from_hex(KEY).unwrap();
        assert!(!format!("{account:?}").contains("4c0883a6"));
    }

    #[test]
    fn signed_transaction_names_its_sender() {
        let account = Account::from_hex(KEY).unwrap();
        for nonce in 0..8 {
            let transaction = TxEip1559 { chain_id: 97_304, nonce, ..Default::default() };
            let bytes = account.sign(transaction);
            let envelope = TxEnvelope::decode_2718(&mut bytes.as_ref()).unwrap();
            let signed = envelope.as_eip1559().unwrap();
            let signature = signed.signature();
            let rs = k256::ecdsa::Signature::from_scalars(
                signature.r().to_be_bytes::<32>(),
                signature.s().to_be_bytes::<32>(),
            );
            let sender = VerifyingKey::recover_from_prehash(
                signed.signature_hash().as_slice(),
                &rs.unwrap(),
                RecoveryId::new(signature.v(), false),
            );
            assert_eq!(sender.unwrap(), *account.key.verifying_key());
        }
    }
}
