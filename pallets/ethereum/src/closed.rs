//! Closed blocks for other pallets.

use crate::ChainHead;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;

/// A block that was just closed.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub struct ClosedBlock {
    /// Its number, hash and time.
    pub head: ChainHead,
    /// State root before it.
    pub parent_state: H256,
    /// State root after it.
    pub state: H256,
    /// How many transactions it has.
    pub transactions: u32,
    /// Its proving cost, in kernel cycles.
    pub cycles: u64,
}

/// Hears of every Ethereum block when it is closed, after its logs.
///
/// It runs in `on_finalize`: the hearer reserves the weight for one block in its own `on_initialize`.
pub trait OnBlock {
    /// The block is the newest now. Genesis never comes here.
    fn on_block(block: &ClosedBlock);
}

impl OnBlock for () {
    fn on_block(_: &ClosedBlock) {}
}
