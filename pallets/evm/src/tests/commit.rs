//! Folding changes into the tries.

use crate::{mock::*, Dirty, StateRoot, TriePages};
use bzk_evm::account::EMPTY_ROOT;
use frame_support::assert_storage_noop;
use sp_core::{H160, H256};
use std::collections::BTreeMap;

#[test]
fn commit_without_changes_keeps_everything() {
    run(funded(), || {
        let root = Evm::state_root();
        assert_storage_noop!(assert_eq!(Evm::commit(), root));
    });
}

#[test]
fn commit_takes_the_dirty_keys() {
    run(funded(), || {
        send(ALICE, BOB, 1, vec![]);
        assert!(Dirty::<Test>::exists());
        let root = Evm::commit();
        assert!(!Dirty::<Test>::exists());
        assert_eq!(StateRoot::<Test>::get(), root);
    });
}

#[test]
fn empty_state_has_the_empty_root() {
    run(BTreeMap::new(), || {
        assert_eq!(Evm::state_root(), EMPTY_ROOT);
        assert_eq!(Evm::commit(), EMPTY_ROOT);
    });
}

#[test]
fn commit_per_transaction_and_per_block_agree() {
    let work = |step: fn()| {
        for index in 1u8..40 {
            send(ALICE, H160::repeat_byte(index), index.into(), vec![]);
            step();
            send(BOB, CONTRACT, 0, store(u64::from(index % 13), u64::from(index % 3)));
            step();
            create(BOB, 0, deploy(&STORE));
            step();
        }
        Evm::commit();
        Evm::check_state().unwrap();
        (Evm::state_root(), TriePages::<Test>::iter().collect::<BTreeMap<_, _>>())
    };
    let each = new_test_ext(funded()).execute_with(|| {
        work(|| {
            Evm::commit();
        })
    });
    let once = new_test_ext(funded()).execute_with(|| work(|| ()));
    assert_eq!(each, once);
}

/// The state root of a state test of ethereum/legacytests (`stExample/add11`, Cancun, before the
/// transaction `0xf863800a83061a80...`), so that the root does not rest on our own code alone.
#[test]
fn genesis_and_transaction_give_the_root_that_ethereum_gives() {
    let mut accounts = BTreeMap::new();
    let contract_at: H160 = "095e7baea6a6c7c4c2dfeb977efac326af552d87".parse().unwrap();
    let sender: H160 = "a94f5374fce5edbc8e2a8697c15331677e6ebf0b".parse().unwrap();
    let mut adder = account(ETHER);
    // PUSH1 1 PUSH1 1 ADD PUSH1 0 SSTORE STOP
    adder.code = vec![0x60, 1, 0x60, 1, 0x01, 0x60, 0, 0x55, 0x00];
    accounts.insert(contract_at, adder);
    accounts.insert(sender, account(ETHER));
    let coinbase: H160 = "2adc25665018aa1fe0e6bc666dac8fc2697ff9ba".parse().unwrap();
    accounts.insert(coinbase, contract(&[]));
    run(accounts, || {
        let mut block = block();
        block.number = 1;
        block.base_fee = 10;
        block.coinbase = address(coinbase);
        let mut tx =
            tx(sender, bzk_evm::primitives::TxKind::Call(address(contract_at)), 100_000, vec![]);
        edit(&mut tx, |tx| {
            tx.gas_price = 10;
            tx.gas_limit = 400_000;
        });
        Evm::transact(&block, &tx, u64::MAX).unwrap();
        let expected: H256 =
            "e8010ce590f401c9d61fef8ab05bea9bcec24281b795e5868809bc4e515aa530".parse().unwrap();
        assert_eq!(Evm::commit(), expected);
    });
}
