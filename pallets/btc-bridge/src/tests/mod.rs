//! What the pallet promises.

use crate::{mock::*, *};

mod fees;
mod follow;
mod handover;
mod payouts;
mod solvency;
mod sweeps;
