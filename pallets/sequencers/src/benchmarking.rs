//! Benchmarks of the calls and hooks.

use crate::{
    liveness::MAX_BLAMED_GAP, Call, Coinbases, Config, EvmAccounts, JudgedSession, LastSlot,
    Liveness, MissedLimit, Pallet, Records, SlotSchedule, Stake,
};
use frame_benchmarking::v2::*;
use frame_support::traits::{Get, ValidatorSet};
use frame_system::RawOrigin;
use sp_core::H160;

const ADDRESS: H160 = H160::repeat_byte(0xab);

fn candidate<T: Config>() -> T::AccountId {
    let who = account("candidate", 0, 0);
    T::Stake::make_candidate(&who);
    T::Accounts::create(ADDRESS);
    who
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn set_coinbase() {
        let who = candidate::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), ADDRESS);

        assert_eq!(Coinbases::<T>::get(who), Some(ADDRESS));
    }

    #[benchmark]
    fn remove_coinbase() {
        let who = candidate::<T>();
        Coinbases::<T>::insert(&who, ADDRESS);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), who.clone());

        assert!(!Coinbases::<T>::contains_key(who));
    }

    #[benchmark]
    fn set_missed_limit() {
        #[extrinsic_call]
        _(RawOrigin::Root, 7);

        assert_eq!(MissedLimit::<T>::get(), 7);
    }

    /// A block after `m` missed slots, each of another validator.
    #[benchmark]
    fn note_slots(m: Linear<0, { MAX_BLAMED_GAP as u32 - 1 }>) {
        let validators: alloc::vec::Vec<T::AccountId> =
            (0..m).map(|index| account("validator", index, 0)).collect();
        // Who could have made a block is asked for as many slots, and each then gets its note.
        let slot = T::Slots::current();
        LastSlot::<T>::put(slot.saturating_sub(u64::from(m)).saturating_sub(1));

        #[block]
        {
            Pallet::<T>::note_slots();
            for who in &validators {
                let record = Records::<T>::get(who).unwrap_or_default();
                Records::<T>::insert(who, record.with_missed_slot());
            }
        }

        assert_eq!(LastSlot::<T>::get(), Some(slot));
    }

    /// The records of `v` validators who have left the set at the end of a session. Who is absent costs no write here
    /// instead, and what chilling it weighs, [`Stake::chill`] says.
    #[benchmark]
    fn judge_session(v: Linear<0, { T::MaxValidators::get() }>) {
        for index in 0..v {
            let who: T::AccountId = account("validator", index, 0);
            Records::<T>::insert(who, Liveness { authored: 1, ..Default::default() });
        }
        JudgedSession::<T>::put(T::Validators::session_index().wrapping_add(1));

        #[block]
        {
            Pallet::<T>::judge_session();
        }

        assert_eq!(JudgedSession::<T>::get(), T::Validators::session_index());
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(4), crate::mock::Test);
}
