//! When Ethereum blocks are closed and what their headers say.

use super::*;
use crate::{
    BlockGasLimit, BlockHash, ChainHead, CurrentBlock, Event, Hashes, Head, HeartbeatMs,
    NextBaseFee, BLOCK_HASH_WINDOW,
};
use alloy_consensus::{
    proofs, Eip658Value, Header as EthereumHeader, Receipt, ReceiptEnvelope, ReceiptWithBloom,
    TrieAccount,
};
use alloy_primitives::{b256, Bloom, B256};
use sp_runtime::transaction_validity::InvalidTransaction;

/// keccak-256 of the RLP of an empty list.
const NO_OMMERS: B256 = b256!("1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347");
/// keccak-256 of the RLP of an empty string.
const EMPTY_TRIE: B256 = b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");
/// Stores BLOCKHASH(NUMBER - 1) in slot 0.
const STORE_PARENT_HASH: [u8; 9] = [0x60, 1, 0x43, 0x03, 0x40, 0x60, 0, 0x55, 0x00];

/// A Substrate block without transactions, `age_s` after the newest Ethereum block.
fn empty_block(age_s: u64) -> Header {
    begin((Head::<Test>::get().timestamp_s + age_s) * 1_000);
    end()
}

/// The root over the flat accounts by another implementation than the pallet's.
fn independent_state_root() -> B256 {
    proofs::state_root_unhashed(pallet_evm::Accounts::<Test>::iter().map(|(address, account)| {
        let storage = pallet_evm::AccountStorages::<Test>::iter_prefix(address)
            .map(|(slot, value)| (B256::new(slot.0), U256::from_be_bytes(value.0)));
        let leaf = TrieAccount {
            nonce: account.nonce,
            balance: bzk_evm::account::to_evm(account.balance),
            storage_root: proofs::storage_root_unhashed(storage),
            code_hash: B256::new(account.code_hash.0),
        };
        (eth(address), leaf)
    }))
}

#[test]
fn genesis_is_a_complete_block() {
    let genesis = Genesis { base_fee: GWEI, ..Default::default() };
    genesis.build().execute_with(|| {
        let header = current_block().header;
        let expected = EthereumHeader {
            ommers_hash: NO_OMMERS,
            state_root: independent_state_root(),
            transactions_root: EMPTY_TRIE,
            receipts_root: EMPTY_TRIE,
            gas_limit: 30_000_000,
            timestamp: GENESIS_S,
            base_fee_per_gas: Some(GWEI),
            withdrawals_root: Some(EMPTY_TRIE),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            ..Default::default()
        };
        assert_eq!(header, expected);
        assert_eq!(BlockHash::<Test>::get(0), hash(expected.hash_slow()));
        assert_eq!(NextBaseFee::<Test>::get(), GWEI - GWEI / 8);
        crate::Pallet::<Test>::check_state().unwrap();
    });
}

#[test]
fn header_is_the_one_that_another_implementation_builds() {
    let genesis = Genesis { base_fee: GWEI, ..Default::default() };
    genesis.build().execute_with(|| {
        let parent = hash(current_block().header.hash_slow());
        let (one, two) = (signer(1), signer(2));
        begin((GENESIS_S + 7) * 1_000 + 999);
        let (first, second) = (one.sign(dynamic(0, STRANGER)), two.sign(legacy(0, STRANGER)));
        let transactions = [TxEnvelope::from(first), TxEnvelope::from(second)];
        for tx in &transactions {
            send(tx.encoded_2718()).unwrap().unwrap();
        }
        let substrate = end();

        let receipt = |gas| ReceiptWithBloom {
            receipt: Receipt {
                status: Eip658Value::Eip658(true),
                cumulative_gas_used: gas,
                logs: Vec::new(),
            },
            logs_bloom: Bloom::ZERO,
        };
        let receipts =
            [ReceiptEnvelope::Eip1559(receipt(21_000)), ReceiptEnvelope::Legacy(receipt(42_000))];
        let expected = EthereumHeader {
            parent_hash: B256::new(parent.0),
            ommers_hash: NO_OMMERS,
            beneficiary: eth(COINBASE),
            state_root: independent_state_root(),
            transactions_root: proofs::calculate_transaction_root(&transactions),
            receipts_root: proofs::calculate_receipt_root(&receipts),
            number: 1,
            gas_limit: 30_000_000,
            gas_used: 42_000,
            timestamp: GENESIS_S + 7,
            mix_hash: B256::new(RANDOMNESS.0),
            base_fee_per_gas: Some(875_000_000),
            withdrawals_root: Some(EMPTY_TRIE),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            ..Default::default()
        };
        let block = current_block();
        assert_eq!(block.header, expected);
        assert_eq!(block.body.transactions, transactions);
        let hash = hash(expected.hash_slow());
        assert_eq!(Hashes::find(&substrate.digest), Some(Hashes { block_hash: hash }));
        let head = ChainHead { number: 1, hash, timestamp_s: GENESIS_S + 7, gas_limit: 30_000_000 };
        assert_eq!(Head::<Test>::get(), head);
    });
}

