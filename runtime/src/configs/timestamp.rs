//! The clock: milliseconds since 1970, set by the author of each block.

use crate::{units::SLOT_DURATION_MS, Babe, Runtime};
use frame_support::traits::ConstU64;

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    // BABE refuses a block whose time is not within its slot.
    type OnTimestampSet = Babe;
    type MinimumPeriod = ConstU64<{ SLOT_DURATION_MS / 2 }>;
    type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}
