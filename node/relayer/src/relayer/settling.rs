//! Proofs of payouts and sweeps.

use super::Relayer;
use crate::{
    depths::Depths,
    refusals::Cost,
    settlements::{confirm, is_sweep, settle},
};
use anyhow::{Context, Result};
use bzk_bitcoin::{
    bitcoin::{consensus::deserialize, OutPoint, Script, Transaction, Txid},
    decode_transaction,
    payout::sweep_id,
};
use bzk_l2_client::{
    alloy_primitives::U256,
    contracts::{Withdrawal, BTC_BRIDGE},
    Error as L2Error, Included, SignedPayout,
};
use std::collections::{BTreeMap, BTreeSet};

impl Relayer {
    /// Proves payouts and sweeps that are deep enough.
    pub(super) async fn settle(&mut self, depths: &Depths) -> Result<()> {
        let tip = self.bitcoin.tip().await?.hash;
        self.judged.retain(|_, at| *at == tip);
        let payouts = self.payouts().await?;
        let told = self.told(&payouts);
        let mut wanted = BTreeMap::new();
        // Who asked for all of a payout may have paid himself: then none of them is pending.
        for withdrawal in self.withdrawals.pending().chain(told.values().flatten()) {
            let paid_from = self.withdrawals.paid_from(withdrawal);
            let from = wanted.entry(withdrawal.script.clone()).or_insert(paid_from);
            *from = paid_from.min(*from);
        }
        let sweeps: Vec<_> = payouts.iter().filter(|(_, payout)| is_sweep(payout)).collect();
        if wanted.is_empty() && sweeps.is_empty() {
            return Ok(());
        }
        let deep = depths.of_payout();
        for (signed, sweep) in sweeps {
            let txid = sweep.compute_txid();
            if self.judged.contains_key(&txid) || self.unsettled.rests(&txid, self.now()) {
                continue;
            }
            if self.confirm_sweep(signed.batch, &txid, deep).await? {
                self.judged.insert(txid, tip);
            }
        }
        let mut found = BTreeSet::new();
        for (script, height) in wanted {
            let outputs = self.bitcoin.outputs(Script::from_bytes(&script), height).await?;
            let buried = outputs.into_iter().filter(|output| output.height <= deep);
            found.extend(buried.map(|output| output.outpoint.txid));
        }
        for txid in found {
            if self.judged.contains_key(&txid) || self.unsettled.rests(&txid, self.now()) {
                continue;
            }
            if self.settle_one(&txid, &told).await? {
                self.judged.insert(txid, tip);
            }
        }
        Ok(())
    }

    /// The payouts that the chain waits for.
    async fn payouts(&self) -> Result<Vec<(SignedPayout, Transaction)>> {
        let payouts = match self.l2.payouts().await {
            // A node without the committee waits for none.
            Err(L2Error::Refused { .. }) => Vec::new(),
            payouts => payouts?,
        };
        let read = |payout: SignedPayout| -> Result<(SignedPayout, Transaction)> {
            let transaction = deserialize(&payout.transaction).context("payout")?;
            Ok((payout, transaction))
        };
        payouts.into_iter().map(read).collect()
    }

    /// What `payouts` pay, by the first coin that they spend, which all versions of a payout have in common.
    fn told(&self, payouts: &[(SignedPayout, Transaction)]) -> BTreeMap<OutPoint, Vec<Withdrawal>> {
        let mut told = BTreeMap::new();
        for (signed, payout) in payouts {
            let batch = self.withdrawals.told(payout, &signed.withdrawals, &self.bridge);
            if let (Some(input), Some(batch)) = (payout.input.first(), batch) {
                told.insert(input.previous_output, batch);
            }
        }
        told
    }

    /// Tells of the sweep `batch` if its block has the confirmations that the contract asks for. Returns as
    /// [`Self::settle_one`] does.
    async fn confirm_sweep(&mut self, batch: u64, txid: &Txid, deep: u32) -> Result<bool> {
        let found = self.bitcoin.inclusion(txid).await?;
        let Some(inclusion) = found else { return Ok(true) };
        // The contract may be about to learn of the blocks on top.
        if inclusion.height > deep {
            return Ok(false);
        }
        let id = sweep_id(batch);
        let sent = self.l2.send(BTC_BRIDGE, &confirm(id, &inclusion), U256::ZERO).await;
        self.proven(txid, &[id], sent)
    }

    /// Returns whether the transaction needs no other look before the next block of Bitcoin.
    async fn settle_one(
        &mut self,
        txid: &Txid,
        told: &BTreeMap<OutPoint, Vec<Withdrawal>>,
    ) -> Result<bool> {
        let Some(inclusion) = self.bitcoin.inclusion(txid).await? else { return Ok(true) };
        // Whoever pays a script that is waited for chooses the transaction.
        let Ok(transaction) = decode_transaction(&inclusion.proof.transaction) else {
            return Ok(true);
        };
        let spent = transaction.input.first().map(|input| input.previous_output);
        let batch = match spent.and_then(|spent| told.get(&spent)) {
            Some(batch) => Some(batch.clone()),
            None => self.withdrawals.paid_by(&transaction, &self.bridge),
        };
        let batch = batch.unwrap_or_default();
        let ids: Vec<u64> = batch.iter().map(|withdrawal| withdrawal.id).collect();
        let Some(first) = ids.first() else { return Ok(true) };
        let sent = match self.withdrawals.any_pending(&batch) {
            true => self.l2.send(BTC_BRIDGE, &settle(batch, &inclusion), U256::ZERO).await,
            false => self.l2.send(BTC_BRIDGE, &confirm(*first, &inclusion), U256::ZERO).await,
        };
        self.proven(txid, &ids, sent)
    }

    /// Whether the contract has taken the proof of a payout or a sweep.
    fn proven(
        &mut self,
        txid: &Txid,
        ids: &[u64],
        sent: Result<Included, L2Error>,
    ) -> Result<bool> {
        match sent {
            Ok(included) => {
                tracing::info!(%txid, ?ids, gas = included.gas_used, "payout settled");
                Ok(true)
            }
            // Another relayer was faster and that is not final yet, or the contract follows another branch.
            Err(L2Error::Reverted { data, .. }) => {
                let pause = self.unsettled.refuse(*txid, Cost::Question, self.now()).as_secs();
                tracing::debug!(%txid, error = %data, pause, "payout cannot be settled yet");
                Ok(false)
            }
            // Another relayer's was before it in the block.
            Err(L2Error::Failed(hash)) => {
                let pause = self.unsettled.refuse(*txid, Cost::Gas, self.now()).as_secs();
                tracing::debug!(%txid, %hash, pause, "settlement failed in a block");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
