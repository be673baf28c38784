//! A block that came or went, with what subscribers want of it made once for all of them.

use super::{
    follow::ChainEvent,
    shared::{Keeper, Shared},
};
use crate::{
    chain::{BlockRef, Chain, Record},
    convert,
    error::{internal, RpcResult},
    logs::Criteria,
    types::{address, b256, Address, B256},
};
use bzk_evm::receipt::{Log, Receipt};
use jsonrpsee::core::{to_json_raw_value, JsonRawValue};
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Memory for headers in JSON, in bytes.
const HEADER_BYTES: usize = 4 * 1024 * 1024;
/// Memory for blocks whose logs are being sent, in bytes (approximate).
const LOG_BYTES: usize = 64 * 1024 * 1024;

/// Keeps what has been made for recent [`BlockChange`]s.
pub struct ChangeKeeper {
    headers: Keeper<JsonRawValue>,
    logs: Keeper<BlockLogs>,
}

impl Default for ChangeKeeper {
    fn default() -> Self {
        Self { headers: Keeper::new(HEADER_BYTES), logs: Keeper::new(LOG_BYTES) }
    }
}

/// One [`ChainEvent`] on its way to the clients.
pub struct BlockChange {
    /// What happened.
    pub event: ChainEvent,
    header: Shared<JsonRawValue>,
    logs: Shared<BlockLogs>,
}

impl From<ChainEvent> for BlockChange {
    fn from(event: ChainEvent) -> Self {
        Self { event, header: Shared::default(), logs: Shared::default() }
    }
}

impl BlockChange {
    /// The block.
    pub fn block(&self) -> BlockRef {
        match self.event {
            ChainEvent::Reverted(block) | ChainEvent::Applied(block) => block,
        }
    }

    /// Whether the block left the chain.
    pub fn removed(&self) -> bool {
        matches!(self.event, ChainEvent::Reverted(_))
    }

    /// The block's header in JSON.
    pub fn header(&self, chain: &Chain, keeper: &ChangeKeeper) -> RpcResult<Arc<JsonRawValue>> {
        self.header.get_or_try_make(&keeper.headers, || {
            let record = chain.record(&self.block())?;
            let json = to_json_raw_value(&convert::header(&record)).map_err(internal)?;
            let bytes = json.get().len();
            Ok((json.into(), bytes))
        })
    }

    /// The block's logs.
    pub fn logs(&self, chain: &Chain, keeper: &ChangeKeeper) -> RpcResult<Arc<BlockLogs>> {
        self.logs.get_or_try_make(&keeper.logs, || {
            let logs = BlockLogs::new(chain.record(&self.block())?, self.removed());
            let bytes = logs.bytes();
            Ok((Arc::new(logs), bytes))
        })
    }
}

/// Where a log is in its block.
struct Place {
    tx: usize,
    /// Among the logs of its transaction.
    log: usize,
    json: OnceLock<Arc<JsonRawValue>>,
}

/// A value that criteria may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Address(Address),
    Topic(usize, B256),
}

/// The logs of one block, found by address and topic, each put into JSON at most once.
///
/// With thousands of subscribers, each of which wants a few logs of a block with thousands, going
/// through all logs for every subscriber would take longer than the block time.
pub struct BlockLogs {
    record: Arc<Record>,
    removed: bool,
    places: Vec<Place>,
    /// Ascending positions in `places`.
    found: HashMap<Key, Vec<usize>>,
}

impl BlockLogs {
    /// The logs of `record`; `removed` if the block left the chain.
    pub fn new(record: Arc<Record>, removed: bool) -> Self {
        let (mut places, mut found) = (Vec::new(), HashMap::<Key, Vec<usize>>::new());
        for (tx, receipt) in record.receipts.iter().enumerate() {
            for (log, content) in receipt.logs.iter().enumerate() {
                let position = places.len();
                places.push(Place { tx, log, json: OnceLock::new() });
                found.entry(Key::Address(address(content.address))).or_default().push(position);
                for (index, topic) in content.topics.iter().enumerate() {
                    found.entry(Key::Topic(index, b256(*topic))).or_default().push(position);
                }
            }
        }
        Self { record, removed, places, found }
    }

    /// The matching logs in the order in which clients get them: that of the block, or the reverse
    /// if the block is being undone.
    pub fn matching(&self, criteria: &Criteria) -> RpcResult<Vec<Arc<JsonRawValue>>> {
        let mut positions = self.candidates(criteria);
        if self.removed {
            positions.reverse();
        }
        let places = positions
            .into_iter()
            .filter_map(|position| Some((position, self.content(self.places.get(position)?)?)));
        places
            .filter(|(_, content)| criteria.matches(content))
            .filter_map(|(position, content)| self.json(position, content).transpose())
            .collect()
    }

