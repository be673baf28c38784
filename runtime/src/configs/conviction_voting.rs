//! Votes weigh more the longer their ZYRA stays locked.

use super::sequencers::Days;
use crate::{AccountId, Balances, Referenda, Runtime, RuntimeEvent, System};
use frame_support::traits::{ConstU32, TotalIssuanceOf};

impl pallet_conviction_voting::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_conviction_voting::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type Polls = Referenda;
    type MaxTurnout = TotalIssuanceOf<Balances, AccountId>;
    type MaxVotes = ConstU32<512>;
    // What a vote with conviction 1 locks; each further step doubles it.
    type VoteLockingPeriod = Days<7>;
    type BlockNumberProvider = System;
    type VotingHooks = ();
}
