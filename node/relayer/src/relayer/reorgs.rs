//! What a reorganisation of Bitcoin takes from the contract: deposits are proven again, withdrawals reopened.

use super::{Place, Relayer, REMEMBERED};
use crate::refusals::Cost;
use anyhow::Result;
use bzk_deposits::contract_proof;
use bzk_l2_client::{
    alloy_primitives::{B256, U256},
    contracts::{BitcoinRelay, BtcBridge, BITCOIN_RELAY, BTC_BRIDGE},
    Error as L2Error,
};
use std::collections::BTreeMap;

impl Relayer {
    /// The hash of the relay's block at a height; zero above its tip.
    pub(super) async fn block_at(&self, height: u32) -> Result<B256> {
        Ok(self.l2.call(BITCOIN_RELAY, &BitcoinRelay::hashAtCall { height }).await?)
    }

    /// Those of `places` whose block is not in the relay's chain.
    async fn gone<K: Copy>(&self, places: &BTreeMap<K, Place>) -> Result<Vec<(K, Place)>> {
        let mut present: BTreeMap<u32, B256> = BTreeMap::new();
        let mut gone = Vec::new();
        for (key, (height, block)) in places {
            let there = match present.get(height) {
                Some(there) => *there,
                None => self.block_at(*height).await?,
            };
            present.insert(*height, there);
            if there != *block {
                gone.push((*key, (*height, *block)));
            }
        }
        Ok(gone)
    }

    /// Proves deposits again whose block has left Bitcoin's chain, whoever claimed them.
    pub(super) async fn reprove(&mut self) -> Result<()> {
        for (outpoint, _) in self.gone(&self.places).await? {
            if self.unproven.rests(&outpoint, self.now()) {
                continue;
            }
            let Some(inclusion) = self.bitcoin.inclusion(&outpoint.txid).await? else { continue };
            let call = BtcBridge::reproveCall {
                rawTx: inclusion.proof.transaction.clone().into(),
                vout: outpoint.vout,
                proof: contract_proof(&inclusion),
            };
            let cost = match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(included) => {
                    self.unproven.forget(&outpoint);
                    tracing::info!(%outpoint, gas = included.gas_used, "deposit proven again");
                    continue;
                }
                // Too few confirmations, or another relayer was faster.
                Err(L2Error::Reverted { .. }) => Cost::Question,
                Err(L2Error::Failed(_)) => Cost::Gas,
                Err(error) => return Err(error.into()),
            };
            let pause = self.unproven.refuse(outpoint, cost, self.now()).as_secs();
            tracing::debug!(%outpoint, ?cost, pause, "deposit cannot be proven again yet");
        }
        Ok(())
    }

    /// Has withdrawals wait again whose payout's block has left Bitcoin's chain. If the payout is in another block by
    /// now it is settled anew, otherwise the committee's chain has it broadcast again. Left to strangers, who may do it
    /// when they like, it could come when the committee's chain has forgotten the payout.
    pub(super) async fn reopen(&mut self, tip: u32) -> Result<()> {
        let last = self.block_at(tip).await?;
        if self.compared == Some(last) {
            return Ok(());
        }
        let oldest = tip.saturating_sub(REMEMBERED);
        self.settled.retain(|_, (height, _)| *height >= oldest);
        for (id, (height, block)) in self.gone(&self.settled).await? {
            let Some(withdrawal) = self.withdrawals.settled(id).cloned() else { continue };
            let call = BtcBridge::reopenCall { withdrawal, blockHash: block, height };
            match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(_) => {
                    tracing::warn!(id, height, %block, "withdrawal reopened: its payout's block was replaced")
                }
                // Another relayer was faster.
                Err(L2Error::Reverted { data, .. }) => {
                    tracing::debug!(id, error = %data, "withdrawal cannot be reopened");
                }
                Err(L2Error::Failed(hash)) => {
                    tracing::debug!(id, %hash, "another relayer has reopened the withdrawal");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.compared = Some(last);
        Ok(())
    }
}
