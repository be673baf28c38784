//! `bzk-prover`: checks BitcoinZK blocks in the plonky2 zkEVM's kernel.

mod check;
mod header;
mod rpc;
mod tries;
mod witness;

use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Checks BitcoinZK blocks in the zkEVM that will prove them.
#[derive(Parser)]
#[command(name = "bzk-prover", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Executes blocks in the kernel, without proving, and compares all roots.
    Check {
        /// JSON-RPC endpoint of a node.
        #[arg(long, env = "BZK_RPC", default_value = "http://127.0.0.1:8545")]
        rpc: String,
        /// First block; default: 1.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Last block; default: the latest.
        #[arg(long)]
        to: Option<u64>,
    },
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Check { rpc, from, to } => check_range(&rpc, from, to),
    }
}

/// Checks every block of the range; prints a line each and `N passed, N failed` at the end.
fn check_range(rpc: &str, from: u64, to: Option<u64>) -> Result<()> {
    let node = rpc::Node::new(rpc);
    let (chain_id, head) = node.chain_and_head()?;
    let (mut passed, mut failed) = (0, 0);
    for number in from..=to.unwrap_or(head) {
        let start = Instant::now();
        let result = node
            .call("bzk_blockWitness", json!([format!("0x{number:x}")]))
            .and_then(|witness| check::check(witness, chain_id))
            .with_context(|| format!("block {number}"));
        match result {
            Ok(block) => {
                passed += 1;
                println!(
                    "block {}: {} transactions, {} gas, ok in {} ms",
                    block.number,
                    block.transactions,
                    block.gas_used,
                    start.elapsed().as_millis()
                );
            }
            Err(error) => {
                failed += 1;
                println!("block {number}: FAILED: {error:#}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    anyhow::ensure!(failed == 0, "{failed} blocks cannot be proven");
    Ok(())
}
