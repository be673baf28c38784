//! Single calls that governance has stopped, for instance `Ethereum.transact`.

use crate::{governance::Guardian, AccountId, Runtime, RuntimeCall, RuntimeEvent};
use frame_support::traits::{ConstU32, Contains, EitherOf};
use frame_system::EnsureRoot;
use pallet_tx_pause::RuntimeCallNameOf;

/// Pallets whose calls cannot be paused: inherents, reports, and the way back.
const UNSTOPPABLE: [&[u8]; 12] = [
    b"System",
    b"Timestamp",
    b"Babe",
    b"Grandpa",
    b"ElectionProvider",
    b"Session",
    b"Preimage",
    b"Scheduler",
    b"Referenda",
    b"ConvictionVoting",
    b"SafeMode",
    b"TxPause",
];

/// Tells these pallets' calls.
pub struct Unstoppable;

impl Contains<RuntimeCallNameOf<Runtime>> for Unstoppable {
    fn contains((pallet, _): &RuntimeCallNameOf<Runtime>) -> bool {
        UNSTOPPABLE.contains(&pallet.as_slice())
    }
}

impl pallet_tx_pause::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type PauseOrigin = EitherOf<EnsureRoot<AccountId>, Guardian>;
    type UnpauseOrigin = EitherOf<EnsureRoot<AccountId>, Guardian>;
    type WhitelistedCalls = Unstoppable;
    type MaxNameLen = ConstU32<64>;
    type WeightInfo = pallet_tx_pause::weights::SubstrateWeight<Runtime>;
}
