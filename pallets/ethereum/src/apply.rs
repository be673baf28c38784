//! Execution of one transaction into the open block.

use crate::{
    pool, Config, Error, OpenBlock, Pallet, Pending, PendingTransaction, RawTransaction, WeightInfo,
};
use alloy_consensus::Transaction;
use alloy_primitives::{Address, B256};
use bzk_evm::{
    execute::{BlockEnvironment, ExecuteError},
    receipt::Receipt,
    tx::{RecoveredTx, TxError, TRANSACTION_GAS},
};
use codec::{Decode, Encode};
use frame_support::{
    dispatch::{DispatchClass, DispatchResultWithPostInfo, Pays, PostDispatchInfo},
    ensure,
    traits::PalletInfoAccess,
    weights::Weight,
};
use pallet_evm::{FirstChanges, WeightInfo as _};
use sp_core::{Get, H160};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    DispatchError, ModuleError,
};

/// Header and length of the RLP string around a typed transaction in the block body.
const RLP_STRING_HEADER: u32 = 4;

impl<T: Config> Pallet<T> {
    /// Executes `tx`, whose encoding is `raw`, and appends it with its receipt to the open block.
    ///
    /// A transaction that fails inside the EVM is executed: it pays and has a receipt. An error
    /// means that it must not be in this block; the storage layer of the call undoes its writes.
    pub(crate) fn execute(tx: &RecoveredTx, raw: RawTransaction) -> DispatchResultWithPostInfo {
        let mut block = crate::Open::<T>::get().ok_or(DispatchError::Exhausted)?;
        let environment = Self::environment_of(&block).ok_or(DispatchError::Exhausted)?;
        let bytes = Self::admit(&block, tx, &raw)?;

        let (outcome, changes) =
            pallet_evm::Pallet::<T>::transact(&environment, tx, block.cycle_limit)
                .map_err(Self::execution_error)?;
        ensure!(outcome.cycles <= block.cycles_left(), DispatchError::Exhausted);
        Self::charge_changes(&block, changes)?;

        let weight = Self::weight_of_gas(outcome.result.gas().total_gas_spent());
        let tx_type = tx.envelope.tx_type() as u8;
        let receipt = Receipt::new(tx_type, &outcome.result, block.gas_used);
        let length = u32::try_from(receipt.encoded_size()).unwrap_or(u32::MAX);
        let bytes = bytes.saturating_add(length);
        ensure!(bytes <= crate::block::MAX_BODY_BYTES, DispatchError::Exhausted);
        block.transactions = block.transactions.saturating_add(1);
        block.bytes = bytes;
        block.gas_used = receipt.cumulative_gas_used;
        block.cycles = block.cycles.saturating_add(outcome.cycles);
        Self::append(PendingTransaction { sender: H160(tx.sender.0 .0), raw, receipt });
        crate::Open::<T>::put(block);
        Ok(PostDispatchInfo { actual_weight: Some(weight), pays_fee: Pays::No })
    }

    /// Whether the open block has room for `tx`; gives the block's bytes with it.
    fn admit(
        block: &OpenBlock,
        tx: &RecoveredTx,
        raw: &RawTransaction,
    ) -> Result<u32, DispatchError> {
        let gas_limit = tx.envelope.gas_limit();
        ensure!(gas_limit <= block.gas_limit, Error::<T>::refused(TxError::BlockGasLimit));
        ensure!(gas_limit <= block.gas_left(), DispatchError::Exhausted);
        ensure!(block.transactions < T::MaxTransactions::get(), DispatchError::Exhausted);
        let length = u32::try_from(raw.len()).unwrap_or(u32::MAX);
        let bytes = block.bytes.saturating_add(length).saturating_add(RLP_STRING_HEADER);
        ensure!(bytes <= crate::block::MAX_BODY_BYTES, DispatchError::Exhausted);
        Ok(bytes)
    }

