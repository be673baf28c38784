//! The service that other pallets use.

use crate::{
    pallet::{Active, Config, Event, Keys, Pallet, Sessions},
    types::Purpose,
};
use alloc::vec::Vec;
use bzk_threshold::{
    committee::Committee,
    element::XOnly,
    service::{Members, ServiceError, SigningService},
    signing::request::{Input, Request},
};
use frame_support::traits::Get;

impl<T: Config> SigningService for Pallet<T> {
    fn active() -> Option<(u32, XOnly)> {
        let epoch = Active::<T>::get()?;
        Some((epoch, Self::key(epoch)?))
    }

    fn key(epoch: u32) -> Option<XOnly> {
        Keys::<T>::get(epoch).map(|live| live.key.key)
    }

    fn request(epoch: u32, inputs: Vec<Input>) -> Result<u64, ServiceError> {
        let live = Keys::<T>::get(epoch).ok_or(ServiceError::NoSuchKey)?;
        if inputs.is_empty() {
            return Err(ServiceError::BadInputs);
        }
        let inputs = inputs.try_into().map_err(|_| ServiceError::BadInputs)?;
        if Sessions::<T>::count() >= T::MaxSessions::get() {
            return Err(ServiceError::Busy);
        }
        let (group, required) = (live.transcript, live.key.threshold());
        let (purpose, members, last) = (Purpose::Request(epoch), live.key.members, live.jailed);
        Self::open_session(purpose, members, last, |session| Request {
            group,
            session,
            required,
            inputs,
        })
        .map_err(|_| ServiceError::Busy)
    }

    fn cancel(session: u64) {
        let requested = Sessions::<T>::get(session)
            .is_some_and(|open| matches!(open.purpose, Purpose::Request(_)));
        if requested {
            Self::end_session(session);
            Self::deposit_event(Event::SessionEnded { session });
        }
    }

    fn retire(epoch: u32) -> Result<(), ServiceError> {
        if Active::<T>::get() == Some(epoch) {
            return Err(ServiceError::StillActive);
        }
        if !Keys::<T>::contains_key(epoch) {
            return Err(ServiceError::NoSuchKey);
        }
        let sessions: Vec<u64> = Sessions::<T>::iter()
            .filter(|(_, open)| open.purpose == Purpose::Request(epoch))
            .map(|(id, _)| id)
            .collect();
        sessions.into_iter().for_each(Self::cancel);
        Keys::<T>::remove(epoch);
        Self::deposit_event(Event::KeyRetired { epoch });
        Ok(())
    }
}

impl<T: Config> Members for Pallet<T> {
    fn committee() -> Option<Committee> {
        Keys::<T>::get(Active::<T>::get()?).map(|live| live.committee)
    }
}
