//! Answers of the runtime APIs.

use crate::{
    BlockCycleLimit, Config, CurrentBlock, CurrentReceipts, CurrentSenders, NextBaseFee, Pallet,
};
use alloc::vec::Vec;
use alloy_consensus::Transaction;
use alloy_primitives::{Address, TxKind, B256};
use bzk_evm::{
    account::to_evm,
    block as ethereum,
    execute::ExecuteError,
    receipt::{Log, Receipt},
    revm::context::{
        result::{ExecutionResult, Output},
        transaction::{AccessList, AccessListItem},
        TxEnv,
    },
    tx::TxError,
};
use bzk_runtime_api::{
    AccountBasic, CallError, CallOutcome, CallRequest, Exit, Raw, TransactionStatus,
};
use sp_core::{Get, H160, H256, U256};

impl<T: Config> Pallet<T> {
    /// Nonce and balance of `address`.
    pub fn account_basic(address: H160) -> AccountBasic {
        let account = pallet_evm::Pallet::<T>::account(address);
        AccountBasic { nonce: account.nonce.into(), balance: account.balance }
    }

    /// Storage of `address` at slot `index`.
    pub fn storage_at(address: H160, index: U256) -> H256 {
        pallet_evm::Pallet::<T>::storage(address, H256(index.to_big_endian()))
    }

    /// Base fee of the next Ethereum block, in wei per gas.
    pub fn gas_price() -> U256 {
        NextBaseFee::<T>::get().into()
    }

    /// Coinbase of the newest Ethereum block.
    pub fn author() -> H160 {
        Self::head_environment().map(|block| H160(block.coinbase.0 .0)).unwrap_or_default()
    }

    /// The newest Ethereum block, RLP-encoded.
    pub fn current_block() -> Option<Raw> {
        CurrentBlock::<T>::exists().then(|| CurrentBlock::<T>::get().into_inner())
    }

    /// Receipts of the newest Ethereum block.
    pub fn current_receipts() -> Option<Vec<Receipt>> {
        CurrentReceipts::<T>::exists().then(|| CurrentReceipts::<T>::get().to_vec())
    }

    /// Where each transaction of the newest Ethereum block went.
    pub fn current_transaction_statuses() -> Option<Vec<TransactionStatus>> {
        let rlp = Self::current_block()?;
        let block = ethereum::decode(&rlp, rlp.len()).ok()?;
        let receipts = CurrentReceipts::<T>::get();
        let senders = CurrentSenders::<T>::get();
        let statuses = block.body.transactions.iter().zip(senders).zip(receipts.iter()).zip(0..);
        let status = |(((tx, from), receipt), transaction_index): (((&_, H160), &Receipt), u32)| {
            let tx: &bzk_evm::tx::TxEnvelope = tx;
            let created = || H160(Address::new(from.0).create(tx.nonce()).0 .0);
            TransactionStatus {
                transaction_hash: H256(tx.tx_hash().0),
                transaction_index,
                from,
                to: tx.to().map(|to| H160(to.0 .0)),
                contract_address: (tx.is_create() && receipt.success).then(created),
            }
        };
        Some(statuses.map(status).collect())
    }

    /// Executes `request` on the newest Ethereum block and keeps nothing of it, with at most the gas of
    /// a block: anybody may ask a node (`state_call`), and gas bounds the memory that a call takes.
    ///
    /// # Errors
    /// The EVM refuses the call, or it needs more cycles than a block may have.
    pub fn call(request: CallRequest) -> Result<CallOutcome, CallError> {
        let block = Self::head_environment().ok_or(CallError::NoBlock)?;
        let tx = tx_env::<T>(request, block.gas_limit);
        let cycle_limit = BlockCycleLimit::<T>::get();
        let outcome =
            pallet_evm::Pallet::<T>::call(&block, tx, cycle_limit).map_err(
                |error| match error {
                    ExecuteError::Invalid(invalid) => {
                        CallError::Refused(TxError::from(&invalid).code())
                    }
                    ExecuteError::CyclesExhausted { .. } => CallError::CyclesExhausted,
                    ExecuteError::Database(_) => CallError::State,
                },
            )?;
        Ok(call_outcome(outcome.result, outcome.cycles))
    }
}

fn tx_env<T: Config>(request: CallRequest, gas_limit: u64) -> TxEnv {
    let access_list: Vec<_> = request
        .access_list
        .into_iter()
        .map(|item| AccessListItem {
            address: Address::new(item.address.0),
            storage_keys: item.storage_keys.into_iter().map(|key| B256::new(key.0)).collect(),
        })
        .collect();
    TxEnv {
        // Fee cap and tip cap exist since type 2, whose rules include those of the others.
        tx_type: 2,
        caller: Address::new(request.from.0),
        gas_limit: request.gas_limit.map_or(gas_limit, |wanted| wanted.min(gas_limit)),
        gas_price: request.max_fee_per_gas.unwrap_or_default(),
        kind: request.to.map_or(TxKind::Create, |to| TxKind::Call(Address::new(to.0))),
        value: to_evm(request.value),
        data: request.data.into(),
        nonce: pallet_evm::Pallet::<T>::account(request.from).nonce,
        chain_id: Some(T::ChainId::get()),
        access_list: AccessList(access_list),
        gas_priority_fee: Some(request.max_priority_fee_per_gas.unwrap_or_default()),
        ..Default::default()
    }
}

fn call_outcome(result: ExecutionResult, cycles: u64) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    let (exit, output, created, logs) = match result {
        ExecutionResult::Success { logs, output, .. } => {
            let created = match &output {
                Output::Create(_, address) => address.map(|address| H160(address.0 .0)),
                Output::Call(_) => None,
            };
            let logs = logs.iter().map(Log::from).collect();
            (Exit::Succeeded, output.into_data().to_vec(), created, logs)
        }
        ExecutionResult::Revert { output, .. } => {
            (Exit::Reverted, output.to_vec(), None, Vec::new())
        }
        ExecutionResult::Halt { .. } => (Exit::Halted, Vec::new(), None, Vec::new()),
    };
    CallOutcome { exit, output, created, gas_used, cycles, logs }
}
