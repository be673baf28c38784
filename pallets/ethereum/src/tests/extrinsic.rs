//! The wrapper is the generic extrinsic in everything but the check of `transact`.

use super::*;
use crate::{mock, Call, GenericExtrinsic, RawTransaction, MAX_DEPTH};
use codec::{Decode, DecodeAll, Encode};
use frame_support::dispatch::GetDispatchInfo;
use proptest::prelude::*;
use scale_info::TypeInfo;
use sp_runtime::{
    generic::{self, Preamble},
    testing::TestSignature,
    traits::{ExtensionVariant, ExtrinsicCall, ExtrinsicLike, ExtrinsicMetadata, LazyExtrinsic},
    transaction_validity::{InvalidTransaction, TransactionSource, UnknownTransaction},
    OpaqueExtrinsic,
};

type Generic = GenericExtrinsic<u64, TestSignature, TxExtension, Test>;
type Wrapped = mock::UncheckedExtrinsic;

fn extension(nonce: u32) -> TxExtension {
    (frame_system::CheckNonce::from(nonce), frame_system::CheckWeight::new())
}

pub(super) fn signed(who: u64, nonce: u32, call: RuntimeCall) -> Wrapped {
    let payload = generic::SignedPayload::new(call.clone(), extension(nonce)).unwrap();
    let signature = payload.using_encoded(|bytes| TestSignature(who, bytes.to_vec()));
    Wrapped::new_signed(call, who, signature, extension(nonce))
}

fn remark() -> RuntimeCall {
    frame_system::Call::remark { remark: vec![1, 2, 3] }.into()
}

fn samples() -> Vec<Generic> {
    let raw = RawTransaction::try_from(signer(1).raw(legacy(0, STRANGER))).unwrap();
    let transact: RuntimeCall = Call::transact { raw }.into();
    vec![
        Generic::new_bare(transact.clone()),
        Generic::new_bare_legacy(transact.clone()),
        Generic::new_bare(pallet_timestamp::Call::set { now: 5 }.into()),
        signed(NOBODY, 3, remark()).0,
        signed(NOBODY, 0, transact.clone()).0,
        Generic::from_parts(transact, Preamble::General(ExtensionVariant::V0(extension(1)))),
    ]
}

#[test]
fn attack_calls_within_calls_without_end_do_not_end_the_node() {
    let nested = |depth: usize| {
        let call = remark().encode();
        let sudo = RuntimeCall::from(pallet_sudo::Call::<Test>::sudo { call: Box::new(remark()) })
            .encode();
        let outer = sudo.strip_suffix(&call[..]).unwrap();
        let version = Vec::<u8>::decode(&mut &Generic::new_bare(remark()).encode()[..]).unwrap()[0];
        [&[version][..], &outer.repeat(depth)[..], &call[..]].concat()
    };
    let half = MAX_DEPTH as usize / 2;
    for (depth, decodes) in [(0, true), (half, true), (2 * half + 1, false), (200_000, false)] {
        let bytes = nested(depth);
        let opaque = bytes.encode();
        assert_eq!(Wrapped::decode_unprefixed(&bytes).is_ok(), decodes, "{depth}");
        assert_eq!(Wrapped::decode_all(&mut &opaque[..]).is_ok(), decodes, "{depth}");
    }
}

#[test]
fn encoding_equals_that_of_the_generic_extrinsic() {
    for generic in samples() {
        let wrapped = Wrapped::from(generic.clone());
        let bytes = generic.encode();
        assert_eq!(wrapped.encode(), bytes);
        assert_eq!(Wrapped::decode_all(&mut &bytes[..]).unwrap(), wrapped);
        let opaque = OpaqueExtrinsic::from(wrapped.clone());
        assert_eq!(opaque.encode(), bytes);
        let inner = Vec::<u8>::decode(&mut &bytes[..]).unwrap();
        assert_eq!(Wrapped::decode_unprefixed(&inner).unwrap(), wrapped);
        assert_eq!(wrapped.is_bare(), generic.is_bare());
        assert_eq!(wrapped.call(), generic.call());
        assert_eq!(wrapped.get_dispatch_info(), generic.get_dispatch_info());
    }
}

