//! Finding logs in blocks: by range over the bitmap index, or in one block.

use super::{criteria::Criteria, selection::BlockSelection};
use crate::{
    chain::{BlockRef, Chain, Record},
    convert,
    error::{internal, invalid_params, server, unavailable, RpcResult},
    index::logs::{self as index, LogQuery},
    limits::Limits,
};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_rpc_types_eth::Log;
use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, Instant},
};

/// No answer is longer than this by much, in bytes as [`weight`] counts them: the JSON is about
/// thrice as long, and the server sends at most 15 MiB by default.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The logs of the selected blocks, oldest first.
pub(crate) fn find(
    chain: &Chain,
    blocks: BlockSelection,
    criteria: &Criteria,
    limits: &Limits,
) -> RpcResult<Vec<Log>> {
    match blocks {
        BlockSelection::Hash(hash) => {
            let block =
                chain.resolve(BlockId::from(hash))?.ok_or_else(|| server("unknown block"))?;
            let (record, mut logs) = (chain.record(&block)?, Vec::new());
            append_matching(&record, criteria, &mut logs);
            Ok(logs)
        }
        BlockSelection::Range { from, to } => {
            let range = resolve(chain, from, to, limits.log_blocks)?;
            ensure_indexed(&range, |number| Ok(chain.block_by_number(number)?.is_some()))?;
            let topics = |position| criteria.topics().get(position).cloned().unwrap_or_default();
            let query = LogQuery {
                addresses: criteria.addresses().to_vec(),
                topics: std::array::from_fn(topics),
            };
            let budget = Budget::new(limits, range.clone());
            let read = |number| read_canonical(chain, number);
            collect(index::query(chain, &query, range), read, criteria, budget)
        }
    }
}

/// The numbers of the first and the last block, which span at most `most`.
fn resolve(
    chain: &Chain,
    from: Option<BlockNumberOrTag>,
    to: Option<BlockNumberOrTag>,
    most: u64,
) -> RpcResult<RangeInclusive<u64>> {
    let head = chain.head()?.number;
    let number = |end: Option<BlockNumberOrTag>| match end.unwrap_or_default() {
        BlockNumberOrTag::Latest => Ok(head),
        BlockNumberOrTag::Number(number) => Ok(number),
        BlockNumberOrTag::Pending => Err(invalid_params("pending logs are not supported")),
        tag => Ok(chain.resolve_or_err(BlockId::Number(tag))?.number),
    };
    checked_range(number(from)?, number(to)?, head, most)
}

/// geth's rules for the ends of a range, in its order.
fn checked_range(from: u64, to: u64, head: u64, most: u64) -> RpcResult<RangeInclusive<u64>> {
    if from > to {
        return Err(invalid_params("invalid block range params"));
    }
    ensure_narrow(&(from..=to), most)?;
    if to > head {
        return Err(invalid_params("block range extends beyond current head block"));
    }
    Ok(from..=to)
}

fn ensure_narrow(range: &RangeInclusive<u64>, most: u64) -> RpcResult<()> {
    let span = range.end().saturating_sub(*range.start()).saturating_add(1);
    if span > most {
        return Err(invalid_params(format_args!(
            "exceed maximum block range: {most} (requested {span} blocks)"
        )));
    }
    Ok(())
}

/// An error if blocks of `range` never passed this node's index. After a warp sync these are the ones from 1 to
/// the block that came as a state; an index that is silent about them does not say that nothing happened in them.
pub(crate) fn ensure_indexed(
    range: &RangeInclusive<u64>,
    is_indexed: impl Fn(u64) -> RpcResult<bool>,
) -> RpcResult<()> {
    // Genesis is always indexed, and nothing is missing after a block that is.
    let first = (*range.start()).max(1);
    if first > *range.end() || is_indexed(first)? {
        return Ok(());
    }
    Err(unavailable(format_args!(
        "block {first} is older than this node's index, which began with a warp sync: ask a node that has \
         executed the whole chain"
    )))
}

fn read_canonical(chain: &Chain, number: u64) -> RpcResult<Option<Arc<Record>>> {
    let block: Option<BlockRef> = chain.block_by_number(number)?;
    block.map(|block| chain.record(&block)).transpose()
}

