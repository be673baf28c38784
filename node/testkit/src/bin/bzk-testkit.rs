//! Runs the test files of the Ethereum project through the real pallets.

use anyhow::{ensure, Result};
use bzk_testkit::ethereum_tests::{run, Kind};
use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// Runs Ethereum's test files; prints failed and excused cases by name and the counts last.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// GeneralStateTests, cases of the fork Cancun.
    Statetests(Files),
    /// BlockchainTests, network Cancun.
    Blocktests(Files),
}

#[derive(Args)]
struct Files {
    /// Every test of this kind in the .json files below this folder is run.
    directory: PathBuf,
    /// Run only cases whose `file::name` contains this.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<ExitCode> {
    let (kind, files) = match Cli::parse().command {
        Command::Statetests(files) => (Kind::State, files),
        Command::Blocktests(files) => (Kind::Block, files),
    };
    let summary = run(kind, &files.directory, &files.only)?;
    println!("{summary}");
    ensure!(summary.found_tests(), "no such test below {}", files.directory.display());
    Ok(if summary.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
