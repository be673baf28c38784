//! JSON-RPC calls to a node.

use std::time::Duration;

use anyhow::{anyhow, bail, Context, Result};
use serde::de::DeserializeOwned;
use serde_json::{json, Value};
use ureq::{Agent, AgentBuilder, Error};

/// How long a node may say nothing; it executes a block anew for its witness.
const PATIENCE: Duration = Duration::from_secs(300);

/// A node's JSON-RPC endpoint.
pub struct Node {
    url: String,
    /// What errors say of the URL: user, path and query may hold secrets.
    host: String,
    agent: Agent,
}

impl Node {
    /// Names the endpoint; nothing is sent yet.
    pub fn new(url: impl Into<String>) -> Self {
        Self::within(url, PATIENCE)
    }

    /// A node that is given up when it says nothing for so long.
    fn within(url: impl Into<String>, patience: Duration) -> Self {
        let agent = AgentBuilder::new().timeout_read(patience).timeout_write(patience);
        let url = url.into();
        let host = host(&url);
        // A connection for each call: one that waits does not outlive a restart of the node.
        Self { url, host, agent: agent.max_idle_connections(0).build() }
    }

    /// Calls `method` and decodes its result.
    ///
    /// # Errors
    /// When the node is away, answers an error or something else than asked.
    pub fn call<T: DeserializeOwned>(&self, method: &str, params: Value) -> Result<T> {
        let mut answer: Value = self
            .agent
            .post(&self.url)
            .send_json(json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
            .map_err(|error| anyhow!("cannot reach the node at {}: {}", self.host, reason(error)))?
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

/// Scheme, host and port of a URL.
fn host(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// The error without the URL.
fn reason(error: Error) -> String {
    match error {
        Error::Status(code, _) => format!("status {code}"),
        Error::Transport(error) => {
            let kind = error.kind().to_string();
            let message = error.message().map(String::from);
            let source = std::error::Error::source(&error).map(ToString::to_string);
            [Some(kind), message, source].into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn node_that_never_answers_is_given_up() {
        // Takes connections and does not look at them.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = Node::within(&url, Duration::from_millis(50));
        let error = node.call::<Value>("eth_chainId", json!([])).unwrap_err();
        let expected = format!("cannot reach the node at {url}: ");
        assert!(format!("{error:#}").starts_with(&expected), "{error:#}");
    }

    #[test]
    fn errors_do_not_tell_secrets_of_the_url() {
        for url in ["http://me:secret@127.0.0.1:1/?key=secret", "http://127.0.0.1:1/secret"] {
            let error = Node::new(url).call::<Value>("eth_chainId", json!([])).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.starts_with("cannot reach the node at http://127.0.0.1:1: "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(host("https://a:b@c@d.example/x@y"), "https://d.example");
        assert_eq!(host("d.example:1/x"), "http://d.example:1");
    }
}
