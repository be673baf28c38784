//! A bounded log that any number of readers follow, each at its own place.
//!
//! Memory is bounded once, here, and not per reader: ten thousand subscriptions or filters cost
//! ten thousand positions. A reader that falls out of the window learns so from [`Lagged`].

use parking_lot::RwLock;
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::watch;

/// A reader was too slow: entries it had not seen have been overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{missed} events behind")]
pub struct Lagged {
    /// How many entries it is behind.
    pub missed: u64,
}

struct Window<T> {
    /// Position of the oldest entry that is kept.
    start: u64,
    entries: VecDeque<T>,
}

impl<T> Window<T> {
    fn end(&self) -> u64 {
        self.start.saturating_add(self.entries.len() as u64)
    }
}

/// The newest entries of an endless log.
pub struct Journal<T> {
    window: RwLock<Window<T>>,
    capacity: usize,
    /// Wakes readers; the value is the position after the newest entry.
    end: watch::Sender<u64>,
}

impl<T: Clone> Journal<T> {
    /// An empty log that keeps `capacity` entries.
    pub fn new(capacity: usize) -> Self {
        let window = Window { start: 0, entries: VecDeque::new() };
        Self { window: RwLock::new(window), capacity: capacity.max(1), end: watch::Sender::new(0) }
    }

    /// Appends `entries`; readers see all of them or none.
    pub fn append(&self, entries: impl IntoIterator<Item = T>) {
        let end = {
            let mut window = self.window.write();
            window.entries.extend(entries);
            let excess = window.entries.len().saturating_sub(self.capacity);
            window.entries.drain(..excess);
            window.start = window.start.saturating_add(excess as u64);
            window.end()
        };
        self.end.send_if_modified(|known| {
            let newer = *known < end;
            *known = end.max(*known);
            newer
        });
    }

    /// The position after the newest entry: where a new reader begins.
    pub fn end(&self) -> u64 {
        self.window.read().end()
    }

    /// Up to `limit` entries from `position` on.
    pub fn read(&self, position: u64, limit: usize) -> Result<Vec<T>, Lagged> {
        let window = self.window.read();
        let Some(skip) = position.checked_sub(window.start) else {
            return Err(Lagged { missed: window.end().saturating_sub(position) });
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        Ok(window.entries.iter().skip(skip).take(limit).cloned().collect())
    }

    /// Whether anybody waits for entries as they come.
    pub fn has_readers(&self) -> bool {
        self.end.receiver_count() > 0
    }
}

/// Follows a [`Journal`] from where it was when the reader was made.
pub(crate) struct Reader<T> {
    journal: Arc<Journal<T>>,
    position: u64,
    end: watch::Receiver<u64>,
    max_lag: u64,
}

impl<T: Clone> Reader<T> {
    /// Begins after the newest entry. A reader more than `max_lag` entries behind is refused.
    pub(crate) fn new(journal: Arc<Journal<T>>, max_lag: u32) -> Self {
        let end = journal.end.subscribe();
        Self { position: journal.end(), journal, end, max_lag: u64::from(max_lag) }
    }

    /// Waits for entries and gives up to `limit` of them.
    ///
    /// Cancel safe: nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self, limit: usize) -> Result<Vec<T>, Lagged> {
        let position = self.position;
        if self.end.wait_for(|end| *end > position).await.is_err() {
            // The sender lives in the journal, which `self` holds: this cannot happen.
            return std::future::pending().await;
        }
        let behind = self.journal.end().saturating_sub(position);
        if behind > self.max_lag {
            return Err(Lagged { missed: behind });
        }
        let entries = self.journal.read(position, limit)?;
        self.position = position.saturating_add(entries.len() as u64);
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reader_position_outside_the_window_is_an_error() {
        let journal = Journal::new(3);
        journal.append(0..5);
        assert_eq!(journal.read(1, 10), Err(Lagged { missed: 4 }));
        assert_eq!(journal.read(2, 10), Ok(vec![2, 3, 4]));
        assert_eq!(journal.read(2, 2), Ok(vec![2, 3]));
        assert_eq!(journal.read(5, 10), Ok(vec![]));
        assert_eq!(journal.read(9, 10), Ok(vec![]));
    }

    #[tokio::test]
    async fn reader_sees_only_what_comes_after_it_and_in_order() {
        let journal = Arc::new(Journal::new(100));
        journal.append([1, 2]);
        let mut reader = Reader::new(journal.clone(), 100);
        journal.append([3, 4]);
        journal.append([5]);
        assert_eq!(reader.next(2).await, Ok(vec![3, 4]));
        assert_eq!(reader.next(2).await, Ok(vec![5]));
        let waiting = tokio::spawn(async move { reader.next(2).await });
        tokio::task::yield_now().await;
        journal.append([6]);
        assert_eq!(waiting.await.unwrap(), Ok(vec![6]));
    }

    #[tokio::test]
    async fn reader_over_its_own_lag_bound_is_refused() {
        let journal = Arc::new(Journal::new(100));
        let mut reader = Reader::new(journal.clone(), 4);
        journal.append(0..4);
        assert!(reader.next(1).await.is_ok());
        journal.append(4..6);
        assert_eq!(reader.next(1).await, Err(Lagged { missed: 5 }));
    }

    proptest! {
        #[test]
        fn prop_window_is_the_tail_of_the_log(
            capacity in 1usize..20,
            batches in prop::collection::vec(0usize..30, 0..10),
        ) {
            let journal = Journal::new(capacity);
            let mut all = Vec::new();
            for batch in batches {
                let entries: Vec<usize> = (all.len()..all.len() + batch).collect();
                journal.append(entries.clone());
                all.extend(entries);
            }
            let start = all.len().saturating_sub(capacity);
            prop_assert_eq!(journal.end(), all.len() as u64);
            prop_assert_eq!(journal.read(start as u64, usize::MAX).unwrap(), &all[start..]);
            if start > 0 {
                prop_assert!(journal.read(start as u64 - 1, 1).is_err());
            }
        }
    }
}
