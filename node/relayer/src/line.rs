//! When a transaction of the relayer's own is sent again: one that the base fee has left behind keeps all later ones of
//! the account waiting. Pure; what waits is read from the node each time, and only since when is remembered.

use bzk_l2_client::{alloy_primitives::B256, Fees, Line};
use std::{collections::BTreeMap, time::Duration};

/// Blocks that may pass over a transaction which offers enough: they were full of others that tip more.
const PASSED_OVER: u64 = 10;

/// How often a transaction is sent that blocks pass over. Then it may be one that no block can hold: a claim runs code
/// of its recipient, which can do other things in a block than in a question, and those that prove blocks bound it.
const MOST_SENT: u32 = 3;

/// What to do about a transaction that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it again with these fees.
    Replace {
        /// Its place in [`Line::waiting`].
        index: usize,
        /// What it is to offer.
        fees: Fees,
    },
    /// Put one that does nothing in its place, with these fees.
    Cancel {
        /// Its place in [`Line::waiting`].
        index: usize,
        /// What it is to offer.
        fees: Fees,
    },
    /// It would have to offer more than the ceiling or the balance allows.
    TooDear {
        /// Its number.
        nonce: u64,
    },
}

/// First sight of a transaction.
#[derive(Clone, Copy, Debug)]
struct Sight {
    hash: B256,
    at: Duration,
    block: u64,
    /// How many of this number were seen, this one too.
    sent: u32,
}

/// Since when transactions wait.
#[derive(Clone, Debug)]
pub struct Clock {
    patience: Duration,
    seen: BTreeMap<u64, Sight>,
}

impl Clock {
    /// One that lets transactions wait for `patience`. All that wait after a restart count as new.
    pub fn new(patience: Duration) -> Self {
        Self { patience, seen: BTreeMap::new() }
    }

