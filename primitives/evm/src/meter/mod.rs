//! The proving-cost meter.
//!
//! Gas does not price what the prover pays: BLAKE2F costs 1,330 kernel cycles per gas, a transfer
//! less than 2. So each transaction is also metered in estimated cycles of the prover's kernel, and
//! execution stops as soon as it passes what the block has left. The estimate must not be below the
//! truth for long, or a block becomes unprovable in time; [`cost`] says where each number is from.

pub mod cost;

/// Text of the error that ends an execution past its limit.
pub const EXHAUSTED: &str = "the transaction passed its limit of proving cycles";

/// Cycles that a transaction has used and may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meter {
    used: u64,
    limit: u64,
}

impl Default for Meter {
    fn default() -> Self {
        Self::UNLIMITED
    }
}

impl Meter {
    /// A meter that only counts.
    pub const UNLIMITED: Self = Self::new(u64::MAX);

    /// A meter that stops execution once more than `limit` cycles are used.
    pub const fn new(limit: u64) -> Self {
        Self { used: 0, limit }
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
    pub const fn reset(&mut self) {
        self.used = 0;
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
}
