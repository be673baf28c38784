//! Which server tells of Bitcoin.

use crate::{Auth, BitcoinClient, Bitcoind, Error};
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
    /// The client of this server; of Electrum or Esplora only where the features were built in. Only an Electrum server
    /// is contacted by this.
    ///
    /// # Errors
    /// [`Error::BadUrl`], or the Electrum server does not answer.
    pub async fn connect(&self) -> Result<Box<dyn BitcoinClient>, Error> {
        connect(&self.bitcoin_rpc, self.bitcoin_cookie.clone()).await
    }
}

async fn connect(url: &str, cookie: Option<PathBuf>) -> Result<Box<dyn BitcoinClient>, Error> {
    let bad = |reason| Error::BadUrl { url: url.to_owned(), reason };
    match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("http" | "https") => {
            let cookie =
                cookie.ok_or_else(|| bad("bitcoind needs its cookie file (--bitcoin-cookie)"))?;
            Ok(Box::new(Bitcoind::new(url, Auth::CookieFile(cookie))))
        }
        #[cfg(feature = "electrum")]
        Some("tcp" | "ssl") => Ok(Box::new(crate::Electrum::new(url).await?)),
        #[cfg(not(feature = "electrum"))]
        Some("tcp" | "ssl") => {
            Err(bad("Electrum is not built in (cargo build --features electrum)"))
        }
        #[cfg(feature = "esplora")]
        Some("esplora+http" | "esplora+https") => {
            Ok(Box::new(crate::Esplora::new(url.trim_start_matches("esplora+"))?))
        }
        #[cfg(not(feature = "esplora"))]
        Some("esplora+http" | "esplora+https") => {
            Err(bad("Esplora is not built in (cargo build --features esplora)"))
        }
        _ => Err(bad("give http:// (bitcoind), tcp:// or ssl:// (Electrum), esplora+http(s)://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn tried(url: &str, cookie: Option<&str>) -> Result<(), String> {
        let client = connect(url, cookie.map(PathBuf::from)).await;
        client.map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn url_names_the_kind_of_server() {
        assert_eq!(tried("http://127.0.0.1:8332", Some("cookie")).await, Ok(()));
        let error = tried("http://127.0.0.1:8332", None).await.unwrap_err();
        assert!(error.contains("--bitcoin-cookie"), "{error}");
        let error = tried("localhost:8332", None).await.unwrap_err();
        assert!(error.contains("give http://"), "{error}");
        // Port 1 is nobody's.
        let electrum = tried("tcp://127.0.0.1:1", None).await.unwrap_err();
        let esplora = tried("esplora+https://localhost/api", None).await;
        if cfg!(feature = "electrum") {
            assert!(electrum.contains("cannot be reached"), "{electrum}");
        } else {
            assert!(electrum.contains("--features electrum"), "{electrum}");
        }
        assert_eq!(esplora.is_ok(), cfg!(feature = "esplora"));
    }
}
