//! BTC out.

use crate::{output::Answer, Context};
use anyhow::{ensure, Context as _, Result};
use bzk_bitcoin::{
    bitcoin::{address::NetworkUnchecked, Address},
    dust_sats, payout_script,
};
use bzk_l2_client::{
    alloy_primitives::U256,
    contracts::{BtcBridge, BTC_BRIDGE},
};
use clap::Args;

/// 1 sat on the L2.
const WEI_PER_SAT: u64 = 10_000_000_000;

/// Locks BTC of the account on the L2 and asks for a payout on Bitcoin.
#[derive(Args)]
pub(crate) struct Withdraw {
    /// Bitcoin address that is paid: P2PKH, P2SH, P2WPKH, P2WSH or P2TR.
    #[arg(long)]
    to: Address<NetworkUnchecked>,
    /// Sats to withdraw; the miner's fee comes out of them.
    #[arg(long)]
    sats: u64,
    /// The most that may be taken off for the miner, in sats; the payout waits while fees are higher.
    #[arg(long)]
    max_fee_sats: u64,
}

impl Withdraw {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let to = self.to.clone().require_network(context.network)?;
        let script = payout_script(to.script_pubkey().as_bytes())?;
        let left = self.sats.checked_sub(self.max_fee_sats);
        let dust = dust_sats(&script);
        ensure!(
            left.is_some_and(|left| left >= dust),
            "{} sats less a fee of {} leave too little: the smallest payout to {to} is {dust} sats",
            self.sats,
            self.max_fee_sats
        );
        let l2 = context.l2()?;
        let call =
            BtcBridge::withdrawCall { script: script.to_bytes().into(), maxFee: self.max_fee_sats };
        let value = U256::from(self.sats) * U256::from(WEI_PER_SAT);
        let sent = l2.send(BTC_BRIDGE, &call, value).await?;
        let logs =
            l2.logs::<BtcBridge::WithdrawalRequested>(BTC_BRIDGE, sent.block, sent.block).await?;
        let request = logs
            .into_iter()
            .map(|log| log.event)
            .find(|event| {
                Some(event.owner) == l2.sender()
                    && event.script == call.script
                    && event.amount == self.sats
            })
            .context("the contract does not tell of the withdrawal")?;
        let next = format!("`bzk-bridge status --withdrawal {}` tells where it is", request.id);
        Ok(Answer::new(next)
            .with("withdrawal", request.id)
            .with("transaction", sent.hash.to_string())
            .with("to", to.to_string())
            .with("sats", self.sats)
            .with("max_fee_sats", self.max_fee_sats))
    }
}
