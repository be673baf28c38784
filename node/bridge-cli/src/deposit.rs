//! BTC in.

use crate::{output::Answer, wallet, Context};
use anyhow::{ensure, Context as _, Result};
use bzk_bitcoin::bitcoin::{self, OutPoint};
use bzk_deposits::Watched;
use bzk_l2_client::{
    alloy_primitives::{self, U256},
    contracts::{BitcoinRelay, BtcBridge, BITCOIN_RELAY, BTC_BRIDGE},
    L2Client,
};
use clap::Args;
use std::{fs::OpenOptions, io::Write, path::PathBuf};

/// Makes an address to pay to. What it commits to is added to a file; keep that file: without it nobody can claim the
/// deposit or take it back.
#[derive(Args)]
pub(crate) struct Address {
    /// L2 account that gets the BTC.
    #[arg(long)]
    recipient: alloy_primitives::Address,
    /// File with the key that can take the deposit back when the refund delay is over; made when it is not there.
    #[arg(long, value_name = "FILE")]
    refund_key_file: PathBuf,
    /// File that the deposit is added to, a line of JSON each. A relayer may be given it to claim by itself.
    #[arg(long, value_name = "FILE")]
    deposits: PathBuf,
}

impl Address {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let l2 = context.l2()?;
        let state = l2.call(BTC_BRIDGE, &BtcBridge::stateCall {}).await?;
        ensure!(state.epoch > 0, "the committee has no key yet; try again when it does");
        ensure!(!state.paused, "the bridge is paused; a deposit could not be claimed now");
        let epoch = l2.call(BTC_BRIDGE, &BtcBridge::epochsCall { epoch: state.epoch }).await?;
        let terms = l2.call(BTC_BRIDGE, &BtcBridge::termsCall {}).await?;
        let caps = l2.call(BTC_BRIDGE, &BtcBridge::capsCall {}).await?;
        let tip = l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await?;
        let refund_key = wallet::keypair_or_new(&self.refund_key_file)?;
        let deposit = Watched {
            recipient: self.recipient,
            salt: wallet::random().into(),
            refund_key: refund_key.x_only_public_key().0.serialize().into(),
            refund_delay: terms.refundDelay,
            epoch: state.epoch,
            group_key: epoch.key,
            from_height: tip.height,
        };
        let script = deposit.script(&context.bridge(&l2).await?)?;
        let address = bitcoin::Address::from_script(&script, context.network)?;
        let line = serde_json::to_string(&deposit)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&self.deposits)?;
        // In one write, so that a relayer never reads half of it.
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()?;
        let fees = terms.claimFee + terms.relayFee;
        let next = format!(
            "pay {} to {} sats; after {} to {} confirmations, by amount, anybody can claim it",
            caps.minDeposit, caps.maxDeposit, terms.lowConfirmations, terms.highConfirmations
        );
        Ok(Answer::new(next)
            .with("address", address.to_string())
            .with("recipient", self.recipient.to_string())
            .with("fee_sats", fees)
            .with("refund_after_blocks", terms.refundDelay)
            .with("deposits", self.deposits.display().to_string()))
    }
}

/// Claims deposits: proves them to the contract, which releases the BTC.
#[derive(Args)]
pub(crate) struct Claim {
    /// File of deposits, as `deposit-address` writes it.
    #[arg(long, value_name = "FILE")]
    deposits: PathBuf,
}

impl Claim {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let (l2, bitcoin) = (context.l2()?, context.bitcoin().await?);
        let bridge = context.bridge(&l2).await?;
        let mut claimed = Vec::new();
        for deposit in bzk_deposits::read(&self.deposits)? {
            let script = deposit.script(&bridge)?;
            for output in bitcoin.outputs(&script, deposit.from_height).await? {
                if is_claimed(&l2, &output.outpoint).await? {
                    continue;
                }
                let inclusion = bitcoin.inclusion(&output.outpoint.txid).await?;
                let inclusion = inclusion.context("the block of the deposit has left the chain")?;
                let call = deposit.claim(&bridge, &output.outpoint, &inclusion)?;
                l2.send(BTC_BRIDGE, &call, U256::ZERO)
                    .await
                    .with_context(|| format!("deposit {}", output.outpoint))?;
                claimed.push(output.outpoint.to_string());
            }
        }
        let next = match claimed.len() {
            0 => "nothing to claim: the deposits are claimed, or not confirmed",
            _ => "the BTC is on the L2",
        };
        Ok(Answer::new(next).with("claimed", claimed))
    }
}

/// Whether the contract has released the deposit of an output.
pub(crate) async fn is_claimed(l2: &L2Client, outpoint: &OutPoint) -> Result<bool> {
    use bitcoin::hashes::Hash;
    let bytes = [&outpoint.txid.to_byte_array()[..], &outpoint.vout.to_be_bytes()].concat();
    let outpoint = alloy_primitives::keccak256(bytes);
    let block = l2.call(BTC_BRIDGE, &BtcBridge::claimsCall { outpoint }).await?;
    Ok(!block.is_zero())
}
