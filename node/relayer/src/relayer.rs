//! The daemon: rounds of headers, claims and settlements.

use crate::{
    back_end::BackEnd,
    claims::{self, Watched},
    delivery::{self, Delivery},
    headers::{self, Progress},
    settlements::{confirm, is_sweep, settle, Event, Withdrawals},
};
use anyhow::{Context, Result};
use bzk_bitcoin::{
    bitcoin::{consensus::deserialize, BlockHash, OutPoint, Script, Transaction, Txid},
    decode_transaction,
    payout::sweep_id,
    Bridge,
};
use bzk_bitcoin_client::BitcoinClient;
use bzk_health::Health;
use bzk_l2_client::{
    alloy_primitives::{B256, U256},
    alloy_sol_types::{SolError, SolEvent},
    contracts::{BitcoinRelay, BtcBridge, Withdrawal, BITCOIN_RELAY, BTC_BRIDGE},
    Account, Error as L2Error, Included, L2Client, SignedPayout,
};
use clap::Args;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};
use tokio::signal::unix::{signal, SignalKind};

/// L2 blocks of one query for logs.
const LOG_SPAN: u64 = 1_000;

/// Claims that are sent before the first of them is waited for.
const CLAIMS_AT_ONCE: usize = 50;

/// Brings headers, claims and settlements until it is stopped.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    bitcoin: BackEnd,
    /// URL of the L2 node's RPC.
    #[arg(long, env = "BZK_L2_RPC", default_value = "http://127.0.0.1:9944")]
    l2_rpc: String,
    /// File with the private key, in hexadecimal, of the account that pays gas and gets the fees.
    #[arg(long, env = "BZK_RELAYER_KEY_FILE", value_name = "FILE")]
    key_file: PathBuf,
    /// Deposits to claim: one JSON object a line with recipient, salt, refund_key, refund_delay, epoch, group_key and
    /// from_height. Read again each round.
    #[arg(long, env = "BZK_RELAYER_DEPOSITS", value_name = "FILE")]
    deposits: Option<PathBuf>,
    /// Seconds between two rounds.
    #[arg(long, env = "BZK_RELAYER_POLL_SECS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    poll_secs: u64,
    /// Address for /metrics and /health, for instance 127.0.0.1:9616.
    #[arg(long, env = "BZK_RELAYER_METRICS", value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

