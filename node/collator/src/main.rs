//! `bitcoinzk`: the node of the BitcoinZK chain. It authors blocks, follows the chain, and serves
//! the Substrate and the Ethereum RPC.

mod chain_spec;
mod cli;
mod command;
mod rpc;
mod service;

fn main() -> sc_cli::Result<()> {
    command::run()
}
