//! Tests of the pallet through `Executive`, with real signatures.

mod apis;
mod blocks;
mod extrinsic;
mod limits;
mod origins;
mod pool;
mod transact;

use crate::mock::*;
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip2930, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use sp_core::{ecdsa, Pair, H160, H256};

/// An Ethereum account with its key.
pub(crate) struct Signer(ecdsa::Pair);

/// The signer number `n`; 1 to 9 are funded in the default genesis.
pub(crate) fn signer(n: u8) -> Signer {
    Signer(ecdsa::Pair::from_seed(&[n; 32]))
}

impl Signer {
    pub(crate) fn address(&self) -> H160 {
        let message = [7; 32];
        let signature = self.0.sign_prehashed(&message);
        let public = sp_io::crypto::secp256k1_ecdsa_recover(&signature.0, &message).ok().unwrap();
        let hash = sp_io::hashing::keccak_256(&public);
        H160::from_slice(&hash[12..])
    }

    pub(crate) fn sign<T: SignableTransaction<Signature>>(&self, tx: T) -> Signed<T> {
        let signature = self.0.sign_prehashed(&tx.signature_hash().0).0;
        let r = U256::from_be_slice(&signature[..32]);
        let s = U256::from_be_slice(&signature[32..64]);
        tx.into_signed(Signature::new(r, s, signature[64] == 1))
    }

    /// The encoding of `tx`, signed.
    pub(crate) fn raw<T: SignableTransaction<Signature>>(&self, tx: T) -> Vec<u8>
    where
        TxEnvelope: From<Signed<T>>,
    {
        TxEnvelope::from(self.sign(tx)).encoded_2718()
    }
}

pub(crate) fn eth(address: H160) -> Address {
    Address::new(address.0)
}

/// A legacy transfer of 1 wei at 10 gwei.
pub(crate) fn legacy(nonce: u64, to: H160) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce,
        gas_price: 10 * u128::from(GWEI),
        gas_limit: 21_000,
        to: TxKind::Call(eth(to)),
        value: U256::from(1),
        input: Bytes::new(),
    }
}

/// A transfer of 1 wei with a fee cap of 10 gwei and a tip of 1 gwei.
pub(crate) fn dynamic(nonce: u64, to: H160) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10 * u128::from(GWEI),
        max_priority_fee_per_gas: u128::from(GWEI),
        to: TxKind::Call(eth(to)),
        value: U256::from(1),
        ..Default::default()
    }
}

/// The same with an access list that names the recipient.
pub(crate) fn access_list(nonce: u64, to: H160) -> TxEip2930 {
    let item = alloy_eips::eip2930::AccessListItem {
        address: eth(to),
        storage_keys: vec![Default::default()],
    };
    TxEip2930 {
        chain_id: CHAIN_ID,
        nonce,
        gas_price: 10 * u128::from(GWEI),
        gas_limit: 30_000,
        to: TxKind::Call(eth(to)),
        value: U256::from(1),
        access_list: vec![item].into(),
        ..Default::default()
    }
}

/// A call of `to` with 1 gwei of tip and plenty of gas.
pub(crate) fn call(nonce: u64, to: H160, input: &[u8]) -> TxEip1559 {
    TxEip1559 {
        gas_limit: 500_000,
        value: U256::ZERO,
        input: input.to_vec().into(),
        ..dynamic(nonce, to)
    }
}

/// A creation with `init_code`.
pub(crate) fn create(nonce: u64, init_code: &[u8]) -> TxEip1559 {
    TxEip1559 { to: TxKind::Create, ..call(nonce, H160::zero(), init_code) }
}

pub(crate) fn balance(address: H160) -> u128 {
    pallet_evm::Pallet::<Test>::account(address).balance.as_u128()
}

pub(crate) fn nonce(address: H160) -> u64 {
    pallet_evm::Pallet::<Test>::account(address).nonce
}

/// An account that no genesis knows.
pub(crate) const STRANGER: H160 = H160::repeat_byte(0x57);
/// Where tests put their contract.
pub(crate) const CONTRACT: H160 = H160::repeat_byte(0xcc);

/// The newest Ethereum block, decoded.
pub(crate) fn current_block() -> bzk_evm::block::Block {
    let rlp = crate::CurrentBlock::<Test>::get();
    bzk_evm::block::decode(&rlp, rlp.len()).unwrap()
}

pub(crate) fn hash(bytes: alloy_primitives::B256) -> H256 {
    H256(bytes.0)
}

/// A hash of the whole storage.
pub(crate) fn state_hash() -> Vec<u8> {
    sp_io::storage::root(sp_runtime::StateVersion::V1)
}
