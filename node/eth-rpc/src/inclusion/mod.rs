//! `bzk_inclusionStats`: what this node's pool held and what the sequencers made of it.
//!
//! A sequencer that leaves transactions out cannot be punished for it: nobody can prove what it had
//! heard of. But it shows. Every node can compare its own pool with each sequencer's blocks; one that
//! passes over what others would have taken, or fills its blocks with what nobody had seen, differs
//! from the rest on node after node.

mod room;
mod tally;

use crate::{
    chain::{BlockRef, Chain},
    context::EthContext,
    error::RpcResult,
    feed::{ChainEvent, Follower},
    pool::PoolView,
    types::{Block, Hash},
};
use bitcoinzk_runtime::AccountId;
use codec::Decode;
use futures::{stream, StreamExt};
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods};
use parking_lot::Mutex;
use sc_client_api::BlockchainEvents;
use sc_rpc::SubscriptionTaskExecutor;
use sp_io::hashing::twox_128;
use sp_runtime::{traits::Header as _, DigestItem};
use std::{sync::Arc, time::Instant};
use tally::{Closed, Tally, Waiting};

pub use tally::{AuthorStats, InclusionStats};

/// Name of BABE in the digest.
const BABE: [u8; 4] = *b"BABE";

/// Newest blocks that are counted of those that came at once, as after a sync.
const AT_ONCE: usize = 256;

/// BitcoinZK's own methods about sequencers.
#[rpc(server, namespace = "bzk")]
pub trait InclusionApi {
    /// How long transactions of this node's pool waited, and what each sequencer included and passed
    /// over, since the node started.
    #[method(name = "inclusionStats")]
    fn inclusion_stats(&self) -> RpcResult<InclusionStats>;
}

/// The record of one node; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Recorder {
    chain: Chain,
    pool: PoolView,
    tally: Arc<Mutex<Tally>>,
    started: Instant,
}

enum Event {
    Waits(Waiting),
    Moved,
}

impl Recorder {
    /// Starts to record.
    pub(crate) fn start(
        chain: &Chain,
        pool: &PoolView,
        executor: &SubscriptionTaskExecutor,
    ) -> Self {
        let recorder = Self {
            chain: chain.clone(),
            pool: pool.clone(),
            tally: Arc::default(),
            started: Instant::now(),
        };
        let task = Box::pin(recorder.clone().follow(Follower::new(chain.clone())));
        // Reads the database and decodes blocks, so it gets a thread of its own.
        executor.spawn_blocking("eth-inclusion", Some("eth-rpc"), task);
        recorder
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Listens to pool and chain until both end.
    async fn follow(self, mut follower: Follower) {
        let waits = self.pool.import_stream().map(|tx| Event::Waits(Waiting::from(&*tx.tx)));
        // Not one by one through a sync: of that only the newest blocks are counted.
        let imported = self.chain.client().import_notification_stream();
        let moves = follower.moves(imported).map(|()| Event::Moved);
        let mut events = std::pin::pin!(stream::select(waits, moves));
        while let Some(event) = events.next().await {
            match event {
                Event::Waits(waiting) => self.tally.lock().waits(waiting, self.now_ms()),
                Event::Moved => self.count(&mut follower),
            }
        }
    }

    /// Counts the blocks that have come since the last time.
    fn count(&self, follower: &mut Follower) {
        let events = match follower.advance() {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(target: "eth-rpc", %error, "the record of inclusion skipped blocks");
                return;
            }
        };
        for block in newest_applied(&events) {
            if let Ok(Some(closed)) = self.closed(block) {
                let holds = |sender, nonce| self.pool.holds(sender, nonce);
                self.tally.lock().closes(&closed, self.now_ms(), holds);
            }
        }
    }

