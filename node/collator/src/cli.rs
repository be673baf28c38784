//! The command line.

use crate::benchmark::BenchmarkCmd;
use clap::{CommandFactory, FromArgMatches, Parser};
use pallet_settlement::worker::Endpoint;
use sc_cli::{RunCmd, SubstrateCli};
use sp_core::H160;
use std::{str::FromStr, time::Duration};

/// Most transactions in the pool unless `--pool-limit` says otherwise: some 15 full blocks. Those of
/// blocks that are not final yet count too, and a tenth is for those whose nonce is not next.
const POOL_LIMIT: &str = "100000";

/// Most kilobytes that wait in the pool unless `--pool-kbytes` says otherwise.
const POOL_KBYTES: &str = "131072";

/// Seconds for which a transaction that was found invalid is not looked at again, unless
/// `--tx-ban-seconds` says otherwise. Substrate's half an hour is for transactions that never become
/// valid again; here money may arrive with the next block.
const BAN_SECONDS: &str = "1";

/// Calls in one JSON-RPC batch unless `--rpc-max-batch-request-len` says otherwise, as in geth.
const BATCH: &str = "1000";

/// Connections unless `--rpc-max-connections` says otherwise.
const CONNECTIONS: &str = "1000";

/// Subscriptions of one connection unless `--rpc-max-subscriptions-per-connection` says otherwise;
/// `bzk_eth_rpc::Limits` bounds those of Ethereum over all connections.
const SUBSCRIPTIONS: &str = "10000";

/// Bytes of state cache unless `--trie-cache-size` says otherwise: half of Substrate's, so that a node under
/// load stays below 2 GiB.
const STATE_CACHE: &str = "536870912";

/// MiB of memory unless `--resident-mib` says otherwise: below 2 GiB, with room for what comes between two looks at it.
const RESIDENT_MIB: u32 = 1_792;

/// Account of the layer 1 unless `--prover-address` says otherwise.
const ANYBODY: &str = "0x0000000000000000000000000000000000000000";

/// The flags of Substrate that have another default here.
const DEFAULTS: [(&str, &str); 7] = [
    ("pool_limit", POOL_LIMIT),
    ("pool_kbytes", POOL_KBYTES),
    ("tx_ban_seconds", BAN_SECONDS),
    ("rpc_max_batch_request_len", BATCH),
    ("rpc_max_connections", CONNECTIONS),
    ("rpc_max_subscriptions_per_connection", SUBSCRIPTIONS),
    ("trie_cache_size", STATE_CACHE),
];

/// Flags and subcommands.
#[derive(Debug, Parser)]
pub(crate) struct Cli {
    /// What to do instead of running the node.
    #[command(subcommand)]
    pub subcommand: Option<Subcommand>,

    /// Flags of the node.
    #[command(flatten)]
    pub run: RunCmd,

    /// Make blocks on demand instead of by the clock: `instant` (one for each transaction),
    /// `manual` (RPC engine_createBlock) or a number of milliseconds. Only for a development chain.
    /// Blocks are final within two seconds; with `manual` when the RPC says so.
    #[arg(long, value_name = "MODE")]
    pub sealing: Option<Sealing>,

    /// JSON-RPC of a prover (`bzk-prover serve`). It gets every batch when it is final, and this authority records its
    /// proofs. All states are kept unless `--state-pruning` says otherwise, because a block is proven from them.
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub prover_url: Option<String>,

    /// Account of the layer 1 that may use the proofs.
    #[arg(long, value_name = "ADDRESS", requires = "prover_url", default_value = ANYBODY)]
    pub prover_address: H160,

    /// MiB of memory above which the node gives pages of its database back to the system, a little at a time. 0: never,
    /// which is faster where a ledger in use is larger than this and memory is free.
    #[arg(long, value_name = "MIB", default_value_t = RESIDENT_MIB)]
    pub resident_mib: u32,
}

fn http_url(url: &str) -> Result<String, String> {
    let is_http = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
    is_http
        .then(|| url.to_owned())
        .ok_or_else(|| format!("{url} is not an http:// or https:// URL"))
}

impl Cli {
    /// The prover, if there is one.
    pub(crate) fn prover(&self) -> Option<Endpoint> {
        let address = self.prover_address;
        self.prover_url.clone().map(|url| Endpoint { url, address })
    }

    /// Bytes of memory above which pages of the database are given back, if they are.
    pub(crate) fn resident_limit(&self) -> Option<usize> {
        let mib = usize::try_from(self.resident_mib).ok().filter(|mib| *mib > 0)?;
        mib.checked_mul(1 << 20)
    }

    /// Reads the arguments of the process; prints help or the error and exits where clap asks so.
    pub(crate) fn from_process() -> Self {
        Self::read(&Self::defaulted().get_matches()).unwrap_or_else(|error| error.exit())
    }

    fn read(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut cli = Self::from_arg_matches(matches)?;
        // Substrate wants the network key of an authority to be made beforehand. The authorities of
        // this network are known to all and live on one machine.
        let local = cli.run.shared_params.chain.as_deref() == Some("local");
        cli.run.network_params.node_key_params.unsafe_force_node_key_generation |= local;
        Ok(cli)
    }

    fn defaulted() -> clap::Command {
        DEFAULTS.into_iter().fold(Self::setup_command(Self::command()), |command, (flag, value)| {
            command.mut_arg(flag, |arg| arg.default_value(value))
        })
    }
}

