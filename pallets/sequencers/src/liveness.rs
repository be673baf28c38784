//! The record of liveness and its consequences.

use crate::{
    Config, Event, JudgedSession, LastSlot, Liveness, MissedLimit, Pallet, Records, SlotSchedule,
    Stake, WeightInfo,
};
use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{
    traits::{Get, ValidatorSet},
    weights::Weight,
};

/// Longest gap between two blocks, in slots, that is blamed on single validators. In a longer one
/// the chain stood still, and nobody can tell who would have come.
pub(crate) const MAX_BLAMED_GAP: u64 = 32;

impl<T: Config> Pallet<T> {
    /// Writes down who authored this block and who let the slots before it pass.
    pub(crate) fn note_slots() -> Weight {
        let slot = T::Slots::current();
        let missed = match LastSlot::<T>::get() {
            Some(last) if slot.saturating_sub(last) <= MAX_BLAMED_GAP => {
                // Empty when this slot follows the last one.
                T::Slots::owners(last.saturating_add(1)..=slot.saturating_sub(1))
            }
            _ => Vec::new(),
        };
        LastSlot::<T>::put(slot);

        for who in &missed {
            Self::note(who, Liveness::with_missed_slot);
        }
        if let Some(author) = T::Slots::author() {
            Self::note(&author, Liveness::with_block);
        }
        T::WeightInfo::note_slots(u32::try_from(missed.len()).unwrap_or(u32::MAX))
    }

    fn note(who: &T::AccountId, change: impl FnOnce(Liveness) -> Liveness) {
        let record = Records::<T>::get(who);
        if record.is_none() && Records::<T>::count() >= T::MaxValidators::get() {
            return;
        }
        Records::<T>::insert(who, change(record.unwrap_or_default()));
    }

    /// In the first block after a session: chills the absent and drops the records of those who
    /// left the set.
    pub(crate) fn judge_session() -> Weight {
        let session = T::Validators::session_index();
        if JudgedSession::<T>::get() == session {
            return T::WeightInfo::judge_session(0);
        }
        JudgedSession::<T>::put(session);

        let validators: BTreeSet<_> = T::Validators::validators().into_iter().collect();
        let limit = MissedLimit::<T>::get();
        let mut records = 0u32;
        let mut absent = Vec::new();
        for (who, record) in Records::<T>::iter().collect::<Vec<_>>() {
            records = records.saturating_add(1);
            if !validators.contains(&who) {
                Records::<T>::remove(&who);
            } else if record.missed_in_row >= limit {
                absent.push((who, record.missed_in_row));
            }
        }
        let chilled = Self::chill(absent, validators.len());
        T::WeightInfo::judge_session(records).saturating_add(chilled)
    }

    /// Chills the absent, unless they are a third of the set or more: so many do not fail by
    /// themselves, and finality, which needs the other two thirds, stands still until they are back.
    /// Gives what the chilling weighs.
    fn chill(absent: Vec<(T::AccountId, u32)>, validators: usize) -> Weight {
        if absent.is_empty() {
            return Weight::zero();
        }
        if absent.len().saturating_mul(3) >= validators {
            Self::deposit_event(Event::AbsenceExcused {
                absent: u32::try_from(absent.len()).unwrap_or(u32::MAX),
                validators: u32::try_from(validators).unwrap_or(u32::MAX),
            });
            return Weight::zero();
        }
        let mut weight = Weight::zero();
        for (who, missed) in absent {
            // It stays in the set until the era ends, but is chilled once.
            if T::Stake::is_candidate(&who) {
                weight.saturating_accrue(T::Stake::chill(&who));
                Self::deposit_event(Event::Absent { who, missed });
            }
        }
        weight
    }
}
