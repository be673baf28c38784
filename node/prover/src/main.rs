//! `bzk-prover`: checks and proves BitcoinZK blocks with the plonky2 zkEVM.

mod accumulators;
mod attack;
mod batches;
mod check;
mod decode;
mod header;
mod jobs;
mod memory;
mod pipeline;
mod postgres;
mod queue;
mod rpc;
mod serve;
mod settle;
mod shares;
mod source;
mod stage;
mod subset;
mod tables;
mod tries;
mod witness;
mod zkevm;

use std::{path::PathBuf, time::Instant};

use anyhow::{ensure, Result};
use bzk_circuits::{statement::Statement, wrap::Proof, KeccakC};
use clap::{Parser, Subcommand};

use check::Checked;
use jobs::{Jobs, Local};
use pipeline::Pipeline;
use postgres::{Postgres, HEARTBEAT};
use serve::Service;
use settle::Verifier;
use source::Case;
use zkevm::Zkevm;

/// Where a node answers when nothing else is said.
const NODE: &str = "http://127.0.0.1:9944";

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Checks and proves BitcoinZK blocks with the plonky2 zkEVM.
#[derive(Parser)]
#[command(name = "bzk-prover", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Executes blocks in the kernel, without proving, and compares all roots.
    Check(Source),
    /// Tells where blocks are cut into segments and how high each one's tables are; fails when there is no circuit.
    Heights(Source),
    /// Forges what the kernel is told of blocks, in each way that `attack.rs` has; fails when it accepts one.
    Attack(Source),
    /// Builds all circuits and keeps them on disk.
    Setup {
        /// Folder of the circuits; 10 GB. Making them takes 16 GiB of memory.
        #[arg(long, env = "BZK_CIRCUITS")]
        circuits: PathBuf,
    },
    /// Proves blocks one by one; each proof is kept on disk and not made again.
    Prove(Blocks),
    /// Proves blocks as `prove` does, joins their proofs and wraps them for the contract.
    Settle {
        #[command(flatten)]
        blocks: Blocks,
        /// Who may use the proof.
        #[arg(long, default_value = "0x0000000000000000000000000000000000000000")]
        prover: String,
        /// Folder for the contracts and the proof with the data of their tests.
        #[arg(long)]
        export: Option<PathBuf>,
        /// Changes of the proof that plonky2 judges for those tests.
        #[arg(long, default_value_t = 1000)]
        mutations: usize,
    },
    /// Takes batches over JSON-RPC and proves them one after the other.
    Serve {
        #[command(flatten)]
        pipeline: Pipeline,
        /// URL of the RPC of the L2 node whose blocks are proven.
        #[arg(long, env = "BZK_L2_RPC", default_value = NODE, hide_env_values = true)]
        l2_rpc: String,
        /// PostgreSQL database (`postgres://...`) over which several provers share the work, and their folder of
        /// proofs; default: this one works alone.
        #[arg(long, env = "BZK_PROVER_POSTGRES", hide_env_values = true)]
        postgres: Option<String>,
        /// Address and port to listen on. Whoever reaches it may queue work.
        #[arg(long, env = "BZK_PROVER_LISTEN", default_value = "127.0.0.1:8560")]
        listen: String,
    },
    /// Verifies a wrapped proof as the contract does and prints what it says.
    Verify {
        #[command(flatten)]
        circuits: Circuits,
        /// The file that `settle` names.
        proof: PathBuf,
    },
    /// Writes the contracts that verify wrapped proofs.
    ExportVerifier {
        #[command(flatten)]
        circuits: Circuits,
        /// Folder for them; they go to its `src`.
        folder: PathBuf,
    },
}

/// Where the circuits are, for whoever only verifies.
#[derive(clap::Args)]
struct Circuits {
    /// Folder of the circuits; what verifies is all that it needs to hold.
    #[arg(long, env = "BZK_CIRCUITS")]
    circuits: PathBuf,
}

/// Which blocks.
#[derive(clap::Args)]
struct Source {
    /// URL of the L2 node's RPC.
    #[arg(long, env = "BZK_L2_RPC", default_value = NODE, hide_env_values = true)]
    l2_rpc: String,
    /// First block; default: 1.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Last block; default: the latest.
    #[arg(long)]
    to: Option<u64>,
    /// Cases of `bzk-cases`, one in JSON per line, instead of a node's blocks; `-`: from stdin.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    cases: Option<PathBuf>,
}

impl Source {
    fn blocks(&self) -> Result<Box<dyn Iterator<Item = (String, Result<Case>)>>> {
        Ok(match &self.cases {
            Some(path) => Box::new(source::file(path)?),
            None => Box::new(source::node(&self.l2_rpc, self.from, self.to)?),
        })
    }
}

/// Which blocks, and where their circuits and proofs are.
#[derive(clap::Args)]
struct Blocks {
    #[command(flatten)]
    pipeline: Pipeline,
    #[command(flatten)]
    source: Source,
}

impl Blocks {
    fn prove(&self) -> Result<Vec<PathBuf>> {
        self.pipeline.blocks(self.source.blocks()?)
    }

