//! Hands signed payouts to Bitcoin, as soon as there are any.

use anyhow::{Context, Result};
use bzk_bitcoin::bitcoin::{consensus::deserialize, Transaction, Txid};
use bzk_bitcoin_client::{BitcoinClient, Error as BitcoinError};
use bzk_health::Health;
use bzk_l2_client::L2Client;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Time between two looks at what is signed: a call to one's own node.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// Time after which a payout that is not settled is handed over again: nodes forget transactions, and those that
/// were refused may be taken later.
const AGAIN: Duration = Duration::from_secs(60);

/// Hands over what the committee has signed. Keeps nothing that matters.
pub struct Delivery {
    bitcoin: Arc<dyn BitcoinClient>,
    l2: L2Client,
    tried: BTreeMap<Txid, Instant>,
    /// Payouts that Bitcoin has taken from us.
    taken: BTreeSet<Txid>,
    /// Payouts that wait to be settled and that Bitcoin has not taken at the last try.
    refused: BTreeSet<Txid>,
}

impl Delivery {
    /// From the node `l2` to `bitcoin`.
    pub fn new(bitcoin: Arc<dyn BitcoinClient>, l2: L2Client) -> Self {
        Self {
            bitcoin,
            l2,
            tried: BTreeMap::new(),
            taken: BTreeSet::new(),
            refused: BTreeSet::new(),
        }
    }

    /// Tells how many payouts Bitcoin has taken from us, and how many it does not want now.
    pub fn report(&self, health: &Health) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        health.set("bzk_relayer_payouts_broadcast", count(self.taken.len()));
        health.set("bzk_relayer_payouts_refused", count(self.refused.len()));
    }

    /// Hands over the payouts that were not, or not lately. One that Bitcoin makes nothing of does not hold up the
    /// others.
    ///
    /// # Errors
    /// One of the chains does not answer, or makes nothing of a payout.
    pub async fn deliver(&mut self) -> Result<()> {
        self.tried.retain(|_, at| at.elapsed() < AGAIN);
        let payouts = self.l2.payouts().await?;
        let (mut waiting, mut failed) = (BTreeSet::new(), Ok(()));
        for payout in payouts {
            let transaction: Transaction = deserialize(&payout.transaction).context("payout")?;
            let txid = transaction.compute_txid();
            waiting.insert(txid);
            if self.tried.contains_key(&txid) {
                continue;
            }
            match self.bitcoin.broadcast(&transaction).await {
                Ok(()) => {
                    self.refused.remove(&txid);
                    if self.taken.insert(txid) {
                        tracing::info!(%txid, "payout broadcast");
                    }
                }
                // Most likely another version is in a block, or pays more.
                Err(BitcoinError::Refused(reason)) => {
                    tracing::debug!(%txid, reason, "payout refused");
                    self.refused.insert(txid);
                }
                Err(error @ BitcoinError::Unreachable(_)) => return Err(error.into()),
                Err(error) => {
                    let error = anyhow::Error::new(error).context(format!("payout {txid}"));
                    failed = failed.and(Err(error));
                    continue;
                }
            }
            self.tried.insert(txid, Instant::now());
        }
        self.refused.retain(|txid| waiting.contains(txid));
        failed
    }
}
