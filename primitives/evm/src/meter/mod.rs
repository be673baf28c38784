//! The proving-cost meter.
//!
//! Gas does not price what the prover pays: BLAKE2F costs 1,330 kernel cycles per gas, a transfer
//! less than 2, and some MODEXP inputs millions. So each transaction is also metered in estimated
//! cycles of the prover's kernel, and execution stops as soon as it passes what the block has left.
//! [`cost`] and `table` say where each number is from. What no number of cycles proves uses up all of them: [`memory`].

pub mod cost;
mod jumps;
pub mod memory;
mod modexp;
mod table;

use crate::primitives::{Address, U256};
use alloc::collections::BTreeSet;
use jumps::Destinations;
use memory::Memory;

/// Text of the error that ends an execution past its limit.
pub const EXHAUSTED: &str = "the transaction passed its limit of proving cycles";

/// Cycles that a transaction has used and may use, and what the kernel's costs depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    used: u64,
    limit: u64,
    destinations: Destinations,
    transient: BTreeSet<(Address, U256)>,
    memory: Memory,
}

impl Default for Meter {
    fn default() -> Self {
        Self::unlimited()
    }
}

impl Meter {
    /// A meter that only counts.
    ///
    /// It takes each jump destination to be as cheap to prove as usual, because to look costs time
    /// that only a limit bounds.
    pub const fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// A meter that stops execution once more than `limit` cycles are used.
    pub const fn new(limit: u64) -> Self {
        Self {
            used: 0,
            limit,
            destinations: Destinations::new(),
            transient: BTreeSet::new(),
            memory: Memory::new(),
        }
    }

    /// Adds `cycles`; `false` once the limit is passed, and from then on.
    #[inline(always)]
    #[must_use]
    pub const fn charge(&mut self, cycles: u64) -> bool {
        self.used = self.used.saturating_add(cycles);
        self.used <= self.limit
    }

    /// Cycles used so far; above [`Self::limit`] by the last charge when exhausted.
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// Cycles that may be used.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether the limit was passed.
    pub const fn is_exhausted(&self) -> bool {
        self.used > self.limit
    }

    /// Starts over with the same limit, for the next transaction.
    pub fn reset(&mut self) {
        *self = Self::new(self.limit);
    }

    /// Notes that a frame begins at `depth`, with so many bytes of code and input.
    pub(crate) fn enter(&mut self, depth: usize, code_and_input: u64) {
        self.destinations.enter(depth);
        self.memory.enter(code_and_input);
    }

    /// Notes how many bytes of memory the running frame has; `false` once the kernel has no room for all frames.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: u64) -> bool {
        self.memory.grow(bytes);
        self.has_room(0)
    }

    /// Notes that the running frame ends and returns `output` bytes; `false` as for `grow`.
    #[must_use]
    pub(crate) fn leave(&mut self, output: u64) -> bool {
        let fits = self.has_room(output);
        self.memory.leave(output);
        fits
    }

    /// Notes `bytes` of calldata and so many accounts and slots with their paths.
    pub(crate) fn keep(&mut self, bytes: u64, accesses: u64) {
        self.memory.keep(bytes.saturating_mul(memory::CALLDATA_BYTE));
        self.memory.keep(accesses.saturating_mul(memory::ACCESS));
    }

    /// Notes a log of `bytes`; `false` as for `grow`.
    #[must_use]
    pub(crate) fn log(&mut self, bytes: u64) -> bool {
        self.memory.log(bytes);
        self.has_room(0)
    }

    /// Without room, no limit is high enough.
    fn has_room(&mut self, output: u64) -> bool {
        let cycles = if self.memory.fits(output) { 0 } else { u64::MAX };
        self.charge(cycles)
    }

    /// Cycles to prove that `destination` is an instruction, when the frame at `depth` has not yet
    /// been there.
    pub(crate) fn jump(&mut self, depth: usize, destination: usize, code: &[u8]) -> u64 {
        if !self.destinations.is_new(depth, destination) {
            return 0;
        }
        if self.limit == u64::MAX {
            return cost::USUAL_JUMP_PROOF;
        }
        cost::jump_proof(jumps::proof_steps(code, destination))
    }

    /// Notes a write to transient storage.
    pub(crate) fn transient_write(&mut self, account: Address, slot: U256) {
        self.transient.insert((account, slot));
    }

    /// Slots of transient storage that the transaction has written.
    pub(crate) fn transient_slots(&self) -> u64 {
        self.transient.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meter_allows_its_limit_and_not_one_cycle_more() {
        let mut meter = Meter::new(10);
        assert!(meter.charge(10));
        assert!(!meter.is_exhausted());
        assert!(!meter.charge(1));
        assert!(meter.is_exhausted());
        assert!(!meter.charge(0), "an exhausted meter stays exhausted");
        meter.reset();
        assert_eq!((meter.used(), meter.limit()), (0, 10));
    }

    #[test]
    fn charges_saturate_instead_of_wrapping() {
        let mut meter = Meter::new(10);
        assert!(!meter.charge(u64::MAX));
        assert!(!meter.charge(u64::MAX));
        assert_eq!(meter.used(), u64::MAX);
    }

    #[test]
    fn second_jump_to_a_destination_costs_nothing() {
        let mut meter = Meter::new(1 << 40);
        let code = [0x5b; 64];
        meter.enter(0, 0);
        assert!(meter.jump(0, 40, &code) > 0);
        assert_eq!(meter.jump(0, 40, &code), 0);
        assert!(meter.jump(0, 41, &code) > 0);
        meter.enter(1, 0);
        assert!(meter.jump(1, 40, &code) > 0, "another frame proves for itself");
        assert_eq!(meter.jump(0, 40, &code), 0, "the caller's proof still holds");
    }

    #[test]
    fn attack_memory_that_no_segment_can_carry_exhausts_any_limit() {
        let full = memory::MAX_CELLS;
        let mut meter = Meter::new(u64::MAX - 1);
        meter.enter(0, 1_000);
        assert!(meter.grow(full - 1_000));
        assert!(!meter.grow(full - 999));
        meter.reset();
        meter.enter(0, 0);
        assert!(meter.grow(full / 2));
        meter.enter(1, 0);
        assert!(meter.grow(full / 2), "both frames fit");
        assert!(!meter.leave(1), "but not what one returns to the other");
        meter.reset();
        meter.enter(0, 0);
        meter.enter(1, full);
        assert!(meter.leave(0), "what a frame held is free when it has ended");
        assert!(meter.grow(full));
        meter.reset();
        meter.keep(0, full / memory::ACCESS + 1);
        assert!(!meter.grow(0));
    }

    #[test]
    fn attack_receipt_that_no_segment_can_hash_exhausts_any_limit() {
        let mut meter = Meter::new(u64::MAX - 1);
        assert!(meter.log(memory::MAX_HASHED_BYTES - 1_000));
        assert!(!meter.log(1_000));
    }

    #[test]
    fn call_without_a_limit_is_not_stopped_by_the_memory() {
        let mut meter = Meter::unlimited();
        meter.enter(0, memory::MAX_CELLS + 1);
        assert!(meter.grow(0));
    }

    #[test]
    fn transient_slots_are_counted_once() {
        let mut meter = Meter::new(10);
        meter.transient_write(Address::ZERO, U256::ZERO);
        meter.transient_write(Address::ZERO, U256::ZERO);
        meter.transient_write(Address::ZERO, U256::from(1));
        assert_eq!(meter.transient_slots(), 2);
    }
}