/// When a development chain makes a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    /// As soon as a transaction arrives.
    Instant,
    /// When the RPC says so.
    Manual,
    /// Each time this much has passed.
    Every(Duration),
}

impl FromStr for Sealing {
    type Err = String;

    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        match mode {
            "instant" => Ok(Self::Instant),
            "manual" => Ok(Self::Manual),
            millis => match millis.parse() {
                Ok(millis) if millis > 0 => Ok(Self::Every(Duration::from_millis(millis))),
                _ => Err(format!("expected instant, manual or milliseconds, not {millis:?}")),
            },
        }
    }
}

/// Everything but running the node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Make, inspect and insert keys.
    #[command(subcommand)]
    Key(sc_cli::KeySubcommand),

    /// Write the chain specification as JSON.
    ExportChainSpec(sc_cli::ExportChainSpecCmd),

    /// Write the chain specification as JSON, with a boot node. `export-chain-spec` replaces it.
    #[allow(deprecated, reason = "tools still call it")]
    BuildSpec(sc_cli::BuildSpecCmd),

    /// Import a block again and check it.
    CheckBlock(sc_cli::CheckBlockCmd),

    /// Write blocks to a file.
    ExportBlocks(sc_cli::ExportBlocksCmd),

    /// Read blocks from a file.
    ImportBlocks(sc_cli::ImportBlocksCmd),

    /// Write the state of a block as a chain specification.
    ExportState(sc_cli::ExportStateCmd),

    /// Remove the database.
    PurgeChain(sc_cli::PurgeChainCmd),

    /// Take back blocks that are not final.
    Revert(sc_cli::RevertCmd),

    /// Print the heads of the database as JSON.
    ChainInfo(sc_cli::ChainInfoCmd),

    /// Measure weights, by Parity's frame-omni-bencher.
    Benchmark(BenchmarkCmd),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_modes_are_read() {
        assert_eq!("instant".parse(), Ok(Sealing::Instant));
        assert_eq!("manual".parse(), Ok(Sealing::Manual));
        assert_eq!("250".parse(), Ok(Sealing::Every(Duration::from_millis(250))));
        assert!("0".parse::<Sealing>().is_err());
        assert!("sometimes".parse::<Sealing>().is_err());
    }

    #[test]
    fn prover_is_an_endpoint_of_http_and_an_address() {
        let read = |args: &[&str]| {
            let args = [&["bitcoinzk"], args].concat();
            Cli::read(&Cli::defaulted().try_get_matches_from(args)?).map(|cli| cli.prover())
        };
        assert_eq!(read(&[]).unwrap(), None);
        let url = "http://127.0.0.1:8560";
        let prover = read(&["--prover-url", url]).unwrap().unwrap();
        assert_eq!(prover, Endpoint { url: url.into(), address: H160::zero() });
        let address = format!("0x{}", "aa".repeat(20));
        let prover = read(&["--prover-url", url, "--prover-address", &address]).unwrap().unwrap();
        assert_eq!(prover.address, H160::repeat_byte(0xaa));
        assert!(read(&["--prover-address", &address]).is_err());
        assert!(read(&["--prover-url", url, "--prover-address", "0xaa"]).is_err());
        assert!(read(&["--prover-url", "127.0.0.1:8560"]).is_err());
    }

    #[test]
    fn memory_has_a_limit_unless_it_is_zero() {
        let limit = |args: &[&str]| {
            let args = [&["bitcoinzk"], args].concat();
            Cli::read(&Cli::defaulted().try_get_matches_from(args).unwrap())
                .unwrap()
                .resident_limit()
        };
        assert_eq!(limit(&[]), Some(1_792 << 20));
        assert_eq!(limit(&["--resident-mib", "4096"]), Some(4 << 30));
        assert_eq!(limit(&["--resident-mib", "0"]), None);
    }

    #[test]
    fn our_defaults_hold_and_give_way() {
        let read = |args: &[&str]| {
            let matches = Cli::defaulted().try_get_matches_from(args).unwrap();
            Cli::read(&matches).unwrap().run
        };
        let run = read(&["bitcoinzk"]);
        assert_eq!(run.pool_config.pool_limit, 100_000);
        // The Ethereum view of the pool must know all of it: the ready ones and the tenth that waits.
        let pooled = run.pool_config.pool_limit + run.pool_config.pool_limit / 10;
        assert!(pooled <= bzk_eth_rpc::pool::REMEMBERED as usize, "{pooled}");
        assert_eq!(run.pool_config.tx_ban_seconds, Some(1));
        assert_eq!(run.rpc_params.rpc_max_batch_request_len, Some(1_000));
        assert_eq!(run.rpc_params.rpc_max_subscriptions_per_connection, 10_000);
        let run = read(&["bitcoinzk", "--rpc-disable-batch-requests", "--tx-ban-seconds", "60"]);
        assert!(run.rpc_params.rpc_disable_batch_requests);
        assert_eq!(run.pool_config.tx_ban_seconds, Some(60));
    }

    #[test]
    fn authority_of_the_local_network_needs_no_key_made_beforehand() {
        let generates = |chain: &str| {
            let matches = Cli::defaulted().try_get_matches_from(["bitcoinzk", "--chain", chain]);
            let cli = Cli::read(&matches.unwrap()).unwrap();
            cli.run.network_params.node_key_params.unsafe_force_node_key_generation
        };
        assert!(generates("local"));
        assert!(!generates("main.json"));
    }
}
