//! What was refused is left alone for a while, longer each time. Pure, and lost with the process.

use std::{collections::BTreeMap, time::Duration};

/// Most that is remembered; about 10 MB.
const MOST: usize = 100_000;

/// What a refusal has cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// A question to the node: the contract would have refused.
    Question,
    /// Gas: the contract has refused in a block what the node said it would take.
    Gas,
}

impl Cost {
    /// The first pause and the longest one, in units: two minutes and a day where the unit is ten seconds.
    fn pauses(self) -> (u32, u32) {
        match self {
            Self::Question => (1, 12),
            Self::Gas => (64, 8_640),
        }
    }
}

/// What is left alone.
#[derive(Clone, Debug)]
pub struct Refusals<K> {
    unit: Duration,
    known: BTreeMap<K, Refusal>,
}

#[derive(Clone, Copy, Debug)]
struct Refusal {
    /// How often, by cost: questions are asked often, and must not make a first loss of gas rest for a day.
    times: [u32; 2],
    until: Duration,
}

impl<K: Ord + Copy> Refusals<K> {
    /// Pauses are multiples of `unit`.
    pub fn new(unit: Duration) -> Self {
        Self { unit, known: BTreeMap::new() }
    }

    /// Whether `key` is to be left alone at the time `now`, counted from any fixed moment.
    pub fn rests(&self, key: &K, now: Duration) -> bool {
        self.known.get(key).is_some_and(|refusal| now < refusal.until)
    }

    /// Notes a refusal. Returns how long `key` is left alone: twice as long as the last time at this cost, up to a
    /// limit.
    pub fn refuse(&mut self, key: K, cost: Cost, now: Duration) -> Duration {
        let mut times = self.known.get(&key).map_or([0; 2], |refusal| refusal.times);
        let [questions, gas] = &mut times;
        let before = match cost {
            Cost::Question => questions,
            Cost::Gas => gas,
        };
        let (first, longest) = cost.pauses();
        let units =
            2u32.checked_pow(*before).map_or(longest, |factor| first.saturating_mul(factor));
        *before = before.saturating_add(1);
        let pause = self.unit.saturating_mul(units.min(longest));
        if self.known.len() >= MOST && !self.known.contains_key(&key) {
            self.known.retain(|_, refusal| now < refusal.until);
            // All of them rest: one is asked for sooner than it should be.
            if self.known.len() >= MOST {
                self.known.pop_first();
            }
        }
        let until = now.saturating_add(pause);
        self.known.insert(key, Refusal { times, until });
        pause
    }

    /// `key` was taken.
    pub fn forget(&mut self, key: &K) {
        self.known.remove(key);
    }

    /// Everything may be asked for again.
    pub fn clear(&mut self) {
        self.known.clear();
    }

    /// How many have been refused and not been taken since.
    pub fn count(&self) -> usize {
        self.known.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Duration = Duration::from_secs(10);

    fn after(units: u32) -> Duration {
        UNIT * units
    }

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let mut refusals = Refusals::new(UNIT);
        let mut pauses = |cost| -> Vec<Duration> {
            refusals.clear();
            (0..40).map(|_| refusals.refuse(1, cost, Duration::ZERO)).collect()
        };
        let questions = pauses(Cost::Question);
        assert_eq!(questions[..6], [1, 2, 4, 8, 12, 12].map(after));
        assert_eq!(questions[39], after(12));
        let gas = pauses(Cost::Gas);
        assert_eq!(gas[..3], [64, 128, 256].map(after));
        assert_eq!(gas[39], after(8_640));
    }

    /// A deposit that waits for a cap is asked for many times; then another claim is faster in the same block.
    #[test]
    fn questions_do_not_lengthen_the_pause_after_lost_gas() {
        let mut refusals = Refusals::new(UNIT);
        for _ in 0..20 {
            refusals.refuse(1, Cost::Question, Duration::ZERO);
        }
        assert_eq!(refusals.refuse(1, Cost::Gas, Duration::ZERO), after(64));
        assert_eq!(refusals.refuse(1, Cost::Question, Duration::ZERO), after(12));
        // Nor do they make it forgotten.
        assert_eq!(refusals.refuse(1, Cost::Gas, Duration::ZERO), after(128));
    }

    #[test]
    fn refused_rests_until_its_pause_is_over() {
        let mut refusals = Refusals::new(UNIT);
        refusals.refuse(1, Cost::Question, after(5));
        assert!(refusals.rests(&1, after(5)) && !refusals.rests(&2, after(5)));
        assert!(!refusals.rests(&1, after(6)));
        // Taken, and refused once more much later: the pause is short again.
        refusals.refuse(1, Cost::Question, after(6));
        refusals.forget(&1);
        assert_eq!(refusals.refuse(1, Cost::Question, after(9)), after(1));
    }

    /// Whoever makes many deposits that are refused must not fill the memory.
    #[test]
    fn attack_endless_refusals() {
        let mut refusals = Refusals::new(UNIT);
        for key in 0..MOST + 10 {
            refusals.refuse(key, Cost::Question, Duration::ZERO);
        }
        assert_eq!(refusals.count(), MOST);
        assert!(refusals.rests(&(MOST + 9), Duration::ZERO));
        // Pauses that are over make room.
        refusals.refuse(0, Cost::Question, after(1));
        assert_eq!(refusals.count(), 1);
    }
}
