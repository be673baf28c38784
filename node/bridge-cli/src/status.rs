//! Where a deposit or a withdrawal is, and what comes next.

use crate::{output::Answer, Context};
use anyhow::Result;
use bzk_l2_client::contracts::{BitcoinRelay, BITCOIN_RELAY};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Tells where deposits or a withdrawal are.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Status {
    /// File of deposits, as `deposit-address` writes it.
    #[arg(long, value_name = "FILE")]
    deposits: Option<PathBuf>,
    /// Number of a withdrawal.
    #[arg(long)]
    withdrawal: Option<u64>,
}

impl Status {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        match (&self.deposits, self.withdrawal) {
            (Some(file), _) => Self::deposits(file, context).await,
            (None, id) => Self::withdrawal(id.unwrap_or_default(), context).await,
        }
    }

    async fn withdrawal(id: u64, context: &Context) -> Result<Answer> {
        let status = context.l2()?.withdrawal(id).await?;
        let next = status["next"].as_str();
        let next =
            next.unwrap_or("withdraw first: the bridge knows no withdrawal with this number");
        let mut answer = Answer::new(next).with("withdrawal", id);
        for (name, value) in
            status.as_object().into_iter().flatten().filter(|(name, _)| *name != "next")
        {
            answer = answer.with(name, value.clone());
        }
        Ok(answer)
    }

    async fn deposits(file: &std::path::Path, context: &Context) -> Result<Answer> {
        let (l2, bitcoin) = (context.l2()?, context.bitcoin().await?);
        let bridge = context.bridge(&l2).await?;
        let relay = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await?.height;
        let mut found = Vec::new();
        let mut open = 0;
        for deposit in bzk_deposits::read(file)? {
            let script = deposit.script(&bridge)?;
            for output in bitcoin.outputs(&script, deposit.from_height).await? {
                let inclusion = bitcoin.inclusion(&output.outpoint.txid).await?;
                let place = inclusion.map(|inclusion| {
                    json!({
                        "height": inclusion.height,
                        "blockHash": inclusion.header.block_hash().to_string(),
                        "sats": output.amount.to_sat(),
                    })
                });
                let outpoint = output.outpoint.to_string();
                let mut status = l2.deposit_status(&outpoint, place).await?;
                let claimed = status["status"] == "claimed";
                open += u32::from(!claimed);
                status["outpoint"] = outpoint.into();
                status["sats"] = output.amount.to_sat().into();
                status["recipient"] = deposit.recipient.to_string().into();
                status["claimed"] = claimed.into();
                found.push(status);
            }
        }
        let next = match (found.is_empty(), open) {
            (true, _) => "no confirmed payment to these deposits yet",
            (false, 0) => "nothing: all are claimed",
            _ => "when the confirmations are there, a relayer claims, or `bzk-bridge claim` does",
        };
        Ok(Answer::new(next).with("relay_height", relay).with("deposits", found))
    }
}