impl Run {
    /// Runs until an interrupt.
    ///
    /// # Errors
    /// The key or the addresses make no sense, or the first contact fails.
    pub fn run(self) -> Result<ExitCode> {
        tracing_subscriber::fmt()
            .with_env_filter(
                tracing_subscriber::EnvFilter::builder()
                    .with_default_directive(tracing_subscriber::filter::LevelFilter::INFO.into())
                    .from_env_lossy(),
            )
            .with_writer(std::io::stderr)
            .init();
        tokio::runtime::Runtime::new()?.block_on(async {
            let key = std::fs::read_to_string(&self.key_file)
                .with_context(|| format!("cannot read {}", self.key_file.display()))?;
            let account =
                Account::from_hex(&key).with_context(|| self.key_file.display().to_string())?;
            let l2 = L2Client::new(&self.l2_rpc, Some(account))?;
            let bitcoin: Arc<dyn BitcoinClient> = Arc::from(self.bitcoin.connect().await?);
            let mut delivery =
                Delivery::new(Arc::clone(&bitcoin), L2Client::new(&self.l2_rpc, None)?);
            let mut relayer = Relayer::new(bitcoin, l2, self.deposits).await?;
            // Ten rounds, or what a long catch-up takes.
            let patience = Duration::from_secs(self.poll_secs.saturating_mul(10).max(300));
            let health = Health::new(patience);
            if let Some(address) = self.metrics {
                let bound = health.serve(address).with_context(|| address.to_string())?;
                tracing::info!(%bound, "metrics");
            }
            let mut stop = signal(SignalKind::terminate()).context("cannot listen for signals")?;
            // Either side may be away for a while; what was not done is done in a later round.
            let rounds = async {
                loop {
                    health.add("bzk_relayer_rounds_total", 1);
                    let (round, handover) = (relayer.round().await, relayer.hand_over().await);
                    if round.is_ok() && handover.is_ok() {
                        health.succeed();
                    }
                    for error in [round, handover].into_iter().filter_map(Result::err) {
                        fail(&error, &health);
                    }
                    relayer.report(&health);
                    tokio::time::sleep(Duration::from_secs(self.poll_secs)).await;
                }
            };
            // Rounds may be long, and payouts do not wait for them.
            let deliveries = async {
                loop {
                    if let Err(error) = delivery.deliver().await {
                        fail(&error, &health);
                    }
                    health.set("bzk_relayer_payouts_broadcast", count(delivery.taken()));
                    tokio::time::sleep(delivery::INTERVAL).await;
                }
            };
            tokio::select! {
                () = rounds => {}
                () = deliveries => {}
                result = tokio::signal::ctrl_c() => result.context("cannot listen for interrupts")?,
                _ = stop.recv() => {}
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn fail(error: &anyhow::Error, health: &Health) {
    health.add("bzk_relayer_failures_total", 1);
    tracing::warn!("round failed: {error:#}");
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A relayer with its view of the contract. All of it can be lost: it is read anew from the two chains.
pub struct Relayer {
    bitcoin: Arc<dyn BitcoinClient>,
    l2: L2Client,
    bridge: Bridge,
    deposits: Option<PathBuf>,
    withdrawals: Withdrawals,
    /// The next L2 block whose logs are to be read.
    next_block: u64,
    /// Outputs that are claimed, by whomever.
    claimed: BTreeSet<OutPoint>,
    /// Transactions that are no payout of ours or are settled, with the Bitcoin tip at which that was found.
    judged: BTreeMap<Txid, BlockHash>,
}

impl Relayer {
    /// A relayer that claims the deposits of a file, if any.
    ///
    /// # Errors
    /// The L2 node cannot be reached.
    pub async fn new(
        bitcoin: Arc<dyn BitcoinClient>,
        l2: L2Client,
        deposits: Option<PathBuf>,
    ) -> Result<Self> {
        let chain_id = l2.chain_id().await.context("L2 node")?;
        Ok(Self {
            bitcoin,
            l2,
            bridge: Bridge { chain_id, address: BTC_BRIDGE },
            deposits,
            withdrawals: Withdrawals::default(),
            next_block: 0,
            claimed: BTreeSet::new(),
            judged: BTreeMap::new(),
        })
    }

    /// Does all that there is to do now.
    ///
    /// # Errors
    /// One of the chains does not answer, or the deposits cannot be read.
    pub async fn round(&mut self) -> Result<()> {
        self.bring_headers().await?;
        self.claim().await?;
        self.follow_withdrawals().await?;
        self.settle().await
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
    fn report(&self, health: &Health) {
        health.set("bzk_relayer_deposits_claimed", count(self.claimed.len()));
        health.set("bzk_relayer_withdrawals_pending", count(self.withdrawals.pending().count()));
        health.set("bzk_relayer_l2_block", self.next_block.saturating_sub(1));
    }

    /// Names the next key to the contract, once the committee has signed its name.
    async fn hand_over(&mut self) -> Result<()> {
        if let Some(call) = self.l2.handover().await? {
            match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(_) => tracing::info!(key = %call.nextKey, "next group key named"),
                Err(L2Error::Reverted { data, .. }) => {
                    tracing::debug!(error = %data, "next group key cannot be named yet");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Claims what can be claimed, several deposits to a block.
    async fn claim(&mut self) -> Result<()> {
        let Some(file) = &self.deposits else { return Ok(()) };
        let mut sent = Vec::new();
        for deposit in claims::read(file)? {
            self.claim_one(&deposit, &mut sent).await?;
            if sent.len() >= CLAIMS_AT_ONCE {
                self.claimed(&mut sent).await?;
            }
        }
        self.claimed(&mut sent).await
    }

    /// Sends the claims of one deposit's outputs.
    async fn claim_one(
        &mut self,
        deposit: &Watched,
        sent: &mut Vec<(OutPoint, B256)>,
    ) -> Result<()> {
        let script = deposit.script(&self.bridge)?;
        for output in self.bitcoin.outputs(&script, deposit.from_height).await? {
            let outpoint = output.outpoint;
            if self.claimed.contains(&outpoint) {
                continue;
            }
            let Some(inclusion) = self.bitcoin.inclusion(&outpoint.txid).await? else { continue };
            let call = deposit.claim(&self.bridge, &outpoint, &inclusion)?;
            match self.l2.submit(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(hash) => sent.push((outpoint, hash)),
                Err(L2Error::Reverted { data, .. })
                    if data.starts_with(&BtcBridge::AlreadyClaimed::SELECTOR) =>
                {
                    self.claimed.insert(outpoint);
                }
                // Too few confirmations, a cap, a pause: later rounds try again.
                Err(L2Error::Reverted { data, .. }) => {
                    tracing::debug!(%outpoint, error = %data, "deposit cannot be claimed yet");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Waits for claims that were sent.
    async fn claimed(&mut self, sent: &mut Vec<(OutPoint, B256)>) -> Result<()> {
        for (outpoint, hash) in sent.drain(..) {
            match self.l2.included(hash).await {
                Ok(included) => {
                    tracing::info!(%outpoint, gas = included.gas_used, "deposit claimed");
                    self.claimed.insert(outpoint);
                }
                // Another relayer's was before it in the block, or another claim has used up a cap.
                Err(L2Error::Failed(hash)) => tracing::debug!(%outpoint, %hash, "claim failed"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads the logs of final blocks, so that what it knows was never taken back.
    async fn follow_withdrawals(&mut self) -> Result<()> {
        let last = self.l2.finalized_block().await?;
        while self.next_block <= last {
            let (from, to) = (self.next_block, last.min(self.next_block + LOG_SPAN - 1));
            let mut events: Vec<(u64, Event)> = Vec::new();
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalRequested| {
                Event::Requested(Withdrawal {
                    id: event.id,
                    owner: event.owner,
                    amount: event.amount,
                    maxFee: event.maxFee,
                    height: event.height,
                    script: event.script,
                })
            })
            .await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalSettled| {
                Event::Settled { id: event.id }
            })
            .await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalReopened| {
                Event::Reopened { id: event.id, height: event.height }
            })
            .await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalUnlocked| {
                Event::Unlocked { id: event.id }
            })
            .await?;
            events.sort_by_key(|(block, _)| *block);
            for (_, event) in events {
                if let Event::Reopened { .. } = event {
                    self.judged.clear();
                }
                self.withdrawals.apply(event);
            }
            self.next_block = to + 1;
        }
        Ok(())
    }

    async fn read<E: SolEvent>(
        &self,
        events: &mut Vec<(u64, Event)>,
        from: u64,
        to: u64,
        event: impl Fn(E) -> Event,
    ) -> Result<()> {
        let logs = self.l2.logs::<E>(BTC_BRIDGE, from, to).await?;
        events.extend(logs.into_iter().map(|log| (log.block, event(log.event))));
        Ok(())
    }

    async fn settle(&mut self) -> Result<()> {
        let tip = self.bitcoin.tip().await?.hash;
        let mut wanted = BTreeMap::new();
        for withdrawal in self.withdrawals.pending() {
            let from = wanted.entry(withdrawal.script.clone()).or_insert(withdrawal.height);
            *from = withdrawal.height.min(*from);
        }
        let payouts = self.payouts().await?;
        let told = self.told(&payouts);
        // Who asked for all of a payout may have paid himself: then none of them is pending.
        for withdrawal in told.values().flatten() {
            let from = wanted.entry(withdrawal.script.clone()).or_insert(withdrawal.height);
            *from = withdrawal.height.min(*from);
        }
        let sweeps: Vec<_> = payouts.iter().filter(|(_, payout)| is_sweep(payout)).collect();
        if wanted.is_empty() && sweeps.is_empty() {
            return Ok(());
        }
        let deep = self.deep_enough().await?;
        for (signed, sweep) in sweeps {
            let txid = sweep.compute_txid();
            if self.judged.get(&txid) != Some(&tip)
                && self.confirm_sweep(signed.batch, &txid, deep).await?
            {
                self.judged.insert(txid, tip);
            }
        }
        let mut found = BTreeSet::new();
        for (script, height) in wanted {
            let outputs = self.bitcoin.outputs(Script::from_bytes(&script), height).await?;
            let buried = outputs.into_iter().filter(|output| output.height <= deep);
            found.extend(buried.map(|output| output.outpoint.txid));
        }
        for txid in found {
            if self.judged.get(&txid) == Some(&tip) {
                continue;
            }
            if self.settle_one(&txid, &told).await? {
                self.judged.insert(txid, tip);
            }
        }
        Ok(())
    }

    /// The height of the last block in which a payout has the confirmations that the contract asks for.
    async fn deep_enough(&self) -> Result<u32> {
        let tip = self.l2.call(BITCOIN_RELAY, &BitcoinRelay::tipCall {}).await?;
        let terms = self.l2.call(BTC_BRIDGE, &BtcBridge::termsCall {}).await?;
        // The last block itself has one confirmation.
        Ok(tip.height.saturating_add(1).saturating_sub(terms.mediumConfirmations.into()))
    }

    /// The payouts that the chain waits for.
    async fn payouts(&self) -> Result<Vec<(SignedPayout, Transaction)>> {
        let payouts = match self.l2.payouts().await {
            // A node without the committee waits for none.
            Err(L2Error::Refused { .. }) => Vec::new(),
            payouts => payouts?,
        };
        let read = |payout: SignedPayout| -> Result<(SignedPayout, Transaction)> {
            let transaction = deserialize(&payout.transaction).context("payout")?;
            Ok((payout, transaction))
        };
        payouts.into_iter().map(read).collect()
    }

    /// What `payouts` pay, by the first coin that they spend, which all versions of a payout have in common.
    fn told(&self, payouts: &[(SignedPayout, Transaction)]) -> BTreeMap<OutPoint, Vec<Withdrawal>> {
        let mut told = BTreeMap::new();
        for (signed, payout) in payouts {
            let batch = self.withdrawals.told(payout, &signed.withdrawals, &self.bridge);
            if let (Some(input), Some(batch)) = (payout.input.first(), batch) {
                told.insert(input.previous_output, batch);
            }
        }
        told
    }

    /// Tells of the sweep `batch` if its block has the confirmations that the contract asks for. Returns as
    /// [`Self::settle_one`] does.
    async fn confirm_sweep(&self, batch: u64, txid: &Txid, deep: u32) -> Result<bool> {
        let found = self.bitcoin.inclusion(txid).await?;
        let Some(inclusion) = found else { return Ok(true) };
        // The contract may be about to learn of the blocks on top.
        if inclusion.height > deep {
            return Ok(false);
        }
        let id = sweep_id(batch);
        let sent = self.l2.send(BTC_BRIDGE, &confirm(id, &inclusion), U256::ZERO).await;
        proven(txid, &[id], sent)
    }

    /// Returns whether the transaction needs no other look before the next block of Bitcoin.
    async fn settle_one(
        &mut self,
        txid: &Txid,
        told: &BTreeMap<OutPoint, Vec<Withdrawal>>,
    ) -> Result<bool> {
        let Some(inclusion) = self.bitcoin.inclusion(txid).await? else { return Ok(true) };
        // Whoever pays a script that is waited for chooses the transaction.
        let Ok(transaction) = decode_transaction(&inclusion.proof.transaction) else {
            return Ok(true);
        };
        let spent = transaction.input.first().map(|input| input.previous_output);
        let batch = match spent.and_then(|spent| told.get(&spent)) {
            Some(batch) => Some(batch.clone()),
            None => self.withdrawals.paid_by(&transaction, &self.bridge),
        };
        let batch = batch.unwrap_or_default();
        let ids: Vec<u64> = batch.iter().map(|withdrawal| withdrawal.id).collect();
        let Some(first) = ids.first() else { return Ok(true) };
        let sent = match self.withdrawals.any_pending(&batch) {
            true => self.l2.send(BTC_BRIDGE, &settle(batch, &inclusion), U256::ZERO).await,
            false => self.l2.send(BTC_BRIDGE, &confirm(*first, &inclusion), U256::ZERO).await,
        };
        proven(txid, &ids, sent)
    }
}

/// Whether the contract has taken the proof of a payout. It takes it later when another relayer was faster and that is
/// not final yet, or when it follows another branch.
fn proven(txid: &Txid, ids: &[u64], sent: Result<Included, L2Error>) -> Result<bool> {
    match sent {
        Ok(included) => {
            tracing::info!(%txid, ?ids, gas = included.gas_used, "payout settled");
            Ok(true)
        }
        Err(L2Error::Reverted { data, .. }) => {
            tracing::debug!(%txid, error = %data, "payout cannot be settled yet");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}