/// What one query may still use.
struct Budget {
    range: RangeInclusive<u64>,
    max_results: usize,
    time: Duration,
    started: Instant,
}

impl Budget {
    fn new(limits: &Limits, range: RangeInclusive<u64>) -> Self {
        let (max_results, time) = (limits.log_results, limits.log_time);
        Self { range, max_results, time, started: Instant::now() }
    }

    /// An error if the query has used more than it may. `done` is the last block whose logs fit.
    fn check(&self, logs: usize, bytes: usize, done: Option<u64>) -> RpcResult<()> {
        let cause = if logs > self.max_results {
            format!("query exceeds max results {}", self.max_results)
        } else if bytes > MAX_BYTES {
            format!("query exceeds max response size of {MAX_BYTES} bytes")
        } else if self.started.elapsed() > self.time {
            format!("query exceeds max duration of {} s", self.time.as_secs())
        } else {
            return Ok(());
        };
        // Indexers read the narrower range out of this text.
        let start = self.range.start();
        Err(invalid_params(match done.filter(|done| done >= start) {
            Some(done) => format!("{cause}, retry with the range {start}-{done}"),
            None => format!("{cause} in one block: add addresses or topics"),
        }))
    }
}

/// Reads `candidates`, which are ascending block numbers, and keeps the logs that match.
fn collect(
    candidates: impl Iterator<Item = RpcResult<u64>>,
    mut read: impl FnMut(u64) -> RpcResult<Option<Arc<Record>>>,
    criteria: &Criteria,
    budget: Budget,
) -> RpcResult<Vec<Log>> {
    let (mut logs, mut bytes) = (Vec::new(), 0usize);
    for number in candidates {
        let number = number?;
        // A reorganisation under the query may shorten the chain.
        let Some(record) = read(number)? else {
            return Err(internal(format_args!("block {number} left the chain during the query")));
        };
        let first_new = logs.len();
        append_matching(&record, criteria, &mut logs);
        let new = logs.iter().skip(first_new);
        bytes = new.map(weight).fold(bytes, usize::saturating_add);
        budget.check(logs.len(), bytes, number.checked_sub(1))?;
    }
    Ok(logs)
}

/// Bytes of a log's variable parts and about those of its fixed ones.
pub(crate) fn weight(log: &Log) -> usize {
    log.data().data.len().saturating_add(log.topics().len().saturating_mul(32)).saturating_add(200)
}

