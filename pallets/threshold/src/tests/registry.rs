//! Members come and go.

use super::*;
use bzk_threshold::element::Signature;
use frame_support::traits::fungible::InspectHold;

fn on_hold(account: u64) -> u64 {
    Balances::balance_on_hold(&HoldReason::Bond.into(), &account)
}

#[test]
fn register_holds_the_bond_of_the_owner_of_the_key() {
    run(0, || {
        assert_ok!(register(1));
        assert_eq!(on_hold(1), BOND);
        assert_eq!(owner(&session_key(1).public()), 1);
        assert_noop!(register(1), Error::<Test>::AlreadyRegistered);
        // Account 2 does not have the key of account 1, nor a signature of its own by it.
        let key = session_key(1).public();
        let call = |key, possession| Threshold::register(RuntimeOrigin::signed(2), key, possession);
        assert_noop!(call(key, Signature([1; 64])), Error::<Test>::AlreadyRegistered);
        let message = crate::possession_message(&Threshold::genesis(), &3u64);
        let foreign = with_rng(|rng| session_key(2).sign(&message, rng)).unwrap();
        assert_noop!(call(session_key(2).public(), foreign), Error::<Test>::BadPossession);
    });
}

#[test]
fn register_without_the_bond_fails() {
    run(0, || {
        assert!(register(41).is_err());
        assert!(Signers::<Test>::get(41).is_none());
    });
}

#[test]
fn bond_comes_back_after_the_wait() {
    run(2, || {
        assert_noop!(Threshold::return_bond(RuntimeOrigin::signed(1)), Error::<Test>::NotLeaving);
        assert_noop!(Threshold::leave(RuntimeOrigin::signed(3)), Error::<Test>::NotRegistered);
        assert_ok!(Threshold::leave(RuntimeOrigin::signed(1)));
        pass(99);
        assert_noop!(Threshold::return_bond(RuntimeOrigin::signed(1)), Error::<Test>::NotLeaving);
        pass(1);
        assert_ok!(Threshold::return_bond(RuntimeOrigin::signed(1)));
        assert_eq!((on_hold(1), on_hold(2)), (0, BOND));
        assert_ok!(register(1));
    });
}

/// Whoever holds a share of a key that can sign cannot take its bond and run.
#[test]
fn attack_bond_of_a_member_stays_until_its_key_is_retired() {
    use bzk_threshold::service::SigningService;
    run(4, || {
        let mut members = Members::default();
        members.make_key();
        assert_ok!(Threshold::leave(RuntimeOrigin::signed(4)));
        pass(200);
        let call = || Threshold::return_bond(RuntimeOrigin::signed(4));
        assert_noop!(call(), Error::<Test>::StillMember);
        members.make_key();
        assert_eq!(Keys::<Test>::get(1).unwrap().key.members, 3, "4 is not elected any more");
        assert_noop!(call(), Error::<Test>::StillMember);
        Threshold::retire(0).unwrap();
        assert_ok!(call());
    });
}
