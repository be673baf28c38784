//! Measures how many transactions per second a node takes through JSON-RPC.

use std::{path::PathBuf, time::Duration};

use alloy_primitives::{hex, Address, Bytes, TxKind, B256, U256};
use anyhow::{bail, Context, Result};
use bzk_testkit::load::{run, RpcClient, Settings, Wallet, Workload, WorkloadKind};
use clap::Parser;
use serde_json::{json, Value};

/// Pushes pre-signed transactions at a node and prints one JSON object with what was included.
#[derive(Parser)]
#[command(args_override_self = true)]
struct Cli {
    /// The node, as http://host:port.
    #[arg(long, default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// What to send.
    #[arg(long, value_enum, default_value = "transfer")]
    kind: WorkloadKind,
    /// Length of the measurement, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Accounts that send.
    #[arg(long, default_value_t = 1000)]
    senders: u64,
    /// Accounts that receive.
    #[arg(long, default_value_t = 1000)]
    recipients: u64,
    /// Transactions to sign beforehand.
    #[arg(long, default_value_t = 400_000)]
    presigned: usize,
    /// Connections.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Transactions per batch request.
    #[arg(long, default_value_t = 50)]
    batch: usize,
    /// Most transactions in flight. The default keeps each of 1,000 senders below the 64 that the pool takes
    /// from one, even if one of four connections runs ahead of the others.
    #[arg(long, default_value_t = 15_000)]
    backlog: u64,
    /// Secret of the account that pays for the senders; default: the first account of the
    /// development mnemonic.
    #[arg(
        long,
        default_value = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
    )]
    funder: B256,
    /// File with the creation code (hex) of the contract that `erc20` and `gas` call.
    #[arg(long)]
    bytecode: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut client = RpcClient::connect(&cli.rpc).await?;
    let chain_id = quantity(&client.call("eth_chainId", json!([])).await?)?;
    drained(&mut client).await?;
    let mut funder = Wallet::new(cli.funder)?;
    funder.set_nonce(nonce(&mut client, funder.address()).await?);

    let mut wallets = (0..cli.senders).map(Wallet::numbered).collect::<Result<Vec<_>, _>>()?;
    let contract = match cli.kind {
        WorkloadKind::Transfer => Address::ZERO,
        _ => deploy(&cli, &mut client, &mut funder, chain_id).await?,
    };
    fund(&cli, &mut client, &mut funder, &mut wallets, contract, chain_id).await?;

    let settings = Settings {
        rpc: cli.rpc.clone(),
        seconds: cli.seconds,
        connections: cli.connections,
        batch: cli.batch,
        backlog: cli.backlog,
        presigned: cli.presigned,
    };
    let workload = Workload { kind: cli.kind, contract, recipients: cli.recipients.max(1) };
    let report = run(&settings, workload, wallets, chain_id).await?;
    println!(
        "{}",
        json!({
            "kind": format!("{:?}", cli.kind).to_lowercase(),
            "contract": contract,
            "included": report.included,
            "refused": report.refused,
            "resent": report.resent,
            "window_ms": report.window_ms,
            "per_s": report.per_second(),
            "mgas_per_s": report.mgas_per_second(),
        })
    );
    Ok(())
}

/// Deploys the contract of `--bytecode` and returns its address.
async fn deploy(
    cli: &Cli,
    client: &mut RpcClient,
    funder: &mut Wallet,
    chain_id: u64,
) -> Result<Address> {
    let path = cli.bytecode.as_ref().context("this kind of load needs --bytecode FILE")?;
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let code = Bytes::from(hex::decode(text.trim())?);
    let contract = funder.address().create(funder.nonce());
    let raw = funder.sign(chain_id, TxKind::Create, U256::ZERO, code, 3_000_000);
    send(client, &[raw]).await?;
    settled(client, funder).await?;
    let deployed = client.call("eth_getCode", json!([contract, "latest"])).await?;
    if deployed.as_str().is_none_or(|code| code.len() < 4) {
        bail!("the contract of {} was not created", path.display());
    }
    Ok(contract)
}

/// Payments by one payer that wait at a time; the pool takes no more than 64 transactions of a sender.
const PAYMENTS: usize = 16;

