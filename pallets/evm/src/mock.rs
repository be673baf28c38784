//! A runtime with nothing but this pallet, and transactions to run in it.

use crate::{self as pallet_evm, BlockHashes, CodeMissing, GenesisAccount};
use alloy_consensus::{Signed, TxLegacy};
use alloy_primitives::Signature;
use bzk_evm::{
    execute::{BlockEnvironment, ExecuteError, Outcome},
    primitives::{Address, Bytes, TxKind, B256, U256},
    tx::{RecoveredTx, TxEnvelope},
};
use frame_support::derive_impl;
use sp_core::{H160, H256};
use sp_runtime::BuildStorage;
use std::collections::BTreeMap;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Evm: pallet_evm,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

impl pallet_evm::Config for Test {
    type BlockHashes = RepeatedNumber;
    type WeightInfo = ();
}

/// Block `n` has the hash of 32 times the byte `n`.
pub struct RepeatedNumber;

impl BlockHashes for RepeatedNumber {
    fn block_hash(number: u64) -> H256 {
        H256::repeat_byte(number as u8)
    }
}

pub(crate) const ALICE: H160 = H160::repeat_byte(0xaa);
pub(crate) const BOB: H160 = H160::repeat_byte(0xbb);
pub(crate) const COINBASE: H160 = H160::repeat_byte(0xc0);
/// Runs [`STORE`] in the genesis of [`funded`].
pub(crate) const CONTRACT: H160 = H160::repeat_byte(0xcc);

/// Stores the second word of the call data in the slot that the first word names.
pub(crate) const STORE: [u8; 8] = [0x60, 0x20, 0x35, 0x60, 0x00, 0x35, 0x55, 0x00];

pub(crate) const ETHER: u128 = 1_000_000_000_000_000_000;

pub(crate) fn account(balance: u128) -> GenesisAccount {
    GenesisAccount { balance: balance.into(), ..Default::default() }
}

pub(crate) fn contract(code: &[u8]) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: code.to_vec(), ..Default::default() }
}

/// Alice and Bob with 1,000 ether each, and the contract.
pub(crate) fn funded() -> BTreeMap<H160, GenesisAccount> {
    BTreeMap::from([
        (ALICE, account(1_000 * ETHER)),
        (BOB, account(1_000 * ETHER)),
        (CONTRACT, contract(&STORE)),
    ])
}

/// The mock after genesis.
pub(crate) fn new_test_ext(accounts: BTreeMap<H160, GenesisAccount>) -> sp_io::TestExternalities {
    let genesis = RuntimeGenesisConfig {
        system: Default::default(),
        evm: pallet_evm::GenesisConfig { accounts, ..Default::default() },
    };
    genesis.build_storage().unwrap().into()
}

/// Runs `test` on `accounts`, then commits and checks every invariant.
pub(crate) fn run(accounts: BTreeMap<H160, GenesisAccount>, test: impl FnOnce()) {
    new_test_ext(accounts).execute_with(|| {
        Evm::check_state().unwrap();
        test();
        Evm::commit();
        Evm::check_state().unwrap();
    });
}

pub(crate) fn block() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: 1,
        number: 300,
        timestamp_s: 1_000,
        gas_limit: 30_000_000,
        base_fee: 0,
        coinbase: address(COINBASE),
        prev_randao: B256::ZERO,
    }
}

pub(crate) fn address(account: H160) -> Address {
    Address::from(account.0)
}

/// A legacy transaction of `sender` with its current nonce and a gas price of 1 wei.
pub(crate) fn tx(sender: H160, to: TxKind, value: u128, input: Vec<u8>) -> RecoveredTx {
    let tx = TxLegacy {
        chain_id: Some(1),
        nonce: Evm::account(sender).nonce,
        gas_price: 1,
        gas_limit: 1_000_000,
        to,
        value: U256::from(value),
        input: Bytes::from(input),
    };
    let signature = Signature::new(U256::from(1), U256::from(1), false);
    RecoveredTx {
        envelope: TxEnvelope::Legacy(Signed::new_unchecked(tx, signature, B256::ZERO)),
        hash: B256::ZERO,
        sender: address(sender),
    }
}

/// Changes a field of a transaction made by [`tx`].
pub(crate) fn edit(tx: &mut RecoveredTx, change: impl FnOnce(&mut TxLegacy)) {
    let TxEnvelope::Legacy(signed) = &mut tx.envelope else { unreachable!("tx makes legacy") };
    change(signed.tx_mut());
}

pub(crate) fn transact(tx: &RecoveredTx) -> Result<Outcome, ExecuteError<CodeMissing>> {
    Evm::transact(&block(), tx, u64::MAX).map(|(outcome, _)| outcome)
}

/// Sends `value` and `input` to `to`.
pub(crate) fn send(sender: H160, to: H160, value: u128, input: Vec<u8>) -> Outcome {
    transact(&tx(sender, TxKind::Call(address(to)), value, input)).unwrap()
}

/// Runs `init` as a creation and returns the address it went to.
pub(crate) fn create(sender: H160, value: u128, init: Vec<u8>) -> (H160, Outcome) {
    let nonce = Evm::account(sender).nonce;
    let outcome = transact(&tx(sender, TxKind::Create, value, init)).unwrap();
    (H160(address(sender).create(nonce).into_array()), outcome)
}

/// Call data of [`STORE`].
pub(crate) fn store(slot: u64, value: u64) -> Vec<u8> {
    [word(slot).0, word(value).0].concat()
}

pub(crate) fn word(value: u64) -> H256 {
    H256::from_low_u64_be(value)
}

/// Init code that deploys `code` of at most 255 bytes.
pub(crate) fn deploy(code: &[u8]) -> Vec<u8> {
    let length = u8::try_from(code.len()).unwrap();
    let mut init = vec![0x60, length, 0x60, 12, 0x60, 0, 0x39, 0x60, length, 0x60, 0, 0xf3];
    init.extend_from_slice(code);
    init
}
