//! Pushes a workload for a while and counts what blocks included.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
    time::{Duration, Instant},
};

use alloy_primitives::hex;
use anyhow::{bail, Context, Result};
use serde_json::{json, Value};

use super::{RpcClient, Wallet, Workload};

/// How a run is made.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `http://host:port` of the node.
    pub rpc: String,
    /// Length of the measured window, in seconds.
    pub seconds: u64,
    /// Connections that push transactions.
    pub connections: usize,
    /// Transactions per JSON-RPC batch.
    pub batch: usize,
    /// Most transactions sent but not yet included.
    pub backlog: u64,
    /// Transactions signed before the clock starts.
    pub presigned: usize,
}

/// What a run measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadReport {
    /// Transactions in the blocks of the window.
    pub included: u64,
    /// Gas of those blocks.
    pub gas: u64,
    /// Transactions that the node refused for good.
    pub refused: u64,
    /// Transactions that were sent again because their sender had too many waiting or the pool was full.
    pub resent: u64,
    /// Length of the window from the first counted block to the last, in milliseconds.
    pub window_ms: u64,
}

impl LoadReport {
    /// Transactions per second.
    pub fn per_second(&self) -> f64 {
        self.included as f64 * 1000.0 / self.window_ms.max(1) as f64
    }

    /// Million gas per second.
    pub fn mgas_per_second(&self) -> f64 {
        self.gas as f64 / 1000.0 / self.window_ms.max(1) as f64
    }
}

/// Runs `workload` from `wallets` (which are funded) against the node of `settings`.
///
/// # Errors
/// When the node goes away, refuses everything or makes no block.
pub async fn run(
    settings: &Settings,
    workload: Workload,
    wallets: Vec<Wallet>,
    chain_id: u64,
) -> Result<LoadReport> {
    let queues = presign(settings, workload, wallets, chain_id);
    let counters = Arc::new(Counters::default());
    let mut pushers = tokio::task::JoinSet::new();
    for queue in queues {
        let (settings, counters) = (settings.clone(), counters.clone());
        pushers.spawn(async move { push(&settings, queue, &counters).await });
    }
    let report = watch(settings, &counters.included).await;
    pushers.abort_all();
    let mut report = report?;
    report.refused = counters.refused.load(Ordering::Relaxed);
    report.resent = counters.resent.load(Ordering::Relaxed);
    if report.included == 0 {
        bail!("no transaction was included; {} were refused", report.refused);
    }
    Ok(report)
}

/// What the connections and the watcher of the blocks tell each other.
#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    included: AtomicU64,
    refused: AtomicU64,
    resent: AtomicU64,
}

impl Counters {
    /// Transactions that were sent and neither included nor refused for good.
    fn waiting(&self) -> u64 {
        let gone = self.included.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed);
        self.sent.load(Ordering::Relaxed).saturating_sub(gone)
    }
}

/// Requests of one JSON-RPC batch by their `id`.
type Batch = BTreeMap<u64, String>;

/// What a pool says that has no place now and may have one later: geth's texts, and ours for what comes again within the
/// second for which the pool does not look at it (`--tx-ban-seconds`).
const LATER: [&str; 3] =
    ["account limit exceeded", "txpool is full", "dropped by the pool a moment ago"];

/// Time before such a transaction is sent again.
const RESEND: Duration = Duration::from_millis(100);

