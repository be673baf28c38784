//! Log index: which blocks may hold a log of an address or with a topic at a position.
//!
//! One bitmap for each (part, value) and chunk of 4096 block numbers. Bits of forks that lost stay
//! set, so an answer is a superset: the reader checks the block itself.

use super::{
    bitmap::{Bitmap, CHUNK},
    entry::Damaged,
    keys::{self, LogPart},
};
use crate::{
    chain::Chain,
    error::{internal, RpcResult},
    types::{Address, B256},
};
use bzk_evm::receipt::Receipt;
use std::{
    collections::{BTreeSet, VecDeque},
    ops::RangeInclusive,
};

/// An entry for the auxiliary store.
pub(crate) type AuxEntry = (Vec<u8>, Option<Vec<u8>>);

/// Which logs are wanted. An empty list takes every value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Any of these contracts.
    pub addresses: Vec<Address>,
    /// At each position any of these topics.
    pub topics: [Vec<B256>; 4],
}

/// Entries that note the logs of Ethereum block `number`; `read` gives present values.
pub(crate) fn write<E: From<Damaged>>(
    number: u64,
    receipts: &[Receipt],
    read: impl Fn(&[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<Vec<AuxEntry>, E> {
    let mut touched = BTreeSet::new();
    for log in receipts.iter().flat_map(|receipt| &receipt.logs) {
        touched.insert(keys::logs(LogPart::Address, log.address.as_bytes(), number / CHUNK));
        for (position, topic) in (0..4).zip(&log.topics) {
            let part = LogPart::Topic(position);
            touched.insert(keys::logs(part, topic.as_bytes(), number / CHUNK));
        }
    }
    let mut entries = Vec::with_capacity(touched.len());
    for key in touched {
        let mut bitmap = match read(&key)? {
            Some(bytes) => Bitmap::decode(&bytes)?,
            None => Bitmap::EMPTY,
        };
        bitmap.insert(Bitmap::position(number));
        entries.push((key, Some(bitmap.encode())));
    }
    Ok(entries)
}

/// Numbers within `range`, rising, of the blocks that may hold a wanted log.
pub fn query<'a>(
    chain: &'a Chain,
    query: &'a LogQuery,
    range: RangeInclusive<u64>,
) -> impl Iterator<Item = RpcResult<u64>> + 'a {
    matches(query, range, |key| chain.aux(key))
}

fn matches<'a>(
    query: &'a LogQuery,
    range: RangeInclusive<u64>,
    read: impl Fn(&[u8]) -> RpcResult<Option<Vec<u8>>> + 'a,
) -> impl Iterator<Item = RpcResult<u64>> + 'a {
    let (first, last) = range.into_inner();
    let chunks = if first <= last { first / CHUNK..last / CHUNK + 1 } else { 0..0 };
    chunks.flat_map(move |chunk| {
        let found = chunk_matches(query, chunk, &read);
        let start = chunk.saturating_mul(CHUNK);
        let numbers: VecDeque<RpcResult<u64>> = match found {
            Ok(bitmap) => bitmap
                .positions()
                .map(|position| start.saturating_add(u64::from(position)))
                .filter(|number| (first..=last).contains(number))
                .map(Ok)
                .collect(),
            Err(error) => VecDeque::from([Err(error)]),
        };
        numbers
    })
}

/// The blocks of one chunk that hold, for each part with wanted values, one of them.
fn chunk_matches(
    query: &LogQuery,
    chunk: u64,
    read: &impl Fn(&[u8]) -> RpcResult<Option<Vec<u8>>>,
) -> RpcResult<Bitmap> {
    let mut found = Bitmap::FULL;
    let addresses = query.addresses.iter().map(|address| address.as_slice());
    narrow(&mut found, LogPart::Address, addresses, chunk, read)?;
    for (position, topics) in (0..).zip(&query.topics) {
        let topics = topics.iter().map(|topic| topic.as_slice());
        narrow(&mut found, LogPart::Topic(position), topics, chunk, read)?;
    }
    Ok(found)
}

