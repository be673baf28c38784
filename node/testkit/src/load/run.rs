//! Pushes a workload for a while and counts what blocks included.

use std::{
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
    /// Transactions that the node refused.
    pub refused: u64,
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
    let bodies = presign(settings, workload, wallets, chain_id);
    let sent = Arc::new(AtomicU64::new(0));
    let included = Arc::new(AtomicU64::new(0));
    let refused = Arc::new(AtomicU64::new(0));
    let mut pushers = tokio::task::JoinSet::new();
    for bodies in bodies {
        let (settings, sent, included, refused) =
            (settings.clone(), sent.clone(), included.clone(), refused.clone());
        pushers.spawn(async move { push(&settings, bodies, &sent, &included, &refused).await });
    }
    let report = watch(settings, &included).await;
    pushers.abort_all();
    let mut report = report?;
    report.refused = refused.load(Ordering::Relaxed);
    if report.included == 0 {
        bail!("no transaction was included; {} were refused", report.refused);
    }
    Ok(report)
}

/// Signs all transactions and lays them out as JSON batches, one queue per connection. A wallet
/// stays on one connection, so its nonces arrive in order.
fn presign(
    settings: &Settings,
    workload: Workload,
    mut wallets: Vec<Wallet>,
    chain_id: u64,
) -> Vec<Vec<(u64, String)>> {
    let per_connection = wallets.len().div_ceil(settings.connections);
    let quota = settings.presigned.div_ceil(settings.connections);
    std::thread::scope(|scope| {
        let handles: Vec<_> = wallets
            .chunks_mut(per_connection)
            .enumerate()
            .map(|(connection, wallets)| {
                scope.spawn(move || {
                    let mut seed = connection as u64 * 0x9e37_79b9;
                    let mut bodies = Vec::with_capacity(quota.div_ceil(settings.batch));
                    let mut signed = 0;
                    while signed < quota {
                        let count = settings.batch.min(quota - signed);
                        let requests: Vec<_> = (0..count)
                            .map(|i| {
                                let wallet = &mut wallets[(signed + i) % per_connection.min(wallets.len())];
                                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                                let raw = workload.sign(wallet, chain_id, seed >> 20);
                                format!(
                                    r#"{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{}"]}}"#,
                                    hex::encode(raw)
                                )
                            })
                            .collect();
                        bodies.push((count as u64, format!("[{}]", requests.join(","))));
                        signed += count;
                    }
                    bodies
                })
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().expect("signing does not panic")).collect()
    })
}

async fn push(
    settings: &Settings,
    bodies: Vec<(u64, String)>,
    sent: &AtomicU64,
    included: &AtomicU64,
    refused: &AtomicU64,
) -> Result<()> {
    let mut client = RpcClient::connect(&settings.rpc).await?;
    for (count, body) in bodies {
        while sent.load(Ordering::Relaxed)
            > included.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed) + settings.backlog
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        sent.fetch_add(count, Ordering::Relaxed);
        let answer = client.post(&body).await?;
        let errors = memchr_count(&answer, b"\"error\"");
        if errors > 0 && refused.fetch_add(errors, Ordering::Relaxed) == 0 {
            let text = String::from_utf8_lossy(&answer);
            let reason: String = text
                .find("\"error\"")
                .map(|at| text[at..].chars().take(300).collect())
                .unwrap_or_default();
            eprintln!("first refusal: {reason}");
        }
    }
    Ok(())
}

fn memchr_count(haystack: &[u8], needle: &[u8]) -> u64 {
    haystack.windows(needle.len()).filter(|window| *window == needle).count() as u64
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
