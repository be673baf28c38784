//! The daemon: a relayer's rounds, and the delivery of payouts beside them.

use crate::{
    delivery::{self, Delivery},
    relayer::{Relayer, Settings},
};
use anyhow::{Context, Result};
use bzk_bitcoin_client::{BackEnd, BitcoinClient};
use bzk_health::Health;
use bzk_l2_client::{Account, L2Client};
use clap::Args;
use std::{
    cell::Cell,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{signal, SignalKind};

/// Brings headers, claims and settlements until it is stopped.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    bitcoin: BackEnd,
    /// URL of the L2 node's RPC.
    #[arg(long, env = "BZK_L2_RPC", default_value = "http://127.0.0.1:9944")]
    l2_rpc: String,
    /// File with the private key, in hexadecimal, of the account that pays gas and gets the fees. Nothing else may send
    /// from this account.
    #[arg(long, env = "BZK_RELAYER_KEY_FILE", value_name = "FILE")]
    key_file: PathBuf,
    /// Deposits to claim: one JSON object a line with recipient, salt, refund_key, refund_delay, epoch, group_key and
    /// from_height. Read again each round.
    #[arg(long, env = "BZK_RELAYER_DEPOSITS", value_name = "FILE")]
    deposits: Option<PathBuf>,
    /// Seconds between two rounds.
    #[arg(long, env = "BZK_RELAYER_POLL_SECS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    poll_secs: u64,
    /// Seconds after which a transaction that the base fee has left behind is sent again for more.
    #[arg(long, env = "BZK_RELAYER_REPLACE_AFTER_SECS", value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..))]
    replace_after_secs: u64,
    /// The most that is offered for a transaction, in wei per gas. 10 gwei: 0.0024 BTC for a usual claim.
    #[arg(
        long,
        env = "BZK_RELAYER_MAX_FEE_PER_GAS",
        value_name = "WEI",
        default_value_t = 10_000_000_000
    )]
    max_fee_per_gas: u128,
    /// The most gas of a claim, which runs code of the deposit's recipient: a usual claim takes 240,000.
    #[arg(long, env = "BZK_RELAYER_CLAIM_GAS", value_name = "GAS", default_value_t = Settings::default().claim_gas,
        value_parser = clap::value_parser!(u64).range(100_000..))]
    claim_gas: u64,
    /// Address for /metrics and /health, for instance 127.0.0.1:9616.
    #[arg(long, env = "BZK_RELAYER_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

impl Run {
    /// Runs until an interrupt. Either chain may be away, at the start too: what is not done is done in a later round.
    ///
    /// # Errors
    /// The key or an address makes no sense.
    pub fn run(self) -> Result<ExitCode> {
        tracing_subscriber::fmt()
            .with_env_filter(
                tracing_subscriber::EnvFilter::builder()
                    .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
                    .from_env_lossy(),
            )
            .with_writer(std::io::stderr)
            .init();
        let account = account(&self.key_file)?;
        tokio::runtime::Runtime::new()?.block_on(self.serve(account))
    }

    async fn serve(self, account: Account) -> Result<ExitCode> {
        let settings = Settings {
            poll: Duration::from_secs(self.poll_secs),
            replace_after: Duration::from_secs(self.replace_after_secs),
            claim_gas: self.claim_gas,
        };
        let bitcoin: Arc<dyn BitcoinClient> = Arc::from(self.bitcoin.connect().await?);
        let mut delivery = Delivery::new(Arc::clone(&bitcoin), L2Client::new(&self.l2_rpc, None)?);
        let address = account.address();
        // What takes longer is left to the next round, which sends it again when it is time.
        let l2 = L2Client::new(&self.l2_rpc, Some(account))?
            .with_ceiling(self.max_fee_per_gas)
            .with_patience(settings.replace_after);
        // Ten rounds, or what a long catch-up takes.
        let patience = Duration::from_secs(self.poll_secs.saturating_mul(10).max(300));
        let health = Health::new(patience);
        if let Some(address) = self.metrics {
            let bound = health.serve(address).with_context(|| {
                format!("cannot serve metrics at {address}; give --metrics a free address")
            })?;
            tracing::info!(%bound, "metrics");
        }
        let mut stop = signal(SignalKind::terminate()).context("cannot listen for signals")?;
        tracing::info!(account = %address, "started");
        // Payouts that cannot be handed over are as bad as rounds that fail.
        let delivers = Cell::new(true);
        let deposits = self.deposits;
        let rounds = async {
            let chain_id = loop {
                match l2.chain_id().await {
                    Ok(chain_id) => break chain_id,
                    Err(error) => {
                        fail("no contact", &anyhow::Error::new(error).context("L2 node"), &health);
                    }
                }
                tokio::time::sleep(settings.poll).await;
            };
            let mut relayer = Relayer::new(bitcoin, l2, chain_id, deposits, settings);
            loop {
                health.add("bzk_relayer_rounds_total", 1);
                let (round, handover) = (relayer.round().await, relayer.hand_over().await);
                if round.is_ok() && handover.is_ok() && delivers.get() {
                    health.succeed();
                }
                for error in [round, handover].into_iter().filter_map(Result::err) {
                    fail("round failed", &error, &health);
                }
                relayer.report(&health);
                tokio::time::sleep(settings.poll).await;
            }
        };
        // Rounds may be long, and payouts do not wait for them.
        let deliveries = async {
            loop {
                let delivered = delivery.deliver().await;
                delivery.report(&health);
                delivers.set(delivered.is_ok());
                let pause = match delivered {
                    Ok(()) => delivery::INTERVAL,
                    Err(error) => {
                        fail("delivery failed", &error, &health);
                        settings.poll
                    }
                };
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = rounds => {}
            () = deliveries => {}
            result = tokio::signal::ctrl_c() => result.context("cannot listen for interrupts")?,
            _ = stop.recv() => {}
        }
        // Whatever was under way is read from the chains by the next one.
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// The account whose key a file holds.
fn account(file: &Path) -> Result<Account> {
    let name = file.display();
    let key = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {name}; --key-file is the key that pays gas"))?;
    let account = Account::from_hex(&key).with_context(|| name.to_string())?;
    if std::fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!("{name} holds a private key and can be read by others: chmod 600 {name}");
    }
    Ok(account)
}

fn fail(what: &'static str, error: &anyhow::Error, health: &Health) {
    health.add("bzk_relayer_failures_total", 1);
    tracing::warn!("{what}: {error:#}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_that_is_none_is_told_without_the_key() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let secret = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f36231";
        std::fs::write(file.path(), secret).unwrap();
        let error = format!("{:#}", account(file.path()).unwrap_err());
        assert!(error.contains("32 bytes") && !error.contains(&secret[..8]), "{error}");
        std::fs::write(file.path(), format!("0x{secret}8\n")).unwrap();
        let expected = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
        assert_eq!(account(file.path()).unwrap().address().to_string(), expected);
        let error = format!("{:#}", account(Path::new("/no/such/file")).unwrap_err());
        assert!(error.contains("/no/such/file") && error.contains("--key-file"), "{error}");
    }
}
