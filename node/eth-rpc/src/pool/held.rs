//! Senders whose transactions wait because one of theirs cost an author time for nothing.

use parking_lot::Mutex;
use schnellru::{ByLength, LruMap};
use sp_core::H160;
use std::time::{Duration, Instant};

/// How long a sender is held back: so long that it takes thousands of accounts to waste the time of one
/// author, and no longer, because a contract that somebody else changed may have been the reason.
const HELD_FOR: Duration = Duration::from_secs(300);

/// Most senders held back, some 100 bytes each; who was added first is forgotten first.
const MOST_HELD: u32 = 16_384;

/// The senders that this node holds back. Nobody else can put one here: it takes a transaction that this
/// node itself ran in a block of its own.
pub(crate) struct Held(Mutex<LruMap<H160, Instant>>);

impl Default for Held {
    fn default() -> Self {
        Self(Mutex::new(LruMap::new(ByLength::new(MOST_HELD))))
    }
}

impl Held {
    /// Holds `sender` back for [`HELD_FOR`] from `now` on.
    pub(super) fn hold(&self, sender: H160, now: Instant) {
        let until = now.checked_add(HELD_FOR).unwrap_or(now);
        self.0.lock().insert(sender, until);
    }

    /// How long `sender` is still held back; `None` if it is not.
    pub(super) fn left(&self, sender: H160, now: Instant) -> Option<Duration> {
        let until = self.0.lock().peek(&sender).copied()?;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// How many senders are held back; forgets those that are not any more.
    pub(crate) fn count(&self, now: Instant) -> usize {
        let mut held = self.0.lock();
        while held.peek_oldest().is_some_and(|(_, until)| *until <= now) {
            held.pop_oldest();
        }
        held.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(n: u64) -> H160 {
        H160::from_low_u64_be(n)
    }

    #[test]
    fn sender_is_held_back_for_its_time_and_no_other() {
        let (held, start) = (Held::default(), Instant::now());
        held.hold(sender(1), start);
        assert_eq!(held.left(sender(1), start), Some(HELD_FOR));
        assert_eq!(held.left(sender(2), start), None);
        assert_eq!(held.left(sender(1), start + HELD_FOR), None);
        assert_eq!(held.count(start), 1);
        assert_eq!(held.count(start + HELD_FOR), 0);
    }

    #[test]
    fn who_does_it_again_is_held_back_anew() {
        let (held, start) = (Held::default(), Instant::now());
        held.hold(sender(1), start);
        held.hold(sender(2), start);
        let later = start + HELD_FOR / 2;
        held.hold(sender(1), later);
        assert_eq!(held.left(sender(1), start + HELD_FOR), Some(HELD_FOR / 2));
        assert_eq!(held.count(start + HELD_FOR), 1);
    }

    #[test]
    fn attack_accounts_without_number_do_not_fill_the_memory() {
        let (held, start) = (Held::default(), Instant::now());
        for n in 0..u64::from(MOST_HELD) + 10 {
            held.hold(sender(n), start);
        }
        assert_eq!(held.count(start), MOST_HELD as usize);
        assert_eq!(held.left(sender(9), start), None);
        assert!(held.left(sender(10), start).is_some());
    }
}
