//! Execution without effects, for the runtime API.

use crate::{
    database::{CodeMissing, FlatState},
    Config,
};
use bzk_evm::{
    execute::{evm, BlockEnvironment, ExecuteError, Outcome},
    meter::Meter,
    profile,
    revm::{
        context::{
            result::{EVMError, InvalidTransaction},
            TxEnv,
        },
        ExecuteEvm,
    },
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
    let mut evm = evm(FlatState::<T>::default(), block, cfg, ());
    evm.ctx.chain = Meter::new(max_cycles);
    let executed = evm.transact(tx);
    if evm.ctx.chain.is_exhausted() {
        return Err(ExecuteError::CyclesExhausted { limit: max_cycles });
    }
    let cycles = evm.ctx.chain.used();
    match executed {
        Ok(executed) => Ok(Outcome { result: executed.result, state: executed.state, cycles }),
        Err(EVMError::Transaction(error)) => Err(ExecuteError::Invalid(error)),
        Err(EVMError::Database(error)) => Err(ExecuteError::Database(error)),
        Err(error) => {
            Err(ExecuteError::Invalid(InvalidTransaction::Str(alloc::format!("{error}").into())))
        }
    }
}
