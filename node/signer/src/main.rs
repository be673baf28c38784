//! `bzk-signer`: the daemon of a committee member.

use anyhow::{bail, Context};
use bzk_bitcoin_client::{Auth, Bitcoind};
use bzk_health::Health;
use bzk_signer::{
    fees::Reporter,
    member::{MemberNode, Outgoing},
    node::{Node, Pallets},
    store::{hex, KeyStore},
};
use bzk_threshold::view::View;
use clap::{Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, thread::sleep, time::Duration};
use zeroize::Zeroizing;

/// How long the node may be away before the signer calls itself ill.
const PATIENCE: Duration = Duration::from_secs(60);

/// A member of the signing committee.
#[derive(Parser)]
#[command(name = "bzk-signer", version)]
struct Arguments {
    /// Directory of the key store; one process at a time.
    #[arg(long, env = "BZK_SIGNER_STORE")]
    store: PathBuf,
    /// File with the passphrase of the store; a line feed at its end does not count.
    #[arg(long, env = "BZK_SIGNER_PASSPHRASE_FILE")]
    passphrase_file: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
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
    Run {
        /// HTTP address of a node that follows finality.
        #[arg(long, env = "BZK_SIGNER_NODE", default_value = "http://127.0.0.1:9944")]
        node: String,
        /// Index of pallet-threshold in the runtime.
        #[arg(long, env = "BZK_SIGNER_PALLET_INDEX", default_value_t = 54)]
        pallet_index: u8,
        /// Index of pallet-btc-bridge in the runtime.
        #[arg(long, env = "BZK_SIGNER_BRIDGE_INDEX", default_value_t = 55)]
        bridge_index: u8,
        /// RPC of the member's own bitcoind, whose fee estimates are reported; none are without it.
        #[arg(
            long,
            env = "BZK_SIGNER_BITCOIN_RPC",
            value_name = "URL",
            requires = "bitcoin_cookie"
        )]
        bitcoin_rpc: Option<String>,
        /// bitcoind's cookie file.
        #[arg(long, env = "BZK_SIGNER_BITCOIN_COOKIE", value_name = "FILE")]
        bitcoin_cookie: Option<PathBuf>,
        /// Milliseconds between two looks at the chain.
        #[arg(long, env = "BZK_SIGNER_INTERVAL_MS", default_value_t = 1_000)]
        interval_ms: u64,
        /// Address for /metrics and /health, for instance 127.0.0.1:9617.
        #[arg(long, env = "BZK_SIGNER_METRICS", value_name = "ADDRESS")]
        metrics: Option<SocketAddr>,
    },
}

/// Looks whenever there is a new block. Errors of the node are waited out; errors of the store end the process.
fn run(store: KeyStore, node: &Node, interval: Duration, health: &Health) -> anyhow::Result<()> {
    let mut member = MemberNode::new(store)?;
    let (mut finalised, mut best) = (String::new(), String::new());
    let mut signing = false;
    loop {
        match look(node, &mut finalised, Node::finalised) {
            Ok(view) => {
                health.succeed();
                if let Some(view) = view {
                    health.set("bzk_signer_keys", view.keys.len() as u64);
                    health.set("bzk_signer_sessions", view.sessions.len() as u64);
                    signing = !view.sessions.is_empty();
                    submit(node, &member.step(&view)?, health);
                }
            }
            Err(error) => fail(&error, health),
        }
        if signing {
            match look(node, &mut best, Node::best) {
                Ok(view) => {
                    let outgoing = view.map(|view| member.finish(&view)).unwrap_or_default();
                    submit(node, &outgoing, health);
                }
                Err(error) => fail(&error, health),
            }
        }
        sleep(interval);
    }
}

/// The view of the block that `head` gives, unless it is the one that was `seen`.
fn look(
    node: &Node,
    seen: &mut String,
    head: impl Fn(&Node) -> anyhow::Result<String>,
) -> anyhow::Result<Option<View>> {
    let head = head(node)?;
    if head == *seen {
        return Ok(None);
    }
    let view = node.view(&head)?;
    *seen = head;
    Ok(Some(view))
}

fn submit(node: &Node, outgoing: &[Outgoing], health: &Health) {
    for outgoing in outgoing {
        health.add("bzk_signer_messages_total", 1);
        if let Err(error) = node.submit(outgoing) {
            health.add("bzk_signer_refusals_total", 1);
            // Mostly a message that the pool has already.
            eprintln!("{error:#}");
        }
    }
}

fn fail(error: &anyhow::Error, health: &Health) {
    health.add("bzk_signer_failures_total", 1);
    eprintln!("{error:#}");
}

fn bytes32(text: &str) -> anyhow::Result<[u8; 32]> {
    let digits = text.trim_start_matches("0x");
    let bytes: Option<Vec<u8>> = (0..digits.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(digits.get(index..index + 2)?, 16).ok())
        .collect();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("{text} is not 32 bytes in hex"))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let path = &arguments.passphrase_file;
    let passphrase = Zeroizing::new(
        std::fs::read(path).with_context(|| format!("passphrase file {}", path.display()))?,
    );
    let passphrase = passphrase.strip_suffix(b"\n").unwrap_or(&passphrase);
    if passphrase.is_empty() {
        bail!("the passphrase in {} is empty", path.display());
    }
    let store = KeyStore::open(&arguments.store, passphrase)?;
    if let Command::Run {
        node,
        pallet_index,
        bridge_index,
        bitcoin_rpc,
        bitcoin_cookie,
        interval_ms,
        metrics,
    } = arguments.command
    {
        let pallets = Pallets { threshold: pallet_index, bridge: bridge_index };
        if let (Some(url), Some(cookie)) = (bitcoin_rpc, bitcoin_cookie) {
            let key =
                store.session_key()?.context("no session key: run `bzk-signer keygen` first")?;
            let bitcoin = Box::new(Bitcoind::new(&url, Auth::CookieFile(cookie)));
            let reporter = Reporter { node: Node::new(node.clone(), pallets), bitcoin, key };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            std::thread::spawn(move || runtime.block_on(reporter.run()));
        }
        let node = Node::new(node, pallets);
        let health = Health::new(PATIENCE);
        if let Some(address) = metrics {
            health.serve(address).with_context(|| format!("metrics at {address}"))?;
        }
        return run(store, &node, Duration::from_millis(interval_ms), &health);
    }
    let key = match arguments.command {
        Command::Keygen => store.create_session_key()?,
        _ => store.session_key()?.context("no session key: run `bzk-signer keygen` first")?,
    };
    match arguments.command {
        Command::Keygen | Command::Key => println!("{}", hex(&key.public().0)),
        Command::Possession { genesis, account } => {
            let parts: [&[u8]; 2] = [&bytes32(&genesis)?, &bytes32(&account)?];
            let message = bzk_threshold::tagged_hash("bzk/threshold/register", &parts);
            let signature =
                key.sign(&message, &mut rand_core::OsRng).context("try again: bad luck")?;
            println!("{}", hex(&signature.0));
        }
        Command::Run { .. } => unreachable!("handled above"),
    }
    Ok(())
}
