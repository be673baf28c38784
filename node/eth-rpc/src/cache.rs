//! Decoded blocks in memory, bounded by bytes rather than by count: a full block is a thousand
//! times as large as an empty one.

use crate::{chain::Record, types::Hash};
use parking_lot::Mutex;
use schnellru::{LruMap, UnlimitedCompact};
use std::sync::Arc;

struct Entry {
    record: Arc<Record>,
    bytes: usize,
}

struct Entries {
    map: LruMap<Hash, Entry, UnlimitedCompact>,
    bytes: usize,
}

/// Least recently used blocks leave first. Keyed by Substrate block, whose content never changes.
pub(crate) struct RecordCache {
    entries: Mutex<Entries>,
    max_bytes: usize,
}

impl RecordCache {
    pub(crate) fn new(max_bytes: usize) -> Self {
        let entries = Entries { map: LruMap::new(UnlimitedCompact), bytes: 0 };
        Self { entries: Mutex::new(entries), max_bytes }
    }

    pub(crate) fn get(&self, at: Hash) -> Option<Arc<Record>> {
        self.entries.lock().map.get(&at).map(|entry| entry.record.clone())
    }

    /// Size of all that is kept.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.lock().bytes
    }

    /// Keeps `record`, which takes about `bytes`, unless it alone is over the bound.
    pub(crate) fn insert(&self, at: Hash, record: Arc<Record>, bytes: usize) {
        if bytes > self.max_bytes {
            return;
        }
        let entries = &mut *self.entries.lock();
        if let Some(old) = entries.map.remove(&at) {
            entries.bytes = entries.bytes.saturating_sub(old.bytes);
        }
        entries.map.insert(at, Entry { record, bytes });
        entries.bytes = entries.bytes.saturating_add(bytes);
        while entries.bytes > self.max_bytes {
            let Some((_, oldest)) = entries.map.pop_oldest() else { break };
            entries.bytes = entries.bytes.saturating_sub(oldest.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Arc<Record> {
        Arc::new(Record {
            block: Default::default(),
            hash: Default::default(),
            receipts: vec![],
            senders: vec![],
        })
    }

    fn at(number: u8) -> Hash {
        Hash::repeat_byte(number)
    }

    #[test]
    fn least_recently_used_leaves_when_bytes_run_out() {
        let cache = RecordCache::new(100);
        cache.insert(at(1), record(), 40);
        cache.insert(at(2), record(), 40);
        assert!(cache.get(at(1)).is_some());
        cache.insert(at(3), record(), 40);
        assert!(cache.get(at(1)).is_some());
        assert!(cache.get(at(2)).is_none());
        assert!(cache.get(at(3)).is_some());
    }

    #[test]
    fn oversized_record_is_not_kept_and_evicts_nothing() {
        let cache = RecordCache::new(100);
        cache.insert(at(1), record(), 40);
        cache.insert(at(2), record(), 101);
        assert!(cache.get(at(1)).is_some());
        assert!(cache.get(at(2)).is_none());
    }

    #[test]
    fn replacing_an_entry_counts_its_bytes_once() {
        let cache = RecordCache::new(100);
        for _ in 0..10 {
            cache.insert(at(1), record(), 40);
        }
        cache.insert(at(2), record(), 60);
        assert!(cache.get(at(1)).is_some());
        assert!(cache.get(at(2)).is_some());
    }
}
