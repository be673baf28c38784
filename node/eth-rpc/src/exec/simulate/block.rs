//! One simulated block.

use super::{codes, plan::PlannedBlock, root::Roots, transfers::TransferLogs, TrieSource};
use crate::{
    error::revert_reason,
    exec::{
        failure::{halt_text, Failure},
        overrides, request,
        sandbox::Sandbox,
    },
};
use alloy_consensus::{
    transaction::Recovered, SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy,
};
use alloy_primitives::{Bytes, Log, Signature, B256, U256};
use alloy_rpc_types_eth::{
    simulate::{SimCallResult, SimulateError, SimulatedBlock},
    Block, BlockTransactions, Header as RpcHeader, Log as RpcLog, Transaction, TransactionInfo,
    TransactionRequest,
};
use bzk_evm::{
    base_fee,
    block::{self, Header},
    execute::BlockEnvironment,
    receipt::Receipt,
};
use revm::{
    context::{
        result::{ExecutionResult, ResultAndState},
        TxEnv,
    },
    DatabaseRef,
};
use std::time::Instant;

/// Gas and time for all blocks together.
pub(super) struct Budget {
    pub(super) gas: u64,
    pub(super) deadline: Instant,
}

/// Makes one block after the other.
pub(super) struct Builder<DB> {
    pub(super) sandbox: Sandbox<DB>,
    pub(super) roots: Roots<DB>,
    pub(super) budget: Budget,
    pub(super) parent: Header,
    pub(super) parent_hash: B256,
    pub(super) trace_transfers: bool,
    pub(super) validation: bool,
    pub(super) full_transactions: bool,
}

/// What the calls of a block have left so far.
#[derive(Default)]
struct Draft {
    transactions: Vec<Recovered<TxEnvelope>>,
    receipts: Vec<Receipt>,
    results: Vec<SimCallResult>,
    gas_used: u64,
    logs: u64,
}

/// A call with its defaults filled in.
struct Prepared {
    tx: TxEnv,
    envelope: TxEnvelope,
    gas_capped: bool,
}

impl<DB: DatabaseRef + TrieSource> Builder<DB> {
    /// Runs the calls of `planned` and closes the block.
    pub(super) fn build(
        &mut self,
        mut planned: PlannedBlock,
    ) -> Result<SimulatedBlock<Block>, Failure> {
        let calls = std::mem::take(&mut planned.calls);
        self.enter(planned)?;
        let mut draft = Draft::default();
        for call in calls {
            if Instant::now() >= self.budget.deadline {
                return Err(Failure::limit("execution aborted (timeout)"));
            }
            self.call(call, &mut draft)?;
        }
        self.close(draft)
    }

    /// Sets the environment and lays the overrides over the state.
    fn enter(&mut self, planned: PlannedBlock) -> Result<(), Failure> {
        let parent = &self.parent;
        let base_fee = if self.validation {
            let parent_fee = parent.base_fee_per_gas.unwrap_or_default();
            base_fee::next(parent.gas_limit, parent.gas_used, parent_fee)
        } else {
            0
        };
        let mut environment = BlockEnvironment {
            chain_id: self.sandbox.block.chain_id,
            number: planned.number,
            timestamp_s: planned.timestamp_s,
            gas_limit: parent.gas_limit,
            base_fee,
            coinbase: parent.beneficiary,
            prev_randao: B256::ZERO,
        };
        let block = alloy_rpc_types_eth::BlockOverrides {
            number: None,
            time: None,
            // The header's beacon root is always zero here, as the chain's own headers have it.
            beacon_root: None,
            ..planned.overrides
        };
        overrides::apply_block(&mut environment, &mut self.sandbox.db, block)?;
        self.sandbox.block = environment;
        self.roots.touch_overrides(&planned.state);
        overrides::apply_state(&mut self.sandbox.db, planned.state)
    }

    fn call(&mut self, call: TransactionRequest, draft: &mut Draft) -> Result<(), Failure> {
        let Prepared { tx, envelope, gas_capped } = self.prepare(call, draft)?;
        let sender = tx.caller;
        let (done, logs) = self.run(tx)?;
        self.roots.touch(&done.state);
        self.sandbox.commit(done.state);
        let used = done.result.tx_gas_used();
        self.budget.gas = self.budget.gas.saturating_sub(used);
        let tx_type = envelope.tx_type() as u8;
        draft.receipts.push(Receipt::new(tx_type, &done.result, draft.gas_used));
        draft.gas_used = draft.gas_used.saturating_add(used);
        let logs = logs.into_iter().map(|log| self.place(log, &envelope, draft)).collect();
        draft.results.push(result(done.result, logs, gas_capped));
        draft.transactions.push(Recovered::new_unchecked(envelope, sender));
        Ok(())
    }