    /// What to do at the time `now`, counted from any fixed moment. To look again before something was done gives the
    /// same; what was sent again has another hash and counts as new.
    pub fn look(&mut self, line: &Line, now: Duration) -> Vec<Action> {
        let hashes: BTreeMap<u64, B256> =
            line.waiting.iter().map(|waiting| (waiting.nonce, waiting.hash)).collect();
        self.seen.retain(|nonce, _| hashes.contains_key(nonce));
        for (nonce, hash) in hashes {
            let new = Sight { hash, at: now, block: line.block, sent: 1 };
            let sight = self.seen.entry(nonce).or_insert(new);
            if sight.hash != hash {
                *sight = Sight { sent: sight.sent.saturating_add(1), ..new };
            }
        }
        let late = line.waiting.iter().enumerate().filter_map(|(index, waiting)| {
            let sight = self.seen.get(&waiting.nonce)?;
            let left_behind = waiting.fees.max < u128::from(line.market.base_fee);
            // Those behind the first one wait for it, whatever they offer. Without new blocks more is of no use.
            let passed_over = index == 0 && line.block.saturating_sub(sight.block) >= PASSED_OVER;
            let late = now.saturating_sub(sight.at) >= self.patience;
            let hopeless = !left_behind && sight.sent >= MOST_SENT;
            (late && (left_behind || passed_over)).then_some((index, waiting, hopeless))
        });
        late.map(|(index, waiting, hopeless)| {
            match waiting.fees.raised(&line.market, line.balance, waiting.gas_limit) {
                Some(fees) if hopeless => Action::Cancel { index, fees },
                Some(fees) => Action::Replace { index, fees },
                None => Action::TooDear { nonce: waiting.nonce },
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_l2_client::{
        alloy_primitives::{Address, U256},
        Market, Waiting,
    };

    const GWEI: u64 = 1_000_000_000;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn clock() -> Clock {
        Clock::new(seconds(30))
    }

    /// A transaction of this number that offers so many gwei.
    fn waiting(nonce: u64, gwei: u64) -> Waiting {
        Waiting {
            hash: B256::from(U256::from(nonce * 1_000 + gwei)),
            nonce,
            fees: Fees { max: (gwei * GWEI).into(), tip: 0 },
            gas_limit: 100_000,
            to: Address::ZERO,
            value: U256::ZERO,
            input: Default::default(),
        }
    }

    fn line(block: u64, base_gwei: u64, waiting: &[Waiting]) -> Line {
        let market = Market { base_fee: base_gwei * GWEI, tip: 0, ceiling: u128::from(20 * GWEI) };
        let balance = U256::from(10u64.pow(18));
        Line { block, balance, market, waiting: waiting.to_vec() }
    }

    fn replaced(actions: &[Action]) -> Vec<usize> {
        let index = |action: &Action| match action {
            Action::Replace { index, .. } => Some(*index),
            Action::Cancel { .. } | Action::TooDear { .. } => None,
        };
        actions.iter().filter_map(index).collect()
    }

    #[test]
    fn transaction_that_is_left_behind_is_sent_again_after_a_while() {
        let (mut clock, left) = (clock(), line(5, 3, &[waiting(7, 2)]));
        assert_eq!(clock.look(&left, seconds(100)), []);
        assert_eq!(clock.look(&left, seconds(129)), []);
        let fees = Fees { max: (6 * GWEI + 1).into(), tip: 1 };
        let again = [Action::Replace { index: 0, fees }];
        assert_eq!(clock.look(&left, seconds(130)), again);
        // It could not be sent: the same once more.
        assert_eq!(clock.look(&left, seconds(140)), again);
        // It was: its time begins anew.
        let sent = line(5, 7, &[waiting(7, 6)]);
        assert_eq!(clock.look(&sent, seconds(150)), []);
        assert_eq!(replaced(&clock.look(&sent, seconds(180))), [0]);
    }

    #[test]
    fn transaction_that_offers_enough_waits() {
        let mut clock = clock();
        for (block, at) in [(5, 0), (14, 600)] {
            assert_eq!(clock.look(&line(block, 2, &[waiting(7, 2)]), seconds(at)), []);
        }
        // Blocks pass it over: its author wants a tip.
        assert_eq!(replaced(&clock.look(&line(15, 2, &[waiting(7, 2)]), seconds(601))), [0]);
    }

    /// A recipient can burn more than a block may take, in blocks only: what waits behind it must not wait for ever.
    #[test]
    fn attack_transaction_that_no_block_holds_is_given_up() {
        let (mut clock, mut actions) = (clock(), Vec::new());
        for sent in 1..=4 {
            // Each time it offers more.
            let (block, at) = (sent * 100, sent * 600);
            let waits = [waiting(7, 2 + sent)];
            assert_eq!(clock.look(&line(block, 2, &waits), seconds(at)), []);
            actions.extend(clock.look(&line(block + 10, 2, &waits), seconds(at + 30)));
        }
        let kinds: Vec<_> = actions
            .iter()
            .map(|action| matches!(action, Action::Cancel { index: 0, .. }))
            .collect();
        assert_eq!(kinds, [false, false, true, true]);
        // The base fee is no reason to give up.
        let left = [waiting(7, 8)];
        clock.look(&line(900, 9, &left), seconds(9_000));
        assert_eq!(replaced(&clock.look(&line(910, 9, &left), seconds(9_030))), [0]);
    }

    /// A chain that stands still must not drive its fees up.
    #[test]
    fn nothing_is_raised_without_blocks() {
        let (mut clock, still) = (clock(), line(5, 2, &[waiting(7, 2)]));
        for at in 0..100 {
            assert_eq!(clock.look(&still, seconds(at * 60)), []);
        }
    }

    #[test]
    fn those_behind_are_sent_again_only_if_they_are_left_behind_too() {
        let (mut clock, all) = (clock(), [waiting(7, 4), waiting(8, 2), waiting(9, 4)]);
        clock.look(&line(5, 3, &all), seconds(0));
        assert_eq!(replaced(&clock.look(&line(30, 3, &all), seconds(30))), [0, 1]);
        clock.look(&line(5, 5, &all), seconds(0));
        assert_eq!(replaced(&clock.look(&line(6, 5, &all), seconds(30))), [0, 1, 2]);
    }

    #[test]
    fn what_is_too_dear_is_told() {
        let (mut clock, left) = (clock(), line(5, 21, &[waiting(7, 2)]));
        clock.look(&left, seconds(0));
        assert_eq!(clock.look(&left, seconds(30)), [Action::TooDear { nonce: 7 }]);
        let poor = Line { balance: U256::from(100_000 * GWEI), ..line(5, 3, &[waiting(7, 2)]) };
        assert_eq!(clock.look(&poor, seconds(31)), [Action::TooDear { nonce: 7 }]);
    }

    /// Only the time is forgotten with the process.
    #[test]
    fn crash_only_starts_the_time_anew() {
        let left = line(5, 3, &[waiting(7, 2)]);
        let mut clock = clock();
        clock.look(&left, seconds(0));
        let mut restarted = Clock::new(seconds(30));
        assert_eq!(restarted.look(&left, seconds(0)), []);
        assert_eq!(restarted.look(&left, seconds(30)), clock.look(&left, seconds(30)));
        // In a block: nothing is remembered.
        assert_eq!(clock.look(&line(6, 3, &[]), seconds(31)), []);
        assert!(clock.seen.is_empty());
    }
}
