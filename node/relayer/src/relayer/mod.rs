//! Rounds of headers, claims and settlements.

mod claiming;
mod logs;
mod reorgs;
mod settling;

use crate::{
    depths::Depths,
    headers::{self, Progress},
    line::{Action, Clock},
    refusals::Refusals,
    settlements::Withdrawals,
};
use anyhow::{bail, Context, Result};
use bzk_bitcoin::{
    bitcoin::{BlockHash, OutPoint, Txid},
    Bridge,
};
use bzk_bitcoin_client::BitcoinClient;
use bzk_health::Health;
use bzk_l2_client::{
    alloy_primitives::{B256, U256},
    contracts::BTC_BRIDGE,
    Error as L2Error, L2Client,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// Bitcoin blocks for which the committee's chain remembers a payout that is settled.
const REMEMBERED: u32 = 144;

/// 1 sat on the L2.
const WEI_PER_SAT: u64 = 10_000_000_000;

/// Height and hash of a block of Bitcoin.
type Place = (u32, B256);

/// How a relayer behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between two rounds; what was refused is left alone for multiples of it.
    pub poll: Duration,
    /// Time after which a transaction that the base fee has left behind is sent again.
    pub replace_after: Duration,
    /// Most gas of a claim: it runs code of its recipient.
    pub claim_gas: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(10),
            replace_after: Duration::from_secs(30),
            claim_gas: 2_000_000,
        }
    }
}

/// A relayer with its view of the contract. All of it can be lost: it is read anew from the two chains.
pub struct Relayer {
    bitcoin: Arc<dyn BitcoinClient>,
    l2: L2Client,
    bridge: Bridge,
    deposits: Option<PathBuf>,
    settings: Settings,
    started: Instant,
    clock: Clock,
    /// Of the account, in wei.
    balance: U256,
    /// Own transactions that are in no block.
    waiting: usize,
    /// How many of them were sent again.
    replaced: u64,
    withdrawals: Withdrawals,
    /// The next L2 block whose logs are to be read.
    next_block: u64,
    /// Outputs that are claimed, by whomever.
    claimed: BTreeSet<OutPoint>,
    /// The block in which the contract has each claimed deposit, as far back as blocks may still be replaced.
    places: BTreeMap<OutPoint, Place>,
    /// The block in which the contract has the payout of each settled withdrawal, as far back as the committee's chain
    /// remembers it.
    settled: BTreeMap<u64, Place>,
    /// The relay's last block when all of these were compared with its chain.
    compared: Option<B256>,
    /// Deposits that the contract does not take now.
    refused: Refusals<OutPoint>,
    /// Deposits that the contract does not take back now; whether it took the claim does not matter.
    unproven: Refusals<OutPoint>,
    /// Transactions that are no payout of ours or are settled, with the Bitcoin tip at which that was found.
    judged: BTreeMap<Txid, BlockHash>,
    /// Payouts that the contract does not take now.
    unsettled: Refusals<Txid>,
}

