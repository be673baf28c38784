//! Claims of deposits.

use super::Relayer;
use crate::{depths::Depths, headers::MAX_REORG, refusals::Cost};
use anyhow::Result;
use bzk_bitcoin::bitcoin::OutPoint;
use bzk_deposits::Watched;
use bzk_l2_client::{
    alloy_primitives::{B256, U256},
    alloy_sol_types::SolError,
    contracts::{BtcBridge, BTC_BRIDGE},
    Error as L2Error,
};

/// Claims that are sent before the first of them is waited for.
const CLAIMS_AT_ONCE: usize = 50;

impl Relayer {
    /// Claims what can be claimed, several deposits to a block; but while the contract takes no claims, what would have
    /// it take them again.
    pub(super) async fn claim(&mut self, depths: &Depths) -> Result<()> {
        let oldest = depths.tip.saturating_sub(MAX_REORG);
        self.places.retain(|_, (height, _)| *height >= oldest);
        let deficit = self.l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await?.deficit;
        if deficit > 0 {
            tracing::warn!(sats = deficit, "claimed deposits have left Bitcoin's chain");
            return self.reprove().await;
        }
        let Some(file) = &self.deposits else { return Ok(()) };
        if self.l2.call(BTC_BRIDGE, &BtcBridge::stateCall {}).await?.paused {
            tracing::debug!("the committee has stopped claims");
            return Ok(());
        }
        let (mut sent, mut bad) = (Vec::new(), Ok(()));
        for deposit in bzk_deposits::read_each(file)? {
            let valid = deposit.and_then(|deposit| deposit.script(&self.bridge).map(|_| deposit));
            match valid {
                Ok(deposit) => self.claim_one(&deposit, depths, &mut sent).await?,
                Err(error) => bad = bad.and(Err(error)),
            }
            if sent.len() >= CLAIMS_AT_ONCE {
                self.claimed(&mut sent).await?;
            }
        }
        self.claimed(&mut sent).await?;
        bad
    }

    /// Sends the claims of one deposit's outputs.
    async fn claim_one(
        &mut self,
        deposit: &Watched,
        depths: &Depths,
        sent: &mut Vec<(OutPoint, B256)>,
    ) -> Result<()> {
        let script = deposit.script(&self.bridge)?;
        for output in self.bitcoin.outputs(&script, deposit.from_height).await? {
            let outpoint = output.outpoint;
            let deep = output.height <= depths.of_deposit(output.amount.to_sat());
            let rests = self.refused.rests(&outpoint, self.now());
            if self.claimed.contains(&outpoint) || !deep || rests {
                continue;
            }
            let Some(inclusion) = self.bitcoin.inclusion(&outpoint.txid).await? else { continue };
            let call = deposit.claim(&self.bridge, &outpoint, &inclusion)?;
            let gas = Some(self.settings.claim_gas);
            match self.l2.submit_within(BTC_BRIDGE, &call, U256::ZERO, gas).await {
                Ok(hash) => sent.push((outpoint, hash)),
                Err(L2Error::Reverted { data, .. })
                    if data.starts_with(&BtcBridge::AlreadyClaimed::SELECTOR) =>
                {
                    self.claimed.insert(outpoint);
                    self.refused.forget(&outpoint);
                }
                // More confirmations, a cap, a recipient that does not take BTC.
                Err(L2Error::Reverted { data, .. }) => {
                    self.refuse(outpoint, Cost::Question, &data.to_string());
                }
                // A recipient that takes too much gas.
                Err(L2Error::Refused { method: "eth_estimateGas", reason }) => {
                    self.refuse(outpoint, Cost::Question, &reason);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for claims that were sent.
    async fn claimed(&mut self, sent: &mut Vec<(OutPoint, B256)>) -> Result<()> {
        for (outpoint, hash) in sent.drain(..) {
            match self.l2.included(hash).await {
                Ok(included) => {
                    tracing::info!(%outpoint, gas = included.gas_used, "deposit claimed");
                    self.claimed.insert(outpoint);
                    self.refused.forget(&outpoint);
                }
                // Another relayer's was before it in the block, another claim has used up a cap, or the recipient has
                // thought better of it.
                Err(L2Error::Failed(hash)) => self.refuse(outpoint, Cost::Gas, &hash.to_string()),
                // Its recipient may see to it that no block can hold it, and all others wait behind it. If it only
                // waits for the base fee it is claimed meanwhile.
                Err(L2Error::Pending(hash)) => {
                    self.refuse(outpoint, Cost::Gas, &hash.to_string());
                    return Err(L2Error::Pending(hash).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Leaves a deposit alone for a while.
    fn refuse(&mut self, outpoint: OutPoint, cost: Cost, error: &str) {
        let pause = self.refused.refuse(outpoint, cost, self.now()).as_secs();
        match cost {
            Cost::Question => {
                tracing::debug!(%outpoint, error, pause, "deposit cannot be claimed yet");
            }
            Cost::Gas => {
                tracing::warn!(%outpoint, transaction = error, pause, "claim failed in a block or got into none");
            }
        }
    }
}
