//! Accounts that several people hold together.

use crate::{units::MILLI_ZYRA, Balances, Runtime, RuntimeCall, RuntimeEvent, System};
use frame_support::traits::{ConstU128, ConstU32};

impl pallet_multisig::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type Currency = Balances;
    type DepositBase = ConstU128<{ 500 * MILLI_ZYRA }>;
    type DepositFactor = ConstU128<{ 50 * MILLI_ZYRA }>;
    type MaxSignatories = ConstU32<100>;
    type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
    type BlockNumberProvider = System;
}
