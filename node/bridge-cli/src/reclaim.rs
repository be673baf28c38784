//! The way back out of a deposit, without the committee, the L2 or anybody else.

use crate::{output::Answer, wallet, Context};
use anyhow::{ensure, Context as _, Result};
use bzk_bitcoin::{
    bitcoin::{
        address::NetworkUnchecked, consensus::serialize, hex::DisplayHex, key::Secp256k1,
        secp256k1::Message, Address, FeeRate, OutPoint,
    },
    curve::Portable,
    Bridge, Deposit, Refund,
};
use bzk_l2_client::contracts::BTC_BRIDGE;
use clap::Args;
use std::path::PathBuf;

/// Takes a deposit back that was not claimed, once its refund delay is over. Asks no node of the L2.
#[derive(Args)]
pub(crate) struct Reclaim {
    /// File of deposits, as `deposit-address` wrote it.
    #[arg(long, value_name = "FILE")]
    deposits: PathBuf,
    /// File with the key that the deposit names for refunds.
    #[arg(long, value_name = "FILE")]
    refund_key_file: PathBuf,
    /// The deposit's output, as TXID:VOUT.
    #[arg(long)]
    outpoint: OutPoint,
    /// Bitcoin address that gets the coins.
    #[arg(long)]
    to: Address<NetworkUnchecked>,
    /// Fee rate, in sats per vbyte.
    #[arg(long, default_value_t = 5)]
    sats_per_vbyte: u32,
    /// Chain id of the L2.
    #[arg(long, default_value_t = 97_304)]
    chain_id: u64,
    /// Only shows the transaction.
    #[arg(long)]
    dry_run: bool,
}

impl Reclaim {
    pub(crate) async fn run(&self, context: &Context) -> Result<Answer> {
        let to = self.to.clone().require_network(context.network)?;
        let bitcoin = context.bitcoin().await?;
        let bridge = Bridge { chain_id: self.chain_id, address: BTC_BRIDGE };
        let inclusion = bitcoin.inclusion(&self.outpoint.txid).await?;
        let inclusion = inclusion.with_context(|| format!("{} is not confirmed", self.outpoint))?;
        let funding = bzk_bitcoin::decode_transaction(&inclusion.proof.transaction)?;
        let output = funding.output.get(self.outpoint.vout as usize);
        let output = output.with_context(|| format!("{} does not exist", self.outpoint))?;
        let key = wallet::keypair(&self.refund_key_file)?;
        let deposits = bzk_deposits::read(&self.deposits)?;
        let deposit = deposits
            .iter()
            .find(|deposit| {
                deposit.script(&bridge).is_ok_and(|script| script == output.script_pubkey)
            })
            .with_context(|| format!("no deposit in the file pays to {}", self.outpoint))?;
        ensure!(
            deposit.refund_key.0 == key.x_only_public_key().0.serialize(),
            "the deposit names another refund key"
        );
        let of = Deposit::new(
            deposit.recipient,
            deposit.salt,
            deposit.refund_key.0,
            deposit.refund_delay,
        )?;
        let refund = Refund::new::<Portable>(
            &of,
            &bridge,
            &deposit.group_key.0,
            (self.outpoint, output.value.to_sat()),
            to.script_pubkey(),
            FeeRate::from_sat_per_vb(self.sats_per_vbyte.into()).context("fee rate")?,
        )?;
        let sighash = refund.sighash().context("the refund has no digest")?;
        let signature =
            Secp256k1::new().sign_schnorr_no_aux_rand(&Message::from_digest(sighash), &key);
        let transaction = refund.sign(signature.as_ref());
        let opens_at = inclusion.height + u32::from(deposit.refund_delay);
        let height = bitcoin.tip().await?.height;
        let next = if self.dry_run {
            format!("broadcast it when block {opens_at} is there; the tip is {height}")
        } else {
            ensure!(
                height + 1 >= opens_at,
                "the refund opens with block {opens_at}; the tip is {height}"
            );
            bitcoin.broadcast(&transaction).await?;
            "a Bitcoin block confirms it".into()
        };
        Ok(Answer::new(next)
            .with("txid", transaction.compute_txid().to_string())
            .with("sats", transaction.output[0].value.to_sat())
            .with("transaction", serialize(&transaction).to_lower_hex_string()))
    }
}