    /// Ascending positions of the logs that meet the rarest condition of `criteria`.
    fn candidates(&self, criteria: &Criteria) -> Vec<usize> {
        let addresses = criteria.addresses().iter().map(|value| Key::Address(*value)).collect();
        let topics =
            criteria.topics().iter().enumerate().map(|(index, values)| {
                values.iter().map(|value| Key::Topic(index, *value)).collect()
            });
        let conditions = std::iter::once(addresses).chain(topics);
        let meeting = conditions.filter(|keys: &Vec<Key>| !keys.is_empty()).map(|keys| {
            let lists: Vec<_> = keys.iter().filter_map(|key| self.found.get(key)).collect();
            (lists.iter().map(|list| list.len()).sum::<usize>(), lists)
        });
        let Some((_, lists)) = meeting.min_by_key(|(count, _)| *count) else {
            return (0..self.places.len()).collect();
        };
        let mut positions: Vec<usize> = lists.into_iter().flatten().copied().collect();
        positions.sort_unstable();
        positions
    }

    fn content(&self, place: &Place) -> Option<&Log> {
        self.record.receipts.get(place.tx)?.logs.get(place.log)
    }

    fn json(&self, position: usize, content: &Log) -> RpcResult<Option<Arc<JsonRawValue>>> {
        let Some(place) = self.places.get(position) else { return Ok(None) };
        if let Some(json) = place.json.get() {
            return Ok(Some(json.clone()));
        }
        let tx = self.record.block.body.transactions.get(place.tx);
        let tx_hash = tx.map(|tx| *tx.tx_hash()).unwrap_or_default();
        let mut log = convert::log(&self.record, tx_hash, place.tx, position as u64, content);
        log.removed = self.removed;
        let json = to_json_raw_value(&log).map_err(internal)?;
        Ok(Some(place.json.get_or_init(|| json.into()).clone()))
    }

    /// About what it takes when every log is in JSON.
    fn bytes(&self) -> usize {
        let logs = self.record.receipts.iter().flat_map(|receipt: &Receipt| &receipt.logs);
        logs.map(|log| log.data.len().saturating_mul(3).saturating_add(1_500)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::fixtures::record;
    use proptest::prelude::*;
    use serde_json::Value;

    fn indexes(logs: &[Arc<JsonRawValue>]) -> Vec<String> {
        let index = |log: &Arc<JsonRawValue>| {
            let log: Value = serde_json::from_str(log.get()).unwrap();
            log["logIndex"].as_str().unwrap().to_string()
        };
        logs.iter().map(index).collect()
    }

    fn wants(addresses: &[u8], topics: &[&[u8]]) -> Criteria {
        let topic = |bytes: &&[u8]| bytes.iter().map(|byte| B256::repeat_byte(*byte)).collect();
        let addresses = addresses.iter().map(|byte| Address::repeat_byte(*byte)).collect();
        Criteria::new(addresses, topics.iter().map(topic).collect())
    }

    #[test]
    fn logs_of_a_new_block_come_in_order() {
        let logs = BlockLogs::new(Arc::new(record(5, 0, &[&[1, 2], &[1]])), false);
        assert_eq!(indexes(&logs.matching(&wants(&[], &[])).unwrap()), ["0x0", "0x1", "0x2"]);
        assert_eq!(indexes(&logs.matching(&wants(&[1], &[])).unwrap()), ["0x0", "0x2"]);
        assert_eq!(indexes(&logs.matching(&wants(&[], &[&[2, 9]])).unwrap()), ["0x1"]);
        assert!(logs.matching(&wants(&[7], &[])).unwrap().is_empty());
    }

    #[test]
    fn logs_of_a_reverted_block_come_in_reverse_and_are_marked() {
        let logs = BlockLogs::new(Arc::new(record(5, 0, &[&[1, 2], &[1]])), true);
        let got = logs.matching(&wants(&[1], &[])).unwrap();
        assert_eq!(indexes(&got), ["0x2", "0x0"]);
        assert!(got.iter().all(|log| log.get().contains("\"removed\":true")));
    }

    #[test]
    fn log_is_serialised_once_for_all_subscribers() {
        let logs = BlockLogs::new(Arc::new(record(5, 0, &[&[1]])), false);
        let first = logs.matching(&wants(&[], &[])).unwrap();
        let second = logs.matching(&wants(&[1], &[])).unwrap();
        assert!(Arc::ptr_eq(&first[0], &second[0]));
    }

    proptest! {
        #[test]
        fn prop_index_finds_what_a_scan_finds(
            block in prop::collection::vec(prop::collection::vec(0u8..5, 0..5), 0..4),
            addresses in prop::collection::vec(0u8..5, 0..3),
            topics in prop::collection::vec(prop::collection::vec(0u8..5, 0..3), 0..3),
        ) {
            let block: Vec<&[u8]> = block.iter().map(Vec::as_slice).collect();
            let topics: Vec<&[u8]> = topics.iter().map(Vec::as_slice).collect();
            let (record, criteria) = (Arc::new(record(5, 0, &block)), wants(&addresses, &topics));
            let all = record.receipts.iter().flat_map(|receipt| &receipt.logs).enumerate();
            let expected: Vec<String> = all
                .filter(|(_, log)| criteria.matches(log))
                .map(|(index, _)| format!("{index:#x}"))
                .collect();
            let logs = BlockLogs::new(record, false);
            prop_assert_eq!(indexes(&logs.matching(&criteria).unwrap()), expected);
        }
    }
}
