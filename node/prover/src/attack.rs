//! Forgeries of a real block's inputs that the kernel must refuse. They bypass the decoder, which would notice most of
//! them: a prover that lies has one of its own.

use anyhow::Result;
use ethereum_types::{H256, U256};
use evm_arithmetization::GenerationInputs;

use crate::check::simulate;

/// A forgery: its name, and what it does; nothing when the block has no room for it.
type Attack = (&'static str, fn(&mut GenerationInputs) -> Option<()>);

const ATTACKS: [Attack; 10] = [
    ("attack_forged_state_root", |inputs| flip(&mut inputs.trie_roots_after.state_root)),
    ("attack_forged_transactions_root", |inputs| {
        flip(&mut inputs.trie_roots_after.transactions_root)
    }),
    ("attack_forged_receipts_root", |inputs| flip(&mut inputs.trie_roots_after.receipts_root)),
    ("attack_changed_transaction", |inputs| {
        // The last byte of the signature.
        inputs.signed_txns.last_mut()?.last_mut().map(|byte| *byte ^= 1)
    }),
    ("attack_dropped_transaction", |inputs| inputs.signed_txns.pop().map(drop)),
    ("attack_transaction_twice", |inputs| {
        let last = inputs.signed_txns.last()?.clone();
        inputs.signed_txns.push(last);
        Some(())
    }),
    ("attack_swapped_transactions", |inputs| {
        let last = inputs.signed_txns.len().checked_sub(2)?;
        inputs.signed_txns.swap(last, last + 1);
        Some(())
    }),
    ("attack_wrong_chain_id", |inputs| {
        // Transactions of the first kind may do without; all others have a type, 1 or 2.
        inputs.signed_txns.iter().find(|raw| raw.first().is_some_and(|kind| *kind <= 2))?;
        inputs.block_metadata.block_chain_id += U256::one();
        Some(())
    }),
    ("attack_base_fee", |inputs| {
        inputs.signed_txns.last()?;
        inputs.block_metadata.block_base_fee += U256::one();
        Some(())
    }),
    ("attack_gas_used", |inputs| {
        inputs.gas_used_after += U256::one();
        Some(())
    }),
];

fn flip(hash: &mut H256) -> Option<()> {
    hash.as_bytes_mut().last_mut().map(|byte| *byte ^= 1)
}

/// Tries each forgery on a batch that the kernel accepts; returns the names of those it was tried with, and whether
/// the kernel accepted them.
///
/// # Errors
/// When the kernel refuses the batch as it is.
pub fn attack(inputs: &GenerationInputs) -> Result<Vec<(&'static str, bool)>> {
    simulate(inputs.clone())?;
    let forged = |change: fn(&mut GenerationInputs) -> Option<()>| {
        let mut inputs = inputs.clone();
        change(&mut inputs).map(|()| simulate(inputs).is_ok())
    };
    Ok(ATTACKS.iter().filter_map(|&(name, change)| Some((name, forged(change)?))).collect())
}
