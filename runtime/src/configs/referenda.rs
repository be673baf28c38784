//! Referenda: anybody proposes, holders of ZYRA decide, on the tracks of [`crate::governance`].

use super::sequencers::Days;
use crate::{
    governance::{Canceller, Killer, Tracks},
    units::ZYRA,
    AccountId, Balance, Balances, Preimage, Runtime, RuntimeCall, RuntimeEvent, Scheduler, System,
    Treasury,
};
use frame_support::traits::{ConstU128, ConstU32, EitherOf};
use frame_system::{EnsureRoot, EnsureSigned};
use pallet_conviction_voting::TallyOf;

impl pallet_referenda::Config for Runtime {
    type RuntimeCall = RuntimeCall;
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_referenda::weights::SubstrateWeight<Runtime>;
    type Scheduler = Scheduler;
    type Currency = Balances;
    type SubmitOrigin = EnsureSigned<AccountId>;
    type CancelOrigin = EitherOf<EnsureRoot<AccountId>, Canceller>;
    type KillOrigin = EitherOf<EnsureRoot<AccountId>, Killer>;
    type Slash = Treasury;
    type Votes = Balance;
    type Tally = TallyOf<Runtime>;
    type SubmissionDeposit = ConstU128<{ 10 * ZYRA }>;
    type MaxQueued = ConstU32<100>;
    type UndecidingTimeout = Days<14>;
    type AlarmInterval = ConstU32<1>;
    type Tracks = Tracks;
    type Preimages = Preimage;
    type BlockNumberProvider = System;
}
