//! The pool's transactions for one block, in the pool's order, without those that an author has no time for.
//!
//! Time goes into transactions that the block does not take in the end: what no block can hold, and what has no place
//! in the rest of this one. Their senders pay nothing for it.

use super::{extrinsic, held::Held};
use crate::metrics::AuthorMetrics;
use alloy_consensus::Transaction as _;
use sc_transaction_pool_api::{InPoolTransaction, ReadyTransactions};
use sp_core::H160;
use sp_runtime::{transaction_validity::TransactionTag, OpaqueExtrinsic};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Time of one block for transactions that it does not take: a tenth of what it is filled in. After that it takes only
/// those of at most [`SMALL_GAS`], so the others wait for the next block.
const MAX_WASTE: Duration = Duration::from_millis(100);

/// Gas limit of a transaction that is always worth a try: it runs for less than a millisecond.
const SMALL_GAS: u64 = 200_000;

/// What [`Thrifty`] reads the time from.
type Clock = Box<dyn Fn() -> Instant + Send>;

/// See the module. `T` is the pool's transaction.
pub(super) struct Thrifty<T> {
    ready: Box<dyn ReadyTransactions<Item = Arc<T>> + Send>,
    held: Arc<Held>,
    metrics: Option<AuthorMetrics>,
    clock: Clock,
    /// When the last transaction was handed out, until it was reported.
    given: Option<Instant>,
    wasted: Duration,
}

impl<T> Thrifty<T> {
    /// Of the pool's `ready` transactions those whose senders are not `held` back.
    pub(super) fn new(
        ready: Box<dyn ReadyTransactions<Item = Arc<T>> + Send>,
        held: Arc<Held>,
        metrics: Option<AuthorMetrics>,
    ) -> Self {
        let clock = Box::new(Instant::now);
        Self { ready, held, metrics, clock, given: None, wasted: Duration::ZERO }
    }
}

impl<T> Thrifty<T>
where
    T: InPoolTransaction<Transaction = Arc<OpaqueExtrinsic>>,
{
    fn may_run(&self, tx: &T, now: Instant) -> bool {
        // Other extrinsics pay a fee even if they fail.
        let Some(sender) = sender(tx.provides()) else { return true };
        self.held.left(sender, now).is_none() && (self.wasted < MAX_WASTE || is_small(tx))
    }
}

/// Who sent the Ethereum transaction that provides `tags` in the pool; `None` for another extrinsic.
pub(super) fn sender(tags: &[TransactionTag]) -> Option<H160> {
    tags.iter().find_map(|tag| pallet_ethereum::tag_sender(tag))
}

fn is_small<T: InPoolTransaction<Transaction = Arc<OpaqueExtrinsic>>>(tx: &T) -> bool {
    let raw = extrinsic::ethereum_bytes(tx.data().inner());
    let envelope = raw.and_then(|raw| bzk_evm::tx::decode(&raw).ok());
    envelope.is_some_and(|envelope| envelope.gas_limit() <= SMALL_GAS)
}

impl<T> Iterator for Thrifty<T>
where
    T: InPoolTransaction<Transaction = Arc<OpaqueExtrinsic>>,
{
    type Item = Arc<T>;

    fn next(&mut self) -> Option<Arc<T>> {
        loop {
            let tx = self.ready.next()?;
            let now = (self.clock)();
            if self.may_run(&tx, now) {
                self.given = Some(now);
                return Some(tx);
            }
            // What depends on it would fail.
            self.ready.report_invalid(&tx);
        }
    }
}

