//! Code and storage.

use crate::{mock::*, AccountCodes, AccountStorages, CodeMissing};
use bzk_evm::{account::EMPTY_ROOT, execute::ExecuteError, primitives::TxKind};
use sp_core::{H160, H256, U256};
use sp_io::hashing::keccak_256;

#[test]
fn creation_stores_code_and_storage() {
    run(funded(), || {
        // PUSH1 9 PUSH1 4 SSTORE, then the deployment of STORE; its offset moves by 5 bytes.
        let mut init = vec![0x60, 9, 0x60, 4, 0x55];
        init.extend(deploy(&STORE));
        init[5 + 3] += 5;
        let (address, outcome) = create(ALICE, 3, init);
        assert!(outcome.result.is_success());
        let account = Evm::account(address);
        assert_eq!((account.nonce, account.balance), (1, U256::from(3)));
        assert_eq!(account.code_hash, H256(keccak_256(&STORE)));
        assert_eq!(Evm::code(address), STORE);
        assert_eq!(Evm::storage(address, word(4)), word(9));
        Evm::commit();
        assert_ne!(Evm::account(address).storage_root, EMPTY_ROOT);
    });
}

#[test]
fn created_contract_runs_before_the_block_is_closed() {
    run(funded(), || {
        let (address, _) = create(ALICE, 0, deploy(&STORE));
        send(BOB, address, 0, store(5, 6));
        assert_eq!(Evm::storage(address, word(5)), word(6));
    });
}

#[test]
fn failed_creation_leaves_only_the_nonce() {
    run(funded(), || {
        // SSTORE, then an invalid instruction.
        let (address, outcome) = create(ALICE, 3, vec![0x60, 9, 0x60, 4, 0x55, 0xfe]);
        assert!(!outcome.result.is_success());
        assert!(!Evm::exists(address));
        assert_eq!(Evm::account(ALICE).nonce, 1);
    });
}

#[test]
fn slot_set_to_zero_is_removed() {
    run(funded(), || {
        for slot in 0..20 {
            send(ALICE, CONTRACT, 0, store(slot, slot + 1));
        }
        Evm::commit();
        Evm::check_state().unwrap();
        assert_eq!(AccountStorages::<Test>::iter_prefix(CONTRACT).count(), 20);
        for slot in 0..20 {
            send(ALICE, CONTRACT, 0, store(slot, 0));
        }
        Evm::commit();
        assert_eq!(AccountStorages::<Test>::iter_prefix(CONTRACT).count(), 0);
        assert_eq!(Evm::account(CONTRACT).storage_root, EMPTY_ROOT);
    });
}

#[test]
fn slot_set_and_reset_in_one_block_keeps_the_storage_root() {
    run(funded(), || {
        send(ALICE, CONTRACT, 0, store(1, 2));
        Evm::commit();
        let root = Evm::account(CONTRACT).storage_root;
        send(ALICE, CONTRACT, 0, store(1, 3));
        send(ALICE, CONTRACT, 0, store(1, 2));
        Evm::commit();
        assert_eq!(Evm::account(CONTRACT).storage_root, root);
    });
}

/// PUSH1 1 PUSH1 0 SSTORE CALLER SELFDESTRUCT.
const STORE_AND_DIE: [u8; 7] = [0x60, 1, 0x60, 0, 0x55, 0x33, 0xff];

#[test]
fn contract_destroyed_by_its_creating_transaction_leaves_no_trace() {
    run(funded(), || {
        let before = Evm::account(ALICE).balance;
        let (address, outcome) = create(ALICE, 3, STORE_AND_DIE.to_vec());
        assert!(outcome.result.is_success());
        assert!(!Evm::exists(address));
        assert_eq!(AccountStorages::<Test>::iter_prefix(address).count(), 0);
        let gas = U256::from(outcome.result.tx_gas_used());
        assert_eq!(Evm::account(ALICE).balance, before - gas);
    });
}

#[test]
fn funded_address_destroyed_by_its_creating_transaction_is_removed() {
    run(funded(), || {
        let address = H160(address(ALICE).create(1).into_array());
        send(ALICE, address, 7, vec![]);
        Evm::commit();
        assert!(Evm::exists(address));
        create(ALICE, 0, STORE_AND_DIE.to_vec());
        assert!(!Evm::exists(address));
    });
}

#[test]
fn contract_destroyed_later_only_loses_its_balance() {
    let mut accounts = funded();
    let doomed = H160::repeat_byte(0xdd);
    // CALLER SELFDESTRUCT
    let mut account = contract(&[0x33, 0xff]);
    account.balance = 9.into();
    account.storage = [(word(1), word(2))].into();
    accounts.insert(doomed, account);
    run(accounts, || {
        send(ALICE, doomed, 0, vec![]);
        assert_eq!(Evm::account(doomed).balance, U256::zero());
        assert_eq!(Evm::code(doomed), vec![0x33, 0xff]);
        assert_eq!(Evm::storage(doomed, word(1)), word(2));
    });
}

#[test]
fn blockhash_comes_from_the_configuration() {
    let reader = H160::repeat_byte(0xdd);
    let mut accounts = funded();
    // PUSH1 0 CALLDATALOAD BLOCKHASH PUSH1 0 SSTORE
    accounts.insert(reader, contract(&[0x60, 0, 0x35, 0x40, 0x60, 0, 0x55]));
    run(accounts, || {
        // The mock's block has number 300, so 44 is the oldest hash it can see.
        for (number, expected) in [(299, H256::repeat_byte(43)), (44, H256::repeat_byte(44))] {
            send(ALICE, reader, 0, word(number).0.to_vec());
            assert_eq!(Evm::storage(reader, word(0)), expected);
        }
        for number in [43, 300] {
            send(ALICE, reader, 0, word(number).0.to_vec());
            assert_eq!(Evm::storage(reader, word(0)), H256::zero());
        }
    });
}

#[test]
fn code_in_the_form_of_a_delegation_is_ordinary_code() {
    let mut accounts = funded();
    let delegating = H160::repeat_byte(0xdd);
    // EIP-7702 would run the contract's code here; in Cancun 0xef is an invalid instruction.
    let code = [&[0xef, 0x01, 0x00], CONTRACT.as_bytes()].concat();
    accounts.insert(delegating, contract(&code));
    run(accounts, || {
        let outcome = send(ALICE, delegating, 0, store(1, 2));
        assert!(!outcome.result.is_success());
        assert_eq!(Evm::storage(delegating, word(1)), H256::zero());
    });
}

#[test]
fn lost_code_fails_the_transaction_instead_of_running_none() {
    new_test_ext(funded()).execute_with(|| {
        AccountCodes::<Test>::remove(CONTRACT);
        let tx = tx(ALICE, TxKind::Call(address(CONTRACT)), 0, store(1, 2));
        let hash = keccak_256(&STORE).into();
        assert_eq!(
            transact(&tx).unwrap_err().to_string(),
            ExecuteError::Database(CodeMissing(hash)).to_string()
        );
        assert_eq!(Evm::account(ALICE).nonce, 0);
    });
}
