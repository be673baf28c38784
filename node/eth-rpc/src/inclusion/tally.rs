//! The counting: pure, with the time handed in.

use super::room;
use crate::{pool::REMEMBERED, types::Address};
use alloy_consensus::Transaction;
use bzk_evm::tx::RecoveredTx;
use schnellru::{ByLength, LruMap};
use serde::Serialize;
use std::collections::VecDeque;

/// Sequencers remembered: more than a session has.
const AUTHORS: u32 = 256;

/// Newest waiting times that the percentiles are of.
const WAITS: usize = 4_096;

/// A transaction must have been here so long, in milliseconds, before a block without it counts: two
/// slots, so that it had the time to reach the block's author.
const GRACE_MS: u64 = 4_000;

/// After this, in milliseconds, a transaction is forgotten: it may have left the pool.
const FORGOTTEN_MS: u64 = 300_000;

/// A transaction that has come to the pool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub(super) sender: Address,
    pub(super) nonce: u64,
    /// Wei per gas.
    pub(super) fee_cap: u128,
    pub(super) gas_limit: u64,
    /// Most that it can weigh in a block, in picoseconds.
    pub(super) weight: u64,
}

impl From<&RecoveredTx> for Waiting {
    fn from(tx: &RecoveredTx) -> Self {
        Self {
            sender: tx.sender,
            nonce: tx.envelope.nonce(),
            fee_cap: tx.envelope.max_fee_per_gas(),
            gas_limit: tx.envelope.gas_limit(),
            weight: room::worst_weight(tx.envelope.gas_limit()),
        }
    }
}

/// An Ethereum block.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    /// The validator's account.
    pub(super) author: String,
    /// Wei per gas.
    pub(super) base_fee: u128,
    /// Gas that was not used.
    pub(super) gas_left: u64,
    /// Weight that was not used, in picoseconds.
    pub(super) weight_left: u64,
    /// Sender and nonce of each transaction.
    pub(super) included: Vec<(Address, u64)>,
}

/// What is known of one sequencer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorStats {
    /// Its account, as polkadot-js writes it.
    pub validator: String,
    /// Ethereum blocks of its that this node saw as the best.
    pub blocks: u64,
    /// Transactions in these.
    pub included: u64,
    /// Of these, the ones that this node's pool had never held: they came to the sequencer another
    /// way.
    pub unseen: u64,
    /// Waiting transactions that its blocks had room for, by gas and by weight, and did not hold, added
    /// up over its blocks.
    pub passed_over: u64,
}

/// The answer of `bzk_inclusionStats`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InclusionStats {
    /// Milliseconds since the record began.
    pub recorded_ms: u64,
    /// Transactions that wait now.
    pub waiting: u64,
    /// Age of the oldest of these, in milliseconds.
    pub oldest_waiting_ms: u64,
    /// Median wait of the newest included transactions, in milliseconds; 0 without any.
    pub wait_p50_ms: u64,
    /// 99th percentile of the same.
    pub wait_p99_ms: u64,
    /// By sequencer, in the order of their accounts.
    pub sequencers: Vec<AuthorStats>,
}

struct Seen {
    at_ms: u64,
    waiting: Waiting,
}

/// The record.
pub(super) struct Tally {
    // With the free places of the table some 260 bytes each, together 32 MiB.
    seen: LruMap<(Address, u64), Seen>,
    authors: LruMap<String, AuthorStats>,
    waits: VecDeque<u64>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            seen: LruMap::new(ByLength::new(REMEMBERED)),
            authors: LruMap::new(ByLength::new(AUTHORS)),
            waits: VecDeque::with_capacity(WAITS),
        }
    }
}

impl Tally {
    /// A transaction came. One that replaces another keeps the other's time.
    pub(super) fn waits(&mut self, waiting: Waiting, now_ms: u64) {
        let key = (waiting.sender, waiting.nonce);
        let at_ms = self.seen.peek(&key).map_or(now_ms, |seen| seen.at_ms);
        self.seen.insert(key, Seen { at_ms, waiting });
    }

