//! Latency of read calls under concurrent clients.

use std::time::{Duration, Instant};

use anyhow::{bail, Result};
use serde_json::{json, Value};

use super::RpcClient;

/// Latencies of one method, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Latency {
    /// Median.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Calls that were made.
    pub calls: usize,
}

/// Calls `method` with `params` from `clients` connections at once, each one call after the other,
/// for `seconds`.
///
/// # Errors
/// When the node is away or answers an error.
pub async fn latency(
    rpc: &str,
    method: &str,
    params: Value,
    clients: usize,
    seconds: u64,
) -> Result<Latency> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..clients {
        let (rpc, body) = (rpc.to_owned(), body.clone());
        tasks.spawn(async move {
            let mut client = RpcClient::connect(&rpc).await?;
            let end = Instant::now() + Duration::from_secs(seconds);
            let mut times = Vec::new();
            while Instant::now() < end {
                let start = Instant::now();
                let answer = client.post(&body).await?;
                times.push(start.elapsed());
                if answer.windows(7).any(|window| window == b"\"error\"") {
                    bail!("{}", String::from_utf8_lossy(&answer));
                }
            }
            Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    if times.is_empty() {
        bail!("{method} was never answered");
    }
    times.sort_unstable();
    let at = |share: f64| {
        let index = ((times.len() - 1) as f64 * share).round() as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    Ok(Latency { p50_ms: at(0.5), p99_ms: at(0.99), calls: times.len() })
}
