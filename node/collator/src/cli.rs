//! The command line.

use clap::{CommandFactory, FromArgMatches, Parser};
use sc_cli::{RunCmd, SubstrateCli};
use std::{str::FromStr, time::Duration};

/// Most transactions that wait in the pool unless `--pool-limit` says otherwise: several full blocks.
const POOL_LIMIT: &str = "32768";

/// Most kilobytes that wait in the pool unless `--pool-kbytes` says otherwise.
const POOL_KBYTES: &str = "65536";

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
    #[arg(long, value_name = "MODE")]
    pub sealing: Option<Sealing>,
}

impl Cli {
    /// Reads the arguments of the process; prints help or the error and exits where clap asks so.
    pub(crate) fn from_process() -> Self {
        let command = Self::setup_command(Self::command())
            .mut_arg("pool_limit", |arg| arg.default_value(POOL_LIMIT))
            .mut_arg("pool_kbytes", |arg| arg.default_value(POOL_KBYTES));
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
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
    fn the_flags_of_the_pool_exist() {
        let command = Cli::command();
        for id in ["pool_limit", "pool_kbytes"] {
            assert!(command.get_arguments().any(|arg| arg.get_id() == id), "{id}");
        }
    }
}
