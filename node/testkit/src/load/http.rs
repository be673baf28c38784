//! A JSON-RPC client over one keep-alive HTTP/1.1 connection.

use anyhow::{bail, Context, Result};
use serde_json::{json, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// Longest answer that is read, in bytes.
const MAX_RESPONSE: usize = 64 << 20;

/// One connection to a JSON-RPC server at `host:port`.
pub struct RpcClient {
    host: String,
    stream: BufReader<TcpStream>,
}

impl RpcClient {
    /// Connects to `url`, which is `http://host:port`.
    ///
    /// # Errors
    /// When the URL is of another form or nobody listens there.
    pub async fn connect(url: &str) -> Result<Self> {
        let host = url
            .strip_prefix("http://")
            .with_context(|| format!("{url} must start with http://"))?
            .trim_end_matches('/')
            .to_owned();
        let stream =
            TcpStream::connect(&host).await.with_context(|| format!("cannot reach {url}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { host, stream: BufReader::with_capacity(1 << 16, stream) })
    }

    /// Calls `method` and returns its result.
    ///
    /// # Errors
    /// On a broken connection or an error answer.
    pub async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer: Value = serde_json::from_slice(&self.post(&body.to_string()).await?)?;
        if let Some(error) = answer.get("error") {
            bail!("{method} failed: {error}");
        }
        Ok(answer.get("result").cloned().unwrap_or(Value::Null))
    }

    /// Posts a JSON body, a single request or a batch, and returns the answer's bytes.
    ///
    /// # Errors
    /// On a broken connection, an HTTP status other than 200 or a chunked answer.
    pub async fn post(&mut self, body: &str) -> Result<Vec<u8>> {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.host,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        let length = self.read_head().await?;
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    /// Reads the status line and headers; returns the body's length in bytes.
    async fn read_head(&mut self) -> Result<usize> {
        let mut head = Vec::with_capacity(256);
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() > 8192 {
                bail!("HTTP head of more than 8192 bytes");
            }
            head.push(self.stream.read_u8().await.context("connection closed by the node")?);
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        if !head.starts_with("http/1.1 200") {
            bail!("unexpected HTTP answer: {}", head.lines().next().unwrap_or_default());
        }
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .context("HTTP answer without a length")?
            .trim()
            .parse()?;
        if length > MAX_RESPONSE {
            bail!("HTTP answer of {length} bytes, more than {MAX_RESPONSE}");
        }
        Ok(length)
    }
}
