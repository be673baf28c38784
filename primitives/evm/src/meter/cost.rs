//! Cycles of the prover's kernel, estimated.
//!
//! A first table. *Measured* numbers are those of research/zkevm.md (whole blocks through
//! `simulate_execution`, marginal values). *Counted* ones come from reading the kernel's assembly
//! (evm_arithmetization 0.5): instructions on the path, loops times their length. Work that costs
//! no CPU cycle but rows of other tables is put in as cycles at the ratio of the tables' widths: a
//! permutation of keccak-f is 24 rows of about 2,500 columns against about 150 for a cycle with its
//! memory rows, so 400 cycles per 136 bytes hashed, 3 per byte, 4 with the memory rows.
//! Counted numbers are rounded up. The prover's tests calibrate the table.

use super::{memory::MAX_HASHED_BYTES, modexp};
use crate::primitives::{Address, U256};
use revm::{bytecode::opcode as op, context::TxEnv};

/// A byte through KECCAK_GENERAL (see above).
const HASHED_BYTE: u64 = 4;

/// A word through `memcpy_bytes`. Counted: 25 instructions, and 64 bytes of memory rows.
const COPIED_WORD: u64 = 36;

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

/// A transaction without calldata. Measured: 37,000 for a transfer to a new account, in a state so
/// small that paths cost nothing; so two of them are added.
pub const TRANSACTION: u64 = 37_000 + 2 * PATH;

/// A byte of calldata. Measured: 22 (it is decoded byte by byte); and hashed twice, in the
/// transaction's hash and its trie.
const CALLDATA_BYTE: u64 = 22 + 2 * HASHED_BYTE;

/// An entry of the access list: 21 or 33 bytes of calldata, and the access.
const LISTED_ACCOUNT: u64 = 21 * CALLDATA_BYTE + COLD_ACCOUNT;
const LISTED_SLOT: u64 = 33 * CALLDATA_BYTE + COLD_SLOT;

/// A call beside its arguments and code: a context, the checkpoints, the account lists. Counted.
const CALL: u64 = 900;

/// A creation beside its code: the address (a hash), a context, the checkpoints. Counted.
const CREATE: u64 = 1_500;

/// Each call compares its target with the touched addresses one by one. Counted.
const TOUCHED_ADDRESS: u64 = 18;

/// TLOAD and TSTORE compare with each written slot, in three steps. Counted.
const TRANSIENT_SLOT: u64 = 52;

/// An instruction on the walk that proves a jump destination, and the proof around it. Counted.
const WALKED_INSTRUCTION: u64 = 26;
const JUMP_PROOF: u64 = 70;

/// The proof of a destination in code from a compiler: a walk of about 24 instructions.
pub const USUAL_JUMP_PROOF: u64 = jump_proof(24);

/// A log: its RLP header, address and entry in the bloom filter. Measured with the next two:
/// 45,300 for 1 KB and four topics.
const LOG: u64 = 1_500;
/// A topic of a log.
const LOG_TOPIC: u64 = 800;
/// A byte of a log: copied to the log's segment and into the receipt one by one, then hashed. Measured:
/// 46,587 for 1 KB and four topics.
const LOG_BYTE: u64 = 46 + HASHED_BYTE;

/// A byte of an exponent. Counted: eight levels of recursion at 38.
const EXPONENT_BYTE: u64 = 310;

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
        // Routines of the kernel, counted. Entering, charging gas and leaving take 30.
        op::SDIV | op::SMOD | op::SIGNEXTEND | op::SLT | op::SGT | op::SAR | op::EXP => 60,
        op::KECCAK256 => 100,
        op::MLOAD | op::MSTORE | op::MSTORE8 => 90,
        op::CALLDATALOAD => 50,
        op::CALLDATACOPY | op::CODECOPY | op::RETURNDATACOPY | op::MCOPY => 130,
        op::BALANCE | op::EXTCODESIZE => 250,
        // Measured: 364.
        op::EXTCODEHASH => 400,
        op::EXTCODECOPY => 380,
        op::BLOCKHASH | op::SELFBALANCE => 120,
        op::SLOAD => 300,
        op::SSTORE => 500,
        op::TLOAD => 120,
        op::TSTORE => 220,
        op::LOG0 => LOG,
        op::LOG1 => LOG + LOG_TOPIC,
        op::LOG2 => LOG + 2 * LOG_TOPIC,
        op::LOG3 => LOG + 3 * LOG_TOPIC,
        op::LOG4 => LOG + 4 * LOG_TOPIC,
        op::STOP | op::RETURN | op::REVERT | op::INVALID => 150,
        op::SELFDESTRUCT => 1_200,
        // Their cost is that of the frame they open: `call` and `create`.
        op::CALL | op::CALLCODE | op::DELEGATECALL | op::STATICCALL | op::CREATE | op::CREATE2 => 0,
        // What is left reads one word of the block, the transaction or the frame.
        _ => 40,
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
        // Where source and destination overlap, through a buffer.
        op::MCOPY => copied(size).saturating_mul(2),
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

