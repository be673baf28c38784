//! A small state in memory for the tests of this folder.

use super::sandbox::Sandbox;
use alloy_primitives::{hex, Address, Bytes, U256};
use bzk_evm::execute::BlockEnvironment;
use revm::{
    bytecode::Bytecode,
    database::{CacheDB, EmptyDB},
    state::AccountInfo,
};

/// The state below the sandbox.
pub(crate) type State = CacheDB<EmptyDB>;

/// The chain's id.
pub(crate) const CHAIN_ID: u64 = bzk_core::CHAIN_ID;
/// Base fee of the block.
pub(crate) const BASE_FEE: u64 = 1_000_000_000;
/// Who calls.
pub(crate) const CALLER: Address = Address::repeat_byte(0xca);
/// Who is called.
pub(crate) const TARGET: Address = Address::repeat_byte(0x7a);
/// Another contract.
pub(crate) const OTHER: Address = Address::repeat_byte(0x07);

/// Code from its hex digits.
pub(crate) fn code(hex: &str) -> Bytes {
    hex::decode(hex).unwrap().into()
}

/// The block that calls run in.
pub(crate) fn block() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: CHAIN_ID,
        number: 100,
        timestamp_s: 1_000,
        gas_limit: 10_000_000,
        base_fee: BASE_FEE,
        coinbase: Address::repeat_byte(0xfe),
        prev_randao: Default::default(),
    }
}

/// A state that holds `contracts`.
pub(crate) fn state(contracts: impl IntoIterator<Item = (Address, Bytes)>) -> State {
    let mut state = CacheDB::new(EmptyDB::default());
    for (address, code) in contracts {
        let code = Bytecode::new_legacy(code);
        let info = AccountInfo {
            code_hash: code.hash_slow(),
            code: Some(code),
            nonce: 1,
            ..Default::default()
        };
        state.insert_account_info(address, info);
    }
    state
}

/// A sandbox for calls over a state that holds `contracts`.
pub(crate) fn sandbox(contracts: impl IntoIterator<Item = (Address, Bytes)>) -> Sandbox<State> {
    Sandbox::relaxed(state(contracts), block())
}

/// Gives `address` a balance.
pub(crate) fn fund(sandbox: &mut Sandbox<State>, address: Address, balance: U256) {
    let mut info = sandbox.db.load_account(address).unwrap().info.clone();
    info.balance = balance;
    sandbox.db.insert_account_info(address, info);
}

/// Call `to` with all gas and no data, then go on with `rest`; on failure of the call, revert.
pub(crate) fn calling(to: Address, rest: &str) -> Bytes {
    // PUSH0 x5, PUSH20 to, GAS, CALL, PUSH1 33, JUMPI, PUSH0, PUSH0, REVERT, JUMPDEST.
    let prefix = format!("5f5f5f5f5f73{}5af1", hex::encode(to));
    let jump = format!("60{:02x}575f5ffd5b", prefix.len() / 2 + 6);
    code(&format!("{prefix}{jump}{rest}"))
}
