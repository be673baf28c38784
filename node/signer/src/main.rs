//! `bzk-signer`: the daemon and the tools of a committee member.

use anyhow::{bail, Context};
use bzk_bitcoin_client::{Auth, Bitcoind};
use bzk_health::Health;
use bzk_signer::{
    arguments::{self, Arguments, Chain, Command, Folder},
    daemon::Daemon,
    exchange::{Exchange, Progress},
    fees::Reporter,
    member::Outgoing,
    node::{unhex32, Node, Pallets},
    refresh::refresh,
    repair::repair,
    store::{hex, KeyStore},
};
use bzk_threshold::{bip340::SecretKey, committee::Member, tagged_hash, view::KeyView};
use clap::Parser;
use std::{path::Path, time::Duration};
use zeroize::Zeroizing;

/// How long the nodes may be away before the signer calls itself ill.
const PATIENCE: Duration = Duration::from_secs(60);

fn passphrase(path: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let file =
        std::fs::read(path).with_context(|| format!("passphrase file {}", path.display()))?;
    let mut passphrase = Zeroizing::new(file);
    if passphrase.last() == Some(&b'\n') {
        passphrase.pop();
    }
    if passphrase.is_empty() {
        bail!("the passphrase in {} is empty", path.display());
    }
    Ok(passphrase)
}

fn session_key(store: &KeyStore) -> anyhow::Result<SecretKey> {
    store.session_key()?.context("no session key: run `bzk-signer keygen` first")
}

fn possession(store: &KeyStore, genesis: &str, account: &str) -> anyhow::Result<()> {
    let parts: [&[u8]; 2] = [&unhex32(genesis)?, &unhex32(account)?];
    let message = tagged_hash("bzk/threshold/register", &parts);
    let signature = session_key(store)?.sign(&message, &mut rand_core::OsRng);
    println!("{}", hex(&signature.context("try again: bad luck")?.0));
    Ok(())
}

fn run(store: KeyStore, run: arguments::Run) -> anyhow::Result<()> {
    let health = Health::new(PATIENCE);
    if let Some(address) = run.metrics {
        health.serve(address).with_context(|| format!("metrics at {address}"))?;
    }
    let bitcoin = || Bitcoind::new(&run.bitcoin_rpc, Auth::CookieFile(run.bitcoin_cookie.clone()));
    let reporter = Reporter {
        node: node(&run.chain),
        bitcoin: Box::new(bitcoin()),
        key: session_key(&store)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // It ends with the process.
    std::thread::spawn(move || runtime.block_on(reporter.run()));
    let interval = Duration::from_millis(run.interval_ms);
    Daemon { store, node: node(&run.chain), bitcoin: bitcoin(), interval, health }.run()
}

fn node(chain: &Chain) -> Node {
    let pallets = Pallets { threshold: chain.threshold_index, bridge: chain.bridge_index };
    Node::new(chain.l2_rpc.clone(), pallets)
}

/// The key of an epoch, or the newest, in final state.
fn live_key(node: &Node, epoch: Option<u32>) -> anyhow::Result<KeyView> {
    let mut keys = node.view(&node.finalised()?)?.keys;
    keys.sort_by_key(|key| key.epoch);
    match epoch {
        Some(epoch) => keys.into_iter().find(|key| key.epoch == epoch),
        None => keys.pop(),
    }
    .context("the chain has no such key")
}

/// Goes one step on in an exchange with the others.
fn exchange(
    store: &KeyStore,
    folder: Folder,
    step: impl FnOnce(&Exchange<'_>) -> anyhow::Result<Progress>,
) -> anyhow::Result<()> {
    let node = node(&folder.chain);
    let key = live_key(&node, folder.epoch)?;
    let progress = step(&Exchange::new(store, &key, &folder.folder)?)?;
    let public = hex(&key.key.key.0);
    match progress {
        Progress::Approve { lost: Member(lost), id } => println!(
            "member {lost} asks for its share of the key {public}.\nIf its operator tells you the same number, \
             repeat the command with --approve {}",
            hex(&id)
        ),
        Progress::Waiting(files) => println!("waiting for {}", files.join(", ")),
        Progress::Repaired => println!("the share of the key {public} is repaired"),
        Progress::Refreshed => println!("the shares of the key {public} are refreshed"),
        Progress::Confirmed(proposal) => {
            node.submit(&Outgoing::Refresh(proposal)).context(
                "the chain does not take it now; repeat the command when it signs nothing with this key",
            )?;
            println!("told the chain; start the daemon: it changes over when that is final");
        }
    }
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let store = KeyStore::open(&arguments.store, &passphrase(&arguments.passphrase_file)?)?;
    match arguments.command {
        Command::Keygen => println!("{}", hex(&store.create_session_key()?.public().0)),
        Command::Key => println!("{}", hex(&session_key(&store)?.public().0)),
        Command::Possession { genesis, account } => possession(&store, &genesis, &account)?,
        Command::Run(arguments) => run(store, arguments)?,
        Command::Repair(arguments::Repair { folder, helpers, approve }) => {
            let helpers = helpers.map(|helpers| helpers.into_iter().map(Member).collect());
            let approve = approve.as_deref().map(unhex32).transpose()?;
            exchange(&store, folder, |exchange| {
                let progress = repair(exchange, helpers, approve)?;
                if let Some(id) = bzk_signer::repair::asked(exchange)? {
                    println!(
                        "our request has the number {}; tell the helpers' operators",
                        hex(&id)
                    );
                }
                Ok(progress)
            })?;
        }
        Command::Refresh(arguments::Refresh { folder, attempt }) => {
            exchange(&store, folder, |exchange| Ok(refresh(exchange, attempt)?))?;
        }
    }
    Ok(())
}
