use super::*;
use crate::{
    execute::{transact, BlockEnvironment, ExecuteError},
    primitives::{address, hex, Bytes},
};
use alloc::vec;
use alloy_consensus::{Signed, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use bzk_core::CHAIN_ID;
use proptest::prelude::*;
use revm::{
    context_interface::result::InvalidTransaction, database::InMemoryDB, state::AccountInfo,
};
use sp_core::{ecdsa::Pair, Pair as _};

fn pair() -> Pair {
    Pair::from_seed(&[7; 32])
}

fn sign<T>(tx: T) -> TxEnvelope
where
    T: SignableTransaction<Signature>,
    Signed<T>: Into<TxEnvelope>,
{
    let hash = crypto::keccak256(&tx.encoded_for_signing());
    let signature = pair().sign_prehashed(&hash.0);
    let [rs @ .., v] = &signature.0;
    let signature = Signature::from_bytes_and_parity(rs, *v == 1);
    tx.into_signed(signature).into()
}

fn sender() -> Address {
    recover(sign(legacy())).unwrap().sender
}

fn legacy() -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce: 0,
        gas_price: 10,
        gas_limit: 21_000,
        to: TxKind::Call(Address::repeat_byte(1)),
        value: U256::from(1),
        input: Bytes::new(),
    }
}

fn eip1559() -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: 5,
        gas_limit: 100_000,
        max_fee_per_gas: 10,
        max_priority_fee_per_gas: 2,
        to: TxKind::Call(Address::repeat_byte(1)),
        value: U256::from(1),
        access_list: AccessList(vec![AccessListItem {
            address: Address::repeat_byte(2),
            storage_keys: vec![B256::ZERO, B256::repeat_byte(1)],
        }]),
        input: Bytes::from_static(&[0, 1, 2]),
    }
}

fn eip2930() -> TxEip2930 {
    let TxEip1559 { chain_id, nonce, gas_limit, to, value, access_list, input, .. } = eip1559();
    TxEip2930 { chain_id, nonce, gas_price: 10, gas_limit, to, value, access_list, input }
}

fn refused(change: impl FnOnce(&mut TxEip1559)) -> TxError {
    let mut tx = eip1559();
    change(&mut tx);
    check_static(&sign(tx), CHAIN_ID).unwrap_err()
}

#[test]
fn each_type_round_trips_and_recovers_its_sender() {
    let old_style = TxLegacy { chain_id: None, ..legacy() };
    for envelope in [sign(legacy()), sign(old_style), sign(eip2930()), sign(eip1559())] {
        let raw = envelope.encoded_2718();
        let decoded = decode(&raw).unwrap();
        assert_eq!(decoded, envelope);
        check_static(&decoded, CHAIN_ID).unwrap();
        let recovered = recover(decoded).unwrap();
        assert_eq!(recovered.hash, crypto::keccak256(&raw));
        assert_eq!(recovered.sender, sender());
    }
}

