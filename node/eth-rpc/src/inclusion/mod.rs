//! `bzk_inclusionStats`: what this node's pool held and what the sequencers made of it.
//!
//! A sequencer that leaves transactions out cannot be punished for it: nobody can prove what it had
//! heard of. But it shows. Every node can compare its own pool with each sequencer's blocks; one that
//! passes over what others would have taken, or fills its blocks with what nobody had seen, differs
//! from the rest on node after node.

mod tally;

use crate::{
    chain::Chain,
    context::EthContext,
    error::RpcResult,
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
    Block(Hash),
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
        let task = Box::pin(recorder.clone().follow());
        executor.spawn("eth-inclusion", Some("eth-rpc"), task);
        recorder
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Listens to pool and chain until either ends.
    async fn follow(self) {
        let waits = self.pool.import_stream().map(|tx| Event::Waits(Waiting::from(&*tx.tx)));
        let blocks = self.chain.client().import_notification_stream().filter_map(|block| {
            futures::future::ready(block.is_new_best.then_some(Event::Block(block.hash)))
        });
        let mut events = stream::select(waits, blocks.boxed());
        while let Some(event) = events.next().await {
            match event {
                Event::Waits(waiting) => self.tally.lock().waits(waiting, self.now_ms()),
                Event::Block(at) => {
                    if let Ok(Some(closed)) = self.closed(at) {
                        self.tally.lock().closes(&closed, self.now_ms());
                    }
                }
            }
        }
    }

    /// The Ethereum block that was closed in the Substrate block `at`, if one was.
    fn closed(&self, at: Hash) -> RpcResult<Option<Closed>> {
        let Some(block) = self.chain.closed_in(at)? else { return Ok(None) };
        let record = self.chain.record(&block)?;
        let Some(author) = self.author(at) else { return Ok(None) };
        let header = &record.block.header;
        let transactions = record.block.body.transactions.iter().zip(&record.senders);
        Ok(Some(Closed {
            author: author.to_string(),
            base_fee: header.base_fee_per_gas.unwrap_or_default().into(),
            gas_left: header.gas_limit.saturating_sub(header.gas_used),
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
    use codec::Encode;
    use sp_runtime::Digest;

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
