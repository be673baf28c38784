//! Takes the polynomial that a refresh of the members' shares has made. They exchange its messages among
//! themselves (`bzk-signer refresh`); the chain must know the result, because it judges shares of signatures
//! by it.

use crate::{
    authorize::{valid, Authorized},
    pallet::{Config, Event, Keys, Pallet, Sessions},
    recover,
    types::Purpose,
    Error, WeightInfo,
};
use bzk_threshold::{
    key::Polynomial,
    refresh::{accepted, Confirmations},
};
use frame_support::{
    pallet_prelude::{InvalidTransaction, TransactionSource, Weight},
    traits::Get,
};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
    pub(crate) fn authorize_refresh(
        _: TransactionSource,
        epoch: &u32,
        polynomial: &Polynomial,
        confirmations: &Confirmations,
    ) -> Authorized {
        let live = Keys::<T>::get(epoch).ok_or(InvalidTransaction::Stale)?;
        // Shares of signatures that are on their way are of the old polynomial: it is theirs until the end.
        if Sessions::<T>::iter_values().any(|open| open.purpose == Purpose::Request(*epoch)) {
            return Err(InvalidTransaction::Future.into());
        }
        let (committee, transcript) = (&live.committee, &live.transcript);
        match accepted(recover, committee, transcript, &live.key, polynomial, confirmations) {
            true => valid(("refresh", epoch, live.key.digest())),
            false => Err(InvalidTransaction::BadProof.into()),
        }
    }

    /// The work of one signature per member, and of looking at all sessions.
    pub(crate) fn weight_of_authorize_refresh(confirmations: u32) -> Weight {
        T::WeightInfo::authorize_sign()
            .saturating_mul(confirmations.into())
            .saturating_add(T::DbWeight::get().reads(u64::from(T::MaxSessions::get())))
    }

    pub(crate) fn do_refresh(epoch: u32, polynomial: Polynomial) -> DispatchResult {
        Keys::<T>::try_mutate(epoch, |live| {
            let live = live.as_mut().ok_or(Error::<T>::NotExpected)?;
            live.key.polynomial = polynomial;
            Self::deposit_event(Event::SharesRefreshed { epoch });
            Ok(())
        })
    }
}