/// Adds the matching logs of one block, in order.
pub(crate) fn append_matching(record: &Record, criteria: &Criteria, logs: &mut Vec<Log>) {
    let mut log_index = 0;
    for (tx_index, receipt) in record.receipts.iter().enumerate() {
        let tx = record.block.body.transactions.get(tx_index);
        let tx_hash = tx.map(|tx| *tx.tx_hash()).unwrap_or_default();
        for (log, log_index) in receipt.logs.iter().zip(log_index..) {
            if criteria.matches(log) {
                logs.push(convert::log(record, tx_hash, tx_index, log_index, log));
            }
        }
        log_index = log_index.saturating_add(receipt.logs.len() as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::fixtures::record;
    use crate::types::Address;

    fn budget(range: RangeInclusive<u64>, max_results: usize) -> Budget {
        Budget { range, max_results, time: Duration::from_secs(60), started: Instant::now() }
    }

    fn from(address: u8) -> Criteria {
        Criteria::new(vec![Address::repeat_byte(address)], vec![])
    }

    fn numbers(logs: &[Log]) -> Vec<(u64, u64, u64)> {
        let place = |log: &Log| (log.block_number, log.transaction_index, log.log_index);
        let place = |log| match place(log) {
            (Some(block), Some(tx), Some(index)) => (block, tx, index),
            other => panic!("{other:?}"),
        };
        logs.iter().map(place).collect()
    }

    #[test]
    fn log_index_counts_over_the_block_and_skips_nothing() {
        // Two transactions: logs of 1, 2, 1 and of 2, 1.
        let record = record(5, 0, &[&[1, 2, 1], &[], &[2, 1]]);
        let mut logs = Vec::new();
        append_matching(&record, &from(1), &mut logs);
        assert_eq!(numbers(&logs), [(5, 0, 0), (5, 0, 2), (5, 2, 4)]);
        assert_eq!(logs[2].transaction_hash, Some(*record.block.body.transactions[2].tx_hash()));
        assert!(logs.iter().all(|log| log.block_hash == Some(record.hash) && !log.removed));
    }

    #[test]
    fn candidates_are_checked_against_the_block() {
        let read = |number| Ok(Some(Arc::new(record(number, 0, &[&[number as u8]]))));
        let candidates = (1..=4).map(Ok);
        let logs = collect(candidates, read, &from(3), budget(1..=4, 10)).unwrap();
        assert_eq!(numbers(&logs), [(3, 0, 0)]);
    }

    #[test]
    fn too_many_results_name_the_range_that_fits() {
        let read = |number| Ok(Some(Arc::new(record(number, 0, &[&[1, 1]]))));
        let error = collect((10..=20).map(Ok), read, &from(1), budget(10..=20, 5)).unwrap_err();
        assert_eq!(error.message(), "query exceeds max results 5, retry with the range 10-11");
        assert_eq!(error.code(), -32602);
        assert!(collect((10..=11).map(Ok), read, &from(1), budget(10..=11, 4)).is_ok());
    }

    #[test]
    fn too_many_results_in_the_first_block_ask_for_a_narrower_filter() {
        let read = |number| Ok(Some(Arc::new(record(number, 0, &[&[1, 1, 1]]))));
        let error = collect((10..=20).map(Ok), read, &from(1), budget(10..=20, 2)).unwrap_err();
        assert_eq!(
            error.message(),
            "query exceeds max results 2 in one block: add addresses or topics"
        );
    }

    #[test]
    fn slow_query_is_stopped() {
        let read = |number| Ok(Some(Arc::new(record(number, 0, &[]))));
        let late = Budget { time: Duration::ZERO, ..budget(0..=9, 5) };
        let error = collect((0..=9).map(Ok), read, &from(1), late).unwrap_err();
        assert!(error.message().starts_with("query exceeds max duration"), "{error}");
    }

    #[test]
    fn block_that_leaves_during_the_query_is_an_error() {
        let error = collect((1..=1).map(Ok), |_| Ok(None), &from(1), budget(1..=1, 5));
        assert!(error.is_err());
    }

    #[test]
    fn range_that_begins_before_the_index_is_refused() {
        // Warp-synced at block 50.
        let check = |range| ensure_indexed(&range, |number| Ok(number == 0 || number >= 50));
        for range in [0..=60, 1..=60, 49..=49, 49..=60] {
            let error = check(range.clone()).unwrap_err();
            assert_eq!(error.code(), crate::error::RESOURCE_UNAVAILABLE, "{range:?}");
        }
        for range in [0..=0, 50..=50, 50..=60] {
            check(range).unwrap();
        }
        ensure_indexed(&(0..=60), |_| Ok(true)).unwrap();
    }

    #[test]
    fn range_of_too_many_blocks_is_refused_with_the_limit() {
        let most = Limits::default().log_blocks;
        ensure_narrow(&(1..=most), most).unwrap();
        let error = ensure_narrow(&(0..=most), most).unwrap_err();
        assert_eq!(error.code(), -32602);
        let text = "exceed maximum block range: 100000 (requested 100001 blocks)";
        assert_eq!(error.message(), text);
        assert!(ensure_narrow(&(0..=u64::MAX), most).is_err());
    }

    #[test]
    fn reversed_and_future_ranges_have_geths_errors() {
        let text = |from, to| checked_range(from, to, 10, 100).unwrap_err().message().to_string();
        assert_eq!(text(5, 4), "invalid block range params");
        assert_eq!(text(11, 10), "invalid block range params");
        assert_eq!(text(5, 11), "block range extends beyond current head block");
        assert_eq!(text(12, 13), "block range extends beyond current head block");
        assert_eq!(text(0, 100), "exceed maximum block range: 100 (requested 101 blocks)");
        assert_eq!(checked_range(0, 10, 10, 100).unwrap(), 0..=10);
        assert_eq!(checked_range(10, 10, 10, 100).unwrap(), 10..=10);
    }
}