impl Relayer {
    /// A relayer for the chain with this EIP-155 id, which claims the deposits of a file, if any.
    pub fn new(
        bitcoin: Arc<dyn BitcoinClient>,
        l2: L2Client,
        chain_id: u64,
        deposits: Option<PathBuf>,
        settings: Settings,
    ) -> Self {
        Self {
            bitcoin,
            l2,
            bridge: Bridge { chain_id, address: BTC_BRIDGE },
            deposits,
            settings,
            started: Instant::now(),
            clock: Clock::new(settings.replace_after),
            balance: U256::ZERO,
            waiting: 0,
            replaced: 0,
            withdrawals: Withdrawals::default(),
            next_block: 0,
            claimed: BTreeSet::new(),
            places: BTreeMap::new(),
            settled: BTreeMap::new(),
            compared: None,
            refused: Refusals::new(settings.poll),
            unproven: Refusals::new(settings.poll),
            judged: BTreeMap::new(),
            unsettled: Refusals::new(settings.poll),
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Does all that there is to do now. Deposits that cannot be read or claimed do not keep payouts from being settled.
    ///
    /// # Errors
    /// One of the chains does not answer, own transactions wait for a block, or the deposits cannot be read.
    pub async fn round(&mut self) -> Result<()> {
        self.clear_line().await?;
        self.bring_headers().await?;
        self.follow_logs().await?;
        let depths = Depths::read(&self.l2).await.context("what the contract asks for")?;
        let claims = self.claim(&depths).await;
        if claims.is_err() {
            // What was sent may wait.
            self.clear_line().await?;
        }
        self.reopen(depths.tip).await?;
        self.settle(&depths).await?;
        claims.context("claims")
    }

    /// Sends again what the base fee has left behind. While something waits nothing else is sent: it would only wait
    /// behind that, and be pointless by then.
    async fn clear_line(&mut self) -> Result<()> {
        let line = self.l2.line().await.context("own transactions")?;
        (self.balance, self.waiting) = (line.balance, line.waiting.len());
        let mut too_dear = None;
        for action in self.clock.look(&line, self.now()) {
            let (index, fees, cancels) = match action {
                Action::Replace { index, fees } => (index, fees, false),
                Action::Cancel { index, fees } => (index, fees, true),
                Action::TooDear { nonce } => {
                    too_dear.get_or_insert(nonce);
                    continue;
                }
            };
            let Some(waiting) = line.waiting.get(index) else { continue };
            let sent = match cancels {
                true => self.l2.cancel(waiting, fees).await,
                false => self.l2.replace(waiting, fees).await,
            };
            match sent {
                Ok(hash) => {
                    self.replaced = self.replaced.saturating_add(1);
                    let (nonce, old) = (waiting.nonce, waiting.hash);
                    tracing::info!(nonce, %old, %hash, ?fees, cancels, "transaction sent again");
                }
                // It is in a block by now, or the pool wants more: the next look tells.
                Err(L2Error::Refused { reason, .. }) => {
                    tracing::debug!(nonce = waiting.nonce, reason, "not sent again");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let Some(first) = line.waiting.first() else { return Ok(()) };
        let (count, base_fee) = (line.waiting.len(), line.market.base_fee);
        if let Some(nonce) = too_dear {
            bail!(
                "{count} own transactions wait for a block, and number {nonce} cannot be sent again for more: the base \
                 fee is {base_fee} wei per gas; wait until it falls, raise --max-fee-per-gas above {}, or fund the \
                 account above {} wei",
                line.market.ceiling,
                line.balance
            );
        }
        bail!(
            "{count} own transactions wait for a block; the first, number {}, offers {} wei per gas, the base fee is \
             {base_fee}: it is sent again for more when it has waited for {} seconds",
            first.nonce,
            first.fees.max,
            self.settings.replace_after.as_secs()
        );
    }

    /// Brings the relay to where Bitcoin is now. Blocks that come meanwhile are for the next round: where they come
    /// faster than they are brought, nothing would be claimed or settled.
    async fn bring_headers(&self) -> Result<()> {
        let target = self.bitcoin.tip().await?.height;
        loop {
            match headers::step(&*self.bitcoin, &self.l2).await? {
                Progress::Advanced { height } if height < target => {}
                _ => return Ok(()),
            }
        }
    }

    /// Tells what it has done.
    pub(crate) fn report(&self, health: &Health) {
        let sats = self.balance / U256::from(WEI_PER_SAT);
        health.set("bzk_relayer_balance_sats", u64::try_from(sats).unwrap_or(u64::MAX));
        health.set("bzk_relayer_transactions_waiting", count(self.waiting));
        health.set("bzk_relayer_transactions_replaced_total", self.replaced);
        health.set("bzk_relayer_deposits_refused", count(self.refused.count()));
        health.set("bzk_relayer_deposits_claimed", count(self.claimed.len()));
        health.set("bzk_relayer_withdrawals_pending", count(self.withdrawals.pending().count()));
        health.set("bzk_relayer_l2_block", self.next_block.saturating_sub(1));
    }

    /// Names the next key to the contract, once the committee has signed its name.
    pub(crate) async fn hand_over(&mut self) -> Result<()> {
        if let Some(call) = self.l2.handover().await? {
            self.clear_line().await?;
            match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(_) => tracing::info!(key = %call.nextKey, "next group key named"),
                Err(L2Error::Reverted { data, .. }) => {
                    tracing::debug!(error = %data, "next group key cannot be named yet");
                }
                Err(L2Error::Failed(hash)) => {
                    tracing::debug!(%hash, "another relayer has named the next group key");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
