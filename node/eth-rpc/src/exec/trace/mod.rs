//! Traces of transactions and calls, in geth's and in Parity's forms.

pub(crate) mod debug;
mod duration;
pub(crate) mod filter;
mod guard;
pub(crate) mod parity;
pub(crate) mod replay;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;

use std::time::{Duration, Instant};

/// What one trace request may still take. All transactions of a block share it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    /// Bytes of recorded data.
    pub(crate) bytes: usize,
    /// When to stop.
    pub(crate) deadline: Instant,
}

impl Quota {
    /// A quota that starts now.
    pub(crate) fn new(bytes: usize, time: Duration) -> Self {
        let now = Instant::now();
        Self { bytes, deadline: now.checked_add(time).unwrap_or(now) }
    }
}
