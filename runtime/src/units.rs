//! Units of money and the length of a slot on the Substrate side of the chain.
//!
//! BTC has its units in `bzk-core`; here is only ZYRA, which is staked and votes.

use crate::Balance;

/// One ZYRA in its smallest unit (12 decimals).
pub const ZYRA: Balance = 1_000_000_000_000;

/// One thousandth of a ZYRA.
pub const MILLI_ZYRA: Balance = ZYRA / 1_000;

/// One millionth of a ZYRA.
pub const MICRO_ZYRA: Balance = MILLI_ZYRA / 1_000;

/// All ZYRA that a genesis hands out.
pub const GENESIS_SUPPLY: Balance = 1_000_000_000 * ZYRA;

/// The smallest ZYRA balance that keeps an account alive.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_ZYRA;

/// Duration of one BABE slot, so the time between two blocks, in milliseconds.
pub const SLOT_DURATION_MS: u64 = 2_000;
