//! Contract creation: sizes and collisions.

use super::*;
use crate::account::Account;
use revm::context_interface::result::HaltReason;
use sp_core::H256;

/// Init code that deploys `size` zero bytes.
fn deploying(size: u32) -> Vec<u8> {
    let mut code = Vec::from([op::PUSH4]);
    code.extend(size.to_be_bytes());
    code.extend([op::PUSH0, op::RETURN]);
    code
}

fn create(db: InMemoryDB, init_code: &[u8]) -> Outcome {
    let tx = TxEnv { gas_limit: 20_000_000, ..tx(TxKind::Create, init_code) };
    transact(db, &block(), tx, u64::MAX).unwrap()
}

fn created_by_sender() -> Address {
    SENDER.create(0)
}

/// An account with nothing but storage.
fn only_storage() -> AccountInfo {
    Account { storage_root: H256::repeat_byte(1), ..Default::default() }.info(None)
}

#[test]
fn code_of_32_kib_is_allowed_and_one_byte_more_is_not() {
    let outcome = create(database(&[]), &deploying(0x8000));
    assert!(outcome.result.is_success());
    assert_eq!(outcome.result.created_address(), Some(created_by_sender()));
    let outcome = create(database(&[]), &deploying(0x8001));
    assert!(matches!(
        outcome.result,
        ExecutionResult::Halt { reason: HaltReason::CreateContractSizeLimit, .. }
    ));
}

#[test]
fn creation_at_an_account_with_only_storage_fails_with_all_gas() {
    let mut db = database(&[]);
    db.insert_account_info(created_by_sender(), only_storage());
    let outcome = create(db, &deploying(1));
    assert!(matches!(
        outcome.result,
        ExecutionResult::Halt { reason: HaltReason::CreateCollision, .. }
    ));
    assert_eq!(outcome.result.tx_gas_used(), 20_000_000);
    assert_eq!(outcome.state[&SENDER].info.nonce, 1);
}

#[test]
fn creation_at_an_account_with_only_balance_keeps_the_balance() {
    let mut db = database(&[]);
    let rich = AccountInfo { balance: U256::from(9), ..Default::default() };
    db.insert_account_info(created_by_sender(), rich);
    let outcome = create(db, &deploying(1));
    assert!(outcome.result.is_success());
    assert_eq!(outcome.state[&created_by_sender()].info.balance, U256::from(9));
}

/// A contract that creates with an empty init code and returns the address.
fn factory(value: u8) -> Vec<u8> {
    returning(&[op::PUSH0, op::PUSH0, op::PUSH1, value, op::CREATE])
}

#[test]
fn inner_creation_over_storage_returns_zero_burns_its_gas_and_counts_the_nonce() {
    let created = CONTRACT.create(1);
    let mut db = database(&factory(0));
    db.insert_account_info(created, only_storage());
    let outcome = call(db);
    assert!(outcome.result.is_success());
    assert_eq!(output_word(&outcome), U256::ZERO);
    assert_eq!(outcome.state[&CONTRACT].info.nonce, 2);
    assert!(outcome.result.tx_gas_used() > 960_000, "63/64 of the gas are gone");

    let free = call(database(&factory(0)));
    assert_eq!(output_word(&free), U256::from_be_bytes(created.into_word().0));
    assert!(free.result.tx_gas_used() < 100_000);
}

#[test]
fn collision_is_not_reached_when_the_creator_cannot_pay() {
    let mut db = database(&factory(1));
    db.insert_account_info(CONTRACT.create(1), only_storage());
    let outcome = call(db);
    assert_eq!(output_word(&outcome), U256::ZERO);
    assert_eq!(outcome.state[&CONTRACT].info.nonce, 1);
    assert!(outcome.result.tx_gas_used() < 100_000);
}

#[test]
fn collided_address_is_warm_afterwards() {
    let created = CONTRACT.create(1);
    let mut code = Vec::from([op::PUSH0, op::PUSH0, op::PUSH0, op::CREATE, op::GAS, op::PUSH20]);
    code.extend(created.0);
    code.extend([op::BALANCE, op::POP, op::GAS, op::SWAP1, op::SUB]);
    let mut db = database(&returning(&code));
    db.insert_account_info(created, only_storage());
    // GAS, PUSH20, a warm BALANCE, POP, GAS.
    assert_eq!(output_word(&call(db)), U256::from(2 + 3 + 100 + 2));
}