#[test]
fn substrate_block_without_transactions_closes_no_ethereum_block() {
    new_test_ext().execute_with(|| {
        let before = CurrentBlock::<Test>::get();
        for age_s in [2, 4, 599] {
            let substrate = empty_block(age_s);
            assert_eq!(Hashes::find(&substrate.digest), None);
            assert_eq!(CurrentBlock::<Test>::get(), before);
        }
    });
}

#[test]
fn refused_transactions_alone_close_no_ethereum_block() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        send(signer(1).raw(legacy(5, STRANGER))).unwrap_err();
        assert_eq!(Hashes::find(&end().digest), None);
        assert_eq!(Head::<Test>::get().number, 0);
    });
}

#[test]
fn heartbeat_closes_an_empty_block() {
    new_test_ext().execute_with(|| {
        let parent = Head::<Test>::get();
        let substrate = empty_block(600);
        let block = current_block();
        assert_eq!(block.header.number, 1);
        assert_eq!(hash(block.header.parent_hash), parent.hash);
        assert_eq!(block.header.state_root, independent_state_root());
        assert!(block.body.transactions.is_empty());
        assert!(Hashes::find(&substrate.digest).is_some());
        assert_eq!(Hashes::find(&empty_block(2).digest), None);
    });
}

#[test]
fn transactions_put_the_heartbeat_off() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 500) * 1_000);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        end();
        begin((GENESIS_S + 700) * 1_000);
        end();
        assert_eq!(Head::<Test>::get().number, 1);
    });
}

#[test]
fn base_fee_follows_the_fullness_of_the_block() {
    let genesis = Genesis { base_fee: 800_000_000, gas_limit: 42_000, ..Default::default() };
    genesis.build().execute_with(|| {
        assert_eq!(NextBaseFee::<Test>::get(), 700_000_000);
        let sender = signer(1);
        // Full: up by an eighth.
        block(vec![sender.raw(legacy(0, STRANGER)), sender.raw(legacy(1, STRANGER))]);
        assert_eq!(NextBaseFee::<Test>::get(), 787_500_000);
        // Half full: as it is.
        block(vec![sender.raw(legacy(2, STRANGER))]);
        assert_eq!(NextBaseFee::<Test>::get(), 787_500_000);
        // Empty: down by an eighth.
        empty_block(600);
        assert_eq!(NextBaseFee::<Test>::get(), 689_062_500);
        assert_eq!(current_block().header.base_fee_per_gas, Some(787_500_000));
    });
}

#[test]
fn base_fee_leaves_zero_when_a_block_is_more_than_half_full() {
    let genesis = Genesis { gas_limit: 30_000, ..Default::default() };
    genesis.build().execute_with(|| {
        assert_eq!(NextBaseFee::<Test>::get(), 0);
        block(vec![signer(1).raw(legacy(0, STRANGER))]);
        assert_eq!(NextBaseFee::<Test>::get(), 1);
        assert_eq!(current_block().header.base_fee_per_gas, Some(0));
    });
}

#[test]
fn header_gas_limit_moves_toward_the_target_by_less_than_1_1024() {
    new_test_ext().execute_with(|| {
        BlockGasLimit::<Test>::put(60_000_000);
        empty_block(600);
        assert_eq!(current_block().header.gas_limit, 30_000_000 + 29_295);
        BlockGasLimit::<Test>::put(30_029_296);
        empty_block(600);
        assert_eq!(current_block().header.gas_limit, 30_029_296);
        BlockGasLimit::<Test>::put(5_000);
        empty_block(600);
        assert_eq!(current_block().header.gas_limit, 30_029_296 - 29_324);
    });
}

#[test]
fn second_substrate_block_within_a_second_takes_no_transactions() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        begin((GENESIS_S + 2) * 1_000);
        send(sender.raw(legacy(0, STRANGER))).unwrap().unwrap();
        end();
        begin((GENESIS_S + 2) * 1_000 + 500);
        assert_eq!(
            send(sender.raw(legacy(1, STRANGER))),
            Err(InvalidTransaction::ExhaustsResources.into())
        );
        HeartbeatMs::<Test>::put(0);
        assert_eq!(Hashes::find(&end().digest), None);
        assert_eq!(Head::<Test>::get().number, 1);

        begin((GENESIS_S + 3) * 1_000);
        send(sender.raw(legacy(1, STRANGER))).unwrap().unwrap();
        end();
        assert_eq!(current_block().header.timestamp, GENESIS_S + 3);
    });
}

