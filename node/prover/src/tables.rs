//! Sizes of the zkEVM's tables that our circuits take. Another set makes other circuits: `scripts/prove.sh` names
//! their folder after this file.

use std::ops::Range;

use evm_arithmetization::NUM_TABLES;

/// Logs of the table heights, in the order of [`NUM_TABLES`]: arithmetic, byte packing, CPU, Keccak, Keccak
/// sponge, logic, memory, memory before, memory after.
pub const TABLE_LOGS: [Range<usize>; NUM_TABLES] =
    [16..18, 8..12, 10..18, 10..13, 8..11, 10..13, 17..21, 16..18, 16..18];
