//! Blocks made by one node execute on another and do what their transactions say.

use crate::chain::{signed, transfer, Chain, EvmKey};
use bitcoinzk_runtime::{
    genesis::presets::DEV_EVM_ACCOUNTS, units::ZYRA, Balances, Executive, RuntimeCall,
    UncheckedExtrinsic, EVM,
};
use sp_core::{H160, U256};
use sp_genesis_builder::{DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring::{Alice, Bob};
use sp_runtime::{
    traits::Block as _,
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
};

/// A new account that no genesis funds.
const STRANGER: H160 = H160([0x77; 20]);

fn zyra_transfer(chain: &mut Chain, nonce: u32, amount: u128) -> UncheckedExtrinsic {
    let dest = Bob.to_account_id().into();
    let call = pallet_balances::Call::transfer_keep_alive { dest, value: amount };
    chain.query(|| signed(Alice, nonce, RuntimeCall::Balances(call)))
}

#[test]
fn a_zyra_transfer_executes_the_same_on_another_node() {
    let mut author = Chain::new(DEV_RUNTIME_PRESET);
    let mut follower = Chain::new(DEV_RUNTIME_PRESET);
    let before = author.query(|| Balances::free_balance(Bob.to_account_id()));

    let extrinsic = zyra_transfer(&mut author, 0, 5 * ZYRA);
    let made = author.make(vec![extrinsic]);
    assert_eq!(made.results, vec![Ok(Ok(()))]);
    follower.import(made.block);

    let after = follower.query(|| Balances::free_balance(Bob.to_account_id()));
    assert_eq!(after, before + 5 * ZYRA);
}

#[test]
fn an_ethereum_transfer_moves_bitcoin_and_closes_an_ethereum_block() {
    let mut author = Chain::new(DEV_RUNTIME_PRESET);
    let mut follower = Chain::new(DEV_RUNTIME_PRESET);
    let zyra = author.query(Balances::total_issuance);

    let made = author.make(vec![EvmKey::funded().sign(transfer(0, STRANGER, 1_000))]);
    assert_eq!(made.results, vec![Ok(Ok(()))]);
    assert!(made.closes_ethereum_block());
    follower.import(made.block);

    follower.query(|| {
        assert_eq!(EVM::account(STRANGER).balance, U256::from(1_000));
        assert_eq!(EVM::account(DEV_EVM_ACCOUNTS[0]).nonce, 1);
        assert_eq!(Balances::total_issuance(), zyra, "gas is paid in BTC alone");
        EVM::check_state().expect("trie and flat state agree");
    });
}

#[test]
fn ethereum_blocks_come_with_transactions_only_between_heartbeats() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    // The clock of genesis stands at 1970, so the first block is a heartbeat.
    assert!(chain.make(vec![]).closes_ethereum_block());
    assert!(!chain.make(vec![]).closes_ethereum_block());
    let payment = EvmKey::funded().sign(transfer(0, STRANGER, 1));
    assert!(chain.make(vec![payment]).closes_ethereum_block());
    assert!(!chain.make(vec![]).closes_ethereum_block());
}

#[test]
fn a_transaction_that_cannot_pay_stays_out_of_the_block() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let made = chain.make(vec![EvmKey::funded().sign(transfer(0, STRANGER, u128::MAX))]);
    let unpaid = TransactionValidityError::Invalid(InvalidTransaction::Payment);
    assert_eq!(made.results, vec![Err(unpaid)]);
    assert_eq!(made.block.extrinsics().len(), 1, "only the timestamp");
}

#[test]
fn the_pool_takes_both_kinds_of_transactions() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let zyra = zyra_transfer(&mut chain, 0, ZYRA);
    let bitcoin = EvmKey::funded().sign(transfer(0, STRANGER, 1));
    for extrinsic in [zyra, bitcoin] {
        let at = chain.head_hash();
        chain.query(|| {
            Executive::validate_transaction(TransactionSource::External, extrinsic, at).unwrap()
        });
    }
}

#[test]
#[should_panic]
fn attack_block_with_a_swapped_transaction_is_refused() {
    let mut author = Chain::new(DEV_RUNTIME_PRESET);
    let mut follower = Chain::new(DEV_RUNTIME_PRESET);
    let made = author.make(vec![EvmKey::funded().sign(transfer(0, STRANGER, 1_000))]);
    let (header, mut extrinsics) = made.block.deconstruct();
    extrinsics[1] = EvmKey::funded().sign(transfer(0, STRANGER, 1_001));
    follower.import(sp_runtime::generic::Block::new(header, extrinsics));
}
