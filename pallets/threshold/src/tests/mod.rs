//! One file per group of calls.

mod authorize;
mod bip340;
mod ceremony;
mod refresh;
mod registry;
mod session;

use crate::{mock::*, pallet::*, types::*};
use frame_support::{assert_noop, assert_ok};
