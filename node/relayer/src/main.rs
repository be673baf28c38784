//! `bzk-relayer`: see the library's documentation.

use bzk_relayer::{check_headers::CheckHeaders, run::Run};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Brings Bitcoin headers, deposits and payouts to the bridge contract.
#[derive(Parser)]
#[command(name = "bzk-relayer", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    CheckHeaders(CheckHeaders),
    Run(Run),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::CheckHeaders(command) => command.run(),
        Command::Run(command) => command.run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
