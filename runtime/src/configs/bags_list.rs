//! Stakers in the order of their stake, roughly: an election takes the ones at the top.

use crate::{Runtime, RuntimeEvent, Staking};
use frame_election_provider_support::VoteWeight;
use frame_support::traits::ConstU32;

/// How many bags there are beside the last one, which takes all the rest.
const BAGS: usize = 58;

/// The first bag ends at 10^9 votes (about 0.05 ZYRA), each further one at half as much again, the
/// last at 10^19: half of all votes there can be.
const THRESHOLDS: [VoteWeight; BAGS] = thresholds();

const fn thresholds() -> [VoteWeight; BAGS] {
    let mut thresholds = [0; BAGS];
    let mut bound: u128 = 1_000_000_000;
    let mut bag = 0;
    while bag < BAGS {
        thresholds[bag] = bound as VoteWeight;
        bound += bound / 2;
        bag += 1;
    }
    thresholds
}

frame_support::parameter_types! {
    /// Upper ends of the bags, in votes.
    pub const BagThresholds: &'static [VoteWeight] = &THRESHOLDS;
}

impl pallet_bags_list::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type WeightInfo = pallet_bags_list::weights::SubstrateWeight<Runtime>;
    type ScoreProvider = Staking;
    type BagThresholds = BagThresholds;
    type MaxAutoRebagPerBlock = ConstU32<5>;
    type Score = VoteWeight;
}
