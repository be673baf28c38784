//! Calls that are too long for a referendum, stored under their hash.

use crate::{
    units::{MICRO_ZYRA, ZYRA},
    AccountId, Balance, Balances, Runtime, RuntimeEvent, RuntimeHoldReason,
};
use frame_support::{
    parameter_types,
    traits::{fungible::HoldConsideration, ConstU128, LinearStoragePrice},
};
use frame_system::EnsureRoot;

parameter_types! {
    /// Why a deposit is held.
    pub const PreimageHold: RuntimeHoldReason =
        RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
}

/// A ZYRA for each preimage and 10 for a megabyte.
type Price = LinearStoragePrice<ConstU128<ZYRA>, ConstU128<{ 10 * MICRO_ZYRA }>, Balance>;

impl pallet_preimage::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type ManagerOrigin = EnsureRoot<AccountId>;
    type Consideration = HoldConsideration<AccountId, Balances, PreimageHold, Price>;
}
