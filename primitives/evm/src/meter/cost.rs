//! Cycles of the prover's kernel, estimated.
//!
//! `table` holds what was measured on the kernel; here stand the shapes that its numbers go into, and what they cannot
//! tell. Work that costs no CPU cycle but rows of other tables is put in as cycles at the ratio of the tables' widths: a
//! permutation of keccak-f is 24 rows of about 2,500 columns against about 150 for a cycle with its
//! memory rows, so 400 cycles per 136 bytes hashed, 3 per byte, 4 with the memory rows.
//! *Counted* numbers come from reading the kernel's assembly (evm_arithmetization 0.5), rounded up.

use super::{memory::MAX_HASHED_BYTES, modexp, table};
use crate::primitives::{Address, U256};
use revm::{bytecode::opcode as op, context::TxEnv};

/// A byte through KECCAK_GENERAL (see above).
const HASHED_BYTE: u64 = 4;

/// The permutation that a hash begins with, however short it is.
const PERMUTATION: u64 = 400;

/// 64 bytes of memory rows.
const WORD_ROWS: u64 = 11;

/// A word through `memcpy_bytes`.
const COPIED_WORD: u64 = table::COPIED_WORD + WORD_ROWS;

/// A word through `memcpy_bytes_backwards`.
const MOVED_WORD: u64 = table::MOVED_WORD + WORD_ROWS;

/// A branch node of a trie, encoded and hashed. Counted: 16 children at 45, 532 bytes hashed.
const BRANCH: u64 = 2_400;

/// Branches on the way to an account or slot that no other one of the block shares. An assumption:
/// a state of a million accounts is five branches deep, and a block's accounts meet near the root.
const UNSHARED_BRANCHES: u64 = 2;

/// The way to an account or slot, hashed in the tries before and after the block.
const PATH: u64 = 2 * UNSHARED_BRANCHES * BRANCH;

/// First access of a transaction to an account: its path, its leaf, the lists that it enters.
pub const COLD_ACCOUNT: u64 = PATH + 2_400;

/// First access of a transaction to a storage slot.
pub const COLD_SLOT: u64 = PATH + 1_400;

/// A contract's new account, beside its code.
pub const CREATED_ACCOUNT: u64 = COLD_ACCOUNT + BRANCH;

/// A transaction without calldata. Measured in a state so small that paths cost little; so two of them are added.
pub const TRANSACTION: u64 = table::TRANSACTION + 2 * PATH;

/// A byte of calldata. It is decoded byte by byte, and hashed twice: in the transaction's hash and its trie.
const CALLDATA_BYTE: u64 = table::CALLDATA_BYTE + 2 * HASHED_BYTE;

/// An entry of the access list: 21 or 33 bytes of calldata, and the access.
const LISTED_ACCOUNT: u64 = 21 * CALLDATA_BYTE + COLD_ACCOUNT;
const LISTED_SLOT: u64 = 33 * CALLDATA_BYTE + COLD_SLOT;

/// A creation beside its code: the address (a hash), a context, the checkpoints. Counted.
const CREATE: u64 = 1_500;

// What depends on the state is not measured where it is dearest, but must not be below what was.
const _: () = assert!(
    COLD_ACCOUNT >= table::COLD_ACCOUNT
        && COLD_SLOT >= table::COLD_SLOT
        && CREATE + CREATED_ACCOUNT >= table::CREATED_ACCOUNT
        && LISTED_ACCOUNT >= table::LISTED_ACCOUNT
        && LISTED_SLOT >= table::LISTED_SLOT
);

/// The proof of a destination in code from a compiler: a walk of about 24 instructions.
pub const USUAL_JUMP_PROOF: u64 = jump_proof(24);

/// A byte of a log: copied to the log's segment and into the receipt one by one, then hashed.
const LOG_BYTE: u64 = table::LOG_BYTE + HASHED_BYTE;

/// A byte of an exponent: eight levels of recursion, with seven rows of the arithmetic table.
const EXPONENT_BYTE: u64 = table::EXPONENT_BYTE + 8 * 7;

