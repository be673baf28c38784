//! What it costs, before anything is signed.

use crate::{output::Answer, Context};
use anyhow::Result;
use bzk_bitcoin::bitcoin::{address::NetworkUnchecked, Address};
use clap::Args;

/// Tells what a deposit and a withdrawal cost now. Nothing is sent.
#[derive(Args)]
pub(crate) struct Fees {
    /// Bitcoin address that a withdrawal would pay.
    #[arg(long)]
    to: Option<Address<NetworkUnchecked>>,
    /// Sats that would be withdrawn.
    #[arg(long, requires = "to")]
    sats: Option<u64>,
}

impl Fees {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let to = self.to.clone().map(|to| to.require_network(context.network)).transpose()?;
        let fees = context.l2()?.fees(to.map(|to| to.to_string()).as_deref(), self.sats).await?;
        let next = fees["withdrawal"]["next"].as_str().unwrap_or_default().to_owned();
        Ok(Answer::new(next)
            .with("deposit", fees["deposit"].clone())
            .with("withdrawal", fees["withdrawal"].clone()))
    }
}
