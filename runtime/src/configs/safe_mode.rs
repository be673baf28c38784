//! Safe-mode stops everything that moves money, BTC and ZYRA, while consensus, staking and
//! governance go on. Only a referendum enters and leaves it; it also ends by itself.

use super::sequencers::Days;
use crate::{
    governance::Guardian, AccountId, Balance, Balances, BlockNumber, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeHoldReason,
};
use frame_support::{
    parameter_types,
    traits::{Contains, EitherOf, Get, TypedGet},
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureWithSuccess};

/// Calls that go on in safe-mode.
pub struct Vital;

impl Contains<RuntimeCall> for Vital {
    fn contains(call: &RuntimeCall) -> bool {
        match call {
            // Inherents and reports of the off-chain workers: without them the chain stops.
            RuntimeCall::System(_)
            | RuntimeCall::Timestamp(_)
            | RuntimeCall::Babe(_)
            | RuntimeCall::Grandpa(_)
            | RuntimeCall::ElectionProvider(_)
            // Validators stay able to come and go.
            | RuntimeCall::Session(_)
            | RuntimeCall::Sequencers(_)
            | RuntimeCall::Staking(_)
            | RuntimeCall::VoterList(_)
            // The way out.
            | RuntimeCall::Preimage(_)
            | RuntimeCall::Scheduler(_)
            | RuntimeCall::Referenda(_)
            | RuntimeCall::ConvictionVoting(_)
            | RuntimeCall::SafeMode(_)
            | RuntimeCall::TxPause(_)
            | RuntimeCall::Sudo(_)
            // These carry other calls, each of which is asked about again.
            | RuntimeCall::Utility(_)
            | RuntimeCall::Multisig(_)
            | RuntimeCall::Proxy(_)
            // What is under way on Bitcoin does not wait; payouts are stopped by `BtcBridge.halt`.
            | RuntimeCall::Threshold(_)
            | RuntimeCall::BtcBridge(_)
            // Nor do proofs.
            | RuntimeCall::Settlement(_) => true,
            RuntimeCall::Balances(_)
            | RuntimeCall::NominationPools(_)
            | RuntimeCall::Treasury(_)
            | RuntimeCall::Identity(_)
            | RuntimeCall::Ethereum(_) => false,
        }
    }
}

/// How long a referendum enters or extends safe-mode for: two days.
pub struct Duration;

impl TypedGet for Duration {
    type Type = BlockNumber;

    fn get() -> BlockNumber {
        Days::<2>::get()
    }
}

parameter_types! {
    /// Nobody enters or extends safe-mode for a deposit.
    pub const NoDeposit: Option<Balance> = None;
    /// So none is given back either.
    pub const NoRelease: Option<BlockNumber> = None;
}

type Enter = EitherOf<
    EnsureRootWithSuccess<AccountId, Duration>,
    EnsureWithSuccess<Guardian, AccountId, Duration>,
>;

impl pallet_safe_mode::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type WhitelistedCalls = Vital;
    type EnterDuration = Days<2>;
    type ExtendDuration = Days<2>;
    type EnterDepositAmount = NoDeposit;
    type ExtendDepositAmount = NoDeposit;
    type ForceEnterOrigin = Enter;
    type ForceExtendOrigin = Enter;
    type ForceExitOrigin = EitherOf<EnsureRoot<AccountId>, Guardian>;
    type ForceDepositOrigin = EnsureRoot<AccountId>;
    type Notify = ();
    type ReleaseDelay = NoRelease;
    type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}