#[test]
fn numbers_and_times_end_below_2_to_the_32() {
    let last = u64::from(u32::MAX);
    new_test_ext().execute_with(|| {
        Head::<Test>::mutate(|head| head.number = last - 1);
        begin((GENESIS_S + 2) * 1_000);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        Executive::finalize_block();
        assert_eq!(current_block().header.number, last);
        begin((GENESIS_S + 4) * 1_000);
        assert_eq!(
            send(signer(1).raw(legacy(1, STRANGER))),
            Err(InvalidTransaction::ExhaustsResources.into())
        );
        Executive::finalize_block();
        assert_eq!(current_block().header.number, last);
    });
    new_test_ext().execute_with(|| {
        begin((last + 1) * 1_000);
        assert_eq!(
            send(signer(1).raw(legacy(0, STRANGER))),
            Err(InvalidTransaction::ExhaustsResources.into())
        );
        end();
    });
}

#[test]
fn window_of_block_hashes_keeps_257() {
    new_test_ext().execute_with(|| {
        HeartbeatMs::<Test>::put(1_000);
        for _ in 0..BLOCK_HASH_WINDOW + 4 {
            begin((Head::<Test>::get().timestamp_s + 1) * 1_000);
            Executive::finalize_block();
        }
        crate::Pallet::<Test>::check_state().unwrap();
        assert_eq!(BlockHash::<Test>::iter().count(), 257);
        assert!(!BlockHash::<Test>::contains_key(4));
        assert!(BlockHash::<Test>::contains_key(5));
    });
}

#[test]
fn blockhash_sees_the_parent() {
    Genesis::default().contract(CONTRACT, &STORE_PARENT_HASH).build().execute_with(|| {
        let genesis = Head::<Test>::get().hash;
        block(vec![signer(1).raw(call(0, CONTRACT, &[]))]);
        let stored = pallet_evm::Pallet::<Test>::storage(CONTRACT, H256::zero());
        assert_eq!(stored, genesis);
    });
}

#[test]
fn coinbase_and_randomness_are_fixed_when_the_block_opens() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        Author::set(STRANGER);
        Vrf::set(H256::zero());
        end();
        let header = current_block().header;
        Author::set(COINBASE);
        Vrf::set(RANDOMNESS);
        assert_eq!(header.beneficiary, eth(COINBASE));
        assert_eq!(hash(header.mix_hash), RANDOMNESS);
    });
}

#[test]
fn importing_node_computes_the_same_block() {
    let raws = || {
        vec![
            signer(1).raw(dynamic(0, STRANGER)),
            signer(2).raw(create(0, &[0x60, 1, 0x60, 0, 0xf3])),
        ]
    };
    let time_ms = (GENESIS_S + 2) * 1_000;
    let (header, head) = new_test_ext().execute_with(|| {
        let header = block(raws());
        (header, Head::<Test>::get())
    });
    new_test_ext().execute_with(|| {
        let set = pallet_timestamp::Call::set { now: time_ms };
        let mut extrinsics = vec![UncheckedExtrinsic::new_bare(set.into())];
        let send = |raw| UncheckedExtrinsic::from_raw_transaction(raw).unwrap();
        extrinsics.extend(raws().into_iter().map(send));
        Executive::execute_block(Block { header, extrinsics }.into());
        assert_eq!(Head::<Test>::get(), head);
    });
}

#[test]
fn failed_parameters_of_genesis_are_found() {
    let bad = Genesis { gas_limit: 1 << 32, ..Default::default() };
    assert!(std::panic::catch_unwind(move || bad.build()).is_err());
    let bad = Genesis { heartbeat_ms: 0, ..Default::default() };
    assert!(std::panic::catch_unwind(move || bad.build()).is_err());
    let bad = Genesis { cycle_limit: 0, ..Default::default() };
    assert!(std::panic::catch_unwind(move || bad.build()).is_err());
}

#[test]
fn invariants_notice_damage() {
    let damages: [fn(); 6] = [
        || Head::<Test>::mutate(|head| head.number = 7),
        || NextBaseFee::<Test>::put(12_345),
        || {
            BlockHash::<Test>::remove(0);
        },
        || crate::CurrentSenders::<Test>::mutate(|senders| senders[0] = STRANGER),
        || {
            crate::CurrentReceipts::<Test>::mutate(|receipts| {
                let mut changed = receipts.to_vec();
                changed[0].success = false;
                *receipts = changed.into();
            })
        },
        || crate::Pending::<Test>::put(sp_runtime::BoundedVec::default()),
    ];
    for damage in damages {
        new_test_ext().execute_with(|| {
            block(vec![signer(1).raw(legacy(0, STRANGER))]);
            damage();
            assert!(crate::Pallet::<Test>::check_state().is_err());
        });
    }
}

#[test]
fn events_of_a_heartbeat_say_that_it_is_empty() {
    new_test_ext().execute_with(|| {
        empty_block(600);
        let ChainHead { number, hash, .. } = Head::<Test>::get();
        System::assert_last_event(
            Event::BlockClosed { number, hash, transactions: 0, gas_used: 0 }.into(),
        );
    });
}
