//! `bzk-relayer`: brings Bitcoin headers, deposits and payouts to the bridge contract.

mod check_headers;
mod header_file;

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
    CheckHeaders(check_headers::CheckHeaders),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::CheckHeaders(command) => command.run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(2)
    })
}
