//! Tests against the mock; one file per subject.

mod lives;
mod records;
mod worker;

pub(crate) use crate::{mock::*, *};
pub(crate) use frame_support::{assert_noop, assert_ok};
pub(crate) use sp_core::H256;
