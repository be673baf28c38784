//! `bzk-prover`: checks BitcoinZK blocks in the plonky2 zkEVM's kernel.

mod check;
mod decode;
mod header;
mod rpc;
mod settle;
mod source;
mod stage;
mod tables;
mod tries;
mod witness;
mod zkevm;

use std::{path::PathBuf, time::Instant};

use anyhow::{ensure, Result};
use clap::{Parser, Subcommand};

use settle::{Settlement, Verifier};
use source::Case;
use zkevm::Zkevm;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Checks BitcoinZK blocks in the zkEVM that will prove them.
#[derive(Parser)]
#[command(name = "bzk-prover", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Executes blocks in the kernel, without proving, and compares all roots.
    Check {
        /// JSON-RPC endpoint of a node.
        #[arg(long, env = "BZK_RPC", default_value = "http://127.0.0.1:8545")]
        rpc: String,
        /// First block; default: 1.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Last block; default: the latest.
        #[arg(long)]
        to: Option<u64>,
        /// Cases of `bzk-cases`, one in JSON per line, instead of a node's blocks; `-`: from stdin.
        #[arg(long, conflicts_with_all = ["from", "to"])]
        cases: Option<PathBuf>,
    },
    /// Tells the table heights that blocks need.
    Heights {
        /// Cases of `bzk-cases`, as in `check`.
        #[arg(long)]
        cases: PathBuf,
    },
    /// Builds all circuits and keeps them on disk.
    Setup {
        /// Folder of the circuits; several GB.
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
        /// Time of the block before the first, in seconds.
        #[arg(long, default_value_t = 0)]
        parent_time: u64,
        /// Folder for the contracts and the proof with the data of their tests.
        #[arg(long)]
        export: Option<PathBuf>,
        /// Changes of the proof that plonky2 judges for those tests.
        #[arg(long, default_value_t = 1000)]
        mutations: usize,
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

/// Which blocks, and where their circuits and proofs are.
#[derive(clap::Args)]
struct Blocks {
    /// Folder of the circuits that `setup` made.
    #[arg(long, env = "BZK_CIRCUITS")]
    circuits: PathBuf,
    /// Folder of the proofs.
    #[arg(long)]
    proofs: PathBuf,
    /// JSON-RPC endpoint of a node.
    #[arg(long, env = "BZK_RPC", default_value = "http://127.0.0.1:8545")]
    rpc: String,
    /// First block; default: 1.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Last block; default: the latest.
    #[arg(long)]
    to: Option<u64>,
    /// Cases of `bzk-cases` instead of a node's blocks, as in `check`.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    cases: Option<PathBuf>,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Check { cases: Some(path), .. } => check_all(source::file(&path)?),
        Command::Check { rpc, from, to, .. } => check_all(source::node(&rpc, from, to)?),
        Command::Heights { cases } => source::file(&cases)?.try_for_each(|(name, case)| {
            let Case { witness, chain_id, .. } = case?;
            println!("{name}");
            let header = header::Header::decode(&witness.header.0, chain_id)?;
            decode::generation_inputs(witness, &header)?.iter().try_for_each(zkevm::heights)
        }),
        Command::Setup { circuits } => Zkevm::set_up(&circuits),
        Command::Prove(blocks) => prove_blocks(&blocks).map(drop),
        Command::Settle { blocks, prover, parent_time, export, mutations } => {
            let prover = settle::address_words(&prover)?;
            let files = prove_blocks(&blocks)?;
            let settlement = Settlement::new(&blocks.circuits)?;
            let file = settlement.prove(&files, parent_time, prover, &blocks.proofs)?;
            drop(settlement);
            let verifier = Verifier::load(&blocks.circuits)?;
            let (statement, proof) = verifier.verify(&file)?;
            println!("{}", file.display());
            println!("{}", serde_json::to_string_pretty(&statement)?);
            let Some(folder) = export else { return Ok(()) };
            verifier.export(&folder)?;
            stage::timed("mutations", || verifier.export_fixtures(&proof, mutations, &folder))
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

/// Checks every case; prints a line each and `N passed, N failed` at the end.
fn check_all(cases: impl Iterator<Item = (String, Result<Case>)>) -> Result<()> {
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in cases {
        let start = Instant::now();
        let forged = case.as_ref().is_ok_and(|case| case.forged);
        let result = case.and_then(|case| check::check(case.witness, case.chain_id));
        if result.is_ok() != forged {
            passed += 1;
        } else {
            failed += 1;
        }
        match result {
            Err(error) if forged => println!("{name}: ok, refused: {error:.60}"),
            Err(error) => println!("{name}: FAILED: {error:#}"),
            Ok(_) if forged => println!("{name}: FAILED: the kernel accepts a forged block"),
            Ok(block) => println!(
                "{name}: ok, {} transactions, {} gas, {} cycles, {} charged, {} ms",
                block.transactions,
                block.gas_used,
                block.cycles,
                block.charged,
                start.elapsed().as_millis()
            ),
        }
    }
    println!("{passed} passed, {failed} failed");
    ensure!(failed == 0, "{failed} blocks cannot be proven");
    ensure!(passed > 0, "there was nothing to check");
    Ok(())
}

/// Proves every block that has no proof yet; returns the files of all proofs.
fn prove_blocks(blocks: &Blocks) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(&blocks.proofs)?;
    let cases: Box<dyn Iterator<Item = _>> = match &blocks.cases {
        Some(path) => Box::new(source::file(path)?),
        None => Box::new(source::node(&blocks.rpc, blocks.from, blocks.to)?),
    };
    // Several GB, so only for a block that has no proof.
    let mut zkevm = None;
    cases
        .map(|(name, case)| {
            let Case { witness, chain_id, .. } = case?;
            let header = header::Header::decode(&witness.header.0, chain_id)?;
            let folder = blocks.proofs.join(format!("{:x}", header.hash));
            let path = folder.join("block.json");
            if path.exists() {
                println!("{name}: has its proof, {}", path.display());
                return Ok(path);
            }
            let zkevm = match &mut zkevm {
                Some(zkevm) => zkevm,
                none => {
                    none.insert(stage::timed("load circuits", || Zkevm::load(&blocks.circuits))?)
                }
            };
            let batches = decode::generation_inputs(witness, &header)?;
            stage::timed(&name, || zkevm.prove_block(batches, &folder))?;
            println!("{name}: proven, {}", path.display());
            Ok(path)
        })
        .collect()
}
