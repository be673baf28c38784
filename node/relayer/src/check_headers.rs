//! `check-headers`: runs a file of headers through the rules of the relay contract.

use crate::header_file::{self, Placed};
use anyhow::{bail, Context, Result};
use bzk_bitcoin::{
    bitcoin::{hashes::Hash, hex::DisplayHex, BlockHash, Network},
    Accepted, Anchor, Change, HeaderTree, Refusal, Rules,
};
use clap::{Args, ValueEnum};
use serde_json::{json, Value};
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

/// Runs a file of block headers through the rules of the relay contract.
///
/// Prints how many headers were accepted, the tip of the branch with most work, the work of that branch in expected
/// hashes, and why the first refused header was refused. Headers may lie on several branches, each after its parent.
/// A refused header does not stop the check: what builds on it is refused as well, other branches go on.
///
/// Exit status: 0 when no header was refused, 1 when one was, 2 when the file could not be read.
///
/// FILE holds raw headers of 80 bytes, or lines of hexadecimal digits, one or more headers a line. A line may begin
/// with a name and a colon or with 0x; empty lines and lines that begin with # are skipped.
#[derive(Args)]
#[command(after_long_help = "\
A file that starts above height 0: the first header is trusted but for its own proof of work, clock and version, and \
the work is counted from it on. A rule that needs earlier headers refuses only what no past could make valid: the \
median of the last eleven times counts unknown times as 0; a retarget whose period began before the file must stay \
within a factor of four; on testnet3 and testnet4, bits after minimum-difficulty blocks may be any until the file has \
a regular block. Start at a multiple of 2016 to have every retarget judged exactly.

