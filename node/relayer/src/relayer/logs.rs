//! What the logs of the contract tell.

use super::{Place, Relayer, REMEMBERED};
use crate::settlements::Event;
use anyhow::Result;
use bzk_bitcoin::bitcoin::{block::Header, consensus::deserialize, hashes::Hash, OutPoint, Txid};
use bzk_l2_client::{
    alloy_primitives::B256,
    alloy_sol_types::{SolCall, SolEvent},
    contracts::{BtcBridge, Withdrawal, BTC_BRIDGE},
};
use std::collections::BTreeMap;

/// L2 blocks of one query for logs.
const LOG_SPAN: u64 = 1_000;

/// Block and index of a log: the order in which things happened.
type LogPlace = (u64, u64);

impl Relayer {
    /// Reads the logs of final blocks, so that what it knows was never taken back.
    pub(super) async fn follow_logs(&mut self) -> Result<()> {
        let last = self.l2.finalized_block().await?;
        while self.next_block <= last {
            let (from, to) = (self.next_block, last.min(self.next_block + LOG_SPAN - 1));
            let mut events: Vec<(LogPlace, Event)> = Vec::new();
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalRequested| {
                Event::Requested(Withdrawal {
                    id: event.id,
                    owner: event.owner,
                    amount: event.amount,
                    maxFee: event.maxFee,
                    height: event.height,
                    script: event.script,
                })
            })
            .await?;
            let settled = self.follow_settlements(&mut events, from, to).await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalReopened| {
                Event::Reopened { id: event.id, height: event.height }
            })
            .await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalUnlocked| {
                Event::Unlocked { id: event.id }
            })
            .await?;
            self.follow_claims(from, to).await?;
            // One block may reopen a withdrawal and settle it anew.
            events.sort_by_key(|(at, _)| *at);
            for (at, event) in events {
                match &event {
                    Event::Settled { id } => {
                        if let Some(place) = settled.get(&at) {
                            self.settled.insert(*id, *place);
                            self.compared = None;
                        }
                    }
                    Event::Reopened { id, .. } => {
                        self.settled.remove(id);
                        self.judged.clear();
                        self.unsettled.clear();
                    }
                    Event::Requested(_) | Event::Unlocked { .. } => {}
                }
                self.withdrawals.apply(event);
            }
            self.next_block = to + 1;
        }
        Ok(())
    }

    /// Settlements, and where the contract has their payouts, by log; old ones are left out.
    async fn follow_settlements(
        &self,
        events: &mut Vec<(LogPlace, Event)>,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<LogPlace, Place>> {
        let oldest = self.bitcoin.tip().await?.height.saturating_sub(REMEMBERED);
        let (mut places, mut calls) = (BTreeMap::new(), BTreeMap::new());
        for log in self.l2.logs::<BtcBridge::WithdrawalSettled>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::WithdrawalSettled { id, height, .. } = log.event;
            let at = (log.block, log.index);
            events.push((at, Event::Settled { id }));
            if height < oldest {
                continue;
            }
            // One call settles a batch.
            let block = match calls.get(&(log.transaction, height)) {
                Some(block) => *block,
                None => self.settled_in(log.transaction, height).await?,
            };
            calls.insert((log.transaction, height), block);
            places.insert(at, (height, block));
        }
        Ok(places)
    }

    /// The block of a payout that a transaction has settled. The log has only its height, the proof its header. If
    /// another contract has made the call, it is the block that the relay has there now: what such a transaction says
    /// of a proof nobody has checked.
    async fn settled_in(&self, transaction: B256, height: u32) -> Result<B256> {
        let input = self.l2.input(transaction, BTC_BRIDGE).await?;
        let call = input.and_then(|input| BtcBridge::settleCall::abi_decode(&input).ok());
        let proof = call.map(|call| call.proof).filter(|proof| proof.height == height);
        let header = proof.map(|proof| proof.header);
        match header.and_then(|header| deserialize::<Header>(&header).ok()) {
            Some(header) => Ok(header.block_hash().to_byte_array().into()),
            None => self.block_at(height).await,
        }
    }

    /// Where the contract has each claimed deposit. It is claimed before it is proven again.
    async fn follow_claims(&mut self, from: u64, to: u64) -> Result<()> {
        let place = |txid: B256, vout| OutPoint::new(Txid::from_byte_array(txid.0), vout);
        for log in self.l2.logs::<BtcBridge::Claimed>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::Claimed { txid, vout, height, blockHash: block, .. } = log.event;
            self.places.insert(place(txid, vout), (height, block));
        }
        for log in self.l2.logs::<BtcBridge::Reproved>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::Reproved { txid, vout, height, blockHash: block, .. } = log.event;
            self.places.insert(place(txid, vout), (height, block));
        }
        Ok(())
    }

    async fn read<E: SolEvent>(
        &self,
        events: &mut Vec<(LogPlace, Event)>,
        from: u64,
        to: u64,
        event: impl Fn(E) -> Event,
    ) -> Result<()> {
        let logs = self.l2.logs::<E>(BTC_BRIDGE, from, to).await?;
        events.extend(logs.into_iter().map(|log| ((log.block, log.index), event(log.event))));
        Ok(())
    }
}
