//! The calendar and the record of a validator.

use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Slots in a row that make a validator absent unless the genesis or governance says otherwise. With
/// four validators that is two minutes of silence or more, with a hundred at least 100 minutes.
pub(crate) const DEFAULT_MISSED_LIMIT: u32 = 30;

/// Lengths of everything that is counted in epochs, eras or days.
///
/// Consensus depends on them, and BABE's epochs cannot change their length on a running chain: so
/// they are fixed at genesis. A chain for tests has short ones and runs the same code.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Calendar {
    /// Slots of an epoch, which is also a session.
    pub epoch_slots: u64,
    /// Sessions of an era: elections and rewards come once in an era.
    pub sessions_per_era: u32,
    /// Eras that stake stays locked after unbonding, and in which an offence can be reported.
    pub bonding_eras: u32,
    /// Eras between an offence and its slash, in which governance may cancel it.
    pub slash_defer_eras: u32,
    /// Blocks of a day: the unit of all periods of governance.
    pub day_blocks: u32,
}

impl Default for Calendar {
    /// Production: epochs of ten minutes, eras of six hours, seven days of bonding.
    fn default() -> Self {
        Self {
            epoch_slots: 300,
            sessions_per_era: 36,
            bonding_eras: 28,
            slash_defer_eras: 14,
            day_blocks: 43_200,
        }
    }
}

impl Calendar {
    /// Whether the lengths fit together: no length is zero, and a slash comes before the stake is
    /// free.
    pub fn is_sound(&self) -> bool {
        // Two slots: an epoch's randomness is known one epoch ahead.
        self.epoch_slots >= 2
            && self.sessions_per_era > 0
            && self.slash_defer_eras < self.bonding_eras
            && self.day_blocks >= 2
    }

    /// Sessions in which an offence can be reported.
    pub fn bonding_sessions(&self) -> u32 {
        self.bonding_eras.saturating_mul(self.sessions_per_era)
    }

    /// `numerator / denominator` days in blocks, at least one block.
    pub fn days(&self, numerator: u32, denominator: u32) -> u32 {
        self.day_blocks.saturating_mul(numerator).checked_div(denominator).unwrap_or(0).max(1)
    }
}

/// What is known of a validator's slots since it entered the set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Liveness {
    /// Blocks that it made.
    pub authored: u32,
    /// Slots that it let pass.
    pub missed: u32,
    /// Of these, the ones since its newest block.
    pub missed_in_row: u32,
}

impl Liveness {
    /// After a block of this validator.
    pub(crate) fn with_block(self) -> Self {
        Self { authored: self.authored.saturating_add(1), missed_in_row: 0, ..self }
    }

    /// After a slot that it let pass.
    pub(crate) fn with_missed_slot(self) -> Self {
        Self {
            missed: self.missed.saturating_add(1),
            missed_in_row: self.missed_in_row.saturating_add(1),
            ..self
        }
    }
}
