//! A bitcoind of one's own on regtest, without a wallet and without peers.
//!
//! It lives here and not in `bzk-testkit` because that crate links the whole Substrate runtime, which daemons and
//! their tests must not.

use crate::{Auth, Bitcoind};
use bzk_bitcoin::{
    bitcoin::{
        absolute::LockTime,
        consensus::{deserialize, serialize},
        hex::{DisplayHex, FromHex},
        key::{Keypair, Secp256k1, TapTweak},
        secp256k1::{All, Message},
        sighash::{Prevouts, SighashCache, TapSighashType},
        transaction::Version,
        Address, Amount, Block, BlockHash, Network, OutPoint, ScriptBuf, Sequence, Transaction,
        TxIn, TxOut, Witness,
    },
    dust_sats,
};
use serde_json::{json, value::to_raw_value, Value};
use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, AtomicU32, AtomicU8, Ordering},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Below the node's directory: the login that it writes anew with each start.
const COOKIE: &str = "regtest/.cookie";

/// For the start, and for a call that mines many blocks on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Coinbase outputs can be spent from the 101st confirmation on.
const MATURITY: u32 = 100;

/// Which port is tried next, of the hundred that this process has.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// Ports that a process has for its nodes.
const PORTS: u16 = 100;

/// A port that nobody listens on. Not one that the system gives away: it would give it to others until bitcoind takes it.
fn free_port() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap_or_default() * PORTS;
    let next = |_| first + NEXT_PORT.fetch_add(1, Ordering::Relaxed) % PORTS;
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (0..PORTS).map(next).find(free).expect("a free port")
}

/// A running node with a rich miner; it stops when dropped.
pub struct Regtest {
    process: Child,
    /// Holds the blocks; goes with the node.
    data: TempDir,
    url: String,
    rpc: jsonrpc::Client,
    secp: Secp256k1<All>,
    miner: Keypair,
    /// Height of the next coinbase that was not spent yet.
    next_coinbase: AtomicU32,
    /// How often another branch was begun.
    branch: AtomicU8,
}

