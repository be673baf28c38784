//! The committee's coins, looked up in Bitcoin's chain.

use crate::{
    audit::{Held, Known, Sums, Told},
    deposit::is_claimed,
    output::Answer,
    Context,
};
use anyhow::Result;
use bzk_bitcoin::{
    bitcoin::{OutPoint, ScriptBuf},
    decode_transaction, output_script,
};
use bzk_bitcoin_client::{BitcoinClient, Coin};
use bzk_l2_client::{
    contracts::{BtcBridge, BTC_BRIDGE},
    L2Client,
};
use clap::Args;
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
        let told = Told::read(&l2.reserves().await?)?;
        let totals = l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await?;
        let mut known = Known {
            change: change_scripts(&l2).await?,
            owed: totals.claimed.saturating_sub(totals.settled),
            ..Known::default()
        };
        for coin in &told.coins {
            if !known.owns(coin) && is_claimed(&l2, &coin.outpoint).await? {
                known.released.insert(coin.outpoint);
            }
            if !known.owns(coin) || known.outputs.contains_key(&coin.outpoint) {
                continue;
            }
            if let Some(held) = held(bitcoin.as_ref(), &coin.outpoint).await? {
                known.outputs.insert(coin.outpoint, held);
            }
        }
        let Sums { found, in_payouts } = known.judge(&told)?;
        Ok(Answer::new("nothing: the coins cover what the contract owes")
            .with("coins", told.coins.len())
            .with("found_sats", found)
            .with("in_payouts_sats", in_payouts)
            .with("sweep_fees_sats", told.swept)
            .with("paid_ahead_sats", told.ahead)
            .with("owed_sats", known.owed)
            .with("deficit_sats", totals.deficit))
    }
}

/// What Bitcoin has at an outpoint; none if it has nothing there.
async fn held(bitcoin: &dyn BitcoinClient, outpoint: &OutPoint) -> Result<Option<Held>> {
    match bitcoin.coin(outpoint).await? {
        Coin::Unspent(output) => Ok(Some(Held { output, spent: false })),
        Coin::Unknown => Ok(None),
        // What it held is in the transaction that made it.
        Coin::Spent => {
            let Some(inclusion) = bitcoin.inclusion(&outpoint.txid).await? else { return Ok(None) };
            let mut outputs = decode_transaction(&inclusion.proof.transaction)?.output.into_iter();
            Ok(outputs.nth(outpoint.vout as usize).map(|output| Held { output, spent: true }))
        }
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
