//! GRANDPA finalises; its voters are the validators of the session.

use super::sequencers::{BondingSessions, BondingSlots, MAX_VALIDATORS};
use crate::{Historical, Offences, Runtime, RuntimeEvent};
use frame_support::traits::{ConstU32, KeyOwnerProofSystem};
use sp_consensus_grandpa::AuthorityId;
use sp_core::crypto::KeyTypeId;

impl pallet_grandpa::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = ();
    type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
    type MaxNominators = ConstU32<{ super::staking::MAX_EXPOSURE_PAGE }>;
    // As long as an offence can be reported.
    type MaxSetIdSessionEntries = BondingSessions;
    type KeyOwnerProof = <Historical as KeyOwnerProofSystem<(KeyTypeId, AuthorityId)>>::Proof;
    type EquivocationReportSystem =
        pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, BondingSlots>;
}
