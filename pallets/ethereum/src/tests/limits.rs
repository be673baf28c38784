//! What a block may hold, and who may change it.

use super::*;
use crate::{
    block::MAX_BODY_BYTES, limits::*, BlockCycleLimit, BlockGasLimit, Error, Event, HeartbeatMs,
    Open, Pallet,
};
use bzk_evm::{receipt::Receipt, tx::TxError};
use codec::Encode;
use frame_support::{
    assert_noop, assert_ok, dispatch::DispatchClass, traits::Get, weights::Weight,
};
use frame_system::limits::BlockWeights;
use sp_runtime::{
    traits::BadOrigin,
    transaction_validity::{InvalidTransaction, TransactionValidityError},
};

const EXHAUSTED: TransactionValidityError =
    TransactionValidityError::Invalid(InvalidTransaction::ExhaustsResources);

#[test]
fn transaction_above_the_gas_that_is_left_waits() {
    let genesis = Genesis { gas_limit: 50_000, ..Default::default() };
    genesis.build().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let big = TxLegacy { gas_limit: 29_001, ..legacy(0, STRANGER) };
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        assert_eq!(send(signer(2).raw(big.clone())), Err(EXHAUSTED));
        // Its limit counts, not its use.
        send(signer(2).raw(TxLegacy { gas_limit: 29_000, ..big })).unwrap().unwrap();
        end();
        assert_eq!(current_block().header.gas_used, 42_000);
    });
}

#[test]
fn transaction_above_the_gas_of_a_block_is_refused_for_good() {
    let genesis = Genesis { gas_limit: 50_000, ..Default::default() };
    genesis.build().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let raw = signer(1).raw(TxLegacy { gas_limit: 50_001, ..legacy(0, STRANGER) });
        let refusal = crate::invalid(TxError::BlockGasLimit).into();
        assert_eq!(send(raw.clone()), Err(refusal));
        assert_eq!(validate(raw), Err(refusal));
        end();
    });
}

#[test]
fn attack_receipts_that_wasm_cannot_hold_wait_for_the_next_block() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let raw = signer(1).raw(legacy(0, STRANGER));
        // With the header of its string in the body.
        let transaction = raw.len() as u32 + 4;
        let receipt = Receipt::default().encoded_size() as u32;
        let leave = |room: u32| {
            Open::<Test>::mutate(|block| block.as_mut().unwrap().bytes = MAX_BODY_BYTES - room);
        };
        leave(transaction + receipt - 1);
        let before = state_hash();
        assert_eq!(send(raw.clone()), Err(EXHAUSTED));
        assert_eq!(state_hash(), before);
        leave(transaction + receipt);
        send(raw).unwrap().unwrap();
        assert_eq!(Open::<Test>::get().unwrap().bytes, MAX_BODY_BYTES);
        end();
    });
}

#[test]
fn transaction_above_the_cycles_that_are_left_waits_and_leaves_nothing() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        let one = Open::<Test>::get().unwrap().cycles;
        assert!(one > 0);
        end();

        BlockCycleLimit::<Test>::put(2 * one);
        begin((GENESIS_S + 4) * 1_000);
        for n in 2..4 {
            send(signer(n).raw(legacy(0, STRANGER))).unwrap().unwrap();
        }
        let before = state_hash();
        assert_eq!(send(signer(4).raw(legacy(0, STRANGER))), Err(EXHAUSTED));
        assert_eq!(state_hash(), before);
        end();
        assert_eq!(balance(STRANGER), 3);
        assert_eq!(nonce(signer(4).address()), 0);
    });
}

#[test]
fn transaction_above_the_cycles_of_a_block_is_refused_for_good() {
    new_test_ext().execute_with(|| {
        BlockCycleLimit::<Test>::put(100);
        begin((GENESIS_S + 2) * 1_000);
        let refusal = crate::invalid(TxError::CyclesExceedBlock).into();
        assert_eq!(send(signer(1).raw(legacy(0, STRANGER))), Err(refusal));
        end();
        assert_eq!(nonce(signer(1).address()), 0);
    });
}

#[test]
fn transaction_above_the_weight_that_is_left_waits_and_leaves_nothing() {
    // Leaves room for what some transfers weigh before they run, and for two accounts that they change.
    let fill = |transfers| {
        let limits: BlockWeights = <Test as frame_system::Config>::BlockWeights::get();
        let limits = limits.get(DispatchClass::Normal);
        let transfer = Pallet::<Test>::weight_of_gas(21_000) + limits.base_extrinsic;
        let used = *System::block_weight().get(DispatchClass::Normal);
        let rest = limits.max_total.unwrap() - used - transfer * transfers - commit(2);
        System::register_extra_weight_unchecked(rest.set_proof_size(0), DispatchClass::Normal);
    };
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        fill(1);
        // The first of a block must get in, or a transaction with many changes never would.
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        end();

        begin((GENESIS_S + 4) * 1_000);
        send(signer(2).raw(legacy(0, STRANGER))).unwrap().unwrap();
        fill(2);
        // Sender and recipient; the coinbase has changed before.
        send(signer(3).raw(legacy(0, H160::repeat_byte(0x33)))).unwrap().unwrap();
        let before = state_hash();
        assert_eq!(send(signer(4).raw(legacy(0, H160::repeat_byte(0x44)))), Err(EXHAUSTED));
        assert_eq!(state_hash(), before);
        end();
    });
}

