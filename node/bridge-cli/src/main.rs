//! `bzk-bridge`: BTC in, BTC out, and the way back out of a deposit without anybody's help.

mod audit;
mod deposit;
mod fees;
mod output;
mod reclaim;
mod reserves;
mod status;
mod wallet;
mod withdraw;

use anyhow::Result;
use bzk_bitcoin::{bitcoin::Network, Bridge};
use bzk_bitcoin_client::{BackEnd, BitcoinClient};
use bzk_l2_client::{contracts::BTC_BRIDGE, Account, L2Client};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Deposits, withdrawals and refunds.
#[derive(Parser)]
#[command(name = "bzk-bridge", version)]
struct Cli {
    #[command(flatten)]
    context: Context,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    DepositAddress(deposit::Address),
    Claim(deposit::Claim),
    Status(status::Status),
    Withdraw(withdraw::Withdraw),
    Reclaim(reclaim::Reclaim),
    Fees(fees::Fees),
    Reserves(reserves::Reserves),
}

/// Where the two chains are, and how to answer.
#[derive(Args)]
struct Context {
    /// URL of the L2 node's RPC.
    #[arg(long, global = true, env = "BZK_L2_RPC", default_value = "http://127.0.0.1:9944")]
    l2_rpc: String,
    #[command(flatten)]
    bitcoin: BackEnd,
    /// Bitcoin's network: bitcoin, testnet, testnet4, signet or regtest.
    #[arg(long, global = true, env = "BZK_BITCOIN_NETWORK", default_value = "bitcoin")]
    network: Network,
    /// File with the private key, in hexadecimal, of the account that sends transactions on the L2.
    #[arg(long, global = true, env = "BZK_ACCOUNT_KEY_FILE", value_name = "FILE")]
    account_key_file: Option<PathBuf>,
    /// Answers with one JSON object.
    #[arg(long, global = true)]
    json: bool,
}

impl Context {
    fn account(&self) -> Result<Option<Account>> {
        let Some(path) = &self.account_key_file else { return Ok(None) };
        let digits = wallet::read(path)?;
        Ok(Some(Account::from_hex(&digits)?))
    }

    fn l2(&self) -> Result<L2Client> {
        Ok(L2Client::new(&self.l2_rpc, self.account()?)?)
    }

    async fn bitcoin(&self) -> Result<Box<dyn BitcoinClient>> {
        Ok(self.bitcoin.connect().await?)
    }

    async fn bridge(&self, l2: &L2Client) -> Result<Bridge> {
        Ok(Bridge { chain_id: l2.chain_id().await?, address: BTC_BRIDGE })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let Cli { context, command } = Cli::parse();
    let result = match command {
        Command::DepositAddress(command) => command.run(&context).await,
        Command::Claim(command) => command.run(&context).await,
        Command::Status(command) => command.run(&context).await,
        Command::Withdraw(command) => command.run(&context).await,
        Command::Reclaim(command) => command.run(&context).await,
        Command::Fees(command) => command.run(&context).await,
        Command::Reserves(command) => command.run(&context).await,
    };
    match result {
        Ok(answer) => {
            answer.print(context.json);
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
