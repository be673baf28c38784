//! Where the blocks to check come from.

use std::{
    fs::File,
    io::{stdin, BufRead, BufReader},
    path::Path,
};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use crate::{rpc::Node, witness::BlockWitness};

/// A block to check.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// What it is about.
    #[serde(default)]
    pub name: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Whether the kernel must refuse it.
    #[serde(default)]
    pub forged: bool,
    /// The block.
    pub witness: BlockWitness,
}

/// The blocks `from..=to` of a node, by default up to its latest.
///
/// # Errors
/// When the node is away.
pub fn node(
    rpc: &str,
    from: u64,
    to: Option<u64>,
) -> Result<impl Iterator<Item = (String, Result<Case>)>> {
    let node = Node::new(rpc);
    let (chain_id, head) = node.chain_and_head()?;
    Ok((from..=to.unwrap_or(head)).map(move |number| {
        let name = format!("block {number}");
        let witness = node.call("bzk_blockWitness", json!([format!("0x{number:x}")]));
        (name.clone(), witness.map(|witness| Case { name, chain_id, forged: false, witness }))
    }))
}

/// Block `number` of a node.
///
/// # Errors
/// When the node is away or has no such block.
pub fn block(rpc: &str, number: u64) -> Result<Case> {
    let (_, case) = node(rpc, number, Some(number))?.next().context("a range of one block")?;
    case
}

/// The cases of a file, one in JSON on each line; `-` is stdin.
///
/// # Errors
/// When the file cannot be opened.
pub fn file(path: &Path) -> Result<impl Iterator<Item = (String, Result<Case>)>> {
    let reader: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(stdin().lock())
    } else {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Box::new(BufReader::new(file))
    };
    Ok(reader.lines().enumerate().map(|(index, line)| {
        let case = line
            .map_err(anyhow::Error::from)
            .and_then(|line| Ok(serde_json::from_str::<Case>(&line)?))
            .with_context(|| format!("line {}", index + 1));
        let name = case.as_ref().map_or_else(|_| format!("line {}", index + 1), |c| c.name.clone());
        (name, case)
    }))
}
