//! Runs what the command line asks for.

use crate::{
    chain_spec,
    cli::{Cli, Subcommand},
    service::{self, partial},
};
use bitcoinzk_runtime::opaque::Block;
use sc_chain_spec::ChainType;
use sc_cli::SubstrateCli;
use sc_client_db::PruningMode;
use sc_service::Configuration;

impl SubstrateCli for Cli {
    fn impl_name() -> String {
        "BitcoinZK Node".into()
    }

    fn impl_version() -> String {
        env!("SUBSTRATE_CLI_IMPL_VERSION").into()
    }

    fn description() -> String {
        env!("CARGO_PKG_DESCRIPTION").into()
    }

    fn author() -> String {
        "the BitcoinZK developers".into()
    }

    fn support_url() -> String {
        concat!(env!("CARGO_PKG_REPOSITORY"), "/issues").into()
    }

    fn copyright_start_year() -> i32 {
        2026
    }

    fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
        chain_spec::load(id)
    }
}

/// Parses the arguments, then runs the node or the subcommand until it ends.
pub(crate) fn run() -> sc_cli::Result<()> {
    let cli = Cli::from_process();
    match &cli.subcommand {
        None => run_node(&cli),
        Some(Subcommand::Key(cmd)) => cmd.run(&cli),
        Some(Subcommand::ExportChainSpec(cmd)) => cmd.run(cli.load_spec(&cmd.chain)?),
        #[allow(deprecated, reason = "tools still call it")]
        Some(Subcommand::BuildSpec(cmd)) => {
            cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.chain_spec, config.network))
        }
        Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let parts = partial::open(&config, false)?;
            Ok((cmd.run(parts.handles.client, parts.import_queue), parts.task_manager))
        }),
        Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let parts = partial::open(&config, false)?;
            Ok((cmd.run(parts.handles.client, config.database), parts.task_manager))
        }),
        Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            // The database is made for the node that will open it.
            let config = with_defaults(config);
            let parts = partial::open(&config, false)?;
            Ok((cmd.run(parts.handles.client, parts.import_queue), parts.task_manager))
        }),
        Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let parts = partial::open(&config, false)?;
            Ok((cmd.run(parts.handles.client, config.chain_spec), parts.task_manager))
        }),
        Some(Subcommand::PurgeChain(cmd)) => {
            cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database))
        }
        Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
            let parts = partial::open(&config, false)?;
            let consensus = Box::new(|client, backend, blocks| {
                sc_consensus_babe::revert(std::sync::Arc::clone(&client), backend, blocks)?;
                sc_consensus_grandpa::revert(client, blocks)?;
                Ok(())
            });
            Ok((
                cmd.run(parts.handles.client, parts.handles.backend, Some(consensus)),
                parts.task_manager,
            ))
        }),
        Some(Subcommand::ChainInfo(cmd)) => {
            cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config))
        }
        Some(Subcommand::Benchmark(cmd)) => cmd.run(),
    }
}

/// Runs the node until a signal or the end of an essential task stops it.
fn run_node(cli: &Cli) -> sc_cli::Result<()> {
    let (sealing, prover, resident_limit) = (cli.sealing, cli.prover(), cli.resident_limit());
    let runner = cli.create_runner(&cli.run)?;
    let development = runner.config().chain_spec.chain_type() == ChainType::Development;
    if sealing.is_some() && !development {
        return Err("--sealing is for a development chain only: add --dev".into());
    }
    runner.run_node_until_exit(|config| async move {
        let mut config = with_defaults(config);
        if prover.is_some() {
            config.state_pruning.get_or_insert(PruningMode::ArchiveAll);
        }
        service::start(config, sealing, prover, resident_limit)
            .await
            .map_err(sc_cli::Error::Service)
    })
}

/// A development chain keeps all states, so that tests can ask about any block.
fn with_defaults(mut config: Configuration) -> Configuration {
    if config.chain_spec.chain_type() == ChainType::Development {
        config.state_pruning.get_or_insert(PruningMode::ArchiveAll);
    }
    config
}
