//! What a filter has collected since its last poll.

use crate::{
    chain::{BlockRef, Record},
    error::RpcResult,
    feed::{BlockChange, ChainEvent, Journal, Lagged},
    logs::{append_matching, weight, BlockSelection, Criteria, MAX_BYTES},
    types::B256,
};
use alloy_rpc_types_eth::Log;
use jsonrpsee::types::ErrorObjectOwned;
use std::sync::Arc;

/// Journal entries read at once.
const BATCH: usize = 64;

/// Why a poll fails.
#[derive(Debug)]
pub(super) enum PollError {
    /// The client polled too seldom; the filter has missed something and is of no use any more.
    Lagged(Lagged),
    /// A block could not be read.
    Failed(ErrorObjectOwned),
}

impl From<Lagged> for PollError {
    fn from(lagged: Lagged) -> Self {
        Self::Lagged(lagged)
    }
}

impl From<ErrorObjectOwned> for PollError {
    fn from(error: ErrorObjectOwned) -> Self {
        Self::Failed(error)
    }
}

/// Logs of blocks that came and went since `position`, which moves on. Stops after the block that
/// fills `limit` or [`MAX_BYTES`]; the rest comes with the next poll.
pub(super) fn logs(
    journal: &Journal<Arc<BlockChange>>,
    position: &mut u64,
    blocks: &BlockSelection,
    criteria: &Criteria,
    limit: usize,
    read: impl Fn(&BlockRef) -> RpcResult<Arc<Record>>,
) -> Result<Vec<Log>, PollError> {
    let (mut logs, mut bytes) = (Vec::new(), 0usize);
    // Moves on only together with an answer: after an error the client can poll again.
    let mut seen = *position;
    'journal: loop {
        let changes = journal.read(seen, BATCH)?;
        if changes.is_empty() {
            break;
        }
        for change in changes {
            if logs.len() >= limit || bytes > MAX_BYTES {
                break 'journal;
            }
            seen = seen.saturating_add(1);
            let block = change.block();
            if blocks.covers(&block) {
                let first = logs.len();
                let record = read(&block)?;
                append_matching(&record, criteria, &mut logs);
                let new = logs.get_mut(first..).unwrap_or_default();
                bytes = new.iter().map(weight).fold(bytes, usize::saturating_add);
                if change.removed() {
                    undo(new);
                }
            }
        }
    }
    *position = seen;
    Ok(logs)
}

/// Marks the logs of a block as removed; what came last goes first.
fn undo(logs: &mut [Log]) {
    logs.reverse();
    for log in logs {
        log.removed = true;
    }
}