#[test]
fn sender_of_the_example_of_eip_155_is_recovered() {
    let raw = hex!(
        "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025"
        "a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276"
        "a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
    );
    let tx = decode(&raw).unwrap();
    assert_eq!(check_static(&tx, CHAIN_ID), Err(TxError::InvalidChainId));
    assert_eq!(check_static(&tx, 1), Ok(()));
    let sender = recover(tx).unwrap().sender;
    assert_eq!(sender, address!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"));
}

#[test]
fn other_types_are_refused() {
    for raw in [&[0x00, 0xc0][..], &[0x03, 0xc0], &[0x04, 0xc0], &[0x7f]] {
        assert_eq!(decode(raw), Err(TxError::TypeNotSupported));
    }
    let delegation = sign(TxEip7702 { chain_id: CHAIN_ID, ..Default::default() });
    assert_eq!(decode(&delegation.encoded_2718()), Err(TxError::TypeNotSupported));
    assert_eq!(check_static(&delegation, CHAIN_ID), Err(TxError::TypeNotSupported));
    assert_eq!(recover(delegation), Err(TxError::TypeNotSupported));
}

#[test]
fn anything_but_the_canonical_encoding_is_malformed() {
    let raw = sign(eip1559()).encoded_2718();
    assert_eq!(decode(&[]), Err(TxError::Malformed));
    assert_eq!(decode(&[0x80]), Err(TxError::Malformed));
    assert_eq!(decode(&raw[..raw.len() - 1]), Err(TxError::Malformed));
    let trailing = [&raw[..], &[0]].concat();
    assert_eq!(decode(&trailing), Err(TxError::Malformed));
    // The same transaction as an RLP string, as peers exchange it.
    let wrapped = alloy_rlp::encode(&raw[..]);
    assert_eq!(decode(&wrapped), Err(TxError::Malformed));
}

#[test]
fn oversized_transaction_is_refused_before_decoding() {
    let mut raw = vec![0x02; profile::MAX_TX_BYTES];
    assert_eq!(decode(&raw), Err(TxError::Malformed));
    raw.push(0);
    assert_eq!(decode(&raw), Err(TxError::Oversized));
    // With its sidecar a blob transaction is always this long; what is wrong is that it is one.
    raw[0] = 0x03;
    assert_eq!(decode(&raw), Err(TxError::TypeNotSupported));
}

#[test]
fn second_signature_for_the_same_transaction_is_refused() {
    let TxEnvelope::Legacy(signed) = sign(legacy()) else { panic!("legacy") };
    let order = HALF_ORDER * U256::from(2) + U256::from(1);
    let twin = Signature::new(
        signed.signature().r(),
        order - signed.signature().s(),
        !signed.signature().v(),
    );
    let twin: TxEnvelope = legacy().into_signed(twin).into();
    assert_eq!(decode(&twin.encoded_2718()), Err(TxError::InvalidSignature));
    assert_eq!(recover(twin), Err(TxError::InvalidSignature));
}

#[test]
fn zero_signature_and_unrecoverable_signature_are_refused() {
    let zero = Signature::new(U256::ZERO, U256::from(1), false);
    let zero: TxEnvelope = legacy().into_signed(zero).into();
    assert_eq!(decode(&zero.encoded_2718()), Err(TxError::InvalidSignature));
    // No point of the curve has this x coordinate.
    let off_curve = Signature::new(U256::from(5), U256::from(1), false);
    let off_curve: TxEnvelope = legacy().into_signed(off_curve).into();
    let decoded = decode(&off_curve.encoded_2718()).unwrap();
    assert_eq!(recover(decoded), Err(TxError::InvalidSender));
}

#[test]
fn each_static_rule_has_its_error() {
    assert_eq!(refused(|tx| tx.chain_id = 1), TxError::InvalidChainId);
    assert_eq!(refused(|tx| tx.nonce = u64::MAX), TxError::NonceMax);
    assert_eq!(refused(|tx| tx.gas_limit = 21_000), TxError::IntrinsicGas);
    assert_eq!(refused(|tx| tx.max_priority_fee_per_gas = 11), TxError::TipAboveFeeCap);
    assert_eq!(refused(|tx| tx.value = U256::MAX), TxError::CostOverflow);
    let initcode = |len| {
        move |tx: &mut TxEip1559| {
            tx.to = TxKind::Create;
            tx.gas_limit = 30_000_000;
            tx.input = vec![0; len].into();
        }
    };
    assert_eq!(refused(initcode(profile::MAX_INITCODE_SIZE + 1)), TxError::InitCodeTooLarge);
    let mut largest = eip1559();
    initcode(profile::MAX_INITCODE_SIZE)(&mut largest);
    check_static(&sign(largest), CHAIN_ID).unwrap();
}

#[test]
fn transaction_to_a_precompile_is_refused_and_to_its_neighbours_is_not() {
    for last in 0x01..=0x09 {
        let to = Address::with_last_byte(last);
        assert_eq!(refused(|tx| tx.to = TxKind::Call(to)), TxError::PrecompileRecipient);
    }
    for to in [
        Address::ZERO,
        Address::with_last_byte(0x0a),
        address!("0000000000000000000000000000000000000101"),
        address!("0100000000000000000000000000000000000001"),
    ] {
        check_static(&sign(TxEip1559 { to: TxKind::Call(to), ..eip1559() }), CHAIN_ID).unwrap();
    }
}

#[test]
fn evm_refusals_have_the_texts_of_geth() {
    let text = |error: InvalidTransaction| TxError::from(&error).text();
    assert_eq!(text(InvalidTransaction::NonceTooLow { tx: 0, state: 1 }), "nonce too low");
    assert_eq!(text(InvalidTransaction::NonceTooHigh { tx: 2, state: 1 }), "nonce too high");
    assert_eq!(
        text(InvalidTransaction::GasPriceLessThanBasefee),
        "max fee per gas less than block base fee"
    );
    assert_eq!(text(InvalidTransaction::RejectCallerWithCode), "sender not an eoa");
    assert_eq!(
        text(InvalidTransaction::LackOfFundForMaxFee {
            fee: Default::default(),
            balance: Default::default()
        }),
        "insufficient funds for gas * price + value"
    );
}

/// The least gas limit with which revm takes the transaction is the intrinsic gas.
fn assert_intrinsic_gas_is_that_of_revm(envelope: TxEnvelope) {
    let gas = intrinsic_gas(&envelope);
    let mut db = InMemoryDB::default();
    let rich = AccountInfo { balance: U256::from(u64::MAX), nonce: 0, ..Default::default() };
    let block = BlockEnvironment { chain_id: CHAIN_ID, gas_limit: u64::MAX, ..Default::default() };
    let recovered = recover(envelope).unwrap();
    db.insert_account_info(recovered.sender, rich);
    let run = |gas_limit| {
        let tx = TxEnv { gas_limit, nonce: 0, ..tx_env(&recovered) };
        transact(db.clone(), &block, profile::cfg(CHAIN_ID), tx, u64::MAX)
    };
    assert!(run(gas).is_ok());
    assert!(matches!(
        run(gas - 1),
        Err(ExecuteError::Invalid(InvalidTransaction::CallGasCostMoreThanGasLimit { .. }))
    ));
}

fn any_tx() -> impl Strategy<Value = TxEip1559> {
    let list = proptest::collection::vec((any::<[u8; 20]>(), 0usize..4), 0..4);
    let input = proptest::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..200);
    (any::<Option<[u8; 20]>>(), list, input, any::<u32>()).prop_map(|(to, list, input, nonce)| {
        TxEip1559 {
            to: to.map_or(TxKind::Create, |to| TxKind::Call(to.into())),
            access_list: AccessList(
                list.into_iter()
                    .map(|(address, keys)| AccessListItem {
                        address: address.into(),
                        storage_keys: vec![B256::repeat_byte(3); keys],
                    })
                    .collect(),
            ),
            input: input.into(),
            nonce: nonce.into(),
            ..eip1559()
        }
    })
}

