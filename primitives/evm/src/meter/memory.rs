//! Cells of the kernel's memory.
//!
//! A proof is made in segments, and what the kernel's memory holds between two of them is a table: a row for each
//! cell, and a byte of code, calldata or memory takes a cell. Shorter segments do not divide it, so the largest
//! table that has a circuit (2^20 rows, `node/prover/src/tables.rs`) bounds what a transaction may hold at once.
//! Likewise a hash is one instruction of the kernel, so it is in one segment whatever its length.

use alloc::vec::Vec;

/// Most bytes that are hashed at once, by KECCAK256 or as a receipt; the largest Keccak circuit takes 185,639.
pub const MAX_HASHED_BYTES: u64 = 160 * 1024;

/// Most cells that a transaction may hold: 2^20, less 66,000 of the kernel's code and what the transaction before it
/// may leave. Its leaves in the tries of transactions and receipts may have to move for the next ones: a cell for each
/// byte, of which there are most, 226,000, when its receipt is the longest and calldata takes the rest of this.
pub const MAX_CELLS: u64 = 740_000;

/// A byte of calldata: in the transaction, its trie, the frame and the buffer in which it is hashed. One of an access
/// list takes no frame, and is counted as if it did.
pub(super) const CALLDATA_BYTE: u64 = 4;

/// RLP of a key of an access list.
pub(crate) const LIST_KEY: u64 = 33;

/// RLP of an item of an access list beside its keys: the address and two headers.
pub(crate) const LIST_ITEM: u64 = 29;

/// An account or slot with the branches to it, before and after. Counted: a branch of its own, with 15 siblings of which
/// nothing but the hash is known, takes 48 cells; the leaf and the entries in lists, 40. Three such branches are usual.
/// But whoever chooses the keys beside those that a transaction reads makes more of them: twelve below the three that a
/// thousand accesses share take 15 * 16^14 hashes, 2^60, and then a block could not be proven. So it has room for twelve.
pub(super) const ACCESS: u64 = 12 * 48 + 44;

/// A byte of a log: in the list of logs, its receipt and the buffer in which that is hashed.
pub(super) const LOG_BYTE: u64 = 3;

/// RLP of a log beside its data: address, topics, headers.
const LOG_OVERHEAD: u64 = 170;

/// RLP of a receipt beside its logs.
const RECEIPT_OVERHEAD: u64 = 300;

/// What a transaction holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// Cells that stay until the transaction ends.
    kept: u64,
    /// Cells of each running frame: its code and input; its memory; what it was returned last.
    frames: Vec<[u64; 3]>,
    /// RLP of its logs.
    logs: u64,
}

impl Memory {
    pub(super) const fn new() -> Self {
        Self { kept: 0, frames: Vec::new(), logs: 0 }
    }

    pub(super) const fn keep(&mut self, cells: u64) {
        self.kept = self.kept.saturating_add(cells);
    }

    pub(super) const fn log(&mut self, bytes: u64) {
        let bytes = bytes.saturating_add(LOG_OVERHEAD);
        self.logs = self.logs.saturating_add(bytes);
        self.keep(bytes.saturating_mul(LOG_BYTE));
    }

    /// A frame begins.
    pub(super) fn enter(&mut self, code_and_input: u64) {
        self.frames.push([code_and_input, 0, 0]);
    }

    /// The memory of the running frame, in bytes.
    pub(super) fn grow(&mut self, bytes: u64) {
        if let Some([_, memory, _]) = self.frames.last_mut() {
            *memory = bytes;
        }
    }

    /// The running frame ends; its caller gets `output` bytes.
    pub(super) fn leave(&mut self, output: u64) {
        self.frames.pop();
        if let Some([_, _, returned]) = self.frames.last_mut() {
            *returned = output;
        }
    }

    /// Whether there is room for it in a proof, with `output` bytes on their way from a frame to its caller.
    pub(super) fn fits(&self, output: u64) -> bool {
        let live =
            self.frames.iter().flatten().fold(self.kept, |sum, cells| sum.saturating_add(*cells));
        live.saturating_add(output) <= MAX_CELLS
            && self.logs.saturating_add(RECEIPT_OVERHEAD) <= MAX_HASHED_BYTES
    }
}
