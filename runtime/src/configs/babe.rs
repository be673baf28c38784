//! BABE decides who authors the block of a slot; the session pallet names the authorities.

use super::sequencers::{BondingSlots, EpochSlots, MAX_VALIDATORS};
use crate::{units::SLOT_DURATION_MS, Historical, Offences, Runtime, Session};
use frame_support::traits::{ConstU32, ConstU64, KeyOwnerProofSystem};
use sp_consensus_babe::{AllowedSlots, AuthorityId, BabeEpochConfiguration};
use sp_core::crypto::KeyTypeId;

/// In one slot of four some authority wins the right to author by VRF; the other slots have one
/// author each, also with a VRF, so every block brings fresh randomness.
pub const EPOCH_CONFIG: BabeEpochConfiguration =
    BabeEpochConfiguration { c: (1, 4), allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots };

impl pallet_babe::Config for Runtime {
    type EpochDuration = EpochSlots;
    type ExpectedBlockTime = ConstU64<SLOT_DURATION_MS>;
    type EpochChangeTrigger = pallet_babe::ExternalTrigger;
    type DisabledValidators = Session;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<{ super::staking::MAX_EXPOSURE_PAGE }>;
    type KeyOwnerProof = <Historical as KeyOwnerProofSystem<(KeyTypeId, AuthorityId)>>::Proof;
    type EquivocationReportSystem =
        pallet_babe::EquivocationReportSystem<Self, Offences, Historical, BondingSlots>;
}
