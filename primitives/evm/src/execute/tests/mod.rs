//! Shared set-up: contracts in memory and a rich sender.

mod creation;
mod metering;
mod opcodes;

use super::*;
use crate::{
    primitives::{Bytes, TxKind},
    profile,
};
use alloc::vec::Vec;
use revm::{
    bytecode::opcode as op,
    database::InMemoryDB,
    state::{AccountInfo, Bytecode},
};

const SENDER: Address = Address::repeat_byte(0x5e);
const CONTRACT: Address = Address::repeat_byte(0xc0);

fn block() -> BlockEnvironment {
    BlockEnvironment {
        chain_id: bzk_core::CHAIN_ID,
        number: 7,
        timestamp_s: 1_700_000_000,
        gas_limit: 30_000_000,
        base_fee: 7,
        coinbase: Address::repeat_byte(0xfe),
        prev_randao: B256::repeat_byte(9),
    }
}

/// A database that holds the sender and `code` at [`CONTRACT`].
fn database(code: &[u8]) -> InMemoryDB {
    let mut db = InMemoryDB::default();
    let balance = U256::from(10).pow(U256::from(20));
    db.insert_account_info(SENDER, AccountInfo { balance, ..Default::default() });
    set_code(&mut db, CONTRACT, code);
    db
}

fn set_code(db: &mut InMemoryDB, address: Address, code: &[u8]) {
    let code = Bytecode::new_legacy(Bytes::copy_from_slice(code));
    let info = AccountInfo { nonce: 1, ..Default::default() }.with_code(code);
    db.insert_account_info(address, info);
}

fn tx(kind: TxKind, data: &[u8]) -> TxEnv {
    TxEnv {
        caller: SENDER,
        kind,
        data: Bytes::copy_from_slice(data),
        gas_limit: 1_000_000,
        gas_price: 10,
        chain_id: Some(bzk_core::CHAIN_ID),
        ..Default::default()
    }
}

/// Runs `tx` by the rules for blocks.
fn transact<DB: Database>(
    db: DB,
    block: &BlockEnvironment,
    tx: TxEnv,
    max_cycles: u64,
) -> Result<Outcome, ExecuteError<DB::Error>> {
    super::transact(db, block, profile::cfg(block.chain_id), tx, max_cycles)
}

fn call(db: InMemoryDB) -> Outcome {
    transact(db, &block(), tx(TxKind::Call(CONTRACT), &[]), u64::MAX).unwrap()
}

/// Runs `code` as a contract.
fn run(code: &[u8]) -> Outcome {
    call(database(code))
}

/// Code that returns the word on top of the stack.
const RETURN_TOP: [u8; 8] = [op::PUSH1, 0, op::MSTORE, op::PUSH1, 32, op::PUSH1, 0, op::RETURN];

fn returning(code: &[u8]) -> Vec<u8> {
    [code, &RETURN_TOP].concat()
}

fn output_word(outcome: &Outcome) -> U256 {
    U256::from_be_slice(outcome.result.output().unwrap())
}

/// Code that calls `target` with `gas` and no input, and leaves the success flag on the stack.
fn calling(opcode: u8, target: Address, gas: u32) -> Vec<u8> {
    let mut code = [op::PUSH0].repeat(4);
    if matches!(opcode, op::CALL | op::CALLCODE) {
        code.push(op::PUSH0);
    }
    code.push(op::PUSH20);
    code.extend(target.0);
    code.push(op::PUSH4);
    code.extend(gas.to_be_bytes());
    code.push(opcode);
    code
}