#[test]
fn changed_accounts_weigh_once_in_a_block() {
    let weigh = |raw| {
        let before = System::block_weight().get(DispatchClass::Normal).to_owned();
        send(raw).unwrap().unwrap();
        *System::block_weight().get(DispatchClass::Normal) - before
    };
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        let first = weigh(signer(1).raw(legacy(0, STRANGER)));
        let second = weigh(signer(1).raw(legacy(1, STRANGER)));
        assert_eq!(first - second, commit(3));
        end();
    });
}

/// Weight of `accounts` that change.
fn commit(accounts: u32) -> Weight {
    use pallet_evm::WeightInfo;
    <Test as pallet_evm::Config>::WeightInfo::commit(accounts, 0)
        .saturating_sub(<Test as pallet_evm::Config>::WeightInfo::commit(0, 0))
}

#[test]
fn number_of_transactions_is_bounded() {
    new_test_ext().execute_with(|| {
        MaxTransactions::set(2);
        begin((GENESIS_S + 2) * 1_000);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        send(signer(2).raw(legacy(0, STRANGER))).unwrap().unwrap();
        assert_eq!(send(signer(3).raw(legacy(0, STRANGER))), Err(EXHAUSTED));
        end();
        MaxTransactions::set(1_000);
        assert_eq!(current_block().body.transactions.len(), 2);
    });
}

#[test]
fn bytes_of_a_block_are_bounded() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        Open::<Test>::mutate(|block| {
            block.as_mut().unwrap().bytes = crate::MAX_BLOCK_BYTES - 2_048 - 100;
        });
        assert_eq!(send(signer(1).raw(legacy(0, STRANGER))), Err(EXHAUSTED));
        Open::<Test>::mutate(|block| block.as_mut().unwrap().bytes -= 100);
        send(signer(1).raw(legacy(0, STRANGER))).unwrap().unwrap();
        end();
    });
}

#[test]
fn transactions_of_the_greatest_size_fit() {
    new_test_ext().execute_with(|| {
        let mut tx = call(0, STRANGER, &[0; 130_900]);
        tx.gas_limit = 1_000_000;
        let raw = signer(1).raw(tx);
        assert!(raw.len() > 131_000 && raw.len() <= 131_072);
        block(vec![raw]);
        assert_eq!(current_block().body.transactions.len(), 1);
    });
}

fn max_extrinsic_time() -> u64 {
    let limits: frame_system::limits::BlockWeights =
        <Test as frame_system::Config>::BlockWeights::get();
    limits.get(DispatchClass::Normal).max_extrinsic.unwrap().ref_time()
}

#[test]
fn root_sets_parameters_within_bounds() {
    new_test_ext().execute_with(|| {
        System::set_block_number(1);
        let root = RuntimeOrigin::root;
        assert_ok!(Ethereum::set_block_gas_limit(root(), 60_000_000));
        assert_eq!(BlockGasLimit::<Test>::get(), 60_000_000);
        System::assert_last_event(Event::BlockGasLimitSet { gas_limit: 60_000_000 }.into());
        assert_ok!(Ethereum::set_block_cycle_limit(root(), 1_000_000_000));
        assert_eq!(BlockCycleLimit::<Test>::get(), 1_000_000_000);
        System::assert_last_event(Event::BlockCycleLimitSet { cycle_limit: 1_000_000_000 }.into());
        assert_ok!(Ethereum::set_heartbeat(root(), 60_000));
        assert_eq!(HeartbeatMs::<Test>::get(), 60_000);
        System::assert_last_event(Event::HeartbeatSet { heartbeat_ms: 60_000 }.into());

        let bad = || Error::<Test>::OutOfBounds;
        let max = Ethereum::max_gas_limit();
        assert!(Ethereum::weight_of_gas(max).ref_time() <= max_extrinsic_time());
        assert!(Ethereum::weight_of_gas(max + 1).ref_time() > max_extrinsic_time());
        assert_ok!(Ethereum::set_block_gas_limit(root(), max));
        for gas_limit in [0, MIN_GAS_LIMIT - 1, max + 1, u64::MAX] {
            assert_noop!(Ethereum::set_block_gas_limit(root(), gas_limit), bad());
        }
        assert_ok!(Ethereum::set_block_cycle_limit(root(), MAX_BLOCK_CYCLES));
        for cycle_limit in [0, MIN_BLOCK_CYCLES - 1, MAX_BLOCK_CYCLES + 1, u64::MAX] {
            assert_noop!(Ethereum::set_block_cycle_limit(root(), cycle_limit), bad());
        }
        for heartbeat in [0, MIN_HEARTBEAT_MS - 1, MAX_HEARTBEAT_MS + 1] {
            assert_noop!(Ethereum::set_heartbeat(root(), heartbeat), bad());
        }
    });
}

#[test]
fn attack_others_set_parameters() {
    new_test_ext().execute_with(|| {
        for origin in [RuntimeOrigin::signed(NOBODY), RuntimeOrigin::none()] {
            assert_noop!(Ethereum::set_block_gas_limit(origin.clone(), 60_000_000), BadOrigin);
            let cycle_limit = MAX_BLOCK_CYCLES;
            assert_noop!(Ethereum::set_block_cycle_limit(origin.clone(), cycle_limit), BadOrigin);
            assert_noop!(Ethereum::set_heartbeat(origin, 60_000), BadOrigin);
        }
    });
}

#[test]
fn parameters_hold_from_the_next_block_on() {
    new_test_ext().execute_with(|| {
        begin((GENESIS_S + 2) * 1_000);
        assert_ok!(Ethereum::set_block_gas_limit(RuntimeOrigin::root(), 60_000_000));
        assert_eq!(Open::<Test>::get().unwrap().gas_limit, 30_000_000);
        assert_eq!(Pallet::<Test>::pending_environment().gas_limit, 30_029_295);
        end();
    });
}
