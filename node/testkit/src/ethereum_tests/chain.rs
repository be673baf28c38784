//! A chain of the test runtime.

use crate::ethereum_tests::runtime::{
    Coinbase, Ethereum, ExtraData, Randomness, Runtime, RuntimeGenesisConfig, UncheckedExtrinsic,
    EVM,
};
use alloy_primitives::B256;
use bzk_evm::{
    execute::BlockEnvironment,
    tx::{self, RecoveredTx, TxError},
};
use frame_support::{
    dispatch::GetDispatchInfo,
    storage::{with_transaction, TransactionOutcome},
    traits::Hooks,
};
use pallet_ethereum::{BlockCycleLimit, CheckedExtrinsic, HeartbeatMs, Open};
use pallet_evm::GenesisAccount;
use sp_core::{H160, H256};
use sp_runtime::{
    traits::{Applyable, Checkable},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
    BoundedVec, BuildStorage, DispatchError,
};
use std::{collections::BTreeMap, fmt};

/// Number of the Substrate block that is filled; it has no meaning here.
const SUBSTRATE_BLOCK: u64 = 1;

/// Why a transaction was not included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A rule for Ethereum transactions.
    Rule(TxError),
    /// The pool keeps it for another block: this one has no room for it, or too high a base fee.
    Waits,
    /// Anything else.
    Other(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(error) => error.fmt(f),
            Self::Waits => f.write_str("it has to wait for another block"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

impl From<TransactionValidityError> for Refusal {
    fn from(error: TransactionValidityError) -> Self {
        let rule = match error {
            TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources) => {
                return Self::Waits
            }
            TransactionValidityError::Invalid(invalid) => pallet_ethereum::tx_error(invalid),
            TransactionValidityError::Unknown(_) => None,
        };
        rule.map_or_else(|| Self::Other(format!("{error:?}")), Self::Rule)
    }
}

/// Storage of the test runtime. All else in this module works on the storage that
/// [`Self::execute`] provides.
pub(super) struct Chain(sp_io::TestExternalities);

impl Chain {
    /// A chain whose genesis has these accounts.
    pub(super) fn new(accounts: BTreeMap<H160, GenesisAccount>) -> Self {
        let genesis = RuntimeGenesisConfig {
            evm: pallet_evm::GenesisConfig { accounts, ..Default::default() },
            ..Default::default()
        };
        let storage = genesis.build_storage().expect("the accounts fit the profile");
        let mut chain = Self(storage.into());
        chain.execute(|| {
            // The tests bound gas, not proving cost.
            BlockCycleLimit::<Runtime>::put(u64::MAX);
            HeartbeatMs::<Runtime>::put(0);
        });
        chain
    }

    /// Runs `work` on the storage.
    pub(super) fn execute<R>(&mut self, work: impl FnOnce() -> R) -> R {
        self.0.execute_with(work)
    }
}

/// Runs `work` and keeps what it wrote only if it succeeds.
pub(super) fn transactional<R, E>(work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
    let outcome = with_transaction(|| match work() {
        Ok(done) => TransactionOutcome::Commit(Ok::<_, DispatchError>(Ok(done))),
        Err(error) => TransactionOutcome::Rollback(Ok(Err(error))),
    });
    outcome.expect("storage layers do not nest this deep")
}

/// Starts a Substrate block whose Ethereum block will have this environment and extra data, as far
/// as the runtime takes them from outside: the number, base fee and parent are the pallet's.
pub(super) fn begin(environment: &BlockEnvironment, extra_data: BoundedExtraData) {
    Coinbase::set(H160(environment.coinbase.into_array()));
    Randomness::set(H256(environment.prev_randao.0));
    ExtraData::set(extra_data);
    pallet_timestamp::Now::<Runtime>::put(environment.timestamp_s.saturating_mul(1_000));
    Ethereum::on_initialize(SUBSTRATE_BLOCK);
}

/// Extra data of a header.
pub(super) type BoundedExtraData = BoundedVec<u8, frame_support::traits::ConstU32<32>>;

/// Makes the open block see exactly this environment.
pub(super) fn override_environment(environment: &BlockEnvironment) {
    Open::<Runtime>::mutate(|open| {
        let Some(open) = open else { return };
        open.number = environment.number;
        open.parent_timestamp_s = environment.timestamp_s.saturating_sub(1);
        open.gas_limit = environment.gas_limit;
        open.base_fee = environment.base_fee;
        open.coinbase = H160(environment.coinbase.into_array());
        open.prev_randao = H256(environment.prev_randao.0);
    });
}

/// Ends the Substrate block and checks the invariants of the ledger.
pub(super) fn end() -> Result<(), String> {
    Ethereum::on_finalize(SUBSTRATE_BLOCK);
    EVM::check_state().map_err(|error| format!("{error:?}"))
}

/// The state root as of the last closed block.
pub(super) fn state_root() -> B256 {
    B256::new(EVM::state_root().0)
}

/// Puts a transaction through the extrinsic into the open block, as a block author does.
pub(super) fn apply(raw: &[u8]) -> Result<(), Refusal> {
    let checked = check(raw)?;
    let info = checked.get_dispatch_info();
    transactional(|| {
        forget_cycles();
        #[allow(deprecated, reason = "`Applyable` still names `ValidateUnsigned`")]
        let applied = checked.apply::<Runtime>(&info, raw.len())?;
        applied.map(drop).map_err(|error| Refusal::Other(format!("{:?}", error.error)))
    })
}

/// Gives the next transaction every cycle there is: what no prover can prove uses up all of them
/// ([`bzk_evm::meter::memory`]), and on Ethereum others may share its block.
fn forget_cycles() {
    Open::<Runtime>::mutate(|open| {
        if let Some(open) = open {
            open.cycles = 0;
        }
    });
}

type Checked = CheckedExtrinsic<u64, (), Runtime>;

fn check(raw: &[u8]) -> Result<Checked, Refusal> {
    let extrinsic = UncheckedExtrinsic::from_raw_transaction(raw.to_vec())
        .ok_or(Refusal::Rule(TxError::Oversized))?;
    Ok(extrinsic.check(&frame_system::ChainContext::<Runtime>::default())?)
}

/// The transaction without any rule beyond its signature, for [`super::profile`].
pub(super) fn recover(raw: &[u8]) -> Option<RecoveredTx> {
    tx::recover(tx::decode(raw).ok()?).ok()
}
