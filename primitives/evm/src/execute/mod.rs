//! Executing transactions.

mod machine;
#[cfg(test)]
mod tests;

pub use machine::{BzkContext, BzkEvm};

use crate::{
    block::Header,
    meter::Meter,
    primitives::{Address, B256, U256},
};
use core::fmt;
use revm::{
    context::{BlockEnv, CfgEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    state::EvmState,
    Database, ExecuteEvm,
};

/// What the header of the block under construction says to the EVM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockEnvironment {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Number of the Ethereum block.
    pub number: u64,
    /// Unix time in seconds.
    pub timestamp_s: u64,
    /// Gas limit of the block.
    pub gas_limit: u64,
    /// Base fee in wei per gas.
    pub base_fee: u64,
    /// Who receives the tips.
    pub coinbase: Address,
    /// Randomness, the header's `mixHash`.
    pub prev_randao: B256,
}

impl BlockEnvironment {
    /// The block of `header` itself, as its last transaction sees it.
    pub fn of(header: &Header, chain_id: u64) -> Self {
        Self {
            chain_id,
            number: header.number,
            timestamp_s: header.timestamp,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            coinbase: header.beneficiary,
            prev_randao: header.mix_hash,
        }
    }

    /// The block in revm's form. Blob gas is at its minimum and never read: the opcodes that would
    /// read it are invalid.
    pub fn to_env(&self) -> BlockEnv {
        BlockEnv {
            number: U256::from(self.number),
            beneficiary: self.coinbase,
            timestamp: U256::from(self.timestamp_s),
            gas_limit: self.gas_limit,
            basefee: self.base_fee,
            difficulty: U256::ZERO,
            prevrandao: Some(self.prev_randao),
            blob_excess_gas_and_price: Some(BlobExcessGasAndPrice {
                excess_blob_gas: 0,
                blob_gasprice: 1,
            }),
            slot_num: 0,
        }
    }
}

/// What a transaction did.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Success, revert or halt, with gas, logs and output.
    pub result: ExecutionResult,
    /// Every account that was loaded; those marked touched have to be written.
    pub state: EvmState,
    /// Estimated cycles of the prover's kernel.
    pub cycles: u64,
}

/// Why a transaction may not be included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecuteError<E> {
    /// The EVM's rules refuse it.
    Invalid(InvalidTransaction),
    /// It is dearer to prove than the block allows.
    CyclesExhausted {
        /// The cycles it could use.
        limit: u64,
    },
    /// The database failed.
    Database(E),
}

impl<E: fmt::Display> fmt::Display for ExecuteError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => write!(f, "invalid transaction: {error}"),
            Self::CyclesExhausted { limit } => {
                write!(f, "proving the transaction takes more than {limit} kernel cycles")
            }
            Self::Database(error) => write!(f, "state could not be read: {error}"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for ExecuteError<E> {}

/// Executes one transaction on `db` under the rules of `cfg` and returns the changes, which it does
/// not write. Blocks hold what passes [`profile::cfg`](crate::profile::cfg); calls relax it.
///
/// Execution ends with [`ExecuteError::CyclesExhausted`] as soon as the transaction passes
/// `max_cycles`; nothing of it may then be kept.
pub fn transact<DB: Database>(
    db: DB,
    block: &BlockEnvironment,
    cfg: CfgEnv,
    tx: TxEnv,
    max_cycles: u64,
) -> Result<Outcome, ExecuteError<DB::Error>> {
    let mut evm = evm(db, block, cfg, ());
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
        Err(EVMError::Header(error)) => Err(invalid(error)),
        Err(EVMError::Custom(error)) => Err(invalid(error)),
        Err(EVMError::CustomAny(error)) => Err(invalid(error)),
    }
}

/// A failure that the profile's environment rules out; the transaction is refused all the same.
fn invalid<E>(error: impl fmt::Display) -> ExecuteError<E> {
    ExecuteError::Invalid(InvalidTransaction::Str(alloc::format!("{error}").into()))
}

/// An EVM of the profile for callers that bring an inspector or relax checks in `cfg`.
///
/// Its meter only counts; set `ctx.chain` to limit it.
pub fn evm<DB: Database, INSP>(
    db: DB,
    block: &BlockEnvironment,
    cfg: CfgEnv,
    inspector: INSP,
) -> BzkEvm<DB, INSP> {
    BzkEvm::new(db, block.to_env(), cfg, inspector)
}