    /// Fills what the call leaves out: the sender's nonce, all the gas that is left.
    fn prepare(
        &mut self,
        mut call: TransactionRequest,
        draft: &Draft,
    ) -> Result<Prepared, Failure> {
        let nonce = match call.nonce {
            Some(nonce) => nonce,
            None => self.sandbox.nonce(call.from.unwrap_or_default())?,
        };
        let block = &self.sandbox.block;
        let remaining = block.gas_limit.saturating_sub(draft.gas_used);
        let wanted = call.gas.unwrap_or(remaining);
        if wanted > remaining {
            return Err(codes::block_gas(remaining, wanted));
        }
        let gas = wanted.min(self.budget.gas);
        (call.gas, call.nonce) = (Some(gas), Some(nonce));
        let mut tx = request::message(call, block.chain_id, u64::MAX)?;
        let envelope = envelope(&tx);
        // Without validation any nonce runs, also the last one.
        tx.nonce = if self.validation { nonce } else { 0 };
        let tip = tx.gas_priority_fee.unwrap_or_default();
        self.sandbox.cfg.disable_base_fee = !self.validation && request::is_free(&tx) && tip == 0;
        Ok(Prepared { tx, envelope, gas_capped: gas < wanted })
    }

    fn run(&mut self, tx: TxEnv) -> Result<(ResultAndState, Vec<Log>), Failure> {
        let gas = tx.gas_limit;
        let done = if self.trace_transfers {
            let mut inspector = TransferLogs::default();
            let done = self.sandbox.inspect(tx, &mut inspector);
            done.map(|done| (done, inspector.into_logs()))
        } else {
            self.sandbox.run(tx).map(|done| {
                let logs = if done.result.is_success() { done.result.logs() } else { &[] };
                let logs = logs.to_vec();
                (done, logs)
            })
        };
        done.map_err(|failure| codes::of_call(failure, gas))
    }

    /// Says where in the block a log is; the block's hash follows when it is known.
    fn place(&self, log: Log, envelope: &TxEnvelope, draft: &mut Draft) -> RpcLog {
        let index = draft.logs;
        draft.logs = draft.logs.saturating_add(1);
        RpcLog {
            inner: log,
            block_hash: None,
            block_number: Some(self.sandbox.block.number),
            block_timestamp: Some(self.sandbox.block.timestamp_s),
            transaction_hash: Some(*envelope.tx_hash()),
            transaction_index: u64::try_from(draft.transactions.len()).ok(),
            log_index: Some(index),
            removed: false,
        }
    }

    fn close(&mut self, draft: Draft) -> Result<SimulatedBlock<Block>, Failure> {
        let state_root = self.roots.commit(&self.sandbox.db.cache)?;
        let Draft { transactions, receipts, mut results, .. } = draft;
        let bodies = transactions.iter().map(|tx| tx.inner().clone()).collect();
        let environment = &self.sandbox.block;
        let block = block::assemble(environment, self.parent_hash, state_root, bodies, &receipts);
        let hash = block::hash(&block.header);
        for log in results.iter_mut().flat_map(|result| &mut result.logs) {
            log.block_hash = Some(hash);
        }
        let number = U256::from(environment.number);
        self.sandbox.db.cache.block_hashes.insert(number, hash);
        (self.parent, self.parent_hash) = (block.header.clone(), hash);
        let transactions = self.transactions(transactions, hash);
        Ok(SimulatedBlock { inner: rpc_block(block, hash, transactions), calls: results })
    }