    /// Adds the weight of the state that nothing in the block had changed before. It is known only now,
    /// and is most of what a block of a large ledger costs.
    ///
    /// Only the slopes of the benchmark count: what a commit costs beside them is a part of `close_block`.
    ///
    /// A transaction that the block has no room for waits for the next one, unless it is the first: gas
    /// bounds what one transaction can change.
    fn charge_changes(block: &OpenBlock, changes: FirstChanges) -> Result<(), DispatchError> {
        let weight = <T as pallet_evm::Config>::WeightInfo::commit(changes.accounts, changes.slots)
            .saturating_sub(<T as pallet_evm::Config>::WeightInfo::commit(0, 0));
        let used = *frame_system::Pallet::<T>::block_weight().get(DispatchClass::Normal);
        let limit = T::BlockWeights::get().get(DispatchClass::Normal).max_total;
        let fits = limit.is_none_or(|limit| used.saturating_add(weight).all_lte(limit));
        ensure!(fits || block.transactions == 0, DispatchError::Exhausted);
        frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Normal);
        Ok(())
    }

    /// A transaction that no block can hold is refused for good; one that waits for a lower base
    /// fee stays in the pool.
    fn execution_error(error: ExecuteError<pallet_evm::CodeMissing>) -> DispatchError {
        match error {
            ExecuteError::Invalid(invalid) => match TxError::from(&invalid) {
                TxError::FeeCapTooLow => DispatchError::Exhausted,
                error => Error::<T>::refused(error).into(),
            },
            ExecuteError::CyclesExhausted { .. } => {
                Error::<T>::refused(TxError::CyclesExceedBlock).into()
            }
            ExecuteError::Database(_) => DispatchError::Corruption,
        }
    }

    /// What an error of `transact` means for the extrinsic: it is never included.
    pub(crate) fn refusal(error: DispatchError) -> TransactionValidityError {
        let invalid = match error {
            DispatchError::Exhausted => InvalidTransaction::ExhaustsResources,
            DispatchError::Module(ModuleError { index, error, .. })
                if usize::from(index) == Self::index() =>
            {
                match Error::<T>::decode(&mut &error[..]) {
                    Ok(Error::Refused(code)) => {
                        TxError::from_code(code).map_or(InvalidTransaction::Call, pool::invalid)
                    }
                    _ => InvalidTransaction::Call,
                }
            }
            _ => InvalidTransaction::Call,
        };
        invalid.into()
    }

    /// Weight of a transaction that spends `gas`, with its share of closing the block and without what it
    /// changes in the ledger.
    pub fn weight_of_gas(gas: u64) -> Weight {
        let beyond_transfer = gas.saturating_sub(TRANSACTION_GAS);
        Weight::from_parts(T::WeightPerGas::get().saturating_mul(beyond_transfer), 0)
            .saturating_add(Self::base_weight())
    }

    /// Weight of a plain transfer, which every transaction costs.
    pub(crate) fn base_weight() -> Weight {
        let closing = <T as Config>::WeightInfo::close_block(1)
            .saturating_sub(<T as Config>::WeightInfo::close_block(0));
        <T as Config>::WeightInfo::transact().saturating_add(closing)
    }

    /// Weight of the call before anything is known but its bytes.
    pub(crate) fn weight_of_call(raw: &[u8]) -> Weight {
        match bzk_evm::tx::decode(raw) {
            Ok(envelope) => Self::weight_of_gas(envelope.gas_limit()),
            // It is refused without execution.
            Err(_) => Self::base_weight(),
        }
    }

    /// Appends without decoding what is there; [`Self::admit`] has bounded the number.
    fn append(transaction: PendingTransaction) {
        sp_io::storage::append(&Pending::<T>::hashed_key(), transaction.encode());
    }

    /// The environment of `block` at this moment; `None` while no block may be closed.
    pub(crate) fn environment_of(block: &OpenBlock) -> Option<BlockEnvironment> {
        Some(BlockEnvironment {
            chain_id: T::ChainId::get(),
            number: block.number,
            timestamp_s: Self::timestamp_after(block.parent_timestamp_s)?,
            gas_limit: block.gas_limit,
            base_fee: block.base_fee,
            coinbase: Address::new(block.coinbase.0),
            prev_randao: B256::new(block.prev_randao.0),
        })
    }
}
