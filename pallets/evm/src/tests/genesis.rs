//! The first state.

use crate::{mock::*, AccountStorages, GenesisAccount, MAX_DELETABLE_SLOTS};
use bzk_evm::profile::MAX_CODE_SIZE;
use sp_core::{H160, H256, U256};
use std::collections::BTreeMap;

fn one(account: GenesisAccount) -> BTreeMap<H160, GenesisAccount> {
    [(CONTRACT, account)].into()
}

fn slots(count: u32) -> BTreeMap<H256, H256> {
    (0..count).map(|slot| (word(slot.into()), word(1))).collect()
}

#[test]
fn genesis_writes_flat_state_and_tries() {
    let account = GenesisAccount { balance: 8.into(), storage: slots(50), ..contract(&STORE) };
    run(one(account), || {
        let account = Evm::account(CONTRACT);
        assert_eq!((account.nonce, account.balance), (1, U256::from(8)));
        assert_eq!(Evm::code(CONTRACT), STORE);
        assert_eq!(Evm::storage(CONTRACT, word(49)), word(1));
        assert_ne!(account.storage_root, bzk_evm::account::EMPTY_ROOT);
    });
}

#[test]
fn genesis_leaves_zero_slots_out() {
    let storage = [(word(1), word(0)), (word(2), word(5))].into();
    run(one(GenesisAccount { storage, ..contract(&STORE) }), || {
        assert_eq!(AccountStorages::<Test>::iter().count(), 1);
    });
}

#[test]
fn genesis_takes_the_longest_code() {
    run(one(contract(&vec![0; MAX_CODE_SIZE])), || {
        assert_eq!(Evm::code(CONTRACT).len(), MAX_CODE_SIZE);
    });
}

#[test]
#[should_panic(expected = "above the size limit")]
fn genesis_refuses_longer_code() {
    new_test_ext(one(contract(&vec![0; MAX_CODE_SIZE + 1])));
}

#[test]
fn genesis_takes_storage_of_a_deletable_account_up_to_the_limit() {
    let account = GenesisAccount { storage: slots(MAX_DELETABLE_SLOTS), ..account(0) };
    let mut accounts = funded();
    accounts.insert(H160::repeat_byte(1), account);
    run(accounts, || {
        send(ALICE, H160::repeat_byte(1), 0, vec![]);
        assert_eq!(AccountStorages::<Test>::iter().count(), 0);
    });
}

#[test]
#[should_panic(expected = "neither nonce nor code")]
fn genesis_refuses_more_storage_in_a_deletable_account() {
    new_test_ext(one(GenesisAccount { storage: slots(MAX_DELETABLE_SLOTS + 1), ..account(5) }));
}

#[test]
fn genesis_account_round_trips_as_json() {
    let json = r#"{"nonce":1,"balance":"0x8","code":"0x6020","storage":{
        "0x0000000000000000000000000000000000000000000000000000000000000001":
        "0x0000000000000000000000000000000000000000000000000000000000000002"}}"#;
    let account: GenesisAccount = serde_json::from_str(json).unwrap();
    assert_eq!(account.code, vec![0x60, 0x20]);
    assert_eq!(account.storage[&word(1)], word(2));
    let again = serde_json::to_string(&account).unwrap();
    assert_eq!(serde_json::from_str::<GenesisAccount>(&again).unwrap(), account);
    assert!(serde_json::from_str::<GenesisAccount>(r#"{"balence":"0x8"}"#).is_err());
}
