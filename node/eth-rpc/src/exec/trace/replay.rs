//! Running the transactions of a block again.

use crate::{
    chain::Record,
    exec::{failure::Failure, sandbox::Sandbox},
};
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionInfo;
use bzk_evm::{
    execute::BlockEnvironment,
    tx::{tx_env, RecoveredTx},
};
use revm::{context::TxEnv, state::EvmState, DatabaseRef};
use revm_inspectors::tracing::TransactionContext;

/// What ran in a block.
pub(crate) struct Script {
    /// The block.
    pub(crate) environment: BlockEnvironment,
    /// Its hash.
    pub(crate) hash: B256,
    /// Its transactions, with their hashes.
    pub(crate) transactions: Vec<(B256, TxEnv)>,
}

impl Script {
    /// What ran in the block of `record`.
    pub(crate) fn new(record: &Record, chain_id: u64) -> Self {
        let transactions = record.block.body.transactions.iter().zip(&record.senders);
        let transactions = transactions.map(|(envelope, sender)| {
            let hash = *envelope.tx_hash();
            let tx = RecoveredTx { envelope: envelope.clone(), hash, sender: *sender };
            (hash, tx_env(&tx))
        });
        Self {
            environment: BlockEnvironment::of(&record.block.header, chain_id),
            hash: record.hash,
            transactions: transactions.collect(),
        }
    }

    /// Where the transaction at `index` is, for geth's tracers.
    pub(crate) fn context(&self, index: usize) -> TransactionContext {
        TransactionContext {
            block_hash: Some(self.hash),
            tx_index: Some(index),
            tx_hash: self.transactions.get(index).map(|(hash, _)| *hash),
        }
    }

    /// Where the transaction at `index` is, for Parity's traces.
    pub(crate) fn info(&self, index: usize) -> TransactionInfo {
        TransactionInfo {
            hash: self.transactions.get(index).map(|(hash, _)| *hash),
            index: u64::try_from(index).ok(),
            block_hash: Some(self.hash),
            block_number: Some(self.environment.number),
            base_fee: Some(self.environment.base_fee),
            ..Default::default()
        }
    }

    /// Runs the transactions before `index`, so that the state is what it was when that one ran.
    pub(crate) fn advance<DB: DatabaseRef>(
        &self,
        sandbox: &mut Sandbox<DB>,
        index: usize,
    ) -> Result<(), Failure> {
        for (_, tx) in self.transactions.iter().take(index) {
            let done = sandbox.run(tx.clone()).map_err(diverged)?;
            sandbox.commit(done.state);
        }
        Ok(())
    }

    /// As [`Self::advance`]; gives the transaction at `index`, which is next.
    pub(crate) fn reach<DB: DatabaseRef>(
        &self,
        sandbox: &mut Sandbox<DB>,
        index: usize,
    ) -> Result<TxEnv, Failure> {
        let (_, tx) = self
            .transactions
            .get(index)
            .ok_or_else(|| Failure::internal("the index names a transaction that is not there"))?;
        self.advance(sandbox, index)?;
        Ok(tx.clone())
    }

    /// Hands each transaction to `visit`, in order, and makes the changes that it returns part of
    /// the state.
    pub(crate) fn each<DB: DatabaseRef, T>(
        &self,
        sandbox: &mut Sandbox<DB>,
        mut visit: impl FnMut(&mut Sandbox<DB>, usize, TxEnv) -> Result<(T, EvmState), Failure>,
    ) -> Result<Vec<T>, Failure> {
        let mut visited = Vec::with_capacity(self.transactions.len());
        for (index, (_, tx)) in self.transactions.iter().enumerate() {
            let (result, changes) = visit(sandbox, index, tx.clone())?;
            sandbox.commit(changes);
            visited.push(result);
        }
        Ok(visited)
    }
}

/// A transaction of a block cannot be refused when it runs again on the same state.
fn diverged(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(refusal) => {
            Failure::internal(format_args!("replay differs from the block: {}", refusal.text))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::fixture::{self, code, CALLER, TARGET};
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::{Signature, U256};
    use bzk_evm::block::Header;
    use jsonrpsee::types::ErrorObjectOwned;
    use revm::{primitives::TxKind, Database};

    /// A block of calls to a contract that adds 1 to its slot 0.
    fn script(nonces: impl IntoIterator<Item = u64>) -> Script {
        let call = |nonce| {
            let tx = TxLegacy {
                nonce,
                gas_limit: 100_000,
                gas_price: 2_000_000_000,
                to: TxKind::Call(TARGET),
                ..Default::default()
            };
            tx.into_signed(Signature::test_signature()).into()
        };
        let header = Header {
            number: 101,
            gas_limit: 10_000_000,
            base_fee_per_gas: Some(fixture::BASE_FEE),
            ..Default::default()
        };
        let block = bzk_evm::block::block(header, nonces.into_iter().map(call).collect());
        let senders = vec![CALLER; block.body.transactions.len()];
        let record = Record { block, hash: B256::repeat_byte(1), receipts: vec![], senders };
        Script::new(&record, fixture::CHAIN_ID)
    }

    fn sandbox(script: &Script) -> Sandbox<fixture::State> {
        let state = fixture::state([(TARGET, code("5f546001015f5500"))]);
        let mut sandbox = Sandbox::strict(state, script.environment);
        fixture::fund(&mut sandbox, CALLER, U256::from(10u64.pow(18)));
        sandbox
    }

    #[test]
    fn state_is_what_it_was_when_the_transaction_ran() {
        let script = script(0..5);
        let mut sandbox = sandbox(&script);
        script.advance(&mut sandbox, 3).unwrap();
        assert_eq!(sandbox.db.storage(TARGET, U256::ZERO).unwrap(), U256::from(3));
        assert_eq!(sandbox.nonce(CALLER).unwrap(), 3);
    }

    #[test]
    fn each_transaction_sees_those_before_it() {
        let script = script(0..4);
        let seen = script.each(&mut sandbox(&script), |sandbox, index, tx| {
            let value = sandbox.db.storage(TARGET, U256::ZERO).unwrap();
            Ok(((index, value), sandbox.run(tx)?.state))
        });
        let expected: Vec<_> = (0..4).map(|index| (index, U256::from(index))).collect();
        assert_eq!(seen.unwrap(), expected);
    }

    #[test]
    fn block_that_cannot_have_been_is_an_error_of_the_node() {
        let script = script([7]);
        let error = script.advance(&mut sandbox(&script), 1).unwrap_err();
        let error = ErrorObjectOwned::from(error);
        assert_eq!(error.code(), -32603);
        assert!(error.message().contains("nonce too high"));
    }

    #[test]
    fn places_name_block_and_transaction() {
        let script = script(0..2);
        assert_eq!(script.context(1).tx_hash, Some(script.transactions[1].0));
        assert_eq!(script.info(1).index, Some(1));
        assert_eq!(script.info(2).hash, None);
    }
}
