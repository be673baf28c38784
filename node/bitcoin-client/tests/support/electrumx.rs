//! ElectrumX, the Electrum developers' server: PyPI package e-x, installed by `scripts/setup.sh`.

use bzk_bitcoin_client::regtest::Regtest;
use std::{
    fs::File,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command},
};
use tempfile::TempDir;

/// A running server; it stops when dropped.
pub(crate) struct ElectrumX {
    process: Child,
    data: TempDir,
    port: u16,
}

impl Drop for ElectrumX {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl ElectrumX {
    /// Starts a server over `node`; `None`, said plainly, when it is not installed.
    pub(crate) fn start(node: &Regtest) -> Option<Self> {
        let cache = std::env::var_os("BZK_CACHE").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/bitcoinzk"),
            PathBuf::from,
        );
        let program = std::env::var_os("BZK_ELECTRUMX")
            .map_or_else(|| cache.join("python/bin/electrumx_server"), PathBuf::from);
        if !program.exists() {
            eprintln!("SKIPPED: {} is missing (scripts/setup.sh)", program.display());
            return None;
        }
        let data = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = File::create(data.path().join("log")).unwrap();
        let process = Command::new(program)
            .env_clear()
            .env("COIN", "Bitcoin")
            .env("NET", "regtest")
            .env("DB_DIRECTORY", data.path())
            .env("DB_ENGINE", "leveldb")
            .env("DAEMON_URL", node.login_url())
            .env("SERVICES", format!("tcp://127.0.0.1:{port}"))
            .env("PEER_DISCOVERY", "off")
            .env("PEER_ANNOUNCE", "")
            .env("ALLOW_ROOT", "1")
            .env("CACHE_MB", "50")
            .env("DAEMON_POLL_INTERVAL_BLOCKS", "100")
            .env("DAEMON_POLL_INTERVAL_MEMPOOL", "100")
            // A test asks for more in a second than a wallet does in a day.
            .env("COST_SOFT_LIMIT", "0")
            .env("COST_HARD_LIMIT", "0")
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { process, data, port })
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// What it has to say.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.data.path().join("log")).unwrap_or_default()
    }
}
