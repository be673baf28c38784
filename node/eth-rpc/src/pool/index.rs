//! What the node remembers about transactions it has seen in the pool.

use crate::types::{Address, Hash, B256, U256};
use alloy_consensus::Transaction;
use bzk_evm::tx::{self, RecoveredTx};
use schnellru::{ByLength, LruMap};

/// Transactions remembered: more than the pool holds by default, those that wait for a nonce included. With
/// the free places of the tables each takes about 700 bytes, together some 90 MiB.
pub const REMEMBERED: u32 = 131_072;

/// Price bump of a replacement, in percent of both fee cap and tip, as geth's default.
const PRICE_BUMP_PERCENT: u128 = 10;

/// A transaction without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Hash in the Substrate pool.
    pub(super) pool_hash: Hash,
    /// Ethereum hash.
    pub(super) hash: B256,
    pub(super) sender: Address,
    pub(super) nonce: u64,
    /// Wei per gas.
    pub(super) fee_cap: u128,
    /// Wei per gas; equal to the fee cap for types 0 and 1.
    pub(super) tip_cap: u128,
    /// The most wei that it can take from its sender.
    pub(super) cost: U256,
}

impl Entry {
    pub(super) fn new(pool_hash: Hash, tx: &RecoveredTx) -> Self {
        let fee_cap = tx.envelope.max_fee_per_gas();
        Self {
            pool_hash,
            hash: tx.hash,
            sender: tx.sender,
            nonce: tx.envelope.nonce(),
            fee_cap,
            tip_cap: tx.envelope.max_priority_fee_per_gas().unwrap_or(fee_cap),
            // What costs more than there can be is in no pool.
            cost: tx::max_cost(&tx.envelope).unwrap_or(U256::MAX),
        }
    }

    /// Whether `other` pays enough more to take this transaction's place: both prices strictly
    /// higher and by at least [`PRICE_BUMP_PERCENT`], as in geth.
    pub(super) fn yields_to(&self, other: &Self) -> bool {
        bumped(self.fee_cap, other.fee_cap) && bumped(self.tip_cap, other.tip_cap)
    }
}

fn bumped(old: u128, new: u128) -> bool {
    // Prices near 2^128 cannot be paid; saturation only makes them harder to replace.
    let threshold = old.saturating_mul(100 + PRICE_BUMP_PERCENT) / 100;
    new > old && new >= threshold
}

/// Bounded; what was not touched for longest is forgotten first.
pub(super) struct PoolIndex {
    entries: LruMap<Hash, Entry>,
    by_hash: LruMap<B256, Hash>,
    by_nonce: LruMap<(Address, u64), Hash>,
}

impl Default for PoolIndex {
    fn default() -> Self {
        Self {
            entries: LruMap::new(ByLength::new(REMEMBERED)),
            by_hash: LruMap::new(ByLength::new(REMEMBERED)),
            by_nonce: LruMap::new(ByLength::new(REMEMBERED)),
        }
    }
}

