//! Which filters are open.

use crate::{
    error::{limit_exceeded, server, RpcResult},
    logs::{BlockSelection, Criteria},
};
use alloy_primitives::U128;
use jsonrpsee::{core::traits::IdProvider, server::RandomIntegerIdProvider, types::SubscriptionId};
use parking_lot::Mutex;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::OwnedSemaphorePermit;

/// Names a filter. Random: who does not know it can neither read nor remove the filter.
pub(crate) type FilterId = U128;

/// What a filter collects.
#[derive(Debug)]
pub enum Kind {
    /// Logs of new blocks, and logs that a reorganisation removes.
    Logs {
        /// The blocks of interest.
        blocks: BlockSelection,
        /// The logs of interest.
        criteria: Criteria,
        /// Its share of the memory for criteria.
        #[allow(dead_code, reason = "held until the filter is dropped")]
        room: OwnedSemaphorePermit,
    },
    /// Hashes of new blocks.
    Blocks,
    /// Transactions that become pending, whole or only their hashes.
    Pending {
        /// Whether they are wanted whole.
        full: bool,
    },
}

/// An open filter.
#[derive(Debug)]
pub struct Filter {
    /// What it collects.
    pub kind: Kind,
    /// The first entry of its journal that its client has not seen. Locked during a poll, so that
    /// two polls at once do not give the same changes.
    pub position: Mutex<u64>,
    used: Mutex<Instant>,
}

/// All open filters.
pub struct Registry {
    filters: Mutex<HashMap<FilterId, Arc<Filter>>>,
    max: usize,
    idle: Duration,
}

impl Registry {
    /// Room for `max` filters; one that nobody uses for `idle` is dropped.
    pub fn new(max: usize, idle: Duration) -> Self {
        Self { filters: Mutex::default(), max, idle }
    }

    /// Opens a filter over what comes from `position` on.
    pub fn open(&self, kind: Kind, position: u64, now: Instant) -> RpcResult<FilterId> {
        let mut filters = self.filters.lock();
        filters.retain(|_, filter| self.is_alive(filter, now));
        if filters.len() >= self.max {
            return Err(limit_exceeded(format_args!(
                "{} filters are open: uninstall those that are not needed, or try again when idle \
                 ones have expired ({} s)",
                self.max,
                self.idle.as_secs()
            )));
        }
        let id = random_id();
        let filter = Filter { kind, position: Mutex::new(position), used: Mutex::new(now) };
        filters.insert(id, Arc::new(filter));
        Ok(id)
    }

    /// The filter `id`, whose time starts anew.
    pub fn used(&self, id: FilterId, now: Instant) -> RpcResult<Arc<Filter>> {
        let mut filters = self.filters.lock();
        let filter = filters.get(&id).ok_or_else(not_found)?.clone();
        if !self.is_alive(&filter, now) {
            filters.remove(&id);
            return Err(not_found());
        }
        *filter.used.lock() = now;
        Ok(filter)
    }

    /// How many filters there are, idle ones that nobody has missed included.
    pub fn len(&self) -> usize {
        self.filters.lock().len()
    }

    /// Drops the filter `id`; `false` if there is none.
    pub fn close(&self, id: FilterId, now: Instant) -> bool {
        let closed = self.filters.lock().remove(&id);
        closed.is_some_and(|filter| self.is_alive(&filter, now))
    }

    fn is_alive(&self, filter: &Filter, now: Instant) -> bool {
        now.saturating_duration_since(*filter.used.lock()) <= self.idle
    }
}

/// geth's text, by which clients know that they have to make a new filter.
pub(super) fn not_found() -> jsonrpsee::types::ErrorObjectOwned {
    server("filter not found")
}

/// 128 random bits, so that nobody guesses what belongs to another client.
pub(crate) fn random_id() -> FilterId {
    let part = || match RandomIntegerIdProvider.next_id() {
        SubscriptionId::Num(number) => FilterId::from(number),
        SubscriptionId::Str(_) => FilterId::ZERO,
    };
    // Each part has 53 random bits.
    part() ^ (part() << 40) ^ (part() << 75)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(300);

    fn second(second: u64, start: Instant) -> Instant {
        start + Duration::from_secs(second)
    }

    #[test]
    fn filter_expires_when_nobody_uses_it() {
        let (registry, start) = (Registry::new(10, IDLE), Instant::now());
        let id = registry.open(Kind::Blocks, 0, start).unwrap();
        assert!(registry.used(id, second(300, start)).is_ok());
        assert!(registry.used(id, second(600, start)).is_ok());
        let error = registry.used(id, second(901, start)).unwrap_err();
        assert_eq!((error.code(), error.message()), (-32000, "filter not found"));
        assert!(registry.used(id, second(600, start)).is_err(), "it does not come back");
    }

    #[test]
    fn cap_holds_until_filters_expire_or_are_closed() {
        let (registry, start) = (Registry::new(2, IDLE), Instant::now());
        let first = registry.open(Kind::Blocks, 0, start).unwrap();
        registry.open(Kind::Blocks, 0, second(200, start)).unwrap();
        let error = registry.open(Kind::Blocks, 0, second(300, start)).unwrap_err();
        assert_eq!(error.code(), -32005);
        assert!(error.message().starts_with("2 filters are open"), "{error}");
        // The first one has expired, the second one not.
        registry.open(Kind::Blocks, 0, second(301, start)).unwrap();
        assert!(registry.open(Kind::Blocks, 0, second(301, start)).is_err());
        assert!(registry.used(first, second(301, start)).is_err());
    }

    #[test]
    fn closed_filter_is_gone() {
        let (registry, now) = (Registry::new(1, IDLE), Instant::now());
        let id = registry.open(Kind::Pending { full: false }, 0, now).unwrap();
        assert!(registry.close(id, now));
        assert!(!registry.close(id, now));
        assert!(registry.used(id, now).is_err());
        assert!(registry.open(Kind::Blocks, 0, now).is_ok());
    }

    #[test]
    fn closing_an_expired_filter_says_that_there_is_none() {
        let (registry, start) = (Registry::new(1, IDLE), Instant::now());
        let id = registry.open(Kind::Blocks, 0, start).unwrap();
        assert!(!registry.close(id, second(301, start)));
    }

    #[test]
    fn ids_are_long_and_differ() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|_| random_id()).collect();
        assert_eq!(ids.len(), 1_000);
        let longest = ids.iter().map(FilterId::bit_len).max();
        assert!(longest > Some(120), "{longest:?}");
    }
}
