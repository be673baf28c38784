//! Deterministic accounts that sign EIP-1559 transactions.

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{keccak256, Address, Bytes, Signature, TxKind, B256, U256};
use secp256k1::{Message, PublicKey, SecretKey, SECP256K1};

/// Fee cap and tip of every transaction of the generator, in wei per gas: far above any base fee
/// that a minute of full blocks reaches.
const MAX_FEE: u128 = 100_000_000_000;
const TIP: u128 = 1_000_000_000;

/// A key, its address and its next nonce.
pub struct Wallet {
    key: SecretKey,
    address: Address,
    nonce: u64,
}

impl Wallet {
    /// The wallet of a 32-byte secret.
    ///
    /// # Errors
    /// When the secret is zero or not below the curve order.
    pub fn new(secret: B256) -> anyhow::Result<Self> {
        let key = SecretKey::from_slice(secret.as_slice())?;
        let public = PublicKey::from_secret_key(SECP256K1, &key).serialize_uncompressed();
        let address = Address::from_slice(&keccak256(&public[1..])[12..]);
        Ok(Self { key, address, nonce: 0 })
    }

    /// The `index`-th wallet of the generator's own series.
    ///
    /// # Errors
    /// As [`Self::new`]; no index below 2^64 is known to fail.
    pub fn numbered(index: u64) -> anyhow::Result<Self> {
        Self::new(keccak256([b"bzk-load".as_slice(), &index.to_be_bytes()].concat()))
    }

    /// The account's address.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The nonce that the next transaction gets.
    pub fn nonce(&self) -> u64 {
        self.nonce
    }

    /// Starts from the nonce that the chain knows.
    pub fn set_nonce(&mut self, nonce: u64) {
        self.nonce = nonce;
    }

    /// Signs the next transaction and returns it in EIP-2718 bytes.
    pub fn sign(
        &mut self,
        chain_id: u64,
        to: TxKind,
        value: U256,
        input: Bytes,
        gas: u64,
    ) -> Vec<u8> {
        let tx = TxEip1559 {
            chain_id,
            nonce: self.nonce,
            gas_limit: gas,
            max_fee_per_gas: MAX_FEE,
            max_priority_fee_per_gas: TIP,
            to,
            value,
            access_list: Default::default(),
            input,
        };
        self.nonce += 1;
        let message = Message::from_digest(tx.signature_hash().0);
        let (parity, bytes) =
            SECP256K1.sign_ecdsa_recoverable(&message, &self.key).serialize_compact();
        let signature = Signature::from_bytes_and_parity(&bytes, parity.to_i32() == 1);
        let mut raw = Vec::with_capacity(160);
        tx.into_signed(signature).eip2718_encode(&mut raw);
        raw
    }
}