/// What `opcode` costs each time it runs, beside what depends on its operands.
pub const fn opcode(opcode: u8) -> u64 {
    match opcode {
        // One cycle each, and a row of the arithmetic table.
        op::ADD..=op::DIV | op::MOD | op::ADDMOD | op::MULMOD => 2,
        op::LT | op::GT | op::BYTE | op::SHL | op::SHR => 2,
        // One cycle each, and a row of memory per byte of data.
        op::PUSH1..=op::PUSH16 => 2,
        op::PUSH17..=op::PUSH32 => 4,
        // One cycle each.
        op::EQ..=op::NOT | op::POP | op::JUMP | op::JUMPI | op::PC | op::JUMPDEST => 1,
        op::PUSH0 | op::DUP1..=op::DUP16 | op::SWAP1..=op::SWAP16 => 1,
        // They end a frame, whose price has it.
        op::STOP | op::INVALID => 1,
        // Their cost is that of the frame they open: `call` and `create`.
        op::CALL | op::CALLCODE | op::DELEGATECALL | op::STATICCALL | op::CREATE | op::CREATE2 => 0,
        op::KECCAK256 => table::routine(opcode).saturating_add(PERMUTATION),
        // The bloom filter takes a hash of the address and of each topic.
        op::LOG0..=op::LOG4 => {
            let hashes = (opcode.saturating_sub(op::LOG0) as u64).saturating_add(1);
            table::routine(opcode).saturating_add(hashes.saturating_mul(PERMUTATION))
        }
        _ => table::routine(opcode),
    }
}

/// Position on the stack, from the top, of the operand that says how much work an opcode is.
pub(crate) const fn size_operand(opcode: u8) -> usize {
    match opcode {
        op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY | op::MCOPY => 2,
        op::EXTCODECOPY => 3,
        // KECCAK256 and the logs: offset, length. EXP: base, exponent.
        _ => 1,
    }
}

/// What the operand of `size_operand` adds to `opcode`.
pub(crate) fn sized(opcode: u8, operand: U256) -> u64 {
    let size = u64::try_from(operand).unwrap_or(u64::MAX);
    match opcode {
        op::EXP => (operand.byte_len() as u64).saturating_mul(EXPONENT_BYTE),
        // No segment holds a longer one.
        op::KECCAK256 if size > MAX_HASHED_BYTES => u64::MAX,
        op::KECCAK256 => size.saturating_mul(HASHED_BYTE),
        op::LOG0..=op::LOG4 => size.saturating_mul(LOG_BYTE),
        op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY | op::EXTCODECOPY => copied(size),
        // Where source and destination overlap, backwards.
        op::MCOPY => size.div_ceil(32).saturating_mul(MOVED_WORD),
        _ => 0,
    }
}

fn copied(bytes: u64) -> u64 {
    bytes.div_ceil(32).saturating_mul(COPIED_WORD)
}

/// Loading the code of an account: all of it is hashed, each time.
pub(crate) fn code_load(bytes: u64) -> u64 {
    bytes.saturating_mul(HASHED_BYTE)
}

/// Searching a list of accounts: SELFDESTRUCT looks for its own among those that the transaction created.
pub(crate) fn searched(accounts: u64) -> u64 {
    accounts.saturating_mul(table::TOUCHED_ADDRESS)
}

/// Searching the transient storage, slot by slot.
pub(crate) fn transient(slots: u64) -> u64 {
    slots.saturating_mul(table::TRANSIENT_SLOT)
}

/// Proving a jump destination by a walk of `steps` instructions.
pub(crate) const fn jump_proof(steps: u64) -> u64 {
    table::JUMP_PROOF.saturating_add(steps.saturating_mul(table::WALKED_INSTRUCTION))
}

/// What a transaction costs before any code runs.
pub fn transaction(tx: &TxEnv) -> u64 {
    let calldata = (tx.data.len() as u64).saturating_mul(CALLDATA_BYTE);
    let keys: u64 = tx.access_list.iter().map(|item| item.storage_keys.len() as u64).sum();
    TRANSACTION
        .saturating_add(calldata)
        .saturating_add((tx.access_list.len() as u64).saturating_mul(LISTED_ACCOUNT))
        .saturating_add(keys.saturating_mul(LISTED_SLOT))
}

