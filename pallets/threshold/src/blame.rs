//! What a fault costs.

use crate::{
    pallet::{Config, Event, HoldReason, Pallet, SessionKeys, Signers},
    types::Status,
};
use bzk_threshold::{
    committee::{Committee, Member},
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
        let amount = T::SlashFraction::get() * T::Bond::get();
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

    /// The account is elected no more. Whoever is leaving goes on leaving.
    fn jail(who: T::AccountId) {
        let jailed = Signers::<T>::mutate(&who, |candidate| match candidate {
            Some(candidate) if candidate.status == Status::Ready => {
                candidate.status = Status::Jailed;
                true
            }
            _ => false,
        });
        if jailed {
            Self::deposit_event(Event::Jailed { who });
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