    /// A block came. `holds` tells whether the transaction of a sender and nonce still waits in the pool: one whose
    /// sender has spent its money does not, and a flood of such ones would hide what is left out.
    pub(super) fn closes(
        &mut self,
        block: &Closed,
        now_ms: u64,
        holds: impl Fn(Address, u64) -> bool,
    ) {
        let mut unseen = 0u64;
        for key in &block.included {
            match self.seen.remove(key) {
                Some(seen) => {
                    if self.waits.len() == WAITS {
                        self.waits.pop_front();
                    }
                    self.waits.push_back(now_ms.saturating_sub(seen.at_ms));
                }
                None => unseen = unseen.saturating_add(1),
            }
        }
        let passed_over = self.fitting(block, now_ms, holds);
        self.forget(now_ms);

        let fresh = || AuthorStats { validator: block.author.clone(), ..Default::default() };
        if let Some(author) = self.authors.get_or_insert(block.author.clone(), fresh) {
            author.blocks = author.blocks.saturating_add(1);
            author.included = author.included.saturating_add(block.included.len() as u64);
            author.unseen = author.unseen.saturating_add(unseen);
            author.passed_over = author.passed_over.saturating_add(passed_over);
        }
    }

    /// How many of those that still wait the block had room for, all together: of a block that is nearly
    /// full a few could be in it and not each of the thousands that wait.
    fn fitting(&self, block: &Closed, now_ms: u64, holds: impl Fn(Address, u64) -> bool) -> u64 {
        let (mut gas_left, mut weight_left) = (block.gas_left, block.weight_left);
        let mut fitting = 0u64;
        for (_, Seen { at_ms, waiting }) in self.seen.iter() {
            let is_new = now_ms.saturating_sub(*at_ms) < GRACE_MS;
            if is_new || waiting.fee_cap < block.base_fee {
                continue;
            }
            let gas = gas_left.checked_sub(waiting.gas_limit);
            let rest = gas.zip(weight_left.checked_sub(waiting.weight));
            // The pool is asked last: few fit.
            if let Some(rest) = rest.filter(|_| holds(waiting.sender, waiting.nonce)) {
                (gas_left, weight_left) = rest;
                fitting = fitting.saturating_add(1);
            }
        }
        fitting
    }

    fn forget(&mut self, now_ms: u64) {
        let old = |seen: &Seen| now_ms.saturating_sub(seen.at_ms) > FORGOTTEN_MS;
        // The map is in the order of use, the oldest last.
        while self.seen.peek_oldest().is_some_and(|(_, seen)| old(seen)) {
            self.seen.pop_oldest();
        }
    }

    /// What has been counted.
    pub(super) fn stats(&self, now_ms: u64) -> InclusionStats {
        let ages = self.seen.iter().map(|(_, seen)| now_ms.saturating_sub(seen.at_ms));
        let mut waits: Vec<u64> = self.waits.iter().copied().collect();
        waits.sort_unstable();
        let mut sequencers: Vec<AuthorStats> =
            self.authors.iter().map(|(_, author)| author.clone()).collect();
        sequencers.sort_unstable_by(|a, b| a.validator.cmp(&b.validator));
        InclusionStats {
            recorded_ms: now_ms,
            waiting: self.seen.len() as u64,
            oldest_waiting_ms: ages.max().unwrap_or(0),
            wait_p50_ms: percentile(&waits, 50),
            wait_p99_ms: percentile(&waits, 99),
            sequencers,
        }
    }
}

