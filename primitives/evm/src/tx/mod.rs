//! Ethereum transactions: decoding, the sender, and the rules that need no state.

mod error;
mod intrinsic;
mod price;
#[cfg(test)]
mod tests;

pub use alloy_consensus::TxEnvelope;
pub use error::TxError;
pub use intrinsic::{intrinsic_gas, TRANSACTION_GAS};

use crate::{
    crypto,
    primitives::{Address, TxKind, B256, U256},
    profile,
};
use alloc::vec::Vec;
use alloy_consensus::{SignableTransaction, Transaction};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::Signature;
use revm::context::TxEnv;

/// Half the order of secp256k1, the largest `s` of a canonical signature (EIP-2).
const HALF_ORDER: U256 = U256::from_limbs([
    0xdfe9_2f46_681b_20a0,
    0x5d57_6e73_57a4_501d,
    0xffff_ffff_ffff_ffff,
    0x7fff_ffff_ffff_ffff,
]);

/// A transaction whose signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTx {
    /// The transaction as signed.
    pub envelope: TxEnvelope,
    /// keccak-256 of its encoding.
    pub hash: B256,
    /// The account that signed it.
    pub sender: Address,
}

/// Decodes an EIP-2718 envelope or a legacy list.
///
/// Only the canonical encoding passes, so that equal transactions have equal bytes and hashes.
pub fn decode(raw: &[u8]) -> Result<TxEnvelope, TxError> {
    // The type before the length, as in geth: a blob transaction with its sidecar is too long as well, but that is not
    // what is wrong with it.
    match raw.first() {
        // A type byte with a list behind it, or the list of a legacy transaction.
        Some(0x01 | 0x02 | 0xc0..) => {}
        // RLP strings cannot begin a transaction (EIP-2718).
        None | Some(0x80..) => return Err(TxError::Malformed),
        Some(_) => return Err(TxError::TypeNotSupported),
    }
    if raw.len() > profile::MAX_TX_BYTES {
        return Err(TxError::Oversized);
    }
    let mut rest = raw;
    let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|_| price::error(raw))?;
    if !rest.is_empty() || envelope.encoded_2718() != raw {
        return Err(TxError::Malformed);
    }
    check_signature(envelope.signature())?;
    Ok(envelope)
}

fn check_signature(signature: &Signature) -> Result<(), TxError> {
    let (r, s) = (signature.r(), signature.s());
    if r.is_zero() || s.is_zero() || s > HALF_ORDER {
        return Err(TxError::InvalidSignature);
    }
    Ok(())
}

/// Recovers the sender. This is the dear step, so do it once per transaction.
pub fn recover(envelope: TxEnvelope) -> Result<RecoveredTx, TxError> {
    let unsigned: Vec<u8> = match &envelope {
        TxEnvelope::Legacy(tx) => tx.tx().encoded_for_signing(),
        TxEnvelope::Eip2930(tx) => tx.tx().encoded_for_signing(),
        TxEnvelope::Eip1559(tx) => tx.tx().encoded_for_signing(),
        TxEnvelope::Eip4844(_) | TxEnvelope::Eip7702(_) => return Err(TxError::TypeNotSupported),
    };
    let signature = envelope.signature();
    check_signature(signature)?;
    let rs = signature.as_rsy();
    let message = crypto::keccak256(&unsigned);
    let sender = crypto::recover_address(&rs, &message).ok_or(TxError::InvalidSender)?;
    // The envelope would hash itself, but in wasm.
    let hash = crypto::keccak256(&envelope.encoded_2718());
    Ok(RecoveredTx { envelope, hash, sender })
}

/// The rules that need neither state nor block.
///
/// Legacy transactions without a chain id pass: the deterministic deployers that every EVM chain
/// has are signed that way.
pub fn check_static(tx: &TxEnvelope, chain_id: u64) -> Result<(), TxError> {
    match tx {
        TxEnvelope::Legacy(_) | TxEnvelope::Eip2930(_) | TxEnvelope::Eip1559(_) => {}
        TxEnvelope::Eip4844(_) | TxEnvelope::Eip7702(_) => return Err(TxError::TypeNotSupported),
    }
    match tx.kind() {
        TxKind::Create if tx.input().len() > profile::MAX_INITCODE_SIZE => {
            return Err(TxError::InitCodeTooLarge)
        }
        TxKind::Call(to) if is_precompile(&to) => return Err(TxError::PrecompileRecipient),
        _ => {}
    }
    if tx.max_priority_fee_per_gas().is_some_and(|tip| tip > tx.max_fee_per_gas()) {
        return Err(TxError::TipAboveFeeCap);
    }
    if tx.chain_id().is_some_and(|id| id != chain_id) {
        return Err(TxError::InvalidChainId);
    }
    if tx.nonce() == u64::MAX {
        return Err(TxError::NonceMax);
    }
    if max_cost(tx).is_none() {
        return Err(TxError::CostOverflow);
    }
    if tx.gas_limit() < intrinsic_gas(tx) {
        return Err(TxError::IntrinsicGas);
    }
    Ok(())
}

/// The most that a transaction can take from its sender, in wei: gas limit x fee cap + value.
/// `None` when it does not fit 256 bits.
pub fn max_cost(tx: &TxEnvelope) -> Option<U256> {
    U256::from(tx.gas_limit())
        .checked_mul(U256::from(tx.max_fee_per_gas()))?
        .checked_add(tx.value())
}

/// Whether a contract of the profile's precompiles (0x01..=0x09) lives at `address`.
pub fn is_precompile(address: &Address) -> bool {
    let [zeros @ .., last] = &address.0 .0;
    zeros.iter().all(|byte| *byte == 0)
        && (profile::FIRST_PRECOMPILE..=profile::LAST_PRECOMPILE).contains(last)
}

/// The environment in which revm executes `tx`.
pub fn tx_env(tx: &RecoveredTx) -> TxEnv {
    let envelope = &tx.envelope;
    TxEnv {
        tx_type: envelope.tx_type() as u8,
        caller: tx.sender,
        gas_limit: envelope.gas_limit(),
        gas_price: envelope.max_fee_per_gas(),
        kind: envelope.kind(),
        value: envelope.value(),
        data: envelope.input().clone(),
        nonce: envelope.nonce(),
        chain_id: envelope.chain_id(),
        access_list: envelope.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: envelope.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    }
}