fn narrow<'a>(
    found: &mut Bitmap,
    part: LogPart,
    values: impl ExactSizeIterator<Item = &'a [u8]>,
    chunk: u64,
    read: &impl Fn(&[u8]) -> RpcResult<Option<Vec<u8>>>,
) -> RpcResult<()> {
    if values.len() == 0 || found.is_empty() {
        return Ok(());
    }
    let mut any = Bitmap::EMPTY;
    for value in values {
        if let Some(bytes) = read(&keys::logs(part, value, chunk))? {
            any.union(&Bitmap::decode(&bytes).map_err(internal)?);
        }
    }
    found.intersect(&any);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_evm::receipt::Log;
    use sp_core::{H160, H256};
    use std::{cell::RefCell, collections::HashMap};

    type Store = RefCell<HashMap<Vec<u8>, Vec<u8>>>;

    fn receipt(address: u8, topics: &[u8]) -> Receipt {
        let topics = topics.iter().map(|topic| H256::repeat_byte(*topic)).collect();
        let log = Log { address: H160::repeat_byte(address), topics, data: vec![] };
        Receipt { tx_type: 2, success: true, cumulative_gas_used: 0, logs: vec![log] }
    }

    fn add(store: &Store, number: u64, receipts: &[Receipt]) {
        let read = |key: &[u8]| Ok::<_, Damaged>(store.borrow().get(key).cloned());
        let entries = write(number, receipts, read).unwrap();
        store.borrow_mut().extend(entries.into_iter().map(|(key, value)| (key, value.unwrap())));
    }

    fn find(store: &Store, query: &LogQuery, range: RangeInclusive<u64>) -> Vec<u64> {
        let found = matches(query, range, |key| Ok(store.borrow().get(key).cloned()));
        found.collect::<RpcResult<_>>().unwrap()
    }

    fn addresses(bytes: &[u8]) -> LogQuery {
        let addresses = bytes.iter().map(|byte| Address::repeat_byte(*byte)).collect();
        LogQuery { addresses, ..Default::default() }
    }

    fn topic(position: usize, byte: u8) -> LogQuery {
        let mut query = LogQuery::default();
        query.topics[position].push(B256::repeat_byte(byte));
        query
    }

    fn store() -> Store {
        let store = Store::default();
        add(&store, 5, &[receipt(1, &[10, 11])]);
        add(&store, 4_095, &[receipt(2, &[10]), receipt(1, &[])]);
        add(&store, 4_096, &[receipt(1, &[11, 10])]);
        add(&store, 20_000, &[receipt(3, &[10, 11, 12, 13])]);
        store
    }

    #[test]
    fn address_matches_any_of_the_list_across_chunks() {
        let store = store();
        assert_eq!(find(&store, &addresses(&[1]), 0..=30_000), [5, 4_095, 4_096]);
        assert_eq!(find(&store, &addresses(&[2, 3]), 0..=30_000), [4_095, 20_000]);
        assert_eq!(find(&store, &addresses(&[9]), 0..=30_000), [] as [u64; 0]);
    }

    #[test]
    fn range_bounds_are_inclusive() {
        let store = store();
        assert_eq!(find(&store, &addresses(&[1]), 5..=4_096), [5, 4_095, 4_096]);
        assert_eq!(find(&store, &addresses(&[1]), 6..=4_095), [4_095]);
    }

    #[test]
    fn topics_are_positional() {
        let store = store();
        assert_eq!(find(&store, &topic(0, 10), 0..=30_000), [5, 4_095, 20_000]);
        assert_eq!(find(&store, &topic(1, 10), 0..=30_000), [4_096]);
        assert_eq!(find(&store, &topic(3, 13), 0..=30_000), [20_000]);
    }

    #[test]
    fn address_and_topics_must_both_occur() {
        let store = store();
        let query = LogQuery { topics: topic(1, 11).topics, ..addresses(&[1]) };
        assert_eq!(find(&store, &query, 0..=30_000), [5]);
    }

    #[test]
    fn query_without_a_filter_takes_every_block() {
        assert_eq!(find(&Store::default(), &LogQuery::default(), 4_090..=4_100).len(), 11);
    }

    #[test]
    fn inverted_range_is_empty() {
        let (first, last) = (10, 9);
        assert_eq!(find(&store(), &LogQuery::default(), first..=last), [] as [u64; 0]);
    }

    #[test]
    fn query_stops_reading_when_nobody_reads_on() {
        let reads = RefCell::new(0);
        let query = addresses(&[1]);
        let store = store();
        let mut found = matches(&query, 0..=u64::MAX, |key| {
            *reads.borrow_mut() += 1;
            Ok(store.borrow().get(key).cloned())
        });
        assert_eq!(found.next().unwrap().unwrap(), 5);
        assert_eq!(*reads.borrow(), 1);
    }
}