    fn transactions(
        &self,
        transactions: Vec<Recovered<TxEnvelope>>,
        hash: B256,
    ) -> BlockTransactions<Transaction> {
        if !self.full_transactions {
            let hashes = transactions.iter().map(|tx| *tx.inner().tx_hash());
            return BlockTransactions::Hashes(hashes.collect());
        }
        let environment = &self.sandbox.block;
        let full = (0..).zip(transactions).map(|(index, tx)| {
            let place = TransactionInfo {
                hash: Some(*tx.inner().tx_hash()),
                index: Some(index),
                block_hash: Some(hash),
                block_number: Some(environment.number),
                base_fee: Some(environment.base_fee),
                block_timestamp: Some(environment.timestamp_s),
            };
            Transaction::from_transaction(tx, place)
        });
        BlockTransactions::Full(full.collect())
    }
}

/// The transaction that a call would be, with a signature of zeros: its hash names it in logs.
fn envelope(tx: &TxEnv) -> TxEnvelope {
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let chain_id = tx.chain_id.unwrap_or_default();
    match tx.tx_type {
        request::LEGACY => TxLegacy {
            chain_id: Some(chain_id),
            nonce: tx.nonce,
            gas_price: tx.gas_price,
            gas_limit: tx.gas_limit,
            to: tx.kind,
            value: tx.value,
            input: tx.data.clone(),
        }
        .into_signed(signature)
        .into(),
        request::ACCESS_LIST => TxEip2930 {
            chain_id,
            nonce: tx.nonce,
            gas_price: tx.gas_price,
            gas_limit: tx.gas_limit,
            to: tx.kind,
            value: tx.value,
            access_list: tx.access_list.clone(),
            input: tx.data.clone(),
        }
        .into_signed(signature)
        .into(),
        _ => TxEip1559 {
            chain_id,
            nonce: tx.nonce,
            gas_limit: tx.gas_limit,
            max_fee_per_gas: tx.gas_price,
            max_priority_fee_per_gas: tx.gas_priority_fee.unwrap_or_default(),
            to: tx.kind,
            value: tx.value,
            access_list: tx.access_list.clone(),
            input: tx.data.clone(),
        }
        .into_signed(signature)
        .into(),
    }
}

fn result(done: ExecutionResult, logs: Vec<RpcLog>, gas_capped: bool) -> SimCallResult {
    let gas = *done.gas();
    let status = done.is_success();
    let (return_data, error) = match done {
        ExecutionResult::Success { output, .. } => (output.into_data(), None),
        ExecutionResult::Revert { output, .. } => (output.clone(), Some(reverted(output))),
        ExecutionResult::Halt { reason, .. } => {
            let mut message = format!("vm execution error: {}", halt_text(&reason));
            if gas_capped {
                message += " (gas limit was capped by the RPC server's global gas cap)";
            }
            let code = SimulateError::VM_EXECUTION_ERROR_CODE;
            (Bytes::new(), Some(SimulateError { code, message, data: None }))
        }
    };
    SimCallResult {
        return_data,
        logs,
        gas_used: gas.tx_gas_used(),
        max_used_gas: Some(gas.total_gas_spent()),
        status,
        error,
    }
}

fn reverted(output: Bytes) -> SimulateError {
    let message = match revert_reason(&output) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".into(),
    };
    SimulateError { code: SimulateError::EXECUTION_REVERTED_CODE, message, data: Some(output) }
}

fn rpc_block(
    block: block::Block,
    hash: B256,
    transactions: BlockTransactions<Transaction>,
) -> Block {
    let size = block::encode(&block).len();
    let header = alloy_consensus::Sealed::new_unchecked(block.header, hash);
    Block {
        header: RpcHeader::from_consensus(header, None, Some(U256::from(size))),
        uncles: Vec::new(),
        transactions,
        withdrawals: block.body.withdrawals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{address, b256};
    use revm::primitives::TxKind;

    #[test]
    fn transaction_of_a_call_has_the_hash_that_geth_gives_it() {
        // ethSimulate-eth-send-should-produce-logs of ethereum/execution-apis.
        let tx = TxEnv {
            tx_type: request::DYNAMIC_FEE,
            gas_limit: 50_000_000,
            kind: TxKind::Call(address!("0xc100000000000000000000000000000000000000")),
            value: U256::from(1_000),
            chain_id: Some(3_503_995_874_084_926),
            gas_priority_fee: Some(0),
            ..Default::default()
        };
        let hash = b256!("0xf1c5abb08809ef760f87aeabe7a87284c60797192dab6d2f0d26c27c9c038e9d");
        assert_eq!(*envelope(&tx).tx_hash(), hash);
    }
}
