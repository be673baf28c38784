//! Names the author of the current block, and rewards it.

use crate::{Babe, Runtime, Staking};
use pallet_session::FindAccountFromAuthorIndex;

impl pallet_authorship::Config for Runtime {
    type FindAuthor = FindAccountFromAuthorIndex<Self, Babe>;
    // Every block earns its author a share of the era's reward.
    type EventHandler = Staking;
}