impl Drop for Regtest {
    fn drop(&mut self) {
        // Nothing of it is kept, so it need not shut down in order.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Regtest {
    /// Where the program is: `BITCOIND_EXE`, or `$BZK_CACHE/bin`, where `scripts/bitcoind.sh` puts it.
    ///
    /// # Panics
    /// When it is not there; the message says what to do.
    pub fn program() -> PathBuf {
        let path = std::env::var_os("BITCOIND_EXE").map_or_else(
            || {
                let cache = std::env::var_os("BZK_CACHE").map(PathBuf::from);
                let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
                cache.unwrap_or_else(|| home().join(".cache/bitcoinzk")).join("bin/bitcoind")
            },
            PathBuf::from,
        );
        assert!(path.exists(), "{} is missing: run scripts/bitcoind.sh", path.display());
        path
    }

    /// Starts a node with indexes and an empty chain.
    ///
    /// # Panics
    /// When the node does not start.
    pub fn start() -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let process = Command::new(Self::program())
            .arg(format!("-datadir={}", data.path().display()))
            .arg(format!("-rpcport={port}"))
            .args(["-regtest", "-server", "-txindex=1", "-blockfilterindex=1", "-listen=0"])
            // ElectrumX does not start without it.
            .arg("-txospenderindex=1")
            .args(["-dnsseed=0", "-fixedseeds=0", "-connect=0", "-discover=0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("bitcoind starts");
        let url = format!("http://127.0.0.1:{port}");
        let mut starting = Starting { process: Some(process) };
        let cookie = starting.cookie(&data.path().join(COOKIE));
        let rpc = starting.connect(&url, &cookie);
        let process = starting.process.take().expect("taken once");
        let secp = Secp256k1::new();
        let miner = Keypair::from_seckey_slice(&secp, &[0x42; 32]).expect("a valid key");
        Self {
            process,
            data,
            url,
            rpc,
            secp,
            miner,
            next_coinbase: AtomicU32::new(1),
            branch: AtomicU8::new(0),
        }
    }

    /// A client of the node.
    pub fn client(&self) -> Bitcoind {
        Bitcoind::new(&self.url, Auth::CookieFile(self.data.path().join(COOKIE)))
    }

    /// The node's URL with its login, for programs that take it so.
    ///
    /// # Panics
    /// When the node has written no cookie.
    pub fn login_url(&self) -> String {
        let cookie = std::fs::read_to_string(self.data.path().join(COOKIE)).expect("a cookie");
        self.url.replacen("://", &format!("://{}@", cookie.trim()), 1)
    }

    /// Calls the node.
    ///
    /// # Errors
    /// The node's error as text.
    pub fn call(&self, method: &str, arguments: &[Value]) -> Result<Value, String> {
        let arguments = to_raw_value(arguments).map_err(|error| error.to_string())?;
        let request = self.rpc.build_request(method, Some(&arguments));
        let response = self.rpc.send_request(request).map_err(|error| error.to_string())?;
        response.result().map_err(|error| error.to_string())
    }

    /// Mines `count` blocks with what is in the mempool; the reward is the miner's, and on another branch than the
    /// first one somebody else's: the same block at the same time again would be the invalid one.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn mine(&self, count: u32) -> Vec<BlockHash> {
        let secret = [0x42 + self.branch.load(Ordering::Relaxed); 32];
        let key = Keypair::from_seckey_slice(&self.secp, &secret).expect("a valid key");
        let script = ScriptBuf::new_p2tr(&self.secp, key.x_only_public_key().0, None);
        let address = Address::from_script(&script, Network::Regtest);
        let address = address.expect("taproot scripts have addresses").to_string();
        let hashes = self.call("generatetoaddress", &[json!(count), json!(address)]);
        let hashes = hashes.expect("mining works");
        hashes.as_array().into_iter().flatten().map(parse).collect()
    }

    /// A block of the node.
    ///
    /// # Panics
    /// When the node does not have it.
    pub fn block(&self, hash: &BlockHash) -> Block {
        let block =
            self.call("getblock", &[json!(hash.to_string()), json!(0)]).expect("a known block");
        let bytes = Vec::from_hex(block.as_str().expect("hex")).expect("hex");
        deserialize(&bytes).expect("a block")
    }

    /// Makes the node take another branch than the one with `hash`.
    ///
    /// # Panics
    /// When the node does not have that block.
    pub fn invalidate(&self, hash: &BlockHash) {
        self.call("invalidateblock", &[json!(hash.to_string())]).expect("a known block");
        self.branch.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets the node's clock, in Unix seconds.
    ///
    /// # Panics
    /// When the node refuses.
    pub fn set_clock(&self, seconds: u32) {
        self.call("setmocktime", &[json!(seconds)]).expect("regtest has a settable clock");
    }

    /// Pays `sats` to each script from a mature coinbase, mining blocks first when there is none, and puts the
    /// transaction into the mempool. The first outputs are those asked for.
    ///
    /// # Panics
    /// When the amounts exceed a block's reward, or the node refuses.
    pub fn pay(&self, outputs: &[(ScriptBuf, u64)]) -> Transaction {
        const FEE_SATS: u64 = 5_000;
        let at = self.next_coinbase.fetch_add(1, Ordering::Relaxed);
        let height = self.call("getblockcount", &[]).expect("a height").as_u64().unwrap_or(0);
        let height = u32::try_from(height).expect("a height");
        self.mine((at + MATURITY).saturating_sub(height));
        let hash = self.call("getblockhash", &[json!(at)]).expect("a known height");
        let block = self.block(&parse(&hash));
        let coinbase = &block.txdata[0];
        let spent = &coinbase.output[0];
        assert_eq!(spent.script_pubkey, self.miner_script(), "coinbase {at} is not the miner's");
        let paid: u64 = outputs.iter().map(|(_, sats)| sats).sum();
        let change =
            spent.value.to_sat().checked_sub(paid + FEE_SATS).expect("one coinbase is enough");
        let mut output: Vec<TxOut> = outputs
            .iter()
            .map(|(script, sats)| TxOut {
                value: Amount::from_sat(*sats),
                script_pubkey: script.clone(),
            })
            .collect();
        if change >= dust_sats(&self.miner_script()) {
            let value = Amount::from_sat(change);
            output.push(TxOut { value, script_pubkey: self.miner_script() });
        }
        let previous_output = OutPoint { txid: coinbase.compute_txid(), vout: 0 };
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output,
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            }],
            output,
        };
        let sighash = SighashCache::new(&transaction)
            .taproot_key_spend_signature_hash(0, &Prevouts::All(&[spent]), TapSighashType::Default)
            .expect("one input");
        let key = self.miner.tap_tweak(&self.secp, None).to_keypair();
        let signature = self.secp.sign_schnorr_no_aux_rand(&Message::from(sighash), &key);
        transaction.input[0].witness.push(signature.as_ref());
        let digits = serialize(&transaction).to_lower_hex_string();
        self.call("sendrawtransaction", &[json!(digits)]).expect("the payment is valid");
        transaction
    }

    fn miner_script(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr(&self.secp, self.miner.x_only_public_key().0, None)
    }
}

fn parse(hash: &Value) -> BlockHash {
    hash.as_str().and_then(|hash| hash.parse().ok()).expect("a block hash")
}

/// A node that does not answer yet; stops when dropped.
struct Starting {
    process: Option<Child>,
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }
}

impl Starting {
    /// Waits for what the node writes when it is about to listen.
    fn cookie(&mut self, path: &Path) -> (String, String) {
        self.wait("its cookie", || {
            let cookie = std::fs::read_to_string(path).ok()?;
            cookie.split_once(':').map(|(user, password)| (user.into(), password.into()))
        })
    }

    fn connect(&mut self, url: &str, (user, password): &(String, String)) -> jsonrpc::Client {
        let transport = jsonrpc::bitreq_http::Builder::new()
            .timeout(PATIENCE)
            .url(url)
            .expect("a valid URL")
            .basic_auth(user.clone(), Some(password.clone()))
            .build();
        let client = jsonrpc::Client::with_transport(transport);
        self.wait("an answer", || {
            let request = client.build_request("getblockcount", None);
            client.send_request(request).ok()?.result::<u32>().ok()
        });
        client
    }

    fn wait<T>(&mut self, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(value) = ready() {
                return value;
            }
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok()?);
            assert!(ended.is_none(), "bitcoind ended before {what}: {ended:?}");
            assert!(start.elapsed() < PATIENCE, "bitcoind keeps us waiting for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
