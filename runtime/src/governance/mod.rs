//! Who decides about what: the origins that a referendum can speak with, and the tracks on which
//! holders of ZYRA vote.

pub mod origins;
mod tracks;

pub use origins::{Canceller, Guardian, Killer, Spender, StakingAdmin, Treasurer};
pub use tracks::Tracks;
