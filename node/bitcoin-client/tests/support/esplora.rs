//! Stands for an Esplora server: no registry has one that runs on regtest. It answers what bitcoind answers, in the
//! shape of Blockstream's `API.md`: pages of 25, newest first, status 404 or 400 with plain text.

use super::Asked;
use bzk_bitcoin::bitcoin::{
    consensus::serialize,
    hashes::{sha256, Hash},
    hex::DisplayHex,
    Block, BlockHash, OutPoint, Transaction,
};
use bzk_bitcoin_client::regtest::Regtest;
use serde_json::{json, Value};
use std::sync::Arc;

const PAGE: usize = 25;

/// Serves the node's chain; gives the URL.
pub(crate) fn start(node: Arc<Regtest>) -> String {
    super::http(move |asked| {
        answer(&node, &asked).unwrap_or_else(|(status, why)| (status, why.into()))
    })
}

type Answer = Result<(u16, Vec<u8>), (u16, String)>;

fn answer(node: &Regtest, asked: &Asked) -> Answer {
    let path: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let missing = |what: &str| (404, format!("{what} not found"));
    let call =
        |method: &str, arguments: &[Value]| node.call(method, arguments).map_err(|why| (400, why));
    let text = |value: Value| {
        Ok((200, value.as_str().map_or_else(|| value.to_string(), str::to_owned).into_bytes()))
    };
    match (asked.method.as_str(), &path[..]) {
        ("GET", ["blocks", "tip", "hash"]) => text(call("getbestblockhash", &[])?),
        ("GET", ["blocks", "tip", "height"]) => text(call("getblockcount", &[])?),
        ("GET", ["block-height", height]) => {
            let height: u32 = height.parse().map_err(|_| (400, "Invalid height".to_owned()))?;
            text(node.call("getblockhash", &[json!(height)]).map_err(|_| missing("Block"))?)
        }
        ("GET", ["block", hash]) => {
            let block =
                node.call("getblock", &[json!(hash), json!(1)]).map_err(|_| missing("Block"))?;
            text(json!({
                "id": block["hash"], "height": block["height"], "version": block["version"],
                "timestamp": block["time"], "tx_count": block["nTx"], "size": block["size"],
                "weight": block["weight"], "merkle_root": block["merkleroot"],
                "previousblockhash": block["previousblockhash"], "mediantime": block["mediantime"],
                "nonce": block["nonce"],
                "bits": u32::from_str_radix(block["bits"].as_str().unwrap(), 16).unwrap(),
                "difficulty": block["difficulty"],
            }))
        }
        ("GET", ["block", hash, "header"]) => text(
            node.call("getblockheader", &[json!(hash), json!(false)])
                .map_err(|_| missing("Block"))?,
        ),
        ("GET", ["block", hash, "raw"]) => {
            let hash: BlockHash = hash.parse().map_err(|_| (400, "Invalid hash".to_owned()))?;
            Ok((200, serialize(&node.block(&hash))))
        }
        ("GET", ["tx", txid]) => {
            text(Chain::read(node).transaction(txid).ok_or_else(|| missing("Transaction"))?)
        }
        ("GET", ["tx", txid, "status"]) => text(Chain::read(node).status(txid)),
        ("GET", ["tx", txid, "outspend", vout]) => {
            text(Chain::read(node).outspend(&format!("{txid}:{vout}").parse().unwrap()))
        }
        ("GET", ["scripthash", hash, "txs", rest @ ..]) => {
            let last = match rest {
                [] => None,
                ["chain", last] => Some(*last),
                _ => return Err(missing("Page")),
            };
            text(Chain::read(node).history(hash, last))
        }
        ("GET", ["fee-estimates"]) => text(json!({ "1": 3.5, "6": 2.25, "144": 1.0, "1008": 0.1 })),
        ("POST", ["tx"]) => match node.call("sendrawtransaction", &[json!(asked.body)]) {
            Ok(txid) => text(txid),
            Err(why) => Err((400, format!("sendrawtransaction RPC error: {why}"))),
        },
        _ => Err(missing("Endpoint")),
    }
}

/// The chain and the mempool, read anew for each request: regtest is small.
struct Chain {
    /// Blocks by height.
    blocks: Vec<Block>,
    mempool: Vec<Transaction>,
}

impl Chain {
    fn read(node: &Regtest) -> Self {
        let height = node.call("getblockcount", &[]).unwrap().as_u64().unwrap();
        let hash = |height| node.call("getblockhash", &[json!(height)]).unwrap();
        let blocks =
            (0..=height).map(|height| node.block(&hash(height).as_str().unwrap().parse().unwrap()));
        let ids = node.call("getrawmempool", &[]).unwrap();
        let mempool = ids.as_array().unwrap().iter().map(|txid| {
            use bzk_bitcoin::bitcoin::{consensus::deserialize, hex::FromHex};
            let digits = node.call("getrawtransaction", std::slice::from_ref(txid)).unwrap();
            deserialize(&Vec::from_hex(digits.as_str().unwrap()).unwrap()).unwrap()
        });
        Self { blocks: blocks.collect(), mempool: mempool.collect() }
    }

