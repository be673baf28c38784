use crate::{mock::*, Coinbases, Error, Event, Pallet};
use frame_support::{assert_noop, assert_ok};
use frame_system::RawOrigin;
use sp_core::H160;

fn set(who: AccountId, address: H160) -> sp_runtime::DispatchResult {
    Pallet::<Test>::set_coinbase(RawOrigin::Signed(who).into(), address)
}

fn remove(caller: AccountId, who: AccountId) -> sp_runtime::DispatchResult {
    Pallet::<Test>::remove_coinbase(RawOrigin::Signed(caller).into(), who)
}

#[test]
fn tips_go_to_the_authors_account() {
    new_test_ext(4).execute_with(|| {
        assert_ok!(set(1, RICH));
        block_at(101, 1);
        assert_eq!(Pallet::<Test>::coinbase(), RICH);
        block_at(102, 2);
        assert_eq!(Pallet::<Test>::coinbase(), VAULT);
        assert_eq!(events(), vec![Event::CoinbaseSet { who: 1, address: RICH }]);
    });
}

#[test]
fn tips_of_a_block_without_author_go_to_the_default() {
    new_test_ext(4).execute_with(|| assert_eq!(Pallet::<Test>::coinbase(), VAULT));
}

#[test]
fn attack_a_coinbase_that_does_not_exist_is_refused() {
    new_test_ext(4).execute_with(|| {
        assert_noop!(set(1, NOBODY), Error::<Test>::NoSuchAccount);
    });
}

#[test]
fn a_coinbase_that_vanished_is_not_used() {
    new_test_ext(4).execute_with(|| {
        assert_ok!(set(1, RICH));
        block_at(101, 1);
        Existing::mutate(|existing| existing.remove(&RICH));
        assert_eq!(Pallet::<Test>::coinbase(), VAULT);
    });
}

#[test]
fn only_candidates_have_a_coinbase() {
    new_test_ext(4).execute_with(|| {
        assert_noop!(set(9, RICH), Error::<Test>::NotCandidate);
    });
}

#[test]
fn attack_more_coinbases_than_fit_are_refused() {
    new_test_ext(6).execute_with(|| {
        for who in 1..=5 {
            assert_ok!(set(who, RICH));
        }
        assert_noop!(set(6, RICH), Error::<Test>::TooManyCoinbases);
        // One that is there may still change.
        assert_ok!(set(5, VAULT));
        Pallet::<Test>::check_state().unwrap();
    });
}

#[test]
fn the_owner_removes_its_coinbase() {
    new_test_ext(4).execute_with(|| {
        assert_noop!(remove(1, 1), Error::<Test>::NoCoinbase);
        assert_ok!(set(1, RICH));
        assert_ok!(remove(1, 1));
        assert!(!Coinbases::<Test>::contains_key(1));
        assert_eq!(events().last(), Some(&Event::CoinbaseRemoved { who: 1 }));
    });
}

#[test]
fn others_remove_it_only_when_its_owner_has_gone() {
    new_test_ext(4).execute_with(|| {
        assert_ok!(set(1, RICH));
        Candidates::mutate(|candidates| candidates.remove(&1));
        assert_noop!(remove(2, 1), Error::<Test>::StillBonded);
        Bonded::mutate(|bonded| bonded.remove(&1));
        assert_ok!(remove(2, 1));
        assert_eq!(Coinbases::<Test>::count(), 0);
    });
}