    fn settle(&self, prover: [u32; 5]) -> Result<(PathBuf, Statement, Proof<KeccakC>)> {
        let (files, Source { l2_rpc, from, cases, .. }) = (self.prove()?, &self.source);
        match cases {
            // Nobody knows what was before them.
            Some(_) => self.pipeline.settle(&files, None, prover),
            None => self.pipeline.settle_node(l2_rpc, *from, &files, prover),
        }
    }
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Check(source) => check_all(source.blocks()?),
        Command::Heights(source) => source.blocks()?.try_for_each(|(name, case)| {
            let Case { witness, chain_id, .. } = case?;
            println!("{name}");
            let header = header::Header::decode(&witness.header.0, chain_id)?;
            let batches = decode::generation_inputs(witness, &header)?;
            batches.iter().enumerate().try_for_each(|(number, batch)| {
                println!("batch {number}: {} transactions", batch.signed_txns.len());
                zkevm::heights(batch)
            })
        }),
        Command::Attack(source) => attack_all(source.blocks()?),
        Command::Setup { circuits } => stage::timed("setup", || Zkevm::set_up(&circuits)),
        Command::Prove(blocks) => {
            blocks.prove()?.iter().for_each(|file| println!("{}", file.display()));
            Ok(())
        }
        Command::Settle { blocks, prover, export, mutations } => {
            let prover = settle::address_words(&prover)?;
            let (file, statement, proof) = blocks.settle(prover)?;
            println!("{}", file.display());
            println!("{}", serde_json::to_string_pretty(&statement)?);
            let Some(folder) = export else { return Ok(()) };
            let verifier = Verifier::load(&blocks.pipeline.circuits)?;
            verifier.export(&folder)?;
            let refused = verifier.export_fixtures(&proof, mutations, &folder)?;
            println!("{refused} of {mutations} changed proofs are refused");
            // The contract's test asks only that it judges as plonky2 does.
            ensure!(refused == mutations, "plonky2 accepts a changed proof");
            Ok(())
        }
        Command::Serve { pipeline, l2_rpc, postgres, listen } => {
            let jobs: Box<dyn Jobs> = match postgres {
                Some(url) => Box::new(Postgres::connect(&url, HEARTBEAT)?),
                None => Box::<Local>::default(),
            };
            Service::new(pipeline, l2_rpc, jobs)?.run(&listen)
        }
        Command::Verify { circuits, proof } => {
            let (statement, _) = Verifier::load(&circuits.circuits)?.verify(&proof)?;
            println!("{}", serde_json::to_string_pretty(&statement)?);
            Ok(())
        }
        Command::ExportVerifier { circuits, folder } => {
            Verifier::load(&circuits.circuits)?.export(&folder)
        }
    }
}

/// Checks every case, what the chain charged for it too; prints a line each and `N passed, N failed` at the end.
fn check_all(cases: impl Iterator<Item = (String, Result<Case>)>) -> Result<()> {
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in cases {
        let start = Instant::now();
        let forged = case.as_ref().is_ok_and(|case| case.forged);
        let result = case.and_then(|case| check::check(case.witness, case.chain_id));
        let verdict = match (forged, result) {
            (true, Err(error)) => Ok(format!("refused: {error:.60}")),
            (true, Ok(_)) => Err("the kernel accepts a forged block".into()),
            (false, Err(error)) => Err(format!("{error:#}")),
            (false, Ok(block)) => {
                let Checked { transactions, gas_used, batches, cycles, charged } = block;
                let what = format!(
                    "{transactions} transactions, {gas_used} gas, {batches} batches, {cycles} cycles, {charged} charged"
                );
                match block.uncharged() {
                    0 => Ok(format!("{what}, {} ms", start.elapsed().as_millis())),
                    uncharged => Err(format!("{uncharged} cycles are not charged: {what}")),
                }
            }
        };
        match verdict {
            Ok(what) => {
                passed += 1;
                println!("{name}: ok, {what}");
            }
            Err(why) => {
                failed += 1;
                println!("{name}: FAILED: {why}");
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} blocks cannot be proven");
    ensure!(passed > 0, "there was nothing to check");
    Ok(())
}

/// Attacks every case; prints a line for each forgery and `N refused, N accepted` at the end.
fn attack_all(cases: impl Iterator<Item = (String, Result<Case>)>) -> Result<()> {
    let (mut refused, mut accepted) = (0, 0);
    for (name, case) in cases {
        let Case { witness, chain_id, .. } = case?;
        let header = header::Header::decode(&witness.header.0, chain_id)?;
        for (number, batch) in decode::generation_inputs(witness, &header)?.iter().enumerate() {
            // Without transactions there is nothing to forge.
            if batch.signed_txns.is_empty() {
                continue;
            }
            for (attack, is_accepted) in attack::attack(batch)? {
                let verdict = if is_accepted { "ACCEPTED" } else { "ok, refused" };
                println!("{name}, batch {number}: {attack}: {verdict}");
                *(if is_accepted { &mut accepted } else { &mut refused }) += 1;
            }
        }
    }
    println!("{refused} refused, {accepted} accepted");
    ensure!(accepted == 0, "the kernel accepts {accepted} forgeries");
    ensure!(refused > 0, "there was nothing to attack");
    Ok(())
}
