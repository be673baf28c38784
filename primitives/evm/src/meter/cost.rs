//! Cycles of the prover's kernel, estimated.
use crate::primitives::Address;
use revm::{bytecode::opcode as op, context::TxEnv, primitives::U256};

/// First access of a transaction to an account.
pub const COLD_ACCOUNT: u64 = 10_000;
/// First access of a transaction to a storage slot.
pub const COLD_SLOT: u64 = 6_000;

pub(crate) const fn opcode(opcode: u8) -> u64 {
    let _ = opcode;
    1
}
pub(crate) const fn size_operand(opcode: u8) -> usize {
    match opcode {
        op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY | op::MCOPY => 2,
        op::EXTCODECOPY => 3,
        _ => 1,
    }
}
pub(crate) fn sized<const OP: u8>(operand: U256) -> u64 {
    let _ = operand;
    0
}
pub(crate) fn precompile(address: &Address, gas: Option<u64>) -> u64 {
    let _ = (address, gas);
    0
}
pub(crate) fn code_load(bytes: u64) -> u64 {
    bytes
}
pub(crate) fn transaction(tx: &TxEnv) -> u64 {
    let _ = tx;
    37_000
}
pub(crate) fn call(input: u64, code: u64) -> u64 {
    input.saturating_add(code)
}
pub(crate) fn create(code: u64) -> u64 {
    code
}
pub(crate) fn returned(bytes: u64) -> u64 {
    bytes
}
pub(crate) fn deposit(bytes: u64) -> u64 {
    bytes
}
