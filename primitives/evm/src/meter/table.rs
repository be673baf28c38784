//! Cycles of the prover's kernel, measured. Written by `scripts/meter.sh`; do not edit.
//!
//! Each is the dearest of its cases (`node/witness/src/bin/bzk-cases/cost.rs`; the one that is named), a
//! sixteenth more, rounded up to two digits. Instructions that push operands and pop results are in it.

use revm::bytecode::opcode as op;

/// A routine of the kernel, beside what depends on its operands; 0 for what is none.
pub(super) const fn routine(opcode: u8) -> u64 {
    match opcode {
        op::SDIV => 60,            // 56 (negative)
        op::SMOD => 51,            // 48 (negative)
        op::EXP => 56,             // 52 (exponent 0)
        op::SIGNEXTEND => 74,      // 69 (of none)
        op::SLT => 36,             // 33
        op::SGT => 38,             // 35
        op::SAR => 51,             // 48 (of all bits)
        op::KECCAK256 => 73,       // 68 (a byte)
        op::ADDRESS => 24,         // 22
        op::BALANCE => 190,        // 173 (warm)
        op::ORIGIN => 22,          // 20
        op::CALLER => 24,          // 22
        op::CALLVALUE => 24,       // 22
        op::CALLDATALOAD => 39,    // 36
        op::CALLDATASIZE => 24,    // 22
        op::CALLDATACOPY => 150,   // 140 (a byte)
        op::CODESIZE => 24,        // 22
        op::CODECOPY => 220,       // 207 (over the end)
        op::GASPRICE => 22,        // 20
        op::EXTCODESIZE => 250,    // 228 (warm)
        op::EXTCODECOPY => 450,    // 417 (over the end)
        op::RETURNDATASIZE => 24,  // 22
        op::RETURNDATACOPY => 170, // 156 (a byte)
        op::EXTCODEHASH => 390,    // 366 (warm)
        op::BLOCKHASH => 57,       // 53 (of the parent)
        op::COINBASE => 22,        // 20
        op::TIMESTAMP => 22,       // 20
        op::NUMBER => 22,          // 20
        op::DIFFICULTY => 22,      // 20
        op::GASLIMIT => 22,        // 20
        op::CHAINID => 22,         // 20
        op::SELFBALANCE => 130,    // 122
        op::BASEFEE => 22,         // 20
        op::MLOAD => 120,          // 111 (of new memory)
        op::MSTORE => 120,         // 110 (of new memory)
        op::MSTORE8 => 130,        // 113 (of new memory)
        op::SLOAD => 250,          // 227 (warm)
        op::SSTORE => 740,         // 692 (warm, another each time, reverted)
        op::MSIZE => 26,           // 24
        op::GAS => 28,             // 26
        op::TLOAD => 79,           // 74 (of one slot)
        op::TSTORE => 340,         // 315 (reverted)
        op::MCOPY => 240,          // 222 (overlapping)
        op::LOG0 => 730,           // 686 (nothing)
        op::LOG1 => 1_100,         // 987 (nothing)
        op::LOG2 => 1_400,         // 1_291 (nothing)
        op::LOG3 => 1_700,         // 1_518 (nothing)
        op::LOG4 => 1_900,         // 1_749 (nothing)
        op::RETURN => 47,          // 44
        op::REVERT => 390,         // 360
        op::SELFDESTRUCT => 820,   // 771 (that only pays)
        _ => 0,
    }
}

/// Measured: 3_641 (no rounds).
pub(super) const BLAKE2F: u64 = 3_900;

/// Measured: 1_369.
pub(super) const BLAKE2F_ROUND: u64 = 1_500;

/// Measured: 2_242 (CALL with value, reverts).
pub(super) const CALL: u64 = 2_400;

/// Measured: 23 (zeros).
pub(super) const CALLDATA_BYTE: u64 = 24;

/// Measured: 5_867 (CALL with value of nobody).
pub(super) const COLD_ACCOUNT: u64 = 6_300;

/// Measured: 2_326 (SSTORE of a new one).
pub(super) const COLD_SLOT: u64 = 2_500;

/// Measured: 21 (CALLDATACOPY).
pub(super) const COPIED_WORD: u64 = 23;

/// Measured: 7_710 (CREATE2 of nothing).
pub(super) const CREATED_ACCOUNT: u64 = 8_200;

/// Measured: 266 (double).
pub(super) const ECADD: u64 = 290;

/// Measured: 21_318 (by 2^256 - 1).
pub(super) const ECMUL: u64 = 23_000;

/// Measured: 27_542 (s of the order less 1).
pub(super) const ECRECOVER: u64 = 30_000;

/// Measured: 224.
pub(super) const EXPONENT_BYTE: u64 = 240;

/// Measured: 0 (a byte).
pub(super) const IDENTITY: u64 = 1;

/// Measured: 92.
pub(super) const JUMP_PROOF: u64 = 98;

/// Measured: 2_121.
pub(super) const LISTED_ACCOUNT: u64 = 2_300;

/// Measured: 603.
pub(super) const LISTED_SLOT: u64 = 650;

/// Measured: 49 (few).
pub(super) const LOG_BYTE: u64 = 52;

/// Measured: 1_820 (a limb, exponent 0).
pub(super) const MODEXP: u64 = 2_000;

/// Measured: 0 (exponent 0).
pub(super) const MODEXP_LIMB: u64 = 1;

/// Measured: 217 (2 limbs).
pub(super) const MODEXP_PAIR: u64 = 240;

/// Measured: 653.
pub(super) const MODEXP_PRODUCT: u64 = 700;

/// Measured: 37.
pub(super) const MOVED_WORD: u64 = 40;

/// Measured: 449_608 (the first).
pub(super) const PAIR: u64 = 480_000;

/// Measured: 361_373 (no pair).
pub(super) const PAIRING: u64 = 390_000;

/// Measured: 22_952 (nothing).
pub(super) const RIPEMD160: u64 = 25_000;

/// Measured: 20_672.
pub(super) const RIPEMD160_BLOCK: u64 = 22_000;

/// Measured: 15_180 (nothing).
pub(super) const SHA256: u64 = 17_000;

/// Measured: 14_850.
pub(super) const SHA256_BLOCK: u64 = 16_000;

/// Measured: 30.
pub(super) const TOUCHED_ADDRESS: u64 = 32;

/// Measured: 38_101 (legacy).
pub(super) const TRANSACTION: u64 = 41_000;

/// Measured: 53.
pub(super) const TRANSIENT_SLOT: u64 = 57;

/// Measured: 33.
pub(super) const WALKED_INSTRUCTION: u64 = 36;