/// How many senders the funder pays itself; those pay the others, so that nobody needs more nonces in flight than the
/// pool takes from one account.
const FIRST_TIER: usize = 30;

/// Coins that a sender has at the start: its transactions in flight cost at most so much.
const COINS: u64 = 3;

/// Brings each sender to its coins, gives it tokens for an ERC-20 load, and waits until it has them.
async fn fund(
    cli: &Cli,
    client: &mut RpcClient,
    funder: &mut Wallet,
    wallets: &mut [Wallet],
    contract: Address,
    chain_id: u64,
) -> Result<()> {
    for wallet in &mut *wallets {
        let known = nonce(client, wallet.address()).await?;
        wallet.set_nonce(known);
    }
    let tokens = (cli.kind == WorkloadKind::Erc20).then_some(contract);
    let each = U256::from(COINS) * U256::from(10).pow(U256::from(18));
    let (first, rest) = wallets.split_at_mut(FIRST_TIER.min(wallets.len()));
    // Each pays its share of the others, and the fees.
    let more = each * U256::from(rest.len().div_ceil(FIRST_TIER) + 2);
    for some in first.chunks(PAYMENTS) {
        for wallet in some {
            let raws = pay(client, funder, wallet.address(), more, tokens, chain_id).await?;
            send(client, &raws).await?;
        }
        settled(client, funder).await?;
    }
    for some in rest.chunks(PAYMENTS * FIRST_TIER) {
        for (index, wallet) in some.iter().enumerate() {
            let payer = &mut first[index % FIRST_TIER];
            let raws = pay(client, payer, wallet.address(), each, tokens, chain_id).await?;
            send(client, &raws).await?;
        }
        for payer in &*first {
            settled(client, payer).await?;
        }
    }
    Ok(())
}

/// What brings `to` to `amount` of coins, and pays it as much of the token.
async fn pay(
    client: &mut RpcClient,
    payer: &mut Wallet,
    to: Address,
    amount: U256,
    token: Option<Address>,
    chain_id: u64,
) -> Result<Vec<Vec<u8>>> {
    let mut raws = Vec::new();
    let balance = client.call("eth_getBalance", json!([to, "latest"])).await?;
    let balance: U256 = serde_json::from_value(balance)?;
    if balance < amount {
        let missing = amount - balance;
        raws.push(payer.sign(chain_id, TxKind::Call(to), missing, Bytes::new(), 21_000));
    }
    if let Some(token) = token {
        let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
        input.extend_from_slice(to.into_word().as_slice());
        input.extend_from_slice(&amount.to_be_bytes::<32>());
        raws.push(payer.sign(chain_id, TxKind::Call(token), U256::ZERO, input.into(), 70_000));
    }
    Ok(raws)
}

/// Sends raw transactions; any refusal is an error.
async fn send(client: &mut RpcClient, raws: &[Vec<u8>]) -> Result<()> {
    for raw in raws {
        client.call("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)])).await?;
    }
    Ok(())
}

/// How often the node is asked, for a minute at most.
const POLL: Duration = Duration::from_millis(50);
const POLLS: u32 = 1_200;

/// Waits until the chain has taken all that `wallet` signed.
async fn settled(client: &mut RpcClient, wallet: &Wallet) -> Result<()> {
    for _ in 0..POLLS {
        if nonce(client, wallet.address()).await? >= wallet.nonce() {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("transactions of {} were not included within a minute", wallet.address())
}

/// Waits until the pool is empty: what an earlier load left there would take nonces.
async fn drained(client: &mut RpcClient) -> Result<()> {
    for _ in 0..POLLS {
        let status = client.call("txpool_status", json!([])).await?;
        if quantity(&status["pending"])? + quantity(&status["queued"])? == 0 {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the pool still has transactions of others after a minute")
}

async fn nonce(client: &mut RpcClient, address: Address) -> Result<u64> {
    quantity(&client.call("eth_getTransactionCount", json!([address, "latest"])).await?)
}

fn quantity(value: &Value) -> Result<u64> {
    let text = value.as_str().with_context(|| format!("{value} is not a quantity"))?;
    Ok(u64::from_str_radix(text.trim_start_matches("0x"), 16)?)
}
