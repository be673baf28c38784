//! Where a call runs: a private overlay of one state, a block, and the rules of the profile.

use super::failure::{self, Failure};
use alloy_primitives::{Address, Bytes};
use bzk_evm::{
    execute::{self, BlockEnvironment},
    meter::Meter,
    profile,
};
use revm::{
    context::{
        result::{EVMError, ExecutionResult, ResultAndState},
        CfgEnv, TxEnv,
    },
    database::CacheDB,
    state::EvmState,
    DatabaseCommit, DatabaseRef, ExecuteEvm, InspectEvm, Inspector,
};
use std::fmt::Display;

/// The EVM that inspectors of this crate see.
pub(crate) type ContextOf<'a, DB> = execute::BzkContext<&'a mut CacheDB<DB>>;

/// A state to run on, which nobody else sees.
pub(crate) struct Sandbox<DB> {
    /// The state, and what runs and overrides have changed of it.
    pub(crate) db: CacheDB<DB>,
    /// The block that runs believe to be in.
    pub(crate) block: BlockEnvironment,
    /// The rules.
    pub(crate) cfg: CfgEnv,
    /// What proving one run may cost, in prover cycles.
    pub(crate) max_cycles: u64,
}

impl<DB: DatabaseRef> Sandbox<DB> {
    /// Runs transactions by the rules for blocks.
    pub(crate) fn strict(state: DB, block: BlockEnvironment) -> Self {
        let cfg = profile::cfg(block.chain_id);
        Self { db: CacheDB::new(state), block, cfg, max_cycles: u64::MAX }
    }

    /// Runs calls, which nobody signed: any sender, any nonce, more gas than a block has.
    pub(crate) fn relaxed(state: DB, block: BlockEnvironment) -> Self {
        let mut sandbox = Self::strict(state, block);
        sandbox.relax();
        sandbox
    }

    /// Drops the rules that calls need not follow.
    pub(crate) fn relax(&mut self) {
        self.cfg.disable_nonce_check = true;
        self.cfg.disable_eip3607 = true;
        self.cfg.disable_block_gas_limit = true;
        self.cfg.tx_gas_limit_cap = Some(u64::MAX);
    }

    /// Runs `tx` and leaves the state as it was.
    pub(crate) fn run(&mut self, tx: TxEnv) -> Result<ResultAndState, Failure> {
        let mut evm = execute::evm(&mut self.db, &self.block, self.cfg.clone(), ());
        evm.ctx.chain = Meter::new(self.max_cycles);
        let result = evm.transact(tx.clone());
        let exhausted = evm.ctx.chain.is_exhausted();
        drop(evm);
        result.map_err(|error| match exhausted {
            true => Failure::server(format_args!(
                "proving the transaction takes more than {} kernel cycles, the limit of a block",
                self.max_cycles
            )),
            false => failure_of(error, &tx, &self.block),
        })
    }

    /// Runs `tx` under the eyes of `inspector` and leaves the state as it was.
    pub(crate) fn inspect<'a, I>(
        &'a mut self,
        tx: TxEnv,
        inspector: &mut I,
    ) -> Result<ResultAndState, Failure>
    where
        I: Inspector<ContextOf<'a, DB>>,
    {
        let mut evm = execute::evm(&mut self.db, &self.block, self.cfg.clone(), inspector);
        let result = evm.inspect_tx(tx.clone());
        result.map_err(|error| failure_of(error, &tx, &self.block))
    }

    /// Makes the changes of a run part of the state.
    pub(crate) fn commit(&mut self, changes: EvmState) {
        self.db.commit(changes);
    }

    /// Nonce of `address`.
    pub(crate) fn nonce(&mut self, address: Address) -> Result<u64, Failure> {
        Ok(self.db.load_account(address).map_err(Failure::internal)?.info.nonce)
    }
}

fn failure_of(error: EVMError<impl Display>, tx: &TxEnv, block: &BlockEnvironment) -> Failure {
    match error {
        EVMError::Transaction(rule) => {
            Failure::Refused(failure::refusal(rule, tx, block, profile::MAX_INITCODE_SIZE))
        }
        // A guard stopped the run; the text says why.
        EVMError::Custom(cause) => Failure::limit(cause),
        EVMError::Header(cause) => Failure::internal(cause),
        EVMError::Database(cause) => Failure::internal(cause),
        EVMError::CustomAny(cause) => Failure::internal(cause),
    }
}

/// The output of a run that succeeded.
pub(crate) fn output(result: ExecutionResult) -> Result<Bytes, Failure> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(Failure::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(Failure::Halted(reason)),
    }
}
