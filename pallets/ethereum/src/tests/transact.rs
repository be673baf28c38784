//! What a transaction does to accounts, receipts and the block.

use super::*;
use crate::{CurrentReceipts, CurrentSenders, Event, Pallet, Pending};
use alloy_consensus::Transaction;
use bzk_evm::tx::TxError;
use frame_support::{dispatch::DispatchClass, traits::Get, weights::Weight};
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionValidityError};

/// Logs 32 bytes (0x2a) with the topic 7.
const LOG: [u8; 13] = [0x60, 0x2a, 0x60, 0, 0x52, 0x60, 7, 0x60, 0x20, 0x60, 0, 0xa1, 0x00];
/// Logs nothing with no topic, then reverts.
const LOG_AND_REVERT: [u8; 10] = [0x60, 0, 0x60, 0, 0xa0, 0x60, 0, 0x60, 0, 0xfd];
/// INVALID.
const HALT: [u8; 1] = [0xfe];
/// Deploys one byte of code, STOP.
const DEPLOY_STOP: [u8; 5] = [0x60, 1, 0x60, 0, 0xf3];

fn refused(error: TxError) -> Result<(), TransactionValidityError> {
    Err(crate::invalid(error).into())
}

fn sent(raw: Vec<u8>) -> Result<(), TransactionValidityError> {
    send(raw).map(|outcome| outcome.unwrap())
}

#[test]
fn every_transaction_type_moves_value() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        block(vec![
            sender.raw(legacy(0, STRANGER)),
            sender.raw(access_list(1, STRANGER)),
            sender.raw(dynamic(2, STRANGER)),
        ]);
        assert_eq!(balance(STRANGER), 3);
        assert_eq!(nonce(sender.address()), 3);
        let types: Vec<u8> = CurrentReceipts::<Test>::get().iter().map(|r| r.tx_type).collect();
        assert_eq!(types, [0, 1, 2]);
        assert_eq!(CurrentSenders::<Test>::get().into_inner(), [sender.address(); 3]);
    });
}

#[test]
fn legacy_transaction_without_chain_id_is_taken() {
    new_test_ext().execute_with(|| {
        block(vec![signer(1).raw(TxLegacy { chain_id: None, ..legacy(0, STRANGER) })]);
        assert_eq!(balance(STRANGER), 1);
    });
}

#[test]
fn sender_pays_gas_and_value_and_the_coinbase_gets_the_tip_only() {
    let genesis = Genesis { base_fee: 3 * GWEI, ..Default::default() };
    genesis.build().execute_with(|| {
        let sender = signer(1);
        let before = (balance(sender.address()), balance(COINBASE));
        block(vec![sender.raw(dynamic(0, STRANGER))]);
        let base_fee = u128::from(current_block().header.base_fee_per_gas.unwrap());
        let price = base_fee + u128::from(GWEI);
        assert_eq!(before.0 - balance(sender.address()), 21_000 * price + 1);
        assert_eq!(balance(COINBASE) - before.1, 21_000 * u128::from(GWEI));
    });
}

#[test]
fn creation_deploys_code_at_the_address_of_sender_and_nonce() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        block(vec![sender.raw(create(0, &DEPLOY_STOP))]);
        let created = H160(eth(sender.address()).create(0).0 .0);
        assert_eq!(pallet_evm::Pallet::<Test>::code(created), [0]);
        assert!(CurrentReceipts::<Test>::get()[0].success);
    });
}

#[test]
fn reverted_transaction_pays_and_leaves_a_failed_receipt_without_logs() {
    Genesis::default().contract(CONTRACT, &LOG_AND_REVERT).build().execute_with(|| {
        block(vec![signer(1).raw(call(0, CONTRACT, &[]))]);
        let receipts = CurrentReceipts::<Test>::get();
        assert!(!receipts[0].success);
        assert!(receipts[0].logs.is_empty());
        assert!(receipts[0].cumulative_gas_used > 21_000);
        assert!(receipts[0].cumulative_gas_used < 500_000);
        assert_eq!(nonce(signer(1).address()), 1);
        assert!(Heard::get().is_empty());
        assert!(current_block().header.logs_bloom.is_zero());
    });
}

#[test]
fn halted_transaction_pays_all_its_gas() {
    Genesis::default().contract(CONTRACT, &HALT).build().execute_with(|| {
        block(vec![signer(1).raw(call(0, CONTRACT, &[]))]);
        let receipt = &CurrentReceipts::<Test>::get()[0];
        assert!(!receipt.success);
        assert_eq!(receipt.cumulative_gas_used, 500_000);
    });
}

#[test]
fn logs_reach_receipt_bloom_and_listeners() {
    Genesis::default().contract(CONTRACT, &LOG).build().execute_with(|| {
        block(vec![signer(1).raw(call(0, CONTRACT, &[])), signer(2).raw(call(0, CONTRACT, &[]))]);
        let (topic, data) = (H256::from_low_u64_be(7), H256::from_low_u64_be(0x2a));
        let heard = (1, CONTRACT, vec![topic], data.as_bytes().to_vec());
        assert_eq!(Heard::get(), [heard.clone(), heard]);

        let receipts = CurrentReceipts::<Test>::get();
        assert_eq!(receipts[1].logs[0].topics, [topic]);
        let mut bloom = alloy_primitives::Bloom::ZERO;
        bloom.accrue_raw_log(eth(CONTRACT), &[topic.0.into()]);
        assert_eq!(current_block().header.logs_bloom, bloom);
    });
}

