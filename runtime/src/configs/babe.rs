//! BABE decides who authors the block of a slot.
//!
//! The authorities of genesis stay for ever: sets that stake elects are the next issue, together
//! with reports of equivocation, which need somebody to slash.

use crate::{
    units::{EPOCH_DURATION_SLOTS, SLOT_DURATION_MS},
    Runtime,
};
use frame_support::traits::{ConstU32, ConstU64};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};

/// In one slot of four some authority wins the right to author by VRF; the other slots have one
/// author each, also with a VRF, so every block brings fresh randomness.
pub const EPOCH_CONFIG: BabeEpochConfiguration =
    BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

impl pallet_babe::Config for Runtime {
    type EpochDuration = ConstU64<EPOCH_DURATION_SLOTS>;
    type ExpectedBlockTime = ConstU64<SLOT_DURATION_MS>;
    type EpochChangeTrigger = pallet_babe::SameAuthoritiesForever;
    type DisabledValidators = ();
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<100>;
    type MaxNominators = ConstU32<0>;
    type KeyOwnerProof = sp_core::Void;
    type EquivocationReportSystem = ();
}
