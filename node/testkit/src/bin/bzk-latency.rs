//! Measures how long a node takes to answer a call under concurrent clients.

use anyhow::{Context, Result};
use bzk_testkit::load::latency;
use clap::Parser;
use serde_json::json;

/// Calls one method from several connections and prints one JSON object with the latencies.
#[derive(Parser)]
struct Cli {
    /// The node, as http://host:port.
    #[arg(long, default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// The method.
    method: String,
    /// Its parameters, as a JSON array.
    #[arg(default_value = "[]")]
    params: String,
    /// Connections that call at the same time.
    #[arg(long, default_value_t = 10)]
    clients: usize,
    /// Length of the measurement, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let params = serde_json::from_str(&cli.params)
        .with_context(|| format!("{} is not a JSON array", cli.params))?;
    let found = latency(&cli.rpc, &cli.method, params, cli.clients, cli.seconds).await?;
    println!(
        "{}",
        json!({
            "method": cli.method,
            "calls": found.calls,
            "p50_ms": found.p50_ms,
            "p99_ms": found.p99_ms,
        })
    );
    Ok(())
}