#[test]
fn receipts_accumulate_gas_over_the_block() {
    new_test_ext().execute_with(|| {
        let (one, two) = (signer(1), signer(2));
        block(vec![
            one.raw(legacy(0, STRANGER)),
            two.raw(access_list(0, STRANGER)),
            one.raw(dynamic(1, STRANGER)),
        ]);
        let gas: Vec<u64> =
            CurrentReceipts::<Test>::get().iter().map(|r| r.cumulative_gas_used).collect();
        // EIP-2930: 2,400 for the address, 1,900 for the key.
        assert_eq!(gas, [21_000, 21_000 + 25_300, 21_000 + 25_300 + 21_000]);
        assert_eq!(current_block().header.gas_used, gas[2]);
    });
}

#[test]
fn wrong_nonce_is_not_included() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        block(vec![sender.raw(legacy(0, STRANGER))]);
        begin((GENESIS_S + 4) * 1_000);
        assert_eq!(sent(sender.raw(legacy(0, STRANGER))), Err(InvalidTransaction::Stale.into()));
        assert_eq!(sent(sender.raw(legacy(2, STRANGER))), Err(InvalidTransaction::Future.into()));
        assert_eq!(balance(STRANGER), 1);
        end();
    });
}

#[test]
fn insufficient_funds_are_not_included() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let poor = signer(100);
        assert_eq!(sent(poor.raw(legacy(0, STRANGER))), Err(InvalidTransaction::Payment.into()));
        let all = TxLegacy { value: U256::from(100 * ETHER), ..legacy(0, STRANGER) };
        assert_eq!(sent(signer(1).raw(all)), Err(InvalidTransaction::Payment.into()));
        end();
    });
}

#[test]
fn static_rules_hold_in_blocks_as_in_the_pool() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let sender = signer(1);
        let cases = [
            (
                sender.raw(TxLegacy { chain_id: Some(1), ..legacy(0, STRANGER) }),
                TxError::InvalidChainId,
            ),
            (
                sender.raw(TxLegacy { gas_limit: 20_999, ..legacy(0, STRANGER) }),
                TxError::IntrinsicGas,
            ),
            (sender.raw(legacy(0, H160::from_low_u64_be(9))), TxError::PrecompileRecipient),
            (sender.raw(create(0, &[0; 0xc001])), TxError::InitCodeTooLarge),
            (vec![0x03, 0xc0], TxError::TypeNotSupported),
            (vec![0x04, 0xc0], TxError::TypeNotSupported),
            (vec![0xc1], TxError::Malformed),
            (vec![], TxError::Malformed),
        ];
        for (raw, error) in cases {
            assert_eq!(sent(raw.clone()), refused(error), "{error}");
            assert_eq!(validate(raw).unwrap_err(), refused(error).unwrap_err(), "{error}");
        }
        end();
        assert!(!Pending::<Test>::exists());
    });
}

#[test]
fn fee_cap_below_the_base_fee_waits() {
    let genesis = Genesis { base_fee: 100 * GWEI, ..Default::default() };
    genesis.build().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        assert_eq!(
            sent(signer(1).raw(legacy(0, STRANGER))),
            Err(InvalidTransaction::ExhaustsResources.into())
        );
        end();
    });
}

#[test]
fn sender_with_code_is_refused() {
    let genesis = Genesis::default().contract(signer(20).address(), &[0]);
    genesis.build().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let raw =
            signer(20).raw(TxLegacy { gas_price: 0, value: U256::ZERO, ..legacy(1, STRANGER) });
        assert_eq!(sent(raw.clone()), refused(TxError::SenderNotEoa));
        assert_eq!(validate(raw).unwrap_err(), crate::invalid(TxError::SenderNotEoa).into());
        end();
    });
}

#[test]
fn weight_is_corrected_to_the_gas_that_was_spent() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        // The accounts have changed before: what that weighs is not here.
        sent(signer(1).raw(call(0, STRANGER, &[]))).unwrap();
        let before = System::block_weight();
        let raw = signer(1).raw(call(1, STRANGER, &[]));
        sent(raw.clone()).unwrap();
        let used =
            *System::block_weight().get(DispatchClass::Normal) - *before.get(DispatchClass::Normal);
        let weights: frame_system::limits::BlockWeights =
            <Test as frame_system::Config>::BlockWeights::get();
        let base = weights.get(DispatchClass::Normal).base_extrinsic;
        let encoded = UncheckedExtrinsic::from_raw_transaction(raw).unwrap();
        let length = codec::Encode::encoded_size(&encoded) as u64;
        let spent = Pallet::<Test>::weight_of_gas(21_000);
        assert_eq!(used, (spent + base).saturating_add_proof_size(length));
        end();
    });
}

#[test]
fn gas_beyond_a_transfer_is_weighed() {
    let weight = crate::Pallet::<Test>::weight_of_gas;
    assert_eq!(weight(0), weight(21_000));
    assert_eq!(weight(21_010) - weight(21_000), Weight::from_parts(10 * 4_000, 0));
}

#[test]
fn closed_block_is_announced() {
    new_test_ext().execute_with(|| {
        block(vec![signer(1).raw(legacy(0, STRANGER))]);
        let hash = hash(current_block().header.hash_slow());
        let event = Event::BlockClosed { number: 1, hash, transactions: 1, gas_used: 21_000 };
        System::assert_last_event(event.into());
    });
}

#[test]
fn block_body_holds_the_transactions_as_they_were_sent() {
    new_test_ext().execute_with(|| {
        let raws = vec![
            signer(1).raw(legacy(0, STRANGER)),
            signer(2).raw(dynamic(0, STRANGER)),
            signer(3).raw(call(0, STRANGER, &[1; 300])),
        ];
        block(raws.clone());
        let transactions = current_block().body.transactions;
        let encoded: Vec<Vec<u8>> = transactions.iter().map(|tx| tx.encoded_2718()).collect();
        assert_eq!(encoded, raws);
        assert_eq!(transactions[2].input().len(), 300);
    });
}
