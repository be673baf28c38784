//! What calls and estimates run on: this node's rules, or the chain's own code.

use super::{
    call::waive_base_fee,
    failure::Failure,
    sandbox::{output, Sandbox},
};
use alloy_primitives::{Address, Bytes, U256};
use revm::{context::TxEnv, primitives::KECCAK_EMPTY, DatabaseRef};

/// A run that succeeded.
#[derive(Debug)]
pub(crate) struct Done {
    /// What it returned.
    pub(crate) output: Bytes,
    /// Gas that it spent: before refunds, if the runner tells them apart.
    pub(crate) gas_spent: u64,
}

/// Runs calls on one state and leaves it as it was. A call that offers no fee pays no base fee.
pub(crate) trait Runner {
    /// Runs `tx`; a revert and a halt are errors.
    fn attempt(&mut self, tx: TxEnv) -> Result<Done, Failure>;

    /// Gas limit of the block that runs believe to be in.
    fn block_gas_limit(&self) -> u64;

    /// Balance of `address`, in wei.
    fn balance(&mut self, address: Address) -> Result<U256, Failure>;

    /// Whether `address` is a contract.
    fn has_code(&mut self, address: Address) -> Result<bool, Failure>;
}

impl<DB: DatabaseRef> Runner for Sandbox<DB> {
    fn attempt(&mut self, tx: TxEnv) -> Result<Done, Failure> {
        waive_base_fee(self, &tx);
        let result = self.run(tx)?.result;
        let gas_spent = result.gas().total_gas_spent();
        Ok(Done { output: output(result)?, gas_spent })
    }

    fn block_gas_limit(&self) -> u64 {
        self.block.gas_limit
    }

    fn balance(&mut self, address: Address) -> Result<U256, Failure> {
        Ok(self.db.load_account(address).map_err(Failure::internal)?.info.balance)
    }

    fn has_code(&mut self, address: Address) -> Result<bool, Failure> {
        let code_hash = self.db.load_account(address).map_err(Failure::internal)?.info.code_hash;
        Ok(code_hash != KECCAK_EMPTY && !code_hash.is_zero())
    }
}
