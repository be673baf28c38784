//! Rounds of headers, claims and settlements.

use crate::{
    depths::Depths,
    headers::{self, Progress, MAX_REORG},
    line::{Action, Clock},
    refusals::{Cost, Refusals},
    settlements::{confirm, is_sweep, settle, Event, Withdrawals},
};
use anyhow::{bail, Context, Result};
use bzk_bitcoin::{
    bitcoin::{
        block::Header, consensus::deserialize, hashes::Hash, BlockHash, OutPoint, Script,
        Transaction, Txid,
    },
    decode_transaction,
    payout::sweep_id,
    Bridge,
};
use bzk_bitcoin_client::BitcoinClient;
use bzk_deposits::{contract_proof, Watched};
use bzk_health::Health;
use bzk_l2_client::{
    alloy_primitives::{B256, U256},
    alloy_sol_types::{SolCall, SolError, SolEvent},
    contracts::{BitcoinRelay, BtcBridge, Withdrawal, BITCOIN_RELAY, BTC_BRIDGE},
    Error as L2Error, Included, L2Client, SignedPayout,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

/// L2 blocks of one query for logs.
const LOG_SPAN: u64 = 1_000;

/// Bitcoin blocks for which the committee's chain remembers a payout that is settled.
const REMEMBERED: u32 = 144;

/// Claims that are sent before the first of them is waited for.
const CLAIMS_AT_ONCE: usize = 50;

/// 1 sat on the L2.
const WEI_PER_SAT: u64 = 10_000_000_000;

/// Block and index of a log: the order in which things happened.
type LogPlace = (u64, u64);

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
    places: BTreeMap<OutPoint, (u32, B256)>,
    /// The block in which the contract has the payout of each settled withdrawal, as far back as the committee's chain
    /// remembers it.
    settled: BTreeMap<u64, (u32, B256)>,
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

    /// Claims what can be claimed, several deposits to a block; but while the contract takes no claims, what would have
    /// it take them again.
    async fn claim(&mut self, depths: &Depths) -> Result<()> {
        let oldest = depths.tip.saturating_sub(MAX_REORG);
        self.places.retain(|_, (height, _)| *height >= oldest);
        let deficit = self.l2.call(BTC_BRIDGE, &BtcBridge::totalsCall {}).await?.deficit;
        if deficit > 0 {
            tracing::warn!(sats = deficit, "claimed deposits have left Bitcoin's chain");
            return self.reprove().await;
        }
        let Some(file) = &self.deposits else { return Ok(()) };
        if self.l2.call(BTC_BRIDGE, &BtcBridge::stateCall {}).await?.paused {
            tracing::debug!("the committee has stopped claims");
            return Ok(());
        }
        let (mut sent, mut bad) = (Vec::new(), Ok(()));
        for deposit in bzk_deposits::read_each(file)? {
            let valid = deposit.and_then(|deposit| deposit.script(&self.bridge).map(|_| deposit));
            match valid {
                Ok(deposit) => self.claim_one(&deposit, depths, &mut sent).await?,
                Err(error) => bad = bad.and(Err(error)),
            }
            if sent.len() >= CLAIMS_AT_ONCE {
                self.claimed(&mut sent).await?;
            }
        }
        self.claimed(&mut sent).await?;
        bad
    }

    /// Proves deposits again whose block has left Bitcoin's chain, whoever claimed them.
    async fn reprove(&mut self) -> Result<()> {
        let mut kept = BTreeMap::new();
        for (outpoint, (height, block)) in self.places.clone() {
            let there = self.is_there(height, block, &mut kept).await?;
            if there || self.unproven.rests(&outpoint, self.now()) {
                continue;
            }
            let Some(inclusion) = self.bitcoin.inclusion(&outpoint.txid).await? else { continue };
            let call = BtcBridge::reproveCall {
                rawTx: inclusion.proof.transaction.clone().into(),
                vout: outpoint.vout,
                proof: contract_proof(&inclusion),
            };
            let cost = match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(included) => {
                    self.unproven.forget(&outpoint);
                    tracing::info!(%outpoint, gas = included.gas_used, "deposit proven again");
                    continue;
                }
                // Too few confirmations, or another relayer was faster.
                Err(L2Error::Reverted { .. }) => Cost::Question,
                Err(L2Error::Failed(_)) => Cost::Gas,
                Err(error) => return Err(error.into()),
            };
            let pause = self.unproven.refuse(outpoint, cost, self.now()).as_secs();
            tracing::debug!(%outpoint, ?cost, pause, "deposit cannot be proven again yet");
        }
        Ok(())
    }

    /// The hash of the relay's block at a height; zero above its tip.
    async fn block_at(&self, height: u32) -> Result<B256> {
        Ok(self.l2.call(BITCOIN_RELAY, &BitcoinRelay::hashAtCall { height }).await?)
    }

    /// Whether the relay has this block at a height. `kept` are the blocks that it was asked for.
    async fn is_there(
        &self,
        height: u32,
        block: B256,
        kept: &mut BTreeMap<u32, B256>,
    ) -> Result<bool> {
        let present = match kept.get(&height) {
            Some(present) => *present,
            None => self.block_at(height).await?,
        };
        kept.insert(height, present);
        Ok(present == block)
    }

    /// Has withdrawals wait again whose payout's block has left Bitcoin's chain. If the payout is in another block by
    /// now it is settled anew, otherwise the committee's chain has it broadcast again. Left to strangers, who may do it
    /// when they like, it could come when the committee's chain has forgotten the payout.
    async fn reopen(&mut self, tip: u32) -> Result<()> {
        let last = self.block_at(tip).await?;
        if self.compared == Some(last) {
            return Ok(());
        }
        let oldest = tip.saturating_sub(REMEMBERED);
        self.settled.retain(|_, (height, _)| *height >= oldest);
        let mut kept = BTreeMap::new();
        for (id, (height, block)) in self.settled.clone() {
            if self.is_there(height, block, &mut kept).await? {
                continue;
            }
            let Some(withdrawal) = self.withdrawals.settled(id).cloned() else { continue };
            let call = BtcBridge::reopenCall { withdrawal, blockHash: block, height };
            match self.l2.send(BTC_BRIDGE, &call, U256::ZERO).await {
                Ok(_) => {
                    tracing::warn!(id, height, %block, "withdrawal reopened: its payout's block was replaced")
                }
                // Another relayer was faster.
                Err(L2Error::Reverted { data, .. }) => {
                    tracing::debug!(id, error = %data, "withdrawal cannot be reopened");
                }
                Err(L2Error::Failed(hash)) => {
                    tracing::debug!(id, %hash, "another relayer has reopened the withdrawal");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.compared = Some(last);
        Ok(())
    }

    /// Leaves a deposit alone for a while.
    fn refuse(&mut self, outpoint: OutPoint, cost: Cost, error: &str) {
        let pause = self.refused.refuse(outpoint, cost, self.now()).as_secs();
        match cost {
            Cost::Question => {
                tracing::debug!(%outpoint, error, pause, "deposit cannot be claimed yet");
            }
            Cost::Gas => {
                tracing::warn!(%outpoint, transaction = error, pause, "claim failed in a block or got into none");
            }
        }
    }

    /// Sends the claims of one deposit's outputs.
    async fn claim_one(
        &mut self,
        deposit: &Watched,
        depths: &Depths,
        sent: &mut Vec<(OutPoint, B256)>,
    ) -> Result<()> {
        let script = deposit.script(&self.bridge)?;
        for output in self.bitcoin.outputs(&script, deposit.from_height).await? {
            let outpoint = output.outpoint;
            let deep = output.height <= depths.of_deposit(output.amount.to_sat());
            let rests = self.refused.rests(&outpoint, self.now());
            if self.claimed.contains(&outpoint) || !deep || rests {
                continue;
            }
            let Some(inclusion) = self.bitcoin.inclusion(&outpoint.txid).await? else { continue };
            let call = deposit.claim(&self.bridge, &outpoint, &inclusion)?;
            let gas = Some(self.settings.claim_gas);
            match self.l2.submit_within(BTC_BRIDGE, &call, U256::ZERO, gas).await {
                Ok(hash) => sent.push((outpoint, hash)),
                Err(L2Error::Reverted { data, .. })
                    if data.starts_with(&BtcBridge::AlreadyClaimed::SELECTOR) =>
                {
                    self.claimed.insert(outpoint);
                    self.refused.forget(&outpoint);
                }
                // More confirmations, a cap, a recipient that does not take BTC.
                Err(L2Error::Reverted { data, .. }) => {
                    self.refuse(outpoint, Cost::Question, &data.to_string());
                }
                // A recipient that takes too much gas.
                Err(L2Error::Refused { method: "eth_estimateGas", reason }) => {
                    self.refuse(outpoint, Cost::Question, &reason);
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
                    self.refused.forget(&outpoint);
                }
                // Another relayer's was before it in the block, another claim has used up a cap, or the recipient has
                // thought better of it.
                Err(L2Error::Failed(hash)) => self.refuse(outpoint, Cost::Gas, &hash.to_string()),
                // Its recipient may see to it that no block can hold it, and all others wait behind it. If it only
                // waits for the base fee it is claimed meanwhile.
                Err(L2Error::Pending(hash)) => {
                    self.refuse(outpoint, Cost::Gas, &hash.to_string());
                    return Err(L2Error::Pending(hash).into());
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads the logs of final blocks, so that what it knows was never taken back.
    async fn follow_logs(&mut self) -> Result<()> {
        let last = self.l2.finalized_block().await?;
        while self.next_block <= last {
            let (from, to) = (self.next_block, last.min(self.next_block + LOG_SPAN - 1));
            let mut events: Vec<(LogPlace, Event)> = Vec::new();
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
            let settled = self.follow_settlements(&mut events, from, to).await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalReopened| {
                Event::Reopened { id: event.id, height: event.height }
            })
            .await?;
            self.read(&mut events, from, to, |event: BtcBridge::WithdrawalUnlocked| {
                Event::Unlocked { id: event.id }
            })
            .await?;
            self.follow_claims(from, to).await?;
            // One block may reopen a withdrawal and settle it anew.
            events.sort_by_key(|(at, _)| *at);
            for (at, event) in events {
                match &event {
                    Event::Settled { id } => {
                        if let Some(place) = settled.get(&at) {
                            self.settled.insert(*id, *place);
                            self.compared = None;
                        }
                    }
                    Event::Reopened { id, .. } => {
                        self.settled.remove(id);
                        self.judged.clear();
                        self.unsettled.clear();
                    }
                    Event::Requested(_) | Event::Unlocked { .. } => {}
                }
                self.withdrawals.apply(event);
            }
            self.next_block = to + 1;
        }
        Ok(())
    }

    /// Settlements, and where the contract has their payouts, by log; old ones are left out.
    async fn follow_settlements(
        &self,
        events: &mut Vec<(LogPlace, Event)>,
        from: u64,
        to: u64,
    ) -> Result<BTreeMap<LogPlace, (u32, B256)>> {
        let oldest = self.bitcoin.tip().await?.height.saturating_sub(REMEMBERED);
        let (mut places, mut calls) = (BTreeMap::new(), BTreeMap::new());
        for log in self.l2.logs::<BtcBridge::WithdrawalSettled>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::WithdrawalSettled { id, height, .. } = log.event;
            let at = (log.block, log.index);
            events.push((at, Event::Settled { id }));
            if height < oldest {
                continue;
            }
            // One call settles a batch.
            let block = match calls.get(&(log.transaction, height)) {
                Some(block) => *block,
                None => self.settled_in(log.transaction, height).await?,
            };
            calls.insert((log.transaction, height), block);
            places.insert(at, (height, block));
        }
        Ok(places)
    }

    /// The block of a payout that a transaction has settled. The log has only its height, the proof its header. If
    /// another contract has made the call, it is the block that the relay has there now: what such a transaction says
    /// of a proof nobody has checked.
    async fn settled_in(&self, transaction: B256, height: u32) -> Result<B256> {
        let input = self.l2.input(transaction, BTC_BRIDGE).await?;
        let call = input.and_then(|input| BtcBridge::settleCall::abi_decode(&input).ok());
        let proof = call.map(|call| call.proof).filter(|proof| proof.height == height);
        let header = proof.map(|proof| proof.header);
        match header.and_then(|header| deserialize::<Header>(&header).ok()) {
            Some(header) => Ok(header.block_hash().to_byte_array().into()),
            None => self.block_at(height).await,
        }
    }

    /// Where the contract has each claimed deposit. It is claimed before it is proven again.
    async fn follow_claims(&mut self, from: u64, to: u64) -> Result<()> {
        let place = |txid: B256, vout| OutPoint::new(Txid::from_byte_array(txid.0), vout);
        for log in self.l2.logs::<BtcBridge::Claimed>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::Claimed { txid, vout, height, blockHash: block, .. } = log.event;
            self.places.insert(place(txid, vout), (height, block));
        }
        for log in self.l2.logs::<BtcBridge::Reproved>(BTC_BRIDGE, from, to).await? {
            let BtcBridge::Reproved { txid, vout, height, blockHash: block, .. } = log.event;
            self.places.insert(place(txid, vout), (height, block));
        }
        Ok(())
    }

    async fn read<E: SolEvent>(
        &self,
        events: &mut Vec<(LogPlace, Event)>,
        from: u64,
        to: u64,
        event: impl Fn(E) -> Event,
    ) -> Result<()> {
        let logs = self.l2.logs::<E>(BTC_BRIDGE, from, to).await?;
        events.extend(logs.into_iter().map(|log| ((log.block, log.index), event(log.event))));
        Ok(())
    }

    async fn settle(&mut self, depths: &Depths) -> Result<()> {
        let tip = self.bitcoin.tip().await?.hash;
        self.judged.retain(|_, at| *at == tip);
        let mut wanted = BTreeMap::new();
        for withdrawal in self.withdrawals.pending() {
            let paid_from = self.withdrawals.paid_from(withdrawal);
            let from = wanted.entry(withdrawal.script.clone()).or_insert(paid_from);
            *from = paid_from.min(*from);
        }
        let payouts = self.payouts().await?;
        let told = self.told(&payouts);
        // Who asked for all of a payout may have paid himself: then none of them is pending.
        for withdrawal in told.values().flatten() {
            let paid_from = self.withdrawals.paid_from(withdrawal);
            let from = wanted.entry(withdrawal.script.clone()).or_insert(paid_from);
            *from = paid_from.min(*from);
        }
        let sweeps: Vec<_> = payouts.iter().filter(|(_, payout)| is_sweep(payout)).collect();
        if wanted.is_empty() && sweeps.is_empty() {
            return Ok(());
        }
        let deep = depths.of_payout();
        for (signed, sweep) in sweeps {
            let txid = sweep.compute_txid();
            if self.judged.contains_key(&txid) || self.unsettled.rests(&txid, self.now()) {
                continue;
            }
            if self.confirm_sweep(signed.batch, &txid, deep).await? {
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
            if self.judged.contains_key(&txid) || self.unsettled.rests(&txid, self.now()) {
                continue;
            }
            if self.settle_one(&txid, &told).await? {
                self.judged.insert(txid, tip);
            }
        }
        Ok(())
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
    async fn confirm_sweep(&mut self, batch: u64, txid: &Txid, deep: u32) -> Result<bool> {
        let found = self.bitcoin.inclusion(txid).await?;
        let Some(inclusion) = found else { return Ok(true) };
        // The contract may be about to learn of the blocks on top.
        if inclusion.height > deep {
            return Ok(false);
        }
        let id = sweep_id(batch);
        let sent = self.l2.send(BTC_BRIDGE, &confirm(id, &inclusion), U256::ZERO).await;
        self.proven(txid, &[id], sent)
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
        self.proven(txid, &ids, sent)
    }

    /// Whether the contract has taken the proof of a payout or a sweep.
    fn proven(
        &mut self,
        txid: &Txid,
        ids: &[u64],
        sent: Result<Included, L2Error>,
    ) -> Result<bool> {
        match sent {
            Ok(included) => {
                tracing::info!(%txid, ?ids, gas = included.gas_used, "payout settled");
                Ok(true)
            }
            // Another relayer was faster and that is not final yet, or the contract follows another branch.
            Err(L2Error::Reverted { data, .. }) => {
                let pause = self.unsettled.refuse(*txid, Cost::Question, self.now()).as_secs();
                tracing::debug!(%txid, error = %data, pause, "payout cannot be settled yet");
                Ok(false)
            }
            // Another relayer's was before it in the block.
            Err(L2Error::Failed(hash)) => {
                let pause = self.unsettled.refuse(*txid, Cost::Gas, self.now()).as_secs();
                tracing::debug!(%txid, %hash, pause, "settlement failed in a block");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
