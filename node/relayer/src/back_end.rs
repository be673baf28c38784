//! Which server tells of Bitcoin, as programs are told.

use anyhow::Result;
use bzk_bitcoin_client::BitcoinClient;
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
    /// The client of this server.
    ///
    /// # Errors
    /// See [`bzk_bitcoin_client::connect`].
    pub async fn connect(&self) -> Result<Box<dyn BitcoinClient>> {
        Ok(bzk_bitcoin_client::connect(&self.bitcoin_rpc, self.bitcoin_cookie.clone()).await?)
    }
}