/// Hashes of blocks that came since `position`, which moves on.
pub(super) fn blocks(
    journal: &Journal<Arc<BlockChange>>,
    position: &mut u64,
) -> Result<Vec<B256>, PollError> {
    let changes = journal.read(*position, usize::MAX)?;
    *position = position.saturating_add(changes.len() as u64);
    let applied = changes.iter().filter_map(|change| match change.event {
        ChainEvent::Applied(block) => Some(block.hash),
        ChainEvent::Reverted(_) => None,
    });
    Ok(applied.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        feed::fixtures::record,
        types::{Address, Hash},
    };
    use ChainEvent::{Applied, Reverted};

    /// Blocks `(number, fork)`; each has one log from `11..` and one from `22..`.
    fn block(number: u64, fork: u64) -> (BlockRef, Arc<Record>) {
        let record = record(number, fork, &[&[0x11], &[0x22]]);
        let at = Hash::from_low_u64_be(number * 100 + fork);
        (BlockRef { number, hash: record.hash, at }, Arc::new(record))
    }

    fn read(wanted: &BlockRef) -> RpcResult<Arc<Record>> {
        let id = wanted.at.to_low_u64_be();
        Ok(block(id / 100, id % 100).1)
    }

    fn journal(capacity: usize, events: &[ChainEvent]) -> Journal<Arc<BlockChange>> {
        let journal = Journal::new(capacity);
        journal.append(events.iter().map(|event| Arc::new(BlockChange::from(*event))));
        journal
    }

    fn applied(number: u64, fork: u64) -> ChainEvent {
        Applied(block(number, fork).0)
    }

    fn reverted(number: u64, fork: u64) -> ChainEvent {
        Reverted(block(number, fork).0)
    }

    fn any() -> BlockSelection {
        BlockSelection::Range { from: None, to: None }
    }

    fn numbers(from: u64, to: u64) -> BlockSelection {
        BlockSelection::Range { from: Some(from.into()), to: Some(to.into()) }
    }

    fn places(logs: &[Log]) -> Vec<(u64, u64, bool)> {
        logs.iter()
            .map(|log| (log.block_number.unwrap(), log.log_index.unwrap(), log.removed))
            .collect()
    }

    #[test]
    fn each_log_is_given_once() {
        let journal = journal(10, &[applied(1, 0), applied(2, 0)]);
        let mut position = 0;
        let mut poll = || logs(&journal, &mut position, &any(), &Criteria::default(), 100, read);
        let expected = [(1, 0, false), (1, 1, false), (2, 0, false), (2, 1, false)];
        assert_eq!(places(&poll().unwrap()), expected);
        assert!(poll().unwrap().is_empty());
        journal.append([Arc::new(BlockChange::from(applied(3, 0)))]);
        assert_eq!(places(&poll().unwrap()), [(3, 0, false), (3, 1, false)]);
    }

    #[test]
    fn reorg_gives_removed_logs_backwards_and_then_the_new_ones() {
        let events = [reverted(3, 0), reverted(2, 0), applied(2, 1), applied(3, 1)];
        let (journal, mut position) = (journal(10, &events), 0);
        let logs = logs(&journal, &mut position, &any(), &Criteria::default(), 100, read).unwrap();
        let expected = [
            (3, 1, true),
            (3, 0, true),
            (2, 1, true),
            (2, 0, true),
            (2, 0, false),
            (2, 1, false),
            (3, 0, false),
            (3, 1, false),
        ];
        assert_eq!(places(&logs), expected);
        assert_eq!(logs[0].block_hash, Some(block(3, 0).0.hash));
        assert_eq!(logs[7].block_hash, Some(block(3, 1).0.hash));
    }

    #[test]
    fn full_answer_ends_with_a_whole_block_and_the_rest_follows() {
        let (journal, mut position) =
            (journal(10, &[applied(1, 0), applied(2, 0), applied(3, 0)]), 0);
        let mut poll =
            |limit| logs(&journal, &mut position, &any(), &Criteria::default(), limit, read);
        assert_eq!(poll(3).unwrap().len(), 4);
        assert_eq!(places(&poll(3).unwrap()), [(3, 0, false), (3, 1, false)]);
    }

    #[test]
    fn range_and_criteria_restrict_the_logs() {
        let (journal, mut position) =
            (journal(10, &[applied(1, 0), applied(2, 0), applied(3, 0)]), 0);
        let criteria = Criteria::new(vec![Address::repeat_byte(0x22)], vec![]);
        let got = logs(&journal, &mut position, &numbers(2, 2), &criteria, 100, read).unwrap();
        assert_eq!(places(&got), [(2, 1, false)]);
        assert_eq!(position, 3);
    }

    #[test]
    fn poll_that_fails_can_be_repeated() {
        let (journal, mut position) = (journal(10, &[applied(1, 0), applied(2, 0)]), 0);
        let fail = |block: &BlockRef| match block.number {
            2 => Err(crate::error::internal("no")),
            _ => read(block),
        };
        let failed = logs(&journal, &mut position, &any(), &Criteria::default(), 100, fail);
        assert!(matches!(failed, Err(PollError::Failed(_))));
        let got = logs(&journal, &mut position, &any(), &Criteria::default(), 100, read).unwrap();
        assert_eq!(got.len(), 4);
    }

    #[test]
    fn filter_that_fell_out_of_the_journal_is_told() {
        let (journal, mut position) =
            (journal(2, &[applied(1, 0), applied(2, 0), applied(3, 0)]), 0);
        let lagged = logs(&journal, &mut position, &any(), &Criteria::default(), 100, read);
        assert!(matches!(lagged, Err(PollError::Lagged(Lagged { missed: 3 }))));
        assert!(blocks(&journal, &mut position).is_err());
    }

    #[test]
    fn block_filter_gives_new_blocks_only() {
        let events = [applied(1, 0), reverted(1, 0), applied(1, 1), applied(2, 1)];
        let (journal, mut position) = (journal(10, &events), 0);
        let expected = [block(1, 0).0.hash, block(1, 1).0.hash, block(2, 1).0.hash];
        assert_eq!(blocks(&journal, &mut position).unwrap(), expected);
        assert!(blocks(&journal, &mut position).unwrap().is_empty());
    }
}