    /// What is counted of `block`, if its maker is known.
    fn closed(&self, block: &BlockRef) -> RpcResult<Option<Closed>> {
        let record = self.chain.record(block)?;
        let Some(author) = self.author(block.at) else { return Ok(None) };
        // Where the state cannot be read, the block counts as full: against nobody.
        let state = self.chain.open(block.at).ok();
        let consumed = state.and_then(|state| state.consumed_weight().ok());
        let header = &record.block.header;
        let transactions = record.block.body.transactions.iter().zip(&record.senders);
        Ok(Some(Closed {
            author: author.to_string(),
            base_fee: header.base_fee_per_gas.unwrap_or_default().into(),
            gas_left: header.gas_limit.saturating_sub(header.gas_used),
            weight_left: consumed.map_or(0, |consumed| room::weight_left(&consumed)),
            included: transactions
                .map(|(tx, sender)| (*sender, alloy_consensus::Transaction::nonce(tx)))
                .collect(),
        }))
    }

    /// The validator that made the Substrate block `at`.
    fn author(&self, at: Hash) -> Option<AccountId> {
        let header = self.chain.client().header(at).ok()??;
        let index = author_index(&header)?;
        // The set of the parent: a block that changes the set is still the old one's.
        let state = self.chain.open(*header.parent_hash()).ok()?;
        let key = [twox_128(b"Session"), twox_128(b"Validators")].concat();
        let validators = Vec::<AccountId>::decode(&mut state.raw(&key).ok()??.as_slice()).ok()?;
        validators.get(index as usize).cloned()
    }
}

/// The last [`AT_ONCE`] blocks that came, oldest first; all of a reorganisation, not only its head.
fn newest_applied(events: &[ChainEvent]) -> impl Iterator<Item = &BlockRef> {
    let newest = events.get(events.len().saturating_sub(AT_ONCE)..).unwrap_or_default();
    newest.iter().filter_map(|event| match event {
        ChainEvent::Applied(block) => Some(block),
        ChainEvent::Reverted(_) => None,
    })
}

/// The author's index in the set, from BABE's claim to the slot (a variant, then the index).
fn author_index(header: &<Block as sp_runtime::traits::Block>::Header) -> Option<u32> {
    header.digest().logs().iter().find_map(|item| match item {
        DigestItem::PreRuntime(BABE, claim) => {
            <(u8, u32)>::decode(&mut claim.as_slice()).ok().map(|(_, index)| index)
        }
        _ => None,
    })
}

impl InclusionApiServer for Recorder {
    fn inclusion_stats(&self) -> RpcResult<InclusionStats> {
        Ok(self.tally.lock().stats(self.now_ms()))
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    Ok(ctx.inclusion.clone().into_rpc().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::B256;
    use codec::Encode;
    use sp_runtime::Digest;

    #[test]
    fn every_block_of_a_reorganisation_is_counted() {
        let block = |number, id| BlockRef {
            number,
            hash: B256::repeat_byte(id),
            at: Hash::repeat_byte(id),
        };
        let events = [
            ChainEvent::Reverted(block(8, 1)),
            ChainEvent::Applied(block(8, 2)),
            ChainEvent::Applied(block(9, 3)),
        ];
        let counted: Vec<BlockRef> = newest_applied(&events).copied().collect();
        assert_eq!(counted, [block(8, 2), block(9, 3)]);
    }

    #[test]
    fn after_a_sync_only_the_newest_blocks_are_counted() {
        let block = |number| BlockRef { number, hash: B256::ZERO, at: Hash::zero() };
        let events: Vec<_> = (0..1_000).map(block).map(ChainEvent::Applied).collect();
        let counted: Vec<u64> = newest_applied(&events).map(|block| block.number).collect();
        assert_eq!(counted, Vec::from_iter(1_000 - AT_ONCE as u64..1_000));
    }

    #[test]
    fn the_author_is_read_from_the_claim() {
        let header = |logs| {
            let none = Hash::zero();
            <Block as sp_runtime::traits::Block>::Header::new(1, none, none, none, Digest { logs })
        };
        let claim = DigestItem::PreRuntime(BABE, (2u8, 7u32, 800u64).encode());
        assert_eq!(author_index(&header(vec![claim])), Some(7));
        assert_eq!(author_index(&header(vec![DigestItem::PreRuntime(BABE, vec![1])])), None);
        assert_eq!(author_index(&header(Vec::new())), None);
    }
}
