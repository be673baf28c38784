//! What the pallet promises.

use crate::{mock::*, *};

mod fees;
mod follow;
mod handover;
mod line;
mod payouts;
mod solvency;
mod sweeps;

/// Sets the fee rate of first versions, in sats per vbyte.
fn fee_rate(sats_per_vbyte: u32) {
    let policy = Policy { sats_per_vbyte, ..CurrentPolicy::<Test>::get() };
    frame_support::assert_ok!(BtcBridge::set_policy(RuntimeOrigin::root(), policy));
}
