//! `bitcoinzk`: the node of the BitcoinZK chain. It authors blocks, follows the chain, and serves
//! the Substrate and the Ethereum RPC.

#![allow(clippy::result_large_err, reason = "the size of sc_cli's error is not ours to choose")]

mod benchmark;
mod bridge_rpc;
mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> sc_cli::Result<()> {
    command::run()
}
