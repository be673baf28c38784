//! JSON-RPC calls to a node.

use anyhow::{bail, Context, Result};
use serde::de::DeserializeOwned;
use serde_json::{json, Value};

/// A node's JSON-RPC endpoint.
pub struct Node {
    url: String,
}

impl Node {
    /// Names the endpoint; nothing is sent yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// Calls `method` and decodes its result.
    ///
    /// # Errors
    /// When the node is away, answers an error or something else than asked.
    pub fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T> {
        let mut answer: Value = ureq::post(&self.url)
            .send_json(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
            .with_context(|| format!("cannot reach the node at {}", self.url))?
            .into_json()
            .with_context(|| format!("the answer to {method} is not JSON"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method} failed: {error}");
        }
        serde_json::from_value(answer["result"].take())
            .with_context(|| format!("the answer to {method} has another shape"))
    }

    /// Chain id and number of the latest block.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn chain_and_head(&self) -> Result<(u64, u64)> {
        Ok((self.quantity("eth_chainId")?, self.quantity("eth_blockNumber")?))
    }

    fn quantity(&self, method: &str) -> Result<u64> {
        let text: String = self.call(method, json!([]))?;
        u64::from_str_radix(text.trim_start_matches("0x"), 16)
            .with_context(|| format!("{method} answered {text}"))
    }
}