/// Signs all transactions and lays them out as batches, one queue per connection. A wallet
/// stays on one connection, so its nonces arrive in order.
fn presign(
    settings: &Settings,
    workload: Workload,
    mut wallets: Vec<Wallet>,
    chain_id: u64,
) -> Vec<Vec<Batch>> {
    let per_connection = wallets.len().div_ceil(settings.connections);
    let quota = settings.presigned.div_ceil(settings.connections);
    std::thread::scope(|scope| {
        let handles: Vec<_> = wallets
            .chunks_mut(per_connection)
            .enumerate()
            .map(|(connection, wallets)| {
                scope.spawn(move || {
                    let mut seed = connection as u64 * 0x9e37_79b9;
                    let mut batches = Vec::with_capacity(quota.div_ceil(settings.batch));
                    let mut signed = 0;
                    while signed < quota {
                        let count = settings.batch.min(quota - signed);
                        let requests = (0..count)
                            .map(|i| {
                                let wallet = &mut wallets[(signed + i) % per_connection.min(wallets.len())];
                                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                                let raw = workload.sign(wallet, chain_id, seed >> 20);
                                let request = format!(
                                    r#"{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{}"]}}"#,
                                    hex::encode(raw)
                                );
                                (i as u64, request)
                            })
                            .collect();
                        batches.push(requests);
                        signed += count;
                    }
                    batches
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("signing does not panic")).collect()
    })
}

/// Sends one queue. What the pool has no place for now is sent again before anything else: a nonce left out would hold up
/// all that its sender signed after it.
async fn push(settings: &Settings, queue: Vec<Batch>, counters: &Counters) -> Result<()> {
    let mut client = RpcClient::connect(&settings.rpc).await?;
    for mut batch in queue {
        while counters.waiting() > settings.backlog {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        counters.sent.fetch_add(batch.len() as u64, Ordering::Relaxed);
        loop {
            let requests: Vec<_> = batch.values().map(String::as_str).collect();
            let answer = client.post(&format!("[{}]", requests.join(","))).await?;
            let Refusals { later, lost, reason } = refusals(&answer)?;
            if lost > 0 && counters.refused.fetch_add(lost, Ordering::Relaxed) == 0 {
                eprintln!("first refusal: {reason}");
            }
            batch.retain(|id, _| later.contains(id));
            if batch.is_empty() {
                break;
            }
            counters.resent.fetch_add(batch.len() as u64, Ordering::Relaxed);
            tokio::time::sleep(RESEND).await;
        }
    }
    Ok(())
}

/// What an answer to a batch refuses.
#[derive(Debug, Default, PartialEq)]
struct Refusals {
    /// Ids of the requests to send again.
    later: BTreeSet<u64>,
    /// How many are refused for good, and why the first one is.
    lost: u64,
    reason: String,
}

fn refusals(answer: &[u8]) -> Result<Refusals> {
    let mut refusals = Refusals::default();
    if !contains(answer, b"\"error\"") {
        return Ok(refusals);
    }
    let answers: Vec<Value> = serde_json::from_slice(answer)
        .with_context(|| format!("no answer to a batch: {}", String::from_utf8_lossy(answer)))?;
    for answer in answers.iter().filter(|answer| answer.get("error").is_some()) {
        let reason = answer["error"]["message"].as_str().unwrap_or_default();
        match answer["id"].as_u64() {
            Some(id) if LATER.iter().any(|text| reason.contains(text)) => {
                refusals.later.insert(id);
            }
            _ => {
                refusals.lost += 1;
                if refusals.reason.is_empty() {
                    refusals.reason = answer["error"].to_string();
                }
            }
        }
    }
    Ok(refusals)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Follows the blocks; starts counting after the first non-empty one (its time opens the window).
async fn watch(settings: &Settings, included: &AtomicU64) -> Result<LoadReport> {
    let mut client = RpcClient::connect(&settings.rpc).await?;
    let mut next = number(&client.call("eth_blockNumber", json!([])).await?)? + 1;
    let mut opened: Option<Instant> = None;
    let mut last = Instant::now();
    let mut report = LoadReport::default();
    let patience = Instant::now();
    loop {
        let block =
            client.call("eth_getBlockByNumber", json!([format!("0x{next:x}"), false])).await?;
        if block.is_null() {
            if patience.elapsed() > Duration::from_secs(settings.seconds * 2 + 60) {
                bail!("no new block {next} in time");
            }
            if opened.is_some_and(|start| start.elapsed().as_secs() > settings.seconds + 5) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        next += 1;
        let count = block["transactions"].as_array().map_or(0, Vec::len) as u64;
        included.fetch_add(count, Ordering::Relaxed);
        let now = Instant::now();
        match opened {
            None if count > 0 => {
                opened = Some(now);
                last = now;
            }
            None => {}
            Some(start) => {
                report.included += count;
                report.gas += number(&block["gasUsed"])?;
                last = now;
                if start.elapsed().as_secs() >= settings.seconds {
                    break;
                }
            }
        }
    }
    let start = opened.context("no block with transactions was made")?;
    report.window_ms = last.duration_since(start).as_millis() as u64;
    Ok(report)
}

fn number(value: &Value) -> Result<u64> {
    let text = value.as_str().with_context(|| format!("{value} is not a quantity"))?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_pool_is_asked_again_and_other_refusals_are_final() {
        let answer = json!([
            {"jsonrpc": "2.0", "id": 0, "result": "0x01"},
            {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "account limit exceeded"}},
            {"jsonrpc": "2.0", "id": 2, "error": {"code": -32000, "message": "txpool is full"}},
            {"jsonrpc": "2.0", "id": 3, "error": {"code": -32000, "message": "nonce too low"}},
            {"jsonrpc": "2.0", "id": 4, "error": {"code": -32000, "message":
                "transaction was dropped by the pool a moment ago; send it again later"}},
        ]);
        let refusals = refusals(answer.to_string().as_bytes()).unwrap();
        assert_eq!(refusals.later, BTreeSet::from([1, 2, 4]));
        assert_eq!(refusals.lost, 1);
        assert!(refusals.reason.contains("nonce too low"));
    }

    #[test]
    fn accepted_batches_refuse_nothing() {
        let answer = br#"[{"jsonrpc":"2.0","id":0,"result":"0x01"}]"#;
        assert_eq!(refusals(answer).unwrap(), Refusals::default());
    }
}
