//! Transactions that were sent to this node, until a block has them.
//!
//! The pool of polkadot-sdk was seen to lose some that came around a new block, and nobody hears of it: their sender's
//! later ones wait in vain. So what is neither in the pool nor in a block is handed to the pool again.

use super::{index::Entry, PoolView};
use crate::types::{h160, Address, Hash};
use futures::StreamExt;
use sc_client_api::BlockchainEvents;
use sc_transaction_pool_api::{InPoolTransaction, TransactionPool, TransactionSource};
use sp_runtime::OpaqueExtrinsic;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::atomic::Ordering,
    time::Instant,
};

/// Most transactions that are kept; of more the first are forgotten.
const MOST: usize = 16_384;

/// Most bytes of them.
const MOST_BYTES: usize = 32 << 20;

/// Best blocks before the pool is asked for one: few wait longer, and by then the pool has turned.
const BLOCKS: u8 = 2;

/// How often one is handed over again: what is refused so often the pool does not want.
const TIMES: u8 = 3;

/// A transaction and what became of it.
struct Own {
    entry: Entry,
    extrinsic: OpaqueExtrinsic,
    /// Best blocks since it was handed to the pool.
    blocks: u8,
    /// How often it was handed over again.
    times: u8,
}

/// Those that are kept, in the order in which they came.
#[derive(Default)]
pub(super) struct Kept {
    list: VecDeque<Own>,
    bytes: usize,
}

impl Kept {
    /// Keeps a transaction that the pool has taken.
    pub(super) fn insert(&mut self, entry: Entry, extrinsic: OpaqueExtrinsic) {
        self.bytes = self.bytes.saturating_add(extrinsic.inner().len());
        self.list.push_back(Own { entry, extrinsic, blocks: 0, times: 0 });
        while self.list.len() > MOST || self.bytes > MOST_BYTES {
            let Some(first) = self.list.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(first.extrinsic.inner().len());
        }
    }

    /// Who sent them.
    fn senders(&self) -> HashSet<Address> {
        self.list.iter().map(|own| own.entry.sender).collect()
    }

    /// After a new best block: forgets those whose nonce is used, by `nonces`, the senders' next ones (who is not among
    /// them has not changed), and gives those that are lost, which are not in the pool by `waits`.
    fn turn(
        &mut self,
        nonces: &HashMap<Address, u64>,
        waits: impl Fn(&Hash) -> bool,
    ) -> Vec<(Entry, OpaqueExtrinsic)> {
        let mut lost = Vec::new();
        let bytes = &mut self.bytes;
        self.list.retain_mut(|own| {
            let used = nonces.get(&own.entry.sender).is_some_and(|next| own.entry.nonce < *next);
            own.blocks = own.blocks.saturating_add(1);
            let missing = !used && own.blocks >= BLOCKS && !waits(&own.entry.pool_hash);
            let gone = used || (missing && own.times >= TIMES);
            if gone {
                *bytes = bytes.saturating_sub(own.extrinsic.inner().len());
            } else if missing {
                own.blocks = 0;
                own.times = own.times.saturating_add(1);
                lost.push((own.entry, own.extrinsic.clone()));
            }
            !gone
        });
        lost
    }
}

impl PoolView {
    /// Hands the pool what it has lost, after each new best block. Ends with the chain.
    pub async fn keep(self) {
        let mut blocks = self.0.chain.client().import_notification_stream();
        while let Some(block) = blocks.next().await {
            if block.is_new_best {
                self.put_back(block.hash).await;
            }
        }
    }

    /// How many transactions were handed to the pool again since the node started.
    pub(crate) fn put_back_so_far(&self) -> u64 {
        self.0.put_back.load(Ordering::Relaxed)
    }

