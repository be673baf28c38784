//! The invariants of the pallet, checked after blocks in tests and by try-runtime.

use crate::{Coinbases, Config, CurrentCalendar, EvmAccounts, JudgedSession, Pallet, Records};
use frame_support::{
    ensure,
    traits::{Get, ValidatorSet},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet's documentation.
    pub fn check_state() -> Result<(), TryRuntimeError> {
        ensure!(CurrentCalendar::<T>::get().is_sound(), "the calendar contradicts itself");
        Self::check_records()?;
        Self::check_coinbases()
    }

    fn check_records() -> Result<(), TryRuntimeError> {
        let count = Records::<T>::iter().count();
        ensure!(count == Records::<T>::count() as usize, "the count of records is wrong");
        ensure!(count <= T::MaxValidators::get() as usize, "more records than validators");
        let validators = T::Validators::validators();
        // In the block that ends a session the set is new already and the records are not.
        let judged = JudgedSession::<T>::get() == T::Validators::session_index();
        for (who, record) in Records::<T>::iter() {
            ensure!(record.missed_in_row <= record.missed, "more slots in a row than in all");
            ensure!(!judged || validators.contains(&who), "a record of no validator");
        }
        Ok(())
    }

    fn check_coinbases() -> Result<(), TryRuntimeError> {
        let count = Coinbases::<T>::iter().count();
        ensure!(count == Coinbases::<T>::count() as usize, "the count of coinbases is wrong");
        ensure!(count <= T::MaxCoinbases::get() as usize, "more coinbases than fit");
        for address in Coinbases::<T>::iter_values() {
            ensure!(T::Accounts::exists(address), "a coinbase does not exist in the EVM");
        }
        Ok(())
    }
}
