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

use super::failure::Failure;
use std::time::{Duration, Instant};

/// geth's text for a trace that takes too long.
const TIMEOUT: &str = "execution timeout";

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

    /// Refuses to begin another run when time is up. The guard looks at the clock only between instructions, of which
    /// a call of a precompile has none.
    pub(crate) fn check_time(&self) -> Result<(), Failure> {
        if Instant::now() >= self.deadline {
            return Err(Failure::limit(TIMEOUT));
        }
        Ok(())
    }
}
