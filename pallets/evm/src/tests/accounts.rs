//! Balances, nonces and what becomes of empty accounts.

use crate::{
    mock::*, AccountStorages, Accounts, Dirty, DirtyAccount, FirstChanges, GenesisAccount,
    TriePages,
};
use bzk_evm::{
    account::KECCAK_EMPTY, execute::ExecuteError, primitives::TxKind,
    revm::context::result::InvalidTransaction, tx::tx_env,
};
use frame_support::assert_storage_noop;
use sp_core::{H160, U256};

#[test]
fn transfer_moves_value_and_pays_the_coinbase() {
    run(funded(), || {
        let before = Evm::state_root();
        let outcome = send(ALICE, BOB, 5, vec![]);
        assert!(outcome.result.is_success());
        assert_eq!(Evm::account(ALICE).nonce, 1);
        assert_eq!(Evm::account(ALICE).balance, U256::from(1_000 * ETHER - 5 - 21_000));
        assert_eq!(Evm::account(BOB).balance, U256::from(1_000 * ETHER + 5));
        assert_eq!(Evm::account(COINBASE).balance, U256::from(21_000));
        assert_eq!(Evm::account(COINBASE).code_hash, KECCAK_EMPTY);
        assert_eq!(Evm::state_root(), before, "the tries wait for the end of the block");
        assert_ne!(Evm::commit(), before);
    });
}

#[test]
fn transfer_appends_its_changed_accounts_as_one_entry() {
    run(funded(), || {
        send(ALICE, BOB, 5, vec![]);
        send(BOB, CONTRACT, 0, store(1, 2));
        let entry =
            |address, slots: Vec<_>| DirtyAccount { address, slots: slots.try_into().unwrap() };
        let dirty = Dirty::<Test>::get();
        assert_eq!(dirty.len(), 2);
        assert_eq!(
            dirty[0].to_vec(),
            vec![entry(ALICE, vec![]), entry(BOB, vec![]), entry(COINBASE, vec![])]
        );
        // The contract's own account did not change, but its slot did.
        assert_eq!(
            dirty[1].to_vec(),
            vec![entry(BOB, vec![]), entry(COINBASE, vec![]), entry(CONTRACT, vec![word(1)])]
        );
    });
}

#[test]
fn keys_count_as_changed_once_in_a_block() {
    let first = |sender, to, value, input| {
        let tx = tx(sender, TxKind::Call(address(to)), value, input);
        Evm::transact(&block(), &tx, u64::MAX).unwrap().1
    };
    run(funded(), || {
        let changes = |accounts, slots| FirstChanges { accounts, slots };
        assert_eq!(first(ALICE, BOB, 5, vec![]), changes(3, 0));
        assert_eq!(first(ALICE, BOB, 5, vec![]), changes(0, 0));
        // The entry of the contract is there for its slot.
        assert_eq!(first(BOB, CONTRACT, 0, store(1, 2)), changes(1, 1));
        assert_eq!(first(BOB, CONTRACT, 0, store(1, 3)), changes(0, 0));
        assert_eq!(first(BOB, CONTRACT, 0, store(2, 3)), changes(0, 1));
        Evm::commit();
        assert_eq!(first(ALICE, BOB, 5, vec![]), changes(3, 0), "a new block counts anew");
        Evm::commit();
    });
}

#[test]
fn transfer_of_nothing_creates_no_account() {
    run(funded(), || {
        let nobody = H160::repeat_byte(0x11);
        assert!(send(ALICE, nobody, 0, vec![]).result.is_success());
        assert!(!Evm::exists(nobody));
        send(ALICE, nobody, 1, vec![]);
        assert!(Evm::exists(nobody));
    });
}

#[test]
fn touched_empty_account_is_removed_with_its_storage() {
    let empty = H160::repeat_byte(0x11);
    let slots = (1..100).map(|slot| (word(slot), word(7))).collect();
    let mut accounts = funded();
    accounts.insert(empty, GenesisAccount { storage: slots, ..Default::default() });
    // Its neighbours keep theirs.
    let neighbour =
        GenesisAccount { nonce: 1, storage: [(word(1), word(2))].into(), ..contract(&STORE) };
    accounts.insert(H160::repeat_byte(0x12), neighbour);
    run(accounts, || {
        assert!(Evm::exists(empty));
        let pages = TriePages::<Test>::iter().count();
        send(ALICE, empty, 0, vec![]);
        assert!(!Evm::exists(empty));
        assert_eq!(AccountStorages::<Test>::iter_prefix(empty).count(), 0);
        assert!(TriePages::<Test>::iter().count() < pages, "its trie nodes are gone");
        assert_eq!(Evm::storage(H160::repeat_byte(0x12), word(1)), word(2));
    });
}

#[test]
fn account_that_pays_all_it_has_stays_because_of_its_nonce() {
    let mut accounts = funded();
    accounts.insert(ALICE, account(21_000 + 5));
    run(accounts, || {
        let mut tx = tx(ALICE, TxKind::Call(address(BOB)), 5, vec![]);
        edit(&mut tx, |tx| tx.gas_limit = 21_000);
        transact(&tx).unwrap();
        assert_eq!(Evm::account(ALICE).balance, U256::zero());
        assert_eq!(Evm::account(ALICE).nonce, 1);
        assert!(Evm::exists(ALICE));
    });
}

#[test]
fn sender_may_be_recipient_and_coinbase() {
    run(funded(), || {
        let mut block = block();
        block.coinbase = address(ALICE);
        let tx = tx(ALICE, TxKind::Call(address(ALICE)), 5, vec![]);
        Evm::transact(&block, &tx, u64::MAX).unwrap();
        assert_eq!(Evm::account(ALICE).balance, U256::from(1_000 * ETHER));
        assert_eq!(Dirty::<Test>::get()[0].len(), 1);
    });
}

#[test]
fn invalid_transaction_writes_nothing() {
    run(funded(), || {
        let tx = tx(ALICE, TxKind::Call(address(BOB)), 5, vec![]);
        transact(&tx).unwrap();
        assert_storage_noop!(assert!(matches!(
            transact(&tx),
            Err(ExecuteError::Invalid(InvalidTransaction::NonceTooLow { .. }))
        )));
        let poor = self::tx(BOB, TxKind::Call(address(ALICE)), 1_001 * ETHER, vec![]);
        assert_storage_noop!(assert!(matches!(
            transact(&poor),
            Err(ExecuteError::Invalid(InvalidTransaction::LackOfFundForMaxFee { .. }))
        )));
    });
}

#[test]
fn transaction_too_dear_to_prove_writes_nothing() {
    run(funded(), || {
        let tx = tx(ALICE, TxKind::Call(address(BOB)), 5, vec![]);
        assert_storage_noop!(assert!(matches!(
            Evm::transact(&block(), &tx, 1),
            Err(ExecuteError::CyclesExhausted { .. })
        )));
    });
}

#[test]
fn call_writes_nothing_and_ignores_the_nonce() {
    run(funded(), || {
        let mut env = tx_env(&tx(ALICE, TxKind::Call(address(CONTRACT)), 0, store(1, 2)));
        env.nonce = 77;
        assert_storage_noop!({
            let outcome = Evm::call(&block(), env, u64::MAX).unwrap();
            assert!(outcome.result.is_success());
        });
        assert_eq!(Accounts::<Test>::get(ALICE).unwrap().nonce, 0);
    });
}
