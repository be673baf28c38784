//! Which transactions the pool takes, in which order they depend on each other, and how a refusal
//! crosses Substrate's pool.

use crate::{limits, BlockGasLimit, Config, Head, NextBaseFee, Pallet};
use alloc::vec::Vec;
use alloy_consensus::Transaction;
use bzk_evm::{
    account::{to_evm, KECCAK_EMPTY},
    tx::{self, RecoveredTx, TxError},
};
use codec::DecodeAll;
use sp_core::{Get, H160};
use sp_runtime::transaction_validity::{
    InvalidTransaction, TransactionValidity, TransactionValidityError, ValidTransaction,
};

/// Nonces that an account may be ahead of its state in the pool, so that a sender cannot fill it.
pub const MAX_NONCE_GAP: u64 = 64;

/// Substrate blocks that a transaction stays valid in the pool: three hours of 2 s, as long as
/// geth keeps one that waits.
pub const LONGEVITY_BLOCKS: u64 = 5_400;

/// A fee cap below the base fee waits for it to fall, unless it is below this part of it.
const WAITING_FEE_CAP_DIVISOR: u64 = 4;

/// Bits of a tip that count: a tip that is 7% higher counts as higher, whatever it is.
const TIP_BITS: u32 = 5;

/// Prefix of the dependency tags.
const TAG_PREFIX: &str = "Ethereum";

/// How `error` crosses the pool. [`tx_error`] is the inverse.
pub fn invalid(error: TxError) -> InvalidTransaction {
    match error {
        TxError::NonceTooLow => InvalidTransaction::Stale,
        TxError::NonceTooHigh => InvalidTransaction::Future,
        TxError::InsufficientFunds => InvalidTransaction::Payment,
        other => InvalidTransaction::Custom(other.code()),
    }
}

/// What a refusal by the pool meant; its `Display` is geth's text. `None` for refusals that are not
/// about an Ethereum transaction.
pub fn tx_error(invalid: InvalidTransaction) -> Option<TxError> {
    match invalid {
        InvalidTransaction::Stale => Some(TxError::NonceTooLow),
        InvalidTransaction::Future => Some(TxError::NonceTooHigh),
        InvalidTransaction::Payment => Some(TxError::InsufficientFunds),
        InvalidTransaction::Custom(code) => TxError::from_code(code),
        _ => None,
    }
}

/// The sender in `tag`, one that an Ethereum transaction provides or requires in the pool. `None` for
/// tags of other extrinsics.
pub fn tag_sender(tag: &[u8]) -> Option<H160> {
    let (prefix, (sender, _)) = <(Vec<u8>, (H160, u64))>::decode_all(&mut &*tag).ok()?;
    (prefix == TAG_PREFIX.as_bytes()).then_some(sender)
}

/// `tip` without what is below its highest bits.
pub(crate) fn rounded(tip: u64) -> u64 {
    let dropped = u64::BITS.saturating_sub(tip.leading_zeros()).saturating_sub(TIP_BITS);
    tip & (u64::MAX << dropped)
}

pub(crate) fn refuse(error: TxError) -> TransactionValidityError {
    invalid(error).into()
}

impl<T: Config> Pallet<T> {
    /// Decodes `raw`, checks what needs no state, and recovers the sender; the dear step is last.
    pub fn recover(raw: &[u8]) -> Result<RecoveredTx, TxError> {
        let envelope = tx::decode(raw)?;
        tx::check_static(&envelope, T::ChainId::get())?;
        tx::recover(envelope)
    }

    /// Whether the pool takes `tx` on top of the current state.
    ///
    /// The priority is the tip per gas at the next base fee, rounded, plus one. So a transaction
    /// replaces another one of the same sender and nonce if it pays 10% more, and nobody has the
    /// network carry it again and again for a wei. The full 10% rule is the RPC's. A fee cap
    /// somewhat below the base fee is taken with priority 0 and waits.
    pub fn validate(tx: &RecoveredTx) -> TransactionValidity {
        let envelope = &tx.envelope;
        let sender = H160(tx.sender.0 .0);
        let account = pallet_evm::Pallet::<T>::account(sender);
        let nonce = envelope.nonce();
        if nonce < account.nonce {
            return Err(refuse(TxError::NonceTooLow));
        }
        if nonce > account.nonce.saturating_add(MAX_NONCE_GAP) {
            return Err(refuse(TxError::AccountLimit));
        }
        if account.code_hash != KECCAK_EMPTY {
            return Err(refuse(TxError::SenderNotEoa));
        }
        let gas_limit =
            limits::next_gas_limit(Head::<T>::get().gas_limit, BlockGasLimit::<T>::get());
        if envelope.gas_limit() > gas_limit {
            return Err(refuse(TxError::BlockGasLimit));
        }
        let cost = tx::max_cost(envelope).ok_or_else(|| refuse(TxError::CostOverflow))?;
        if cost > to_evm(account.balance) {
            return Err(refuse(TxError::InsufficientFunds));
        }
        let priority = Self::priority(tx)?;

        let builder = ValidTransaction::with_tag_prefix(TAG_PREFIX)
            .priority(priority)
            .longevity(LONGEVITY_BLOCKS)
            .propagate(true)
            .and_provides((sender, nonce));
        match nonce.checked_sub(1) {
            Some(previous) if nonce > account.nonce => {
                builder.and_requires((sender, previous)).build()
            }
            _ => builder.build(),
        }
    }

    fn priority(tx: &RecoveredTx) -> Result<u64, TransactionValidityError> {
        let base_fee = NextBaseFee::<T>::get();
        match tx.envelope.effective_tip_per_gas(base_fee) {
            Some(tip) => Ok(rounded(u64::try_from(tip).unwrap_or(u64::MAX)).saturating_add(1)),
            None if tx.envelope.max_fee_per_gas()
                >= u128::from(base_fee / WAITING_FEE_CAP_DIVISOR) =>
            {
                Ok(0)
            }
            None => Err(refuse(TxError::FeeCapTooLow)),
        }
    }
}