impl PoolIndex {
    pub(super) fn insert(&mut self, entry: Entry) {
        self.by_hash.insert(entry.hash, entry.pool_hash);
        self.by_nonce.insert((entry.sender, entry.nonce), entry.pool_hash);
        self.entries.insert(entry.pool_hash, entry);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets the transaction at a place that a final block has filled. It would push out what waits.
    pub(super) fn forget(&mut self, sender: Address, nonce: u64) {
        let gone =
            self.by_nonce.remove(&(sender, nonce)).and_then(|hash| self.entries.remove(&hash));
        if let Some(entry) = gone {
            self.by_hash.remove(&entry.hash);
        }
    }

    pub(super) fn contains(&self, pool_hash: &Hash) -> bool {
        self.entries.peek(pool_hash).is_some()
    }

    /// Who sent it, if that is known. To ask does not count as to touch.
    pub(super) fn sender(&self, pool_hash: &Hash) -> Option<Address> {
        self.entries.peek(pool_hash).map(|entry| entry.sender)
    }

    pub(super) fn get(&mut self, pool_hash: &Hash) -> Option<Entry> {
        self.entries.get(pool_hash).copied()
    }

    pub(super) fn by_hash(&mut self, hash: &B256) -> Option<Hash> {
        self.by_hash.get(hash).copied()
    }

    /// The last transaction seen at this place of the sender.
    pub(super) fn by_nonce(&mut self, sender: Address, nonce: u64) -> Option<Entry> {
        let pool_hash = *self.by_nonce.get(&(sender, nonce))?;
        self.get(&pool_hash)
    }

    /// The last transactions seen at the nonces of `sender` from `nonce` on, up to the first at which there was none.
    pub(super) fn following(
        &self,
        sender: Address,
        nonce: u64,
    ) -> impl Iterator<Item = Entry> + '_ {
        let at = move |nonce| self.entries.peek(self.by_nonce.peek(&(sender, nonce))?).copied();
        (nonce..).map_while(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn priced(fee_cap: u128, tip_cap: u128) -> Entry {
        Entry {
            pool_hash: Hash::zero(),
            hash: B256::ZERO,
            sender: Address::ZERO,
            nonce: 0,
            fee_cap,
            tip_cap,
            cost: U256::ZERO,
        }
    }

    #[test]
    fn replacement_needs_ten_percent_on_both_prices() {
        let old = priced(1_000, 100);
        assert!(old.yields_to(&priced(1_100, 110)));
        assert!(!old.yields_to(&priced(1_099, 110)));
        assert!(!old.yields_to(&priced(1_100, 109)));
        assert!(!old.yields_to(&priced(5_000, 100)));
        assert!(!old.yields_to(&priced(1_000, 500)));
    }

    #[test]
    fn replacement_of_tiny_prices_needs_a_strict_raise() {
        // 110% of 5 rounds down to 5.
        assert!(!priced(5, 5).yields_to(&priced(5, 5)));
        assert!(priced(5, 5).yields_to(&priced(6, 6)));
        assert!(!priced(5, 0).yields_to(&priced(6, 0)));
        assert!(priced(5, 0).yields_to(&priced(6, 1)));
    }

    #[test]
    fn index_finds_by_all_three_keys_and_prefers_the_newest_at_a_nonce() {
        let mut index = PoolIndex::default();
        let entry = |byte| Entry {
            pool_hash: Hash::repeat_byte(byte),
            hash: B256::repeat_byte(byte),
            nonce: 7,
            ..priced(1, 1)
        };
        index.insert(entry(1));
        index.insert(entry(2));
        assert_eq!(index.by_hash(&B256::repeat_byte(1)), Some(Hash::repeat_byte(1)));
        assert_eq!(index.by_nonce(Address::ZERO, 7), Some(entry(2)));
        assert_eq!(index.by_nonce(Address::ZERO, 8), None);
        assert_eq!(index.get(&Hash::repeat_byte(2)), Some(entry(2)));
        assert_eq!(index.sender(&Hash::repeat_byte(2)), Some(entry(2).sender));
        assert_eq!(index.sender(&Hash::repeat_byte(3)), None);
        assert!(!index.contains(&Hash::repeat_byte(3)));
    }

    #[test]
    fn place_that_a_block_filled_is_forgotten() {
        let mut index = PoolIndex::default();
        assert!(index.is_empty());
        let entry = Entry { nonce: 7, ..priced(1, 1) };
        index.insert(entry);
        index.forget(entry.sender, 8);
        assert_eq!(index.by_nonce(entry.sender, 7), Some(entry));
        index.forget(entry.sender, 7);
        assert_eq!(index.by_nonce(entry.sender, 7), None);
        assert_eq!(index.by_hash(&entry.hash), None);
        assert!(index.is_empty());
    }

    #[test]
    fn what_follows_a_nonce_ends_at_the_first_gap() {
        let mut index = PoolIndex::default();
        for nonce in [5, 6, 7, 9] {
            let byte = u8::try_from(nonce).unwrap();
            let (pool_hash, hash) = (Hash::repeat_byte(byte), B256::repeat_byte(byte));
            index.insert(Entry { pool_hash, hash, nonce, ..priced(1, 1) });
        }
        let nonces = |from| {
            let entries = index.following(Address::ZERO, from);
            entries.map(|entry| entry.nonce).collect::<Vec<_>>()
        };
        assert_eq!(nonces(6), [6, 7]);
        assert!(nonces(8).is_empty());
        assert_eq!(index.following(Address::repeat_byte(1), 5).count(), 0);
    }

    proptest! {
        #[test]
        fn prop_nothing_replaces_itself(fee_cap: u128, tip_cap: u128) {
            let entry = priced(fee_cap, tip_cap);
            prop_assert!(!entry.yields_to(&entry));
        }

        #[test]
        fn prop_replacement_is_one_way(a: (u128, u128), b: (u128, u128)) {
            let (a, b) = (priced(a.0, a.1), priced(b.0, b.1));
            prop_assert!(!(a.yields_to(&b) && b.yields_to(&a)));
        }
    }
}
