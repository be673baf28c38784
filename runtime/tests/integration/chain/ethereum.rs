//! Signed Ethereum transactions.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, Signature, TxKind, U256};
use bitcoinzk_runtime::UncheckedExtrinsic;
use bzk_core::CHAIN_ID;
use sp_core::{ecdsa, Pair, H160};

/// The secret of the first account that anvil and our development preset fund.
const ANVIL_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// Signs Ethereum transactions.
pub(crate) struct EvmKey(ecdsa::Pair);

impl EvmKey {
    /// The owner of the first prefunded account.
    pub(crate) fn funded() -> Self {
        let seed: sp_core::H256 = ANVIL_KEY.parse().unwrap();
        Self(ecdsa::Pair::from_seed(&seed.0))
    }

    /// The extrinsic of a signed transaction.
    pub(crate) fn sign(&self, tx: TxEip1559) -> UncheckedExtrinsic {
        let bytes = self.0.sign_prehashed(&tx.signature_hash().0).0;
        let r = U256::from_be_slice(&bytes[..32]);
        let s = U256::from_be_slice(&bytes[32..64]);
        let signature = Signature::new(r, s, bytes[64] == 1);
        let raw = TxEnvelope::from(tx.into_signed(signature)).encoded_2718();
        UncheckedExtrinsic::from_raw_transaction(raw).expect("a transfer is short")
    }
}

/// A payment of `wei` with a fee cap of 10 gwei and no tip.
pub(crate) fn transfer(nonce: u64, to: H160, wei: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 0,
        to: TxKind::Call(Address::new(to.0)),
        value: U256::from(wei),
        ..Default::default()
    }
}
