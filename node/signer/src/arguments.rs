//! What `bzk-signer` is told.

use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// A member of the committee that holds the bridged BTC.
#[derive(Parser)]
#[command(name = "bzk-signer", version)]
pub struct Arguments {
    /// Directory of the key store; one process at a time.
    #[arg(long, env = "BZK_SIGNER_STORE")]
    pub store: PathBuf,
    /// File with the passphrase of the store; a line feed at its end does not count.
    #[arg(long, env = "BZK_SIGNER_PASSPHRASE_FILE", value_name = "FILE")]
    pub passphrase_file: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Makes the session key and prints its public half (32 bytes, hex).
    Keygen,
    /// Prints the public session key.
    Key,
    /// Signs that the account has the session key: what `threshold.register` asks for.
    Possession {
        /// Hash of the chain's genesis block, hex.
        #[arg(long)]
        genesis: String,
        /// The account that registers, its 32 bytes in hex.
        #[arg(long)]
        account: String,
    },
    /// Takes part in ceremonies and sessions until it is stopped.
    Run(Run),
    /// Gets a lost share back with the help of other members, through files that operators carry.
    ///
    /// The member that lost it begins with --helpers. Helpers get the folder, run the command, and repeat it with
    /// --approve once the operator of that member has confirmed the number by word of mouth. All repeat the
    /// command with each other's files until it says that nothing is missing.
    Repair(Repair),
    /// Makes new shares of the same key, all members together, through files that operators carry.
    ///
    /// All members run the command on the same folder and repeat it with each other's files until one of them has
    /// told the chain. The daemons then change over, and shares from before are worth nothing.
    Refresh(Refresh),
}

/// The chain.
#[derive(Args)]
pub struct Chain {
    /// URL of the L2 node's RPC (http://HOST:PORT); your own node, which follows finality.
    #[arg(long, env = "BZK_L2_RPC", default_value = "http://127.0.0.1:9944", value_name = "URL")]
    pub l2_rpc: String,
    /// Index of pallet-threshold in the runtime.
    #[arg(long, env = "BZK_SIGNER_THRESHOLD_INDEX", default_value_t = 54)]
    pub threshold_index: u8,
    /// Index of pallet-btc-bridge in the runtime.
    #[arg(long, env = "BZK_SIGNER_BRIDGE_INDEX", default_value_t = 55)]
    pub bridge_index: u8,
}

/// Of the daemon.
#[derive(Args)]
pub struct Run {
    /// The L2.
    #[command(flatten)]
    pub chain: Chain,
    /// URL of the RPC of your own bitcoind, which needs -txindex: nothing is signed that it does not confirm.
    #[arg(
        long,
        env = "BZK_BITCOIN_RPC",
        default_value = "http://127.0.0.1:8332",
        value_name = "URL"
    )]
    pub bitcoin_rpc: String,
    /// bitcoind's cookie file.
    #[arg(long, env = "BZK_BITCOIN_COOKIE", value_name = "FILE")]
    pub bitcoin_cookie: PathBuf,
    /// Milliseconds between two looks at the chain.
    #[arg(long, env = "BZK_SIGNER_INTERVAL_MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval_ms: u64,
    /// Address for /metrics and /health, for instance 127.0.0.1:9617.
    #[arg(long, env = "BZK_SIGNER_METRICS", value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
}

/// Of an exchange between members.
#[derive(Args)]
pub struct Folder {
    /// The folder with the files of this exchange and of no other.
    pub folder: PathBuf,
    /// The L2.
    #[command(flatten)]
    pub chain: Chain,
    /// Epoch of the key; the newest one if it is not given.
    #[arg(long)]
    pub epoch: Option<u32>,
}

/// Of a repair.
#[derive(Args)]
pub struct Repair {
    /// Where and what.
    #[command(flatten)]
    pub folder: Folder,
    /// Begins: the members that shall help, as many as the key needs to sign, by number from 0.
    #[arg(long, value_delimiter = ',', value_name = "N,N,...")]
    pub helpers: Option<Vec<u16>>,
    /// Helps: the number of the request, as its sender has told you.
    #[arg(long, value_name = "HEX", conflicts_with = "helpers")]
    pub approve: Option<String>,
}

/// Of a refresh.
#[derive(Args)]
pub struct Refresh {
    /// Where and what.
    #[command(flatten)]
    pub folder: Folder,
    /// Number of the attempt; the same for all members. Higher than that of one that failed.
    #[arg(long, default_value_t = 0)]
    pub attempt: u16,
}