    /// All transactions, the mempool's and then the newest first, with the height of their block.
    fn all(&self) -> impl Iterator<Item = (Option<usize>, &Transaction)> {
        let confirmed = self.blocks.iter().enumerate().rev();
        let confirmed = confirmed.flat_map(|(height, block)| {
            block.txdata.iter().rev().map(move |one| (Some(height), one))
        });
        self.mempool.iter().map(|one| (None, one)).chain(confirmed)
    }

    fn place(&self, height: Option<usize>) -> Value {
        let Some(height) = height else { return json!({ "confirmed": false }) };
        let header = self.blocks[height].header;
        json!({ "confirmed": true, "block_height": height, "block_hash": header.block_hash().to_string(),
            "block_time": header.time })
    }

    fn find(&self, txid: &str) -> Option<(Option<usize>, &Transaction)> {
        self.all().find(|(_, one)| one.compute_txid().to_string() == txid)
    }

    fn status(&self, txid: &str) -> Value {
        self.place(self.find(txid).and_then(|(height, _)| height))
    }

    fn transaction(&self, txid: &str) -> Option<Value> {
        self.find(txid).map(|(height, one)| self.shown(height, one))
    }

    fn shown(&self, height: Option<usize>, one: &Transaction) -> Value {
        let vin: Vec<Value> = one
            .input
            .iter()
            .map(|input| {
                json!({
                    "txid": input.previous_output.txid.to_string(), "vout": input.previous_output.vout,
                    "prevout": null, "scriptsig": input.script_sig.as_bytes().to_lower_hex_string(),
                    "scriptsig_asm": "", "is_coinbase": one.is_coinbase(), "sequence": input.sequence.0,
                    "witness": input.witness.iter().map(|item| item.to_lower_hex_string()).collect::<Vec<_>>(),
                })
            })
            .collect();
        let vout: Vec<Value> = one
            .output
            .iter()
            .map(|output| {
                json!({ "scriptpubkey": output.script_pubkey.as_bytes().to_lower_hex_string(),
                    "scriptpubkey_asm": "", "scriptpubkey_type": "unknown", "value": output.value.to_sat() })
            })
            .collect();
        json!({
            "txid": one.compute_txid().to_string(), "version": one.version.0,
            "locktime": one.lock_time.to_consensus_u32(), "vin": vin, "vout": vout,
            "size": one.total_size(), "weight": one.weight().to_wu(), "fee": 0, "status": self.place(height),
        })
    }

    fn outspend(&self, outpoint: &OutPoint) -> Value {
        let spends = |one: &Transaction| {
            one.input.iter().position(|input| input.previous_output == *outpoint)
        };
        match self.all().find_map(|(height, one)| Some((height, one, spends(one)?))) {
            None => json!({ "spent": false }),
            Some((height, one, vin)) => {
                json!({ "spent": true, "txid": one.compute_txid().to_string(),
                "vin": vin, "status": self.place(height) })
            }
        }
    }

    /// Those that pay or spend a script: the mempool's and a page of confirmed ones, or the page after `last`.
    fn history(&self, script_hash: &str, last: Option<&str>) -> Value {
        let ours = |script: &[u8]| sha256::Hash::hash(script).to_string() == script_hash;
        let paid: Vec<OutPoint> = self
            .all()
            .flat_map(|(_, one)| {
                let txid = one.compute_txid();
                let paying = one.output.iter().zip(0..);
                let paying = paying.filter(|(output, _)| ours(output.script_pubkey.as_bytes()));
                paying.map(move |(_, vout)| OutPoint { txid, vout }).collect::<Vec<_>>()
            })
            .collect();
        let concerned = self.all().filter(|(_, one)| {
            one.output.iter().any(|output| ours(output.script_pubkey.as_bytes()))
                || one.input.iter().any(|input| paid.contains(&input.previous_output))
        });
        let (waiting, confirmed): (Vec<_>, Vec<_>) =
            concerned.partition(|(height, _)| height.is_none());
        let confirmed = confirmed.into_iter();
        let page: Vec<_> = match last {
            None => waiting.into_iter().take(50).chain(confirmed.take(PAGE)).collect(),
            Some(last) => {
                let rest = confirmed.skip_while(|(_, one)| one.compute_txid().to_string() != last);
                rest.skip(1).take(PAGE).collect()
            }
        };
        page.into_iter().map(|(height, one)| self.shown(height, one)).collect()
    }
}
