//! Which server tells of Bitcoin.

use anyhow::{bail, Context, Result};
use bzk_bitcoin_client::{Auth, BitcoinClient, Bitcoind, Electrum, Esplora};
use clap::Args;
use std::path::PathBuf;

/// Where Bitcoin is.
#[derive(Args, Clone, Debug)]
pub struct BackEnd {
    /// bitcoind's RPC (http://HOST:PORT; needs -txindex and -blockfilterindex), an Electrum server (tcp://HOST:PORT or
    /// ssl://HOST:PORT), or an Esplora server (esplora+http://HOST:PORT or esplora+https://HOST/PATH).
    #[arg(
        long,
        global = true,
        env = "BZK_BITCOIN_RPC",
        value_name = "URL",
        default_value = "http://127.0.0.1:8332"
    )]
    bitcoin_rpc: String,
    /// bitcoind's cookie file.
    #[arg(long, global = true, env = "BZK_BITCOIN_COOKIE", value_name = "FILE")]
    bitcoin_cookie: Option<PathBuf>,
}

impl BackEnd {
    /// The client of this server. Only an Electrum server is contacted by this.
    ///
    /// # Errors
    /// The URL names no kind of server, the cookie file is not named, or the Electrum server does not answer.
    pub async fn connect(&self) -> Result<Box<dyn BitcoinClient>> {
        let url = &self.bitcoin_rpc;
        if let Some(url) = url.strip_prefix("esplora+") {
            return Ok(Box::new(Esplora::new(url)?));
        }
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("tcp" | "ssl") => {
                let client = Electrum::new(url).await;
                Ok(Box::new(client.with_context(|| url.clone())?))
            }
            Some("http" | "https") => {
                let cookie = self.bitcoin_cookie.clone();
                let cookie = cookie.context("--bitcoin-cookie is needed for bitcoind")?;
                Ok(Box::new(Bitcoind::new(url, Auth::CookieFile(cookie))))
            }
            _ => bail!(
                "--bitcoin-rpc {url} is none of http:// (bitcoind), tcp:// or ssl:// (Electrum), esplora+http(s)://"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn connect(url: &str, cookie: Option<&str>) -> Result<(), String> {
        let bitcoin_cookie = cookie.map(PathBuf::from);
        let back_end = BackEnd { bitcoin_rpc: url.to_owned(), bitcoin_cookie };
        back_end.connect().await.map(|_| ()).map_err(|error| format!("{error:#}"))
    }

    #[tokio::test]
    async fn url_names_the_kind_of_server() {
        assert_eq!(connect("http://127.0.0.1:8332", Some("cookie")).await, Ok(()));
        assert_eq!(connect("esplora+https://localhost/api", None).await, Ok(()));
        let error = connect("http://127.0.0.1:8332", None).await.unwrap_err();
        assert!(error.contains("--bitcoin-cookie"), "{error}");
        let error = connect("localhost:8332", None).await.unwrap_err();
        assert!(error.contains("none of http://"), "{error}");
        // Port 1 is nobody's.
        let error = connect("tcp://127.0.0.1:1", None).await.unwrap_err();
        assert!(error.contains("cannot be reached"), "{error}");
    }
}