/// The nearest-rank percentile of ascending values.
fn percentile(ascending: &[u64], percent: usize) -> u64 {
    let rank = ascending.len().saturating_mul(percent).div_ceil(100).max(1);
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tx(sender: u8, nonce: u64) -> Waiting {
        let sender = Address::repeat_byte(sender);
        Waiting { sender, nonce, fee_cap: 100, gas_limit: 21_000, weight: 600 }
    }

    fn block(author: &str, included: &[Waiting]) -> Closed {
        Closed {
            author: author.into(),
            base_fee: 50,
            gas_left: 1_000_000,
            weight_left: 1_000_000,
            included: included.iter().map(|tx| (tx.sender, tx.nonce)).collect(),
        }
    }

    fn held(_: Address, _: u64) -> bool {
        true
    }

    fn of<'a>(stats: &'a InclusionStats, author: &str) -> &'a AuthorStats {
        stats.sequencers.iter().find(|stats| stats.validator == author).unwrap()
    }

    #[test]
    fn attack_a_sequencer_that_leaves_one_sender_out_shows() {
        let mut tally = Tally::default();
        tally.waits(tx(1, 0), 0);
        for slot in 1..=5 {
            tally.waits(tx(2, slot), slot * 2_000);
            // Each takes the new one after two slots; the censor never takes the first.
            let taken = slot.checked_sub(2).filter(|nonce| *nonce > 0).map(|nonce| tx(2, nonce));
            tally.closes(&block("censor", &Vec::from_iter(taken)), slot * 2_000, held);
        }
        tally.closes(&block("honest", &[tx(1, 0)]), 12_000, held);
        let stats = tally.stats(12_000);
        assert!(of(&stats, "censor").passed_over >= 4, "{stats:?}");
        assert_eq!(of(&stats, "honest").included, 1);
    }

    #[test]
    fn what_could_not_be_included_counts_against_nobody() {
        let mut tally = Tally::default();
        tally.waits(Waiting { fee_cap: 49, ..tx(1, 0) }, 0);
        tally.waits(Waiting { gas_limit: 1_000_001, ..tx(2, 0) }, 0);
        tally.waits(Waiting { weight: 1_000_001, ..tx(4, 0) }, 0);
        // Too new to have reached the author.
        tally.waits(tx(3, 0), 9_000);
        tally.closes(&block("a", &[]), 10_000, held);
        assert_eq!(of(&tally.stats(10_000), "a").passed_over, 0);
        tally.closes(&block("a", &[]), 13_000, held);
        assert_eq!(of(&tally.stats(13_000), "a").passed_over, 1);
    }

    #[test]
    fn attack_what_has_left_the_pool_hides_nobody() {
        let mut tally = Tally::default();
        (0..1_000).for_each(|nonce| tally.waits(tx(1, nonce), 0));
        tally.waits(tx(2, 0), 0);
        let spent = tx(1, 0).sender;
        let block = Closed { gas_left: u64::MAX, weight_left: u64::MAX, ..block("a", &[]) };
        tally.closes(&block, GRACE_MS, |sender, _| sender != spent);
        assert_eq!(of(&tally.stats(GRACE_MS), "a").passed_over, 1);
    }

    #[test]
    fn only_what_a_block_had_room_for_is_passed_over() {
        let passed_over = |gas_left, weight_left| {
            let mut tally = Tally::default();
            (0..1_000).for_each(|nonce| tally.waits(tx(1, nonce), 0));
            tally.closes(&Closed { gas_left, weight_left, ..block("a", &[]) }, GRACE_MS, held);
            of(&tally.stats(GRACE_MS), "a").passed_over
        };
        // Full, by weight or by gas.
        assert_eq!(passed_over(1_000_000, 599), 0);
        assert_eq!(passed_over(20_999, 1_000_000), 0);
        // Three more would have fitted, whatever else waits.
        assert_eq!(passed_over(1_000_000, 3 * 600 + 599), 3);
        assert_eq!(passed_over(3 * 21_000 + 20_999, 1_000_000), 3);
        assert_eq!(passed_over(u64::MAX, u64::MAX), 1_000);
    }

    #[test]
    fn transactions_that_no_pool_held_are_counted() {
        let mut tally = Tally::default();
        tally.waits(tx(1, 0), 0);
        tally.closes(&block("a", &[tx(1, 0), tx(9, 9)]), 1_000, held);
        let stats = tally.stats(1_000);
        assert_eq!((of(&stats, "a").included, of(&stats, "a").unseen), (2, 1));
        assert_eq!((stats.waiting, stats.wait_p50_ms), (0, 1_000));
    }

    #[test]
    fn a_replacement_keeps_the_time_of_the_first() {
        let mut tally = Tally::default();
        tally.waits(tx(1, 0), 0);
        tally.waits(Waiting { fee_cap: 200, ..tx(1, 0) }, 5_000);
        assert_eq!(tally.stats(6_000).oldest_waiting_ms, 6_000);
        tally.closes(&block("a", &[tx(1, 0)]), 7_000, held);
        assert_eq!(tally.stats(7_000).wait_p99_ms, 7_000);
    }

    #[test]
    fn old_ones_are_forgotten() {
        let mut tally = Tally::default();
        tally.waits(tx(1, 0), 0);
        tally.waits(tx(2, 0), 200_000);
        tally.closes(&block("a", &[]), FORGOTTEN_MS + 1, held);
        assert_eq!(tally.stats(FORGOTTEN_MS + 1).waiting, 1);
    }

    #[test]
    fn attack_a_flood_does_not_grow_the_record() {
        let mut tally = Tally::default();
        for nonce in 0..u64::from(REMEMBERED) + 1_000 {
            tally.waits(tx(1, nonce), nonce);
        }
        assert_eq!(tally.stats(0).waiting, u64::from(REMEMBERED));
        let mut tally = Tally::default();
        for author in 0..AUTHORS + 100 {
            tally.closes(&block(&author.to_string(), &[]), 0, held);
        }
        assert_eq!(tally.stats(0).sequencers.len(), AUTHORS as usize);
    }

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99)), (100, 198));
        assert_eq!(percentile(&[], 50), 0);
    }
}
