//! Transactions that the pool announces before it shows them, as it does while it turns to a new block.

use crate::types::Hash;
use std::collections::VecDeque;

/// Most that are looked for; of more the first are given up.
const MOST: usize = 1_024;

/// Best blocks after which one is given up: one of them held it.
const BLOCKS: u8 = 3;

/// What tells that there may be a new transaction to see.
pub(super) enum Event {
    /// The pool announces a transaction.
    Imported(Hash),
    /// There is a new best block.
    Block,
}

/// Announced and not yet seen, each with the best blocks since.
#[derive(Default)]
pub(super) struct Unseen(VecDeque<(Hash, u8)>);

impl Unseen {
    /// What can be seen after `event`: `find` gives a transaction that the pool shows by now.
    pub(super) fn turn<T>(&mut self, event: Event, find: impl Fn(Hash) -> Option<T>) -> Vec<T> {
        let mut seen = Vec::new();
        match event {
            Event::Imported(hash) => match find(hash) {
                Some(tx) => seen.push(tx),
                None => self.0.push_back((hash, 0)),
            },
            Event::Block => self.0.retain_mut(|(hash, blocks)| {
                let found = find(*hash);
                *blocks = blocks.saturating_add(1);
                let keep = found.is_none() && *blocks < BLOCKS;
                seen.extend(found);
                keep
            }),
        }
        if self.0.len() > MOST {
            self.0.pop_front();
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(number: u64) -> Hash {
        Hash::from_low_u64_be(number)
    }

    #[test]
    fn what_is_shown_is_given_at_once_and_once() {
        let mut unseen = Unseen::default();
        assert_eq!(unseen.turn(Event::Imported(hash(1)), Some), [hash(1)]);
        assert!(unseen.turn(Event::Block, Some).is_empty());
    }

    #[test]
    fn what_is_shown_later_is_given_with_a_block() {
        let mut unseen = Unseen::default();
        for number in 1..=2 {
            assert!(unseen.turn(Event::Imported(hash(number)), |_| None::<Hash>).is_empty());
        }
        assert_eq!(
            unseen.turn(Event::Block, |found| (found == hash(1)).then_some(found)),
            [hash(1)]
        );
        assert_eq!(unseen.turn(Event::Block, Some), [hash(2)]);
        assert!(unseen.turn(Event::Block, Some).is_empty());
    }

    #[test]
    fn what_was_in_a_block_is_given_up() {
        let mut unseen = Unseen::default();
        unseen.turn(Event::Imported(hash(1)), |_| None::<Hash>);
        for _ in 0..BLOCKS {
            assert_eq!(unseen.0.len(), 1);
            unseen.turn(Event::Block, |_| None::<Hash>);
        }
        assert!(unseen.0.is_empty());
    }

    #[test]
    fn attack_announcements_that_are_never_shown_are_bounded() {
        let mut unseen = Unseen::default();
        for number in 0..3 * MOST as u64 {
            unseen.turn(Event::Imported(hash(number)), |_| None::<Hash>);
        }
        assert_eq!(unseen.0.len(), MOST);
    }
}
