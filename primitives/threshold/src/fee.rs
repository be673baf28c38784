//! What the members of a committee say about Bitcoin's fees.

use crate::{committee::Committee, hash::tagged_hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// L2 blocks of a period, in which each member reports once: 100 seconds.
pub const PERIOD_BLOCKS: u32 = 50;

/// The fee rate that a member's Bitcoin node estimates.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct FeeReport {
    /// When: the number of an L2 block, divided by [`PERIOD_BLOCKS`].
    pub period: u32,
    /// The rate, in sats per 1,000 vbytes.
    pub sat_per_kvb: u32,
}

impl FeeReport {
    /// The context in which a member of `committee` seals the report
    /// ([`Envelope::seal`](crate::envelope::Envelope::seal)): other messages are sealed in others.
    pub fn context(committee: &Committee) -> [u8; 32] {
        tagged_hash("bzk/threshold/fee", &[&committee.digest()])
    }
}