Signet: miners sign blocks in the coinbase, which headers do not show; only work and times are judged.")]
pub struct CheckHeaders {
    /// The network whose rules apply.
    #[arg(long, value_enum)]
    network: NetworkName,
    /// Height of the first header in the file.
    #[arg(long, value_name = "N", default_value_t = 0)]
    start_height: u32,
    /// Judge as of this time, in Unix seconds; headers more than two hours ahead of it are refused [default: now].
    #[arg(long, value_name = "SECONDS")]
    now: Option<u32>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// The file to check.
    file: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum NetworkName {
    Mainnet,
    Testnet3,
    Testnet4,
    Signet,
    Regtest,
}

impl NetworkName {
    fn network(self) -> Network {
        match self {
            Self::Mainnet => Network::Bitcoin,
            Self::Testnet3 => Network::Testnet,
            Self::Testnet4 => Network::Testnet4,
            Self::Signet => Network::Signet,
            Self::Regtest => Network::Regtest,
        }
    }
}

/// The first header that was refused.
struct FirstRefusal {
    /// Position in the file, from 0.
    position: u64,
    line: Option<usize>,
    hash: BlockHash,
    /// Known when its parent is.
    height: Option<u32>,
    reason: Refusal,
}

/// What the check found.
#[derive(Default)]
struct Report {
    accepted: u64,
    repeated: u64,
    refused: u64,
    reorgs: u64,
    first_refusal: Option<FirstRefusal>,
    /// Heights of headers that break BIP-54's timestamp rules, the first ten.
    time_warps: Vec<u32>,
    tree: Option<HeaderTree>,
}

impl CheckHeaders {
    /// Checks the file and prints the report; gives the exit status.
    ///
    /// # Errors
    /// The file cannot be read, or holds no headers.
    pub fn run(self) -> Result<ExitCode> {
        let now = match self.now {
            Some(now) => now,
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|time| u32::try_from(time.as_secs()).ok())
                .context("the clock shows no time that Bitcoin knows; set --now")?,
        };
        let rules = Rules::new(self.network.network());
        let mut report = Report::default();
        header_file::read(&self.file, |placed| {
            report.judge(&rules, self.start_height, placed, now);
            Ok(())
        })?;
        if report.judged() == 0 {
            bail!("{} holds no headers", self.file.display());
        }
        if self.json {
            println!("{}", report.json());
        } else {
            report.print(self.start_height);
        }
        Ok(if report.refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

impl Report {
    fn judged(&self) -> u64 {
        self.accepted + self.repeated + self.refused
    }

    fn judge(&mut self, rules: &Rules, start_height: u32, placed: Placed, now: u32) {
        let Placed { line, header } = placed;
        let first = self.judged() == 0;
        let result = match &mut self.tree {
            // Only a header that comes first can be trusted.
            None if !first => Err(Refusal::UnknownParent { parent: header.prev_blockhash }),
            None if start_height > 0 || header.prev_blockhash == BlockHash::all_zeros() => {
                let anchor = Anchor {
                    header,
                    height: start_height,
                    earlier_times: Vec::new(),
                    period_start: None,
                    earlier_work: Default::default(),
                };
                HeaderTree::anchored(rules.clone(), anchor, now).map(|tree| {
                    self.tree = Some(tree);
                    Accepted { height: start_height, change: Change::Tip, time_warp: false }
                })
            }
            None => self.tree.insert(HeaderTree::new(rules.clone())).insert(header, now),
            Some(tree) => tree.insert(header, now),
        };
        match result {
            Ok(accepted) => self.accept(accepted),
            Err(reason) => {
                let height = self
                    .tree
                    .as_ref()
                    .and_then(|tree| tree.get(&header.prev_blockhash)?.height.checked_add(1))
                    .or(first.then_some(start_height));
                self.first_refusal.get_or_insert(FirstRefusal {
                    position: self.judged(),
                    line,
                    hash: header.block_hash(),
                    height,
                    reason,
                });
                self.refused += 1;
            }
        }
    }

    fn accept(&mut self, accepted: Accepted) {
        match accepted.change {
            Change::Known => self.repeated += 1,
            Change::Reorg { .. } => {
                (self.accepted, self.reorgs) = (self.accepted + 1, self.reorgs + 1)
            }
            Change::Fork | Change::Tip => self.accepted += 1,
        }
        if accepted.time_warp && self.time_warps.len() < 10 {
            self.time_warps.push(accepted.height);
        }
    }

    fn print(&self, start_height: u32) {
        println!("accepted: {} of {} headers", self.accepted, self.judged());
        if self.repeated > 0 {
            println!("repeated: {}", self.repeated);
        }
        match &self.tree {
            Some(tree) => {
                let (hash, tip) = tree.tip();
                println!("tip: {hash}");
                println!("height: {}", tip.height);
                println!("work: {} (0x{:064x})", tip.work, tip.work);
            }
            None => println!("tip: none"),
        }
        if self.reorgs > 0 {
            println!("reorganisations: {}", self.reorgs);
        }
        match &self.first_refusal {
            None => println!("first refusal: none"),
            Some(refusal) => {
                let line = refusal.line.map(|line| format!(" (line {line})")).unwrap_or_default();
                let height =
                    refusal.height.map(|height| format!(", height {height}")).unwrap_or_default();
                let code = refusal.reason.core_reason();
                println!("refused: {}", self.refused);
                println!(
                    "first refusal: header {}{line}{height}: {code}: {}",
                    refusal.position, refusal.reason
                );
                println!("refused header: {}", refusal.hash);
            }
        }
        for height in &self.time_warps {
            println!("warning: time warp suspected at height {height} (BIP-54; not a rule today)");
        }
        if matches!(&self.first_refusal, Some(FirstRefusal { position: 0, .. }))
            && start_height == 0
        {
            println!("hint: a file that does not start at genesis needs --start-height");
        }
    }

    fn json(&self) -> Value {
        let tip = self.tree.as_ref().map(|tree| {
            let (hash, tip) = tree.tip();
            json!({
                "hash": hash.to_string(),
                "height": tip.height,
                "work": tip.work.to_string(),
                "work_hex": tip.work.to_be_bytes::<32>().to_lower_hex_string(),
            })
        });
        let first_refusal = self.first_refusal.as_ref().map(|refusal| {
            json!({
                "header": refusal.position,
                "line": refusal.line,
                "hash": refusal.hash.to_string(),
                "height": refusal.height,
                "code": refusal.reason.core_reason(),
                "reason": refusal.reason.to_string(),
            })
        });
        json!({
            "accepted": self.accepted,
            "refused": self.refused,
            "repeated": self.repeated,
            "reorganisations": self.reorgs,
            "tip": tip,
            "first_refusal": first_refusal,
            "time_warp_heights": self.time_warps,
        })
    }
}
