//! Sizes of the zkEVM's tables that our circuits take. Another set makes other circuits: `scripts/prove.sh` names
//! their folder after this file.

use std::ops::Range;

use anyhow::{ensure, Result};
use evm_arithmetization::{SegmentRows, NUM_TABLES};

/// Logs of the table heights, in the order of [`NUM_TABLES`]: arithmetic, byte packing, CPU, Keccak, Keccak
/// sponge, logic, memory, memory before, memory after.
///
/// Where the first is above the least that a table may have, `kernel.patch` pads to it. The last is set by what
/// cannot be divided among segments: one hash (Keccak: 185,639 bytes), the memory that is in use between two
/// segments (the last three).
pub const TABLE_LOGS: [Range<usize>; NUM_TABLES] =
    [16..18, 13..17, 13..18, 10..16, 9..12, 12..17, 17..22, 16..21, 16..21];

/// Log of the most cycles that one segment runs.
pub const SEGMENT_LOG: usize = 17;

/// Rows at which a segment ends: what the largest circuit of each table takes.
pub fn most_rows() -> SegmentRows {
    let [arithmetic, byte_packing, cpu, keccak, keccak_sponge, logic, memory, memory_before, memory_after] =
        TABLE_LOGS.map(|logs| 1 << (logs.end - 1));
    SegmentRows {
        arithmetic,
        byte_packing,
        cpu,
        keccak,
        keccak_sponge,
        logic,
        memory,
        memory_before,
        memory_after,
    }
}

/// Checks that there is a circuit for a table of height 2^`log`.
///
/// # Errors
/// When there is none.
pub fn ensure_circuit(table: usize, log: usize) -> Result<()> {
    const NAMES: [&str; NUM_TABLES] = [
        "arithmetic", "byte packing", "CPU", "Keccak", "Keccak sponge", "logic", "memory", "memory before",
        "memory after",
    ];
    let range = &TABLE_LOGS[table];
    ensure!(
        range.contains(&log),
        "the {} table has height 2^{log}, the circuits take {range:?}",
        NAMES[table]
    );
    Ok(())
}
