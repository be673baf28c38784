//! Gas that a transaction costs before any code runs.

use super::TxEnvelope;
use alloy_consensus::Transaction;

/// Every transaction, and all that a plain transfer costs.
pub const TRANSACTION_GAS: u64 = 21_000;
/// A contract creation, on top (EIP-2).
const CREATION: u64 = 32_000;
/// A word of init code (EIP-3860).
const INITCODE_WORD: u64 = 2;
/// A zero byte of calldata.
const ZERO_BYTE: u64 = 4;
/// Another byte of calldata (EIP-2028).
const NONZERO_BYTE: u64 = 16;
/// An address in the access list (EIP-2930).
const ACCESS_ADDRESS: u64 = 2_400;
/// A storage key in the access list (EIP-2930).
const ACCESS_KEY: u64 = 1_900;

/// Gas that `tx` costs before any code runs, under Cancun.
///
/// Saturating sums are exact here: the size of a transaction is bounded far below 2^64 gas.
pub fn intrinsic_gas(tx: &TxEnvelope) -> u64 {
    let input = tx.input();
    let zeros = input.iter().filter(|byte| **byte == 0).count() as u64;
    let nonzeros = (input.len() as u64).saturating_sub(zeros);
    let mut gas = TRANSACTION_GAS
        .saturating_add(zeros.saturating_mul(ZERO_BYTE))
        .saturating_add(nonzeros.saturating_mul(NONZERO_BYTE));
    if tx.is_create() {
        let words = (input.len() as u64).div_ceil(32);
        gas = gas.saturating_add(CREATION).saturating_add(words.saturating_mul(INITCODE_WORD));
    }
    if let Some(list) = tx.access_list() {
        let keys: u64 = list.iter().map(|item| item.storage_keys.len() as u64).sum();
        gas = gas
            .saturating_add((list.len() as u64).saturating_mul(ACCESS_ADDRESS))
            .saturating_add(keys.saturating_mul(ACCESS_KEY));
    }
    gas
}