#[test]
fn metadata_equals_that_of_the_generic_extrinsic() {
    assert_eq!(Wrapped::type_info(), Generic::type_info());
    assert_eq!(<Wrapped as ExtrinsicMetadata>::VERSIONS, <Generic as ExtrinsicMetadata>::VERSIONS);
    assert_eq!(
        std::any::TypeId::of::<<Wrapped as TypeInfo>::Identity>(),
        std::any::TypeId::of::<Generic>()
    );
}

proptest! {
    #[test]
    fn prop_wrapper_decodes_what_the_generic_extrinsic_decodes(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        sample in 0_usize..6,
        flip in any::<(usize, u8)>(),
    ) {
        let mut damaged = samples()[sample].encode();
        let position = flip.0 % damaged.len();
        damaged[position] ^= flip.1;
        for input in [bytes, damaged] {
            let generic = Generic::decode(&mut &input[..]).ok();
            let wrapped = Wrapped::decode(&mut &input[..]).ok();
            prop_assert_eq!(wrapped.map(|wrapped| wrapped.0), generic);
        }
    }
}

#[test]
fn raw_transactions_above_128_kib_have_no_extrinsic() {
    assert!(Wrapped::from_raw_transaction(vec![0; 131_072]).is_some());
    assert!(Wrapped::from_raw_transaction(vec![0; 131_073]).is_none());
}

#[test]
fn bare_extrinsics_of_both_formats_carry_transactions() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let transact = |nonce| {
            let raw = signer(1).raw(legacy(nonce, STRANGER)).try_into().unwrap();
            RuntimeCall::from(Call::transact { raw })
        };
        apply(Generic::new_bare_legacy(transact(0)).into()).unwrap().unwrap();
        apply(Generic::new_bare(transact(1)).into()).unwrap().unwrap();
        end();
        assert_eq!(nonce(signer(1).address()), 2);
    });
}

#[test]
fn signed_extrinsics_work_as_usual() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        System::inc_providers(&NOBODY);
        apply(signed(NOBODY, 0, remark())).unwrap().unwrap();
        assert_eq!(System::account_nonce(NOBODY), 1);
        assert_eq!(apply(signed(NOBODY, 0, remark())), Err(InvalidTransaction::Stale.into()));
        let mut forged = signed(NOBODY, 1, remark());
        forged.0.function = frame_system::Call::remark { remark: vec![9] }.into();
        forged.0.encoded_call = None;
        assert_eq!(apply(forged), Err(InvalidTransaction::BadProof.into()));
        end();
    });
}

#[test]
fn attack_bare_call_that_is_no_inherent() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        // Substrate would dispatch these for nothing: only its pool asks for a validator.
        let heartbeat = Call::<Test>::set_heartbeat { heartbeat_ms: 5_000 };
        for call in [remark(), heartbeat.into()] {
            let bare = Wrapped::new_bare(call);
            assert!(apply(bare.clone()).is_err());
            let source = TransactionSource::External;
            assert!(Executive::validate_transaction(source, bare, Default::default()).is_err());
        }
        let sudo = pallet_sudo::Call::remove_key {};
        let expected = Err(UnknownTransaction::NoUnsignedValidator.into());
        assert_eq!(apply(Wrapped::new_bare(sudo.into())), expected);
    });
}

#[test]
fn weight_before_execution_is_that_of_the_gas_limit() {
    let raw = signer(1).raw(call(0, STRANGER, &[]));
    let wrapped = Wrapped::from_raw_transaction(raw).unwrap();
    let expected = crate::Pallet::<Test>::weight_of_gas(500_000);
    assert_eq!(wrapped.get_dispatch_info().call_weight, expected);
    new_test_ext().execute_with(|| {
        use sp_runtime::traits::Checkable;
        let checked = wrapped.check(&frame_system::ChainContext::<Test>::default()).unwrap();
        assert_eq!(checked.get_dispatch_info().call_weight, expected);
    });
}