/// Searching the transient storage.
pub(crate) fn transient(slots: u64) -> u64 {
    slots.saturating_mul(TRANSIENT_SLOT)
}

/// Proving a jump destination by a walk of `steps` instructions.
pub(crate) const fn jump_proof(steps: u64) -> u64 {
    JUMP_PROOF.saturating_add(steps.saturating_mul(WALKED_INSTRUCTION))
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

/// Opening the frame of a call: arguments copied, code loaded, target looked up among the
/// addresses that the transaction has touched.
pub(crate) fn call(arguments: u64, code: u64, touched: u64) -> u64 {
    CALL.saturating_add(copied(arguments))
        .saturating_add(code_load(code))
        .saturating_add(touched.saturating_mul(TOUCHED_ADDRESS))
}

/// Opening the frame of a creation: init code copied, and hashed by CREATE2.
pub(crate) fn create(init_code: u64, touched: u64) -> u64 {
    CREATE
        .saturating_add(CREATED_ACCOUNT)
        .saturating_add(copied(init_code))
        .saturating_add(code_load(init_code))
        .saturating_add(touched.saturating_mul(TOUCHED_ADDRESS))
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
/// would have cost to succeed: most inputs fail late.
pub fn precompile(address: &Address, input: &[u8]) -> u64 {
    let bytes = input.len() as u64;
    match address.0 .0 {
        // Counted: 129 steps of the double multiplication at 200, and the table before it.
        [.., 0x01] => 30_000,
        // Measured: 16,200 per block of 64 bytes; the padding takes 9 bytes or more.
        [.., 0x02] => padded_blocks(bytes).saturating_mul(16_300).saturating_add(500),
        // Measured: 44,000 for two blocks.
        [.., 0x03] => padded_blocks(bytes).saturating_mul(22_500).saturating_add(500),
        [.., 0x04] => copied(bytes).saturating_add(200),
        // Measured: 425,000 for 512 products of two limbs, and up to 1.63 times as much where all bits of
        // the operands are set; so twice what was counted, 114 per pair of limbs.
        [.., 0x05] => {
            let modexp::Work { products, limbs } = modexp::work(input);
            let product = limbs
                .saturating_mul(limbs)
                .saturating_mul(230)
                .saturating_add(limbs.saturating_mul(280))
                .saturating_add(260);
            products
                .saturating_mul(product)
                .saturating_add(limbs.saturating_mul(250))
                .saturating_add(2_000)
        }
        // Counted: one inversion by the prover, a dozen field operations, the checks.
        [.., 0x06] => 1_500,
        // Counted: 129 steps at 120, and the tables.
        [.., 0x07] => 20_000,
        // Measured: 357,000 without pairs. Counted: 254 steps of the Miller loop at 1,000 and the
        // subgroup check at 20,000.
        [.., 0x08] => (bytes / 192).saturating_mul(320_000).saturating_add(360_000),
        // Measured: 9,400, and 1,330 per round.
        [.., 0x09] => {
            let rounds =
                input.first_chunk::<4>().map_or(0, |rounds| u64::from(u32::from_be_bytes(*rounds)));
            rounds.saturating_mul(1_335).saturating_add(9_500)
        }
        _ => 0,
    }
}

/// Blocks of 64 bytes that SHA-256 and RIPEMD-160 compress for a message of `bytes`.
fn padded_blocks(bytes: u64) -> u64 {
    bytes.saturating_add(9).div_ceil(64)
}
