//! The chain, over the JSON-RPC of a node.

use crate::{member::Outgoing, store::hex};
use anyhow::{bail, Context};
use bzk_threshold::{committee::Committee, envelope::Envelope, fee::FeeReport, view::View};
use codec::{Compact, Decode, Encode};
use serde_json::{json, Value};

/// Seconds after which a request is given up.
const TIMEOUT_S: u64 = 20;

/// Indices of the pallets in the runtime.
#[derive(Clone, Copy, Debug)]
pub struct Pallets {
    /// Of pallet-threshold.
    pub threshold: u8,
    /// Of pallet-btc-bridge.
    pub bridge: u8,
}

/// A node.
pub struct Node {
    url: String,
    pallets: Pallets,
}

impl Node {
    /// The node at `url`, whose runtime has these `pallets`.
    pub fn new(url: String, pallets: Pallets) -> Self {
        Self { url, pallets }
    }

    fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        match self.ask(method, params)? {
            Ok(result) => Ok(result),
            Err(error) => bail!("{method}: {error}"),
        }
    }

    /// The result of a call, or the error that the node answers with.
    fn ask(&self, method: &str, params: Value) -> anyhow::Result<Result<Value, Value>> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = minreq::post(&self.url)
            .with_header("content-type", "application/json")
            .with_timeout(TIMEOUT_S)
            .with_body(body.to_string())
            .send()
            .with_context(|| format!("{method} at {}", self.url))?;
        let mut answer: Value = serde_json::from_slice(response.as_bytes())
            .with_context(|| format!("answer to {method}"))?;
        Ok(match answer.get("error") {
            Some(error) if !error.is_null() => Err(error.clone()),
            _ => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
        })
    }

    /// Hash of the newest finalised block.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn finalised(&self) -> anyhow::Result<String> {
        self.hash("chain_getFinalizedHead")
    }

    /// Hash of the best block, which may be taken back.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn best(&self) -> anyhow::Result<String> {
        self.hash("chain_getBlockHash")
    }

    fn hash(&self, method: &str) -> anyhow::Result<String> {
        let answer = self.call(method, json!([]))?;
        answer.as_str().map(str::to_owned).with_context(|| format!("{method} gave no hash"))
    }

    /// The value of `key` in the storage of the newest finalised block.
    ///
    /// # Errors
    /// The node does not answer.
    pub fn storage(&self, key: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
        let head = self.finalised()?;
        let answer = self.call("state_getStorage", json!([format!("0x{}", hex(key)), head]))?;
        answer
            .as_str()
            .map(|value| unhex(value).context("state_getStorage gave no hex"))
            .transpose()
    }

    /// What the chain shows at a block.
    ///
    /// # Errors
    /// The node does not answer, or its runtime has no such API.
    pub fn view(&self, block: &str) -> anyhow::Result<View> {
        let answer =
            self.call("state_call", json!(["ThresholdApi_threshold_view", "0x", block]))?;
        let bytes = unhex(answer.as_str().context("state_call gave no bytes")?)
            .context("state_call gave no hex")?;
        View::decode(&mut &bytes[..]).context("the view of another version")
    }

    /// The newest finalised block and the committee of the newest key at it, if there is one.
    ///
    /// # Errors
    /// The node does not answer, or its runtime has no such API.
    pub fn newest_committee(&self) -> anyhow::Result<Option<(u32, Committee)>> {
        let head = self.finalised()?;
        let header = self.call("chain_getHeader", json!([head]))?;
        let number = header["number"].as_str().and_then(|number| number.strip_prefix("0x"));
        let number = u32::from_str_radix(number.context("a header without a number")?, 16)?;
        let newest = self.view(&head)?.keys.into_iter().max_by_key(|key| key.epoch);
        Ok(newest.map(|key| (number, key.committee)))
    }

    /// Sends a message to the pool. That it has it, or that a block has it, is no error: members repeat what they
    /// owe until it is final.
    ///
    /// # Errors
    /// The node does not answer, or the pool refuses.
    pub fn submit(&self, outgoing: &Outgoing) -> anyhow::Result<()> {
        let index = self.pallets.threshold;
        self.send(match outgoing {
            Outgoing::Dkg(envelope) => (index, 4u8, envelope).encode(),
            Outgoing::Sign(session, envelope) => (index, 5u8, session, envelope).encode(),
            Outgoing::Complete(session, signatures) => (index, 6u8, session, signatures).encode(),
            Outgoing::Refresh(proposal) => (index, 12u8, proposal).encode(),
        })
    }

    /// Sends a fee report to the pool.
    ///
    /// # Errors
    /// As of [`Self::submit`].
    pub fn report_fee_rate(&self, envelope: &Envelope<FeeReport>) -> anyhow::Result<()> {
        self.send((self.pallets.bridge, 4u8, envelope).encode())
    }

    fn send(&self, call: Vec<u8>) -> anyhow::Result<()> {
        let bytes = general(&call);
        let method = "author_submitExtrinsic";
        match self.ask(method, json!([format!("0x{}", hex(&bytes))]))? {
            Err(error) if !known(&error) => bail!("{method}: {error}"),
            _ => Ok(()),
        }
    }
}

/// Whether the pool refuses a message because it has it, or had it and a block has it now.
fn known(error: &Value) -> bool {
    // Banned for a while after it was in a block; imported; its tag is taken.
    const KNOWN: [i64; 3] = [1012, 1013, 1014];
    let code = error["code"].as_i64();
    code.is_some_and(|code| KNOWN.contains(&code)) || error["data"] == "Transaction is outdated"
}

/// A general transaction (extrinsic format 5): extensions, then the call.
///
/// Explicit parts of the runtime's extensions: immortal era, nonce 0, tip 0, no metadata hash; none of
/// them means anything for a call that is authorised by its own signature.
fn general(call: &[u8]) -> Vec<u8> {
    const GENERAL: u8 = 0b0100_0101;
    const EXTENSION_VERSION: u8 = 0;
    const EXTENSIONS: [u8; 4] = [0; 4];
    let bytes = [&[GENERAL, EXTENSION_VERSION][..], &EXTENSIONS, call].concat();
    [Compact(bytes.len() as u32).encode(), bytes].concat()
}

/// 32 bytes in hexadecimal, with or without a prefix.
///
/// # Errors
/// The text is something else.
pub fn unhex32(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = unhex(&format!("0x{}", text.trim_start_matches("0x")));
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("{text} is not 32 bytes in hex"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    (0..digits.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(digits.get(index..index + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_of_what_the_chain_has_is_told_from_others() {
        let error = |code: i64, data: &str| json!({ "code": code, "message": "", "data": data });
        assert!(known(&error(1013, "0x12")));
        assert!(known(&json!({ "code": 1012, "message": "Transaction is temporarily banned" })));
        assert!(known(&error(1010, "Transaction is outdated")));
        assert!(!known(&error(1010, "Transaction has a bad signature")));
        assert!(!known(&error(1010, "Transaction will be valid in the future")));
        assert!(!known(&json!("refused")));
    }
}
