//! The committee's coins, looked up in Bitcoin's chain.

use crate::{deposit::is_claimed, output::Answer, Context};
use anyhow::{ensure, Context as _, Result};
use bzk_bitcoin::{
    bitcoin::{hex::FromHex, Amount, OutPoint, ScriptBuf, TxOut},
    output_script,
};
use bzk_bitcoin_client::Coin;
use bzk_l2_client::{
    contracts::{BtcBridge, BTC_BRIDGE},
    L2Client,
};
use clap::Args;
use serde_json::Value;
use std::collections::BTreeSet;

/// Checks the proof of reserves: every coin that the node names must be a deposit that the contract has released or
/// pay a key that it has named, is looked up in Bitcoin's chain, and what they hold is compared with what it owes.
/// Believes the Bitcoin back end and the contract; of the node only what the committee has spent on moving coins, what
/// payouts have paid ahead of their settlement, and that spent coins are in payouts about to be settled.
#[derive(Args)]
pub(crate) struct Reserves {}

impl Reserves {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let (l2, bitcoin) = (context.l2()?, context.bitcoin().await?);
        let told = l2.reserves().await?;
        let totals = l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await?;
        let change = change_scripts(&l2).await?;
        let (mut found, mut in_payouts, mut missing) = (0u64, 0u64, Vec::new());
        let mut seen = BTreeSet::new();
        let coins = told["coins"].as_array().context("the node names no coins")?;
        for coin in coins {
            let text = coin["outpoint"].as_str().context("a coin without an outpoint")?;
            let outpoint: OutPoint = text.parse().with_context(|| text.to_owned())?;
            let script = coin["script"].as_str().and_then(|hex| hex.strip_prefix("0x"));
            let script =
                ScriptBuf::from(Vec::from_hex(script.context("a coin without a script")?)?);
            let sats = coin["sats"].as_u64().context("a coin without an amount")?;
            // Anybody's coins would cover anything, and so would one that is counted often.
            let ours = change.contains(&script) || is_claimed(&l2, &outpoint).await?;
            if !ours || !seen.insert(outpoint) {
                missing.push(text.to_owned());
                continue;
            }
            let named = TxOut { value: Amount::from_sat(sats), script_pubkey: script };
            match (bitcoin.coin(&outpoint).await?, &coin["batch"]) {
                (Coin::Unspent(output), _) if output == named => found += sats,
                // Bitcoin has the payout that spends it; the contract is about to learn of it.
                (Coin::Spent, Value::Number(_)) => in_payouts += sats,
                _ => missing.push(text.to_owned()),
            }
        }
        let owed = totals.claimed.saturating_sub(totals.settled);
        let sum = |name: &str| told[name].as_u64().with_context(|| format!("no {name}: {told}"));
        let (swept, ahead) = (sum("sweepFees")?, sum("paidAhead")?);
        ensure!(
            missing.is_empty(),
            "these coins are not the committee's, are named twice, or Bitcoin does not have them as the node names \
             them: {}; ask another node of the L2 and another Bitcoin back end before you believe it",
            missing.join(", ")
        );
        ensure!(
            [found, in_payouts, swept, ahead].into_iter().fold(0, u64::saturating_add) >= owed,
            "{found} sats in coins, {in_payouts} in payouts, {swept} spent on moving coins and {ahead} paid ahead of \
             their settlement do not cover the {owed} sats that the contract owes"
        );
        Ok(Answer::new("nothing: the coins cover what the contract owes")
            .with("coins", coins.len())
            .with("found_sats", found)
            .with("in_payouts_sats", in_payouts)
            .with("sweep_fees_sats", swept)
            .with("paid_ahead_sats", ahead)
            .with("owed_sats", owed)
            .with("deficit_sats", totals.deficit))
    }
}

/// The scripts of the committee's change: of every key that the contract has named, and of the next one if it would
/// take the committee's word for it now.
async fn change_scripts(l2: &L2Client) -> Result<BTreeSet<ScriptBuf>> {
    let newest = l2.call(BTC_BRIDGE, &BtcBridge::stateCall {}).await?.epoch;
    let mut scripts = BTreeSet::new();
    for epoch in 1..=newest {
        let key = l2.call(BTC_BRIDGE, &BtcBridge::epochsCall { epoch }).await?.key;
        scripts.insert(output_script(&key.0));
    }
    if let Some(rotate) = l2.handover().await? {
        if l2.call(BTC_BRIDGE, &rotate).await.is_ok() {
            scripts.insert(output_script(&rotate.nextKey.0));
        }
    }
    Ok(scripts)
}