/// Opening and closing the frame of a call: a context, the checkpoints, what a revert undoes; arguments copied, code
/// loaded, target looked up among the addresses that the transaction has touched.
pub(crate) fn call(arguments: u64, code: u64, touched: u64) -> u64 {
    table::CALL
        .saturating_add(copied(arguments))
        .saturating_add(code_load(code))
        .saturating_add(searched(touched))
}

/// Opening the frame of a creation: init code copied, and hashed by CREATE2.
pub(crate) fn create(init_code: u64, touched: u64) -> u64 {
    CREATE
        .saturating_add(CREATED_ACCOUNT)
        .saturating_add(copied(init_code))
        .saturating_add(code_load(init_code))
        .saturating_add(searched(touched))
}

/// Closing a frame: the output is copied to the caller's return data, and from there to memory.
pub(crate) fn returned(bytes: u64) -> u64 {
    copied(bytes).saturating_mul(2)
}

/// Keeping the output of a creation as code: copied and hashed.
pub(crate) fn deposit(bytes: u64) -> u64 {
    copied(bytes).saturating_add(code_load(bytes))
}

/// A precompiled contract that ran on `input`, beside the call itself. A failed one costs what it
/// would have cost to succeed: most inputs fail late. BLAKE2F fails before its first round.
pub fn precompile(address: &Address, input: &[u8]) -> u64 {
    let bytes = input.len() as u64;
    match address.0 .0 {
        [.., 0x01] => table::ECRECOVER,
        // The first block, with the padding, is in the price of none.
        [.., 0x02] => {
            further_blocks(bytes).saturating_mul(table::SHA256_BLOCK).saturating_add(table::SHA256)
        }
        [.., 0x03] => further_blocks(bytes)
            .saturating_mul(table::RIPEMD160_BLOCK)
            .saturating_add(table::RIPEMD160),
        [.., 0x04] => copied(bytes).saturating_add(table::IDENTITY),
        // Measured where all bits of the operands are set: up to 1.63 times as much as elsewhere.
        [.., 0x05] => {
            let modexp::Work { products, limbs } = modexp::work(input);
            let product = limbs
                .saturating_mul(limbs)
                .saturating_sub(1)
                .saturating_mul(table::MODEXP_PAIR)
                .saturating_add(table::MODEXP_PRODUCT);
            products
                .saturating_mul(product)
                .saturating_add(limbs.saturating_mul(table::MODEXP_LIMB))
                .saturating_add(table::MODEXP)
        }
        [.., 0x06] => table::ECADD,
        [.., 0x07] => table::ECMUL,
        [.., 0x08] => (bytes / 192).saturating_mul(table::PAIR).saturating_add(table::PAIRING),
        [.., 0x09] => blake2f_rounds(input)
            .saturating_mul(table::BLAKE2F_ROUND)
            .saturating_add(table::BLAKE2F),
        _ => 0,
    }
}

/// Rounds that BLAKE2F runs (EIP-152): the first four of its 213 bytes. The kernel looks at the length
/// and at the last byte, which is 0 or 1, before it takes the gas for the rounds.
fn blake2f_rounds(input: &[u8]) -> u64 {
    match <&[u8; 213]>::try_from(input) {
        Ok([a, b, c, d, .., 0 | 1]) => u32::from_be_bytes([*a, *b, *c, *d]).into(),
        _ => 0,
    }
}

/// Whether there is a proof of a precompiled contract that is asked for `input`, be it with too little gas.
pub fn is_provable(address: &Address, input: &[u8]) -> bool {
    match address.0 .0 {
        [.., 0x05] => !modexp::is_too_long(input),
        _ => true,
    }
}

/// Blocks of 64 bytes beyond the first that SHA-256 and RIPEMD-160 compress for a message of `bytes`. The padding takes
/// nine bytes or more.
fn further_blocks(bytes: u64) -> u64 {
    bytes.saturating_add(8) / 64
}
