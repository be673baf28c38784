//! Execution without effects, for the runtime API.

use crate::{
    database::{CodeMissing, FlatState},
    Config,
};
use bzk_evm::{
    execute::{transact, BlockEnvironment, ExecuteError, Outcome},
    profile,
    revm::context::TxEnv,
};

/// Runs `tx` on the flat state under the rules of `eth_call` and drops the changes.
pub(crate) fn call<T: Config>(
    block: &BlockEnvironment,
    tx: TxEnv,
    max_cycles: u64,
) -> Result<Outcome, ExecuteError<CodeMissing>> {
    let mut cfg = profile::cfg(block.chain_id);
    cfg.disable_nonce_check = true;
    cfg.disable_eip3607 = true;
    cfg.disable_block_gas_limit = true;
    // As in geth: a call that names no price pays none, one that names a price must afford it.
    cfg.disable_base_fee = tx.gas_price == 0;
    transact(FlatState::<T>::default(), block, cfg, tx, max_cycles)
}
