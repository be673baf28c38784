//! Where the tips of a validator's blocks go.

use crate::{Coinbases, Config, Error, Event, EvmAccounts, Pallet, SlotSchedule, Stake};
use frame_support::{ensure, traits::Get};
use sp_core::H160;
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    /// The account of the EVM that gets the tips of the block that is being made. It always exists.
    pub fn coinbase() -> H160 {
        T::Slots::author()
            .and_then(Coinbases::<T>::get)
            .filter(|address| T::Accounts::exists(*address))
            .unwrap_or_else(T::DefaultCoinbase::get)
    }

    pub(crate) fn do_set_coinbase(who: T::AccountId, address: H160) -> DispatchResult {
        ensure!(T::Stake::is_candidate(&who), Error::<T>::NotCandidate);
        ensure!(T::Accounts::exists(address), Error::<T>::NoSuchAccount);
        let is_new = !Coinbases::<T>::contains_key(&who);
        ensure!(
            !is_new || Coinbases::<T>::count() < T::MaxCoinbases::get(),
            Error::<T>::TooManyCoinbases
        );
        Coinbases::<T>::insert(&who, address);
        Self::deposit_event(Event::CoinbaseSet { who, address });
        Ok(())
    }

    pub(crate) fn do_remove_coinbase(caller: T::AccountId, who: T::AccountId) -> DispatchResult {
        ensure!(caller == who || !T::Stake::is_bonded(&who), Error::<T>::StillBonded);
        ensure!(Coinbases::<T>::contains_key(&who), Error::<T>::NoCoinbase);
        Coinbases::<T>::remove(&who);
        Self::deposit_event(Event::CoinbaseRemoved { who });
        Ok(())
    }
}
