//! Nobody gets into the EVM but through an Ethereum signature.

use super::{extrinsic::signed, *};
use crate::{Call, GenericExtrinsic, RawOrigin};
use codec::{Decode, Encode};
use frame_support::assert_noop;
use sp_runtime::{
    generic::Preamble,
    traits::{BadOrigin, Dispatchable, ExtensionVariant},
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};
use std::sync::Arc;

fn transact(nonce: u64) -> RuntimeCall {
    let raw = signer(1).raw(legacy(nonce, STRANGER)).try_into().unwrap();
    Call::transact { raw }.into()
}

fn untouched() {
    assert_eq!(nonce(signer(1).address()), 0);
    assert_eq!(balance(STRANGER), 0);
    assert!(!crate::Pending::<Test>::exists());
}

#[test]
fn attack_root_signed_and_none_call_transact() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        for origin in [RuntimeOrigin::root(), RuntimeOrigin::signed(ROOT), RuntimeOrigin::none()] {
            let result = transact(0).dispatch(origin);
            assert_eq!(result.unwrap_err().error, BadOrigin.into());
        }
        untouched();
    });
}

#[test]
fn attack_signed_extrinsic_calls_transact() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        System::inc_providers(&NOBODY);
        // Included, it would fail for nothing, with the weight of all the gas that it names.
        let refusal = TransactionValidityError::Invalid(InvalidTransaction::BadSigner);
        assert_eq!(apply(signed(NOBODY, 0, transact(0))), Err(refusal));
        assert_eq!(System::account_nonce(NOBODY), 0);
        untouched();
        end();
    });
}

#[test]
fn attack_sudo_calls_transact() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        System::inc_providers(&ROOT);
        let sudo = pallet_sudo::Call::sudo { call: Box::new(transact(0)) };
        apply(signed(ROOT, 0, sudo.into())).unwrap().unwrap();
        System::assert_has_event(
            pallet_sudo::Event::Sudid { sudo_result: Err(BadOrigin.into()) }.into(),
        );
        let call = Box::new(transact(0));
        let sudo_as = pallet_sudo::Call::sudo_as { who: NOBODY, call };
        apply(signed(ROOT, 1, sudo_as.into())).unwrap().unwrap();
        System::assert_has_event(
            pallet_sudo::Event::SudoAsDone { sudo_result: Err(BadOrigin.into()) }.into(),
        );
        untouched();
        end();
    });
}

#[test]
fn attack_general_extrinsic_calls_transact() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let extension =
            (frame_system::CheckNonce::from(0), frame_system::CheckWeight::<Test>::new());
        let preamble = Preamble::General(ExtensionVariant::V0(extension));
        let general = GenericExtrinsic::<_, _, _, Test>::from_parts(transact(0), preamble);
        let general = UncheckedExtrinsic::from(general);
        let refusal = TransactionValidityError::Invalid(InvalidTransaction::UnknownOrigin);
        assert_eq!(apply(general.clone()), Err(refusal));
        FilterOpen::set(false);
        let refusal = TransactionValidityError::Invalid(InvalidTransaction::Call);
        assert_eq!(apply(general), Err(refusal));
        FilterOpen::set(true);
        untouched();
        end();
    });
}

#[test]
fn attack_origin_is_made_up_from_bytes() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        // What `dispatch_as` of root or a scheduler would do with a stored origin.
        let bytes = [vec![0], signer(1).address().encode()].concat();
        let origin = RawOrigin::decode(&mut &bytes[..]).unwrap();
        assert_eq!(origin.address(), signer(1).address());
        let result = transact(0).dispatch(RuntimeOrigin::from(origin));
        assert_eq!(result.unwrap_err().error, BadOrigin.into());
        untouched();
    });
}

#[test]
fn attack_stored_origin_is_used_again() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let raw = signer(1).raw(legacy(0, STRANGER));
        let recovered = Arc::new(crate::Pallet::<Test>::recover(&raw).unwrap());
        let origin = RawOrigin::recovered(recovered);
        let stored = RawOrigin::decode(&mut &origin.encode()[..]).unwrap();
        assert_eq!(stored.address(), origin.address());
        assert!(stored.into_transaction().is_none());
        assert_noop!(Ethereum::transact(RuntimeOrigin::root(), Default::default()), BadOrigin);
    });
}

#[test]
fn attack_transaction_is_replayed() {
    new_test_ext().execute_with(|| {
        let raw = signer(1).raw(legacy(0, STRANGER));
        begin((GENESIS_S + 2) * 1_000);
        send(raw.clone()).unwrap().unwrap();
        assert_eq!(send(raw.clone()), Err(InvalidTransaction::Stale.into()));
        end();
        begin((GENESIS_S + 4) * 1_000);
        assert_eq!(send(raw), Err(InvalidTransaction::Stale.into()));
        end();
        assert_eq!(balance(STRANGER), 1);
    });
}

#[test]
fn filtered_call_is_refused_and_not_included() {
    // A safe mode that stops transactions works through the call filter.
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        FilterOpen::set(false);
        let refusal = TransactionValidityError::Invalid(InvalidTransaction::Call);
        assert_eq!(send(signer(1).raw(legacy(0, STRANGER))), Err(refusal));
        FilterOpen::set(true);
        untouched();
        end();
    });
}

#[test]
fn transaction_is_taken_from_the_origin_and_not_decoded_again() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let raw = signer(1).raw(legacy(0, STRANGER));
        let recovered = Arc::new(crate::Pallet::<Test>::recover(&raw).unwrap());
        // Bytes that do not decode go unnoticed: the wrapper has looked at them.
        let call = RuntimeCall::from(Call::transact { raw: vec![0xff].try_into().unwrap() });
        call.dispatch(RawOrigin::recovered(recovered).into()).unwrap();
        assert_eq!(balance(STRANGER), 1);
    });
}