impl<T> ReadyTransactions for Thrifty<T>
where
    T: InPoolTransaction<Transaction = Arc<OpaqueExtrinsic>>,
{
    fn report_invalid(&mut self, tx: &Arc<T>) {
        if let Some(given) = self.given.take() {
            let spent = (self.clock)().saturating_duration_since(given);
            self.wasted = self.wasted.saturating_add(spent);
            if let Some(metrics) = &self.metrics {
                metrics.wasted(spent);
            }
        }
        self.ready.report_invalid(tx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Hash;
    use alloy_consensus::{SignableTransaction, TxEip1559};
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::Signature;
    use bzk_evm::tx::TxEnvelope;
    use codec::Encode;
    use parking_lot::Mutex;
    use sp_runtime::transaction_validity::{TransactionLongevity, TransactionPriority};
    use std::collections::VecDeque;

    /// What the worst transaction of a block takes an author.
    const RUN: Duration = Duration::from_millis(80);

    const BIG: u64 = 30_000_000;

    #[derive(Debug)]
    struct Tx {
        hash: Hash,
        data: Arc<OpaqueExtrinsic>,
        provides: Vec<TransactionTag>,
    }

    impl InPoolTransaction for Tx {
        type Transaction = Arc<OpaqueExtrinsic>;
        type Hash = Hash;

        fn data(&self) -> &Self::Transaction {
            &self.data
        }
        fn hash(&self) -> &Hash {
            &self.hash
        }
        fn priority(&self) -> &TransactionPriority {
            &0
        }
        fn longevity(&self) -> &TransactionLongevity {
            &0
        }
        fn requires(&self) -> &[TransactionTag] {
            &[]
        }
        fn provides(&self) -> &[TransactionTag] {
            &self.provides
        }
        fn is_propagable(&self) -> bool {
            true
        }
    }

    fn account(n: u64) -> H160 {
        H160::from_low_u64_be(n)
    }

    fn hash(n: u64, nonce: u64) -> Hash {
        Hash::from_low_u64_be(n * 1_000 + nonce)
    }

    /// A transaction of account `n`. Its signature is nobody's; the pool's tag names the sender.
    fn tx(n: u64, nonce: u64, gas_limit: u64) -> Arc<Tx> {
        let tx = TxEip1559 { nonce, gas_limit, ..Default::default() };
        let envelope: TxEnvelope = tx.into_signed(Signature::test_signature()).into();
        let data = extrinsic::wrap(envelope.encoded_2718()).unwrap();
        let provides = vec![("Ethereum", (account(n), nonce)).encode()];
        Arc::new(Tx { hash: hash(n, nonce), data: Arc::new(data), provides })
    }

    /// An extrinsic that is no Ethereum transaction.
    fn other() -> Arc<Tx> {
        let data = Arc::new(OpaqueExtrinsic::from_blob(vec![4, 0, 0, 0]));
        Arc::new(Tx { hash: hash(0, 0), data, provides: vec![vec![1, 2, 3]] })
    }

    /// Hands out in order, and of each sender nothing after what was reported.
    struct Pool(VecDeque<Arc<Tx>>);

    impl Iterator for Pool {
        type Item = Arc<Tx>;
        fn next(&mut self) -> Option<Arc<Tx>> {
            self.0.pop_front()
        }
    }

    impl ReadyTransactions for Pool {
        fn report_invalid(&mut self, tx: &Arc<Tx>) {
            let stopped = sender(&tx.provides);
            self.0.retain(|other| stopped.is_none() || sender(&other.provides) != stopped);
        }
    }

    type Time = Arc<Mutex<Instant>>;

    fn thrifty(ready: Vec<Arc<Tx>>, held: &Arc<Held>, time: &Time) -> Thrifty<Tx> {
        let time = time.clone();
        Thrifty {
            clock: Box::new(move || *time.lock()),
            ..Thrifty::new(Box::new(Pool(ready.into())), held.clone(), None)
        }
    }

    /// Fills a block as the proposer does. What is of more than [`SMALL_GAS`] runs for [`RUN`] and is refused, its
    /// sender held back where `for_good`. Gives what was run.
    fn fill(ready: Vec<Arc<Tx>>, held: &Arc<Held>, time: &Time, for_good: bool) -> Vec<Arc<Tx>> {
        let mut block = thrifty(ready, held, time);
        let mut run = Vec::new();
        while let Some(tx) = block.next() {
            if sender(&tx.provides).is_some() && !is_small(&*tx) {
                *time.lock() += RUN;
                block.report_invalid(&tx);
                if for_good {
                    held.hold(sender(&tx.provides).unwrap(), *time.lock());
                }
            }
            run.push(tx);
        }
        run
    }

    fn start() -> (Arc<Held>, Time) {
        (Arc::default(), Arc::new(Mutex::new(Instant::now())))
    }

    #[test]
    fn all_are_handed_out_in_order_as_long_as_nothing_is_wasted() {
        let (held, time) = start();
        let ready = vec![tx(1, 0, BIG), other(), tx(1, 1, SMALL_GAS), tx(2, 0, BIG)];
        let hashes = |txs: Vec<Arc<Tx>>| txs.iter().map(|tx| tx.hash).collect::<Vec<_>>();
        let taken = thrifty(ready.clone(), &held, &time).collect();
        assert_eq!(hashes(taken), hashes(ready));
    }

    #[test]
    fn attack_one_sender_wastes_the_time_of_an_author_once() {
        let (held, time) = start();
        let mut run = 0;
        for nonce in 0..50 {
            run += fill(vec![tx(1, nonce, BIG), tx(1, nonce + 1, BIG)], &held, &time, true).len();
        }
        assert_eq!(run, 1);
        // Nor does it get small ones in, and others do.
        let ready = vec![tx(1, 0, 21_000), tx(2, 0, 21_000)];
        let run = fill(ready, &held, &time, true);
        assert_eq!(
            run.iter().map(|tx| sender(&tx.provides)).collect::<Vec<_>>(),
            [Some(account(2))]
        );
    }

    #[test]
    fn attack_many_senders_waste_little_of_one_block() {
        let (held, time) = start();
        let begin = *time.lock();
        let mut ready: Vec<_> = (1..500).map(|n| tx(n, 0, BIG)).collect();
        ready.extend([tx(1_000, 0, SMALL_GAS), other(), tx(1_001, 0, 21_000)]);
        let run = fill(ready, &held, &time, true);
        assert_eq!(run.len(), 2 + 3, "two big ones, and all that are small");
        assert!(*time.lock() - begin < MAX_WASTE + RUN);
    }

    #[test]
    fn sender_whose_transaction_had_no_place_in_a_block_is_in_the_next() {
        let (held, time) = start();
        let ready = || (1..4).map(|n| tx(n, 0, BIG)).collect::<Vec<_>>();
        assert_eq!(fill(ready(), &held, &time, false).len(), 2);
        assert_eq!(held.count(*time.lock()), 0);
        assert_eq!(fill(ready(), &held, &time, false).len(), 2);
    }
}