proptest! {
    #[test]
    fn prop_intrinsic_gas_is_that_of_revm(tx in any_tx()) {
        assert_intrinsic_gas_is_that_of_revm(sign(tx));
    }

    #[test]
    fn prop_decoding_restores_the_bytes(tx in any_tx()) {
        let raw = sign(tx).encoded_2718();
        prop_assert_eq!(decode(&raw).unwrap().encoded_2718(), raw);
    }

    #[test]
    fn prop_garbage_never_panics(raw in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&raw);
    }

    #[test]
    fn prop_damaged_transaction_never_panics_nor_passes_unnoticed(
        tx in any_tx(),
        legacy_form: bool,
        place: prop::sample::Index,
        byte: u8,
    ) {
        let mut raw = if legacy_form {
            sign(TxLegacy { input: tx.input, ..legacy() }).encoded_2718()
        } else {
            sign(tx).encoded_2718()
        };
        let whole = raw.clone();
        let place = place.index(raw.len());
        raw[place] = byte;
        // What still decodes is another transaction with the same one-to-one encoding.
        if let Ok(decoded) = decode(&raw) {
            prop_assert_eq!(decoded.encoded_2718(), &raw[..]);
            prop_assert_eq!(decoded == decode(&whole).unwrap(), raw == whole);
        }
    }
}
