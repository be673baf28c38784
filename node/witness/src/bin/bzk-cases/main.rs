//! `bzk-cases`: blocks made to find where the prover's kernel and our EVM differ.
//!
//! Each is executed by the profile's EVM over a state in memory, witnessed as the node does it, and
//! printed as a line of JSON for `bzk-prover check --cases`.

mod asm;
mod cost;
mod edge;
mod forged;
mod full;
mod prices;
mod random;
mod scenario;
mod state_tests;
mod world;

use anyhow::{ensure, Context, Result};
use clap::{Parser, Subcommand};
use scenario::Scenario;
use std::{
    fs,
    io::{stdout, BufWriter, Write},
    path::PathBuf,
};

/// Makes blocks for `bzk-prover check --cases`.
#[derive(Parser)]
#[command(name = "bzk-cases", version)]
struct Cli {
    /// Only cases whose name contains this.
    #[arg(long, global = true, default_value = "")]
    only: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Edges of each rule, opcode and precompiled contract, by hand.
    Edge,
    /// Random programs.
    Random {
        /// First seed.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many blocks, each with a seed of its own.
        #[arg(long, default_value_t = 100)]
        count: u64,
    },
    /// Blocks that never happened, with witnesses that hide why: the kernel must refuse them.
    Forged,
    /// Blocks of transactions that hold as much as they may.
    Full,
    /// Pairs of blocks whose difference is one kind of work, to calibrate the proving-cost meter.
    Cost,
    /// Prints the table of the meter, from what `bzk-prover check` says of the blocks of `cost`.
    Prices {
        /// File with what it says.
        report: PathBuf,
    },
    /// Ethereum's state tests, each as a block of one transaction.
    StateTests {
        /// A file, or a folder that is searched for files.
        path: PathBuf,
    },
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Forged) {
        for case in forged::all()? {
            serde_json::to_writer(stdout().lock(), &case)?;
            println!();
        }
        return Ok(());
    }
    if let Command::Prices { report } = &cli.command {
        let report = fs::read_to_string(report).with_context(|| report.display().to_string())?;
        print!("{}", prices::table(&report)?);
        return Ok(());
    }
    let mut out = BufWriter::new(stdout().lock());
    let mut wrong = 0;
    let mut print = |scenario: Scenario| -> Result<()> {
        if !scenario.name.contains(&cli.only) {
            return Ok(());
        }
        let name = scenario.name.clone();
        match scenario.into_case() {
            Ok(case) => {
                serde_json::to_writer(&mut out, &case)?;
                out.write_all(b"\n")?;
            }
            Err(error) => {
                wrong += 1;
                eprintln!("case {name}: {error:#}");
            }
        }
        Ok(())
    };
    match cli.command {
        Command::Forged | Command::Prices { .. } => {}
        Command::Edge => edge::all().into_iter().try_for_each(&mut print)?,
        Command::Random { seed, count } => {
            (seed..seed.saturating_add(count)).map(random::block).try_for_each(&mut print)?
        }
        Command::Full => full::all().into_iter().try_for_each(&mut print)?,
        Command::Cost => cost::all().into_iter().try_for_each(&mut print)?,
        Command::StateTests { path } => {
            for scenario in state_tests::all(&path)? {
                print(scenario?)?;
            }
        }
    }
    out.flush()?;
    ensure!(wrong == 0, "{wrong} cases are not blocks");
    Ok(())
}