    async fn put_back(&self, at: Hash) {
        let senders = self.0.kept.lock().senders();
        if senders.is_empty() {
            return;
        }
        let Ok(state) = self.0.chain.open(at) else { return };
        let next = |sender| Some((sender, state.account(sender).ok()?.nonce));
        let nonces = senders.into_iter().filter_map(next).collect();
        let queued = match self.0.pool.status().future {
            0 => HashSet::new(),
            _ => self.0.pool.futures().iter().map(|tx| *tx.hash()).collect(),
        };
        let waits = |hash: &Hash| self.is_ready(*hash) || queued.contains(hash);
        let lost = self.0.kept.lock().turn(&nonces, waits);
        for (entry, extrinsic) in lost {
            // What no block can hold was taken out on purpose.
            if self.0.held.left(h160(entry.sender), Instant::now()).is_some() {
                continue;
            }
            let put_back = self.0.pool.submit_one(at, TransactionSource::External, extrinsic).await;
            tracing::debug!(target: "eth-rpc", hash = ?entry.hash, ?put_back, "not in the pool: handed over again");
            if put_back.is_ok() {
                self.0.put_back.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::B256;

    fn entry(number: u8, nonce: u64) -> Entry {
        Entry {
            pool_hash: Hash::repeat_byte(number),
            hash: B256::repeat_byte(number),
            sender: Address::repeat_byte(1),
            nonce,
            fee_cap: 1,
            tip_cap: 1,
        }
    }

    fn kept(entries: &[Entry], bytes: usize) -> Kept {
        let mut kept = Kept::default();
        for entry in entries {
            kept.insert(*entry, OpaqueExtrinsic::from_blob(vec![0; bytes]));
        }
        kept
    }

    fn nonces(next: u64) -> HashMap<Address, u64> {
        [(Address::repeat_byte(1), next)].into()
    }

    fn hashes(lost: Vec<(Entry, OpaqueExtrinsic)>) -> Vec<B256> {
        lost.into_iter().map(|(entry, _)| entry.hash).collect()
    }

    #[test]
    fn what_is_neither_in_the_pool_nor_in_a_block_is_lost_in_the_order_of_its_sender() {
        let all = [entry(1, 5), entry(2, 6), entry(3, 7), entry(4, 8)];
        let mut kept = kept(&all, 10);
        let waits = |hash: &Hash| *hash == Hash::repeat_byte(3);
        for _ in 1..BLOCKS {
            assert!(kept.turn(&nonces(6), waits).is_empty(), "the pool is not asked so soon");
        }
        // The first is in a block, the third in the pool.
        let lost = kept.turn(&nonces(6), waits);
        assert_eq!(hashes(lost), [B256::repeat_byte(2), B256::repeat_byte(4)]);
        assert_eq!((kept.list.len(), kept.bytes), (3, 30));
        assert_eq!(kept.senders(), HashSet::from([Address::repeat_byte(1)]));
    }

    #[test]
    fn what_was_put_back_has_its_time_again() {
        let mut kept = kept(&[entry(1, 5)], 10);
        let mut turns = 0;
        for times in 0..TIMES {
            while kept.turn(&nonces(5), |_| false).is_empty() {
                turns += 1;
            }
            turns += 1;
            assert_eq!(turns, usize::from(times + 1) * usize::from(BLOCKS));
        }
        for _ in 0..BLOCKS {
            assert!(kept.turn(&nonces(5), |_| false).is_empty());
        }
        assert_eq!((kept.list.len(), kept.bytes), (0, 0), "the pool does not want it");
    }

    #[test]
    fn what_waits_is_kept_and_what_is_in_a_block_is_forgotten() {
        let mut kept = kept(&[entry(1, 5)], 10);
        for _ in 0..10 * BLOCKS {
            assert!(kept.turn(&nonces(5), |_| true).is_empty());
        }
        // A state that cannot be read says nothing of its sender.
        assert!(kept.turn(&HashMap::new(), |_| true).is_empty());
        assert_eq!(kept.list.len(), 1);
        assert!(kept.turn(&nonces(6), |_| false).is_empty());
        assert_eq!((kept.list.len(), kept.bytes), (0, 0));
    }

    #[test]
    fn attack_transactions_without_number_or_of_any_size_do_not_fill_the_memory() {
        let many = kept(&vec![entry(1, 5); MOST + 10], 10);
        assert_eq!((many.list.len(), many.bytes), (MOST, MOST * 10));
        let large = kept(&vec![entry(1, 5); 300], 128 << 10);
        assert_eq!((large.list.len(), large.bytes), (256, MOST_BYTES));
    }
}
