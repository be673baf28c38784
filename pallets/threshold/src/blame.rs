//! What a fault costs.

use crate::{
    pallet::{Config, Event, HoldReason, Keys, Pallet, SessionKeys, Signers},
    types::Status,
};
use alloc::vec::Vec;
use bzk_threshold::{
    committee::{Committee, Member},
    element::XOnly,
    fault::{Blame, Fault},
};
use frame_support::traits::{fungible::BalancedHold, Get, OnUnbalanced};

impl<T: Config> Pallet<T> {
    /// Slashes and jails the member of `committee` for a proven fault; notes its silence otherwise, which was
    /// in a key generation.
    ///
    /// That takes all members, and a fifth of them can keep the others from one key after another. So it weighs as
    /// much as half of what a member may miss: whoever stays away from three is elected no more.
    pub(crate) fn punish(committee: &Committee, blame: Blame) {
        match blame.fault {
            Fault::Silence => {
                let weight = T::MaxMisses::get().div_ceil(2).max(1);
                Self::miss(committee, blame.member, weight);
            }
            fault => Self::slash(committee, blame.member, fault),
        }
    }

    fn slash(committee: &Committee, member: Member, fault: Fault) {
        let Some(who) = committee.key(member).and_then(SessionKeys::<T>::get) else { return };
        let amount = T::SlashFraction::get().mul_floor(T::Bond::get());
        let (credit, missing) = T::Currency::slash(&HoldReason::Bond.into(), &who, amount);
        T::Slashed::on_unbalanced(credit);
        let amount = sp_runtime::Saturating::saturating_sub(amount, missing);
        Self::deposit_event(Event::Slashed { who: who.clone(), fault, amount });
        Self::jail(who);
    }

    /// Notes that the member of `committee` let a deadline pass that weighs so much.
    pub(crate) fn miss(committee: &Committee, member: Member, weight: u32) {
        let Some(who) = committee.key(member).and_then(SessionKeys::<T>::get) else { return };
        let Some(mut candidate) = Signers::<T>::get(&who) else { return };
        candidate.misses = candidate.misses.saturating_add(weight);
        let misses = candidate.misses;
        Signers::<T>::insert(&who, candidate);
        Self::deposit_event(Event::Missed { who: who.clone(), misses });
        if misses > T::MaxMisses::get() {
            Self::jail(who);
        }
    }

    /// The account is elected no more, and asked to sign last. Whoever is leaving goes on leaving.
    fn jail(who: T::AccountId) {
        let Some(mut candidate) = Signers::<T>::get(&who) else { return };
        Self::ask_last(&candidate.key);
        if candidate.status == Status::Ready {
            candidate.status = Status::Jailed;
            Signers::<T>::insert(&who, candidate);
            Self::deposit_event(Event::Jailed { who });
        }
    }

    /// Its owner is a member until the next rotation, with nothing more to lose: sessions begin without it, so that
    /// it does not cost each of them a deadline.
    fn ask_last(key: &XOnly) {
        let epochs: Vec<u32> = Keys::<T>::iter_keys().collect();
        for epoch in epochs {
            let Some(mut live) = Keys::<T>::get(epoch) else { continue };
            let place = live.committee.members.iter().position(|member| member == key);
            let member = place.and_then(|place| u16::try_from(place).ok()).map(Member);
            if member.is_some_and(|member| live.jailed.insert(member)) {
                Keys::<T>::insert(epoch, live);
            }
        }
    }

    /// A new term: what was missed before is forgotten.
    pub(crate) fn forget_misses(committee: &Committee) {
        for who in committee.members.iter().filter_map(SessionKeys::<T>::get) {
            Signers::<T>::mutate(&who, |candidate| {
                if let Some(candidate) = candidate {
                    candidate.misses = 0;
                }
            });
        }
    }
}
