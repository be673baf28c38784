//! Who offers to be a member, and the bond it pays.

use crate::{
    pallet::{Appointed, Config, Error, Event, HoldReason, Keys, Pallet, SessionKeys, Signers},
    recover,
    types::{Candidate, Electorate, Status},
    BalanceOf,
};
use alloc::vec::Vec;
use bzk_threshold::{
    bip340,
    committee::Committee,
    element::{Signature, XOnly},
    tagged_hash,
};
use codec::Encode;
use frame_support::{
    ensure,
    traits::{
        fungible::{InspectHold, MutateHold},
        tokens::Precision,
        Get,
    },
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
    traits::{Saturating, Zero},
    DispatchResult,
};

/// What a session key signs to show that `account` has it, on the chain of this genesis hash.
pub fn possession_message(genesis: &[u8; 32], account: &impl Encode) -> [u8; 32] {
    account.using_encoded(|account| tagged_hash("bzk/threshold/register", &[genesis, account]))
}

impl<T: Config> Pallet<T> {
    /// Hash of the genesis block.
    pub(crate) fn genesis() -> [u8; 32] {
        let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
        let mut bytes = [0; 32];
        for (byte, source) in bytes.iter_mut().zip(hash.as_ref()) {
            *byte = *source;
        }
        bytes
    }

    pub(crate) fn do_register(
        who: T::AccountId,
        key: XOnly,
        possession: Signature,
    ) -> DispatchResult {
        ensure!(!Signers::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
        ensure!(!SessionKeys::<T>::contains_key(key), Error::<T>::AlreadyRegistered);
        let message = possession_message(&Self::genesis(), &who);
        ensure!(bip340::verify(recover, &key, &message, &possession), Error::<T>::BadPossession);
        T::Currency::hold(&HoldReason::Bond.into(), &who, T::Bond::get())?;
        SessionKeys::<T>::insert(key, &who);
        Signers::<T>::insert(&who, Candidate { key, misses: 0, status: Status::Ready });
        Self::deposit_event(Event::Registered { who, key });
        Ok(())
    }

    pub(crate) fn do_leave(who: T::AccountId) -> DispatchResult {
        let mut candidate = Signers::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
        let at =
            frame_system::Pallet::<T>::block_number().saturating_add(T::UnbondingBlocks::get());
        candidate.status = Status::Leaving(at);
        Signers::<T>::insert(&who, candidate);
        Self::deposit_event(Event::Leaving { who, at });
        Ok(())
    }

    pub(crate) fn do_return_bond(who: T::AccountId) -> DispatchResult {
        let candidate = Signers::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
        let now = frame_system::Pallet::<T>::block_number();
        let free = matches!(candidate.status, Status::Leaving(at) if at <= now);
        ensure!(free, Error::<T>::NotLeaving);
        ensure!(
            !Self::committees().any(|c| c.members.contains(&candidate.key)),
            Error::<T>::StillMember
        );
        let reason = HoldReason::Bond.into();
        let bond = T::Currency::balance_on_hold(&reason, &who);
        T::Currency::release(&reason, &who, bond, Precision::BestEffort)?;
        SessionKeys::<T>::remove(candidate.key);
        Signers::<T>::remove(&who);
        Self::deposit_event(Event::BondReturned { who });
        Ok(())
    }

    /// The committees whose members have or make a share: at most one more than keys live.
    pub(crate) fn committees() -> impl Iterator<Item = Committee> {
        let making = Self::ceremony().map(|ceremony| ceremony.committee);
        Keys::<T>::iter_values().map(|key| key.committee).chain(making)
    }

    /// Session keys of those appointed and elected now who are registered and can pay.
    pub(crate) fn electable() -> Vec<XOnly> {
        let bond: BalanceOf<T> = T::Bond::get();
        let reason = HoldReason::Bond.into();
        let mut keys = Vec::new();
        for who in Appointed::<T>::get().into_iter().chain(T::Electorate::elected()) {
            if keys.len() >= usize::from(T::MaxCommittee::get()) {
                break;
            }
            let Some(candidate) = Signers::<T>::get(&who) else { continue };
            let ready = candidate.status == Status::Ready
                && T::Currency::balance_on_hold(&reason, &who) >= bond;
            if ready && !keys.contains(&candidate.key) {
                keys.push(candidate.key);
            }
        }
        keys
    }
}
