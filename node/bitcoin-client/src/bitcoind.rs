//! Bitcoin Core's JSON-RPC.

use crate::{BitcoinClient, Coin, Error, Inclusion, Output, Tip};
use async_trait::async_trait;
use bzk_bitcoin::bitcoin::{
    block::Header,
    consensus::{deserialize, serialize},
    hex::{DisplayHex, FromHex},
    Amount, Block, BlockHash, FeeRate, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid,
};
use jsonrpc::{bitreq_http_async::Builder, client_async::Client, Error as RpcError};
use serde_json::{json, value::to_raw_value, Value};
use std::{path::PathBuf, time::Duration};

/// Long enough for a scan of the block filters.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Core's code for something that is not there (`RPC_INVALID_ADDRESS_OR_KEY`).
const NOT_FOUND: i32 = -5;
/// Core's code for a height above the tip (`RPC_INVALID_PARAMETER`).
const OUT_OF_RANGE: i32 = -8;
/// Core's codes for a transaction that it does not take.
const REFUSED: [i32; 3] = [-22, -25, -26];
/// Core's code for a transaction that is in a block already.
const IN_CHAIN: i32 = -27;

/// How to log in to bitcoind's RPC.
#[derive(Clone)]
pub enum Auth {
    /// The file that bitcoind writes with each start.
    CookieFile(PathBuf),
    /// Name and password of its `-rpcauth`.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CookieFile(path) => f.debug_tuple("CookieFile").field(path).finish(),
            Self::Password { user, .. } => write!(f, "Password({user})"),
        }
    }
}

/// One's own bitcoind. [`BitcoinClient::inclusion`] needs `-txindex`, [`BitcoinClient::outputs`] needs
/// `-blockfilterindex`.
#[derive(Debug)]
pub struct Bitcoind {
    url: String,
    auth: Auth,
}

impl Bitcoind {
    /// Takes the RPC's URL and login; connects with the first call.
    pub fn new(url: &str, auth: Auth) -> Self {
        Self { url: url.to_owned(), auth }
    }

    /// The login is read for each call, because a node that starts again writes a new cookie.
    fn connect(&self) -> Result<Client, String> {
        let (user, password) = match &self.auth {
            Auth::Password { user, password } => (user.clone(), password.clone()),
            Auth::CookieFile(path) => {
                let cookie = std::fs::read_to_string(path)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                let (user, password) = cookie
                    .trim()
                    .split_once(':')
                    .ok_or_else(|| format!("{} is no cookie file", path.display()))?;
                (user.to_owned(), password.to_owned())
            }
        };
        let transport = Builder::new()
            .timeout(TIMEOUT)
            .url(&self.url)
            .map_err(|error| error.to_string())?
            .basic_auth(user, Some(password))
            .build();
        Ok(Client::with_transport(transport))
    }

    async fn call(&self, method: &'static str, arguments: &[Value]) -> Result<Value, Failure> {
        let client = self.connect().map_err(Error::Unreachable)?;
        let arguments = to_raw_value(arguments).map_err(|error| nonsense(method, error))?;
        let request = client.build_request(method, Some(&arguments));
        client
            .send_request(request)
            .await
            .and_then(|response| response.result())
            .map_err(|error| Failure::new(method, error))
    }

    async fn hash_at(&self, height: u32) -> Result<Option<BlockHash>, Error> {
        match self.call("getblockhash", &[json!(height)]).await {
            Ok(hash) => parse_hash("getblockhash", &hash).map(Some),
            Err(Failure { code: Some(OUT_OF_RANGE), .. }) => Ok(None),
            Err(failure) => Err(failure.error),
        }
    }

    async fn header(&self, hash: &BlockHash) -> Result<Header, Error> {
        const CALL: &str = "getblockheader";
        let header = self.call(CALL, &[json!(hash.to_string()), json!(false)]).await?;
        deserialize(&bytes(CALL, &header)?).map_err(|error| nonsense(CALL, error))
    }

    async fn height(&self, hash: &BlockHash) -> Result<u32, Error> {
        const CALL: &str = "getblockheader";
        let header = self.call(CALL, &[json!(hash.to_string()), json!(true)]).await?;
        number(CALL, &header["height"])
    }

    async fn block(&self, hash: &BlockHash) -> Result<Block, Error> {
        const CALL: &str = "getblock";
        let block = self.call(CALL, &[json!(hash.to_string()), json!(0)]).await?;
        deserialize(&bytes(CALL, &block)?).map_err(|error| nonsense(CALL, error))
    }
}

#[async_trait]
impl BitcoinClient for Bitcoind {
    async fn tip(&self) -> Result<Tip, Error> {
        // In this order, so that height and hash are of one block.
        let hash = self.call("getbestblockhash", &[]).await?;
        let hash = parse_hash("getbestblockhash", &hash)?;
        Ok(Tip { height: self.height(&hash).await?, hash })
    }

    async fn headers(&self, from: u32, count: u32) -> Result<Vec<Header>, Error> {
        let mut headers: Vec<Header> = Vec::new();
        for height in (from..).take(count as usize) {
            let Some(hash) = self.hash_at(height).await? else { break };
            let header = self.header(&hash).await?;
            // The chain was reorganised between two calls: what was read so far still hangs together.
            if headers.last().is_some_and(|last| last.block_hash() != header.prev_blockhash) {
                break;
            }
            headers.push(header);
        }
        Ok(headers)
    }

    async fn inclusion(&self, txid: &Txid) -> Result<Option<Inclusion>, Error> {
        const CALL: &str = "getrawtransaction";
        let transaction = match self.call(CALL, &[json!(txid.to_string()), json!(1)]).await {
            Ok(transaction) => transaction,
            Err(Failure { code: Some(NOT_FOUND), .. }) => return Ok(None),
            Err(failure) => return Err(failure.error),
        };
        // Blocks that lost are said to have no confirmations.
        if transaction["confirmations"].as_u64().unwrap_or(0) == 0 {
            return Ok(None);
        }
        let hash = parse_hash(CALL, &transaction["blockhash"])?;
        let (block, height) = (self.block(&hash).await?, self.height(&hash).await?);
        Inclusion::in_block(&block, height, txid)
            .ok_or_else(|| nonsense(CALL, format!("block {hash} does not hold {txid}")))?
            .checked(txid)
            .map(Some)
    }

    async fn outputs(&self, script: &Script, from: u32) -> Result<Vec<Output>, Error> {
        const CALL: &str = "scanblocks";
        // bitcoind calls a height above its tip invalid.
        if self.hash_at(from).await?.is_none() {
            return Ok(Vec::new());
        }
        let descriptor = format!("raw({})", script.as_bytes().to_lower_hex_string());
        let found = self.call(CALL, &[json!("start"), json!([descriptor]), json!(from)]).await?;
        let blocks = found["relevant_blocks"]
            .as_array()
            .ok_or_else(|| nonsense(CALL, "no relevant_blocks"))?;
        let mut outputs = Vec::new();
        for hash in blocks {
            let hash = parse_hash(CALL, hash)?;
            let (block, height) = (self.block(&hash).await?, self.height(&hash).await?);
            // Block filters have false positives.
            for transaction in &block.txdata {
                let txid = transaction.compute_txid();
                let paying = transaction.output.iter().zip(0..);
                for (output, vout) in
                    paying.filter(|(output, _)| output.script_pubkey.as_script() == script)
                {
                    let outpoint = OutPoint { txid, vout };
                    outputs.push(Output { outpoint, amount: output.value, height });
                }
            }
        }
        Ok(outputs)
    }

    async fn coin(&self, outpoint: &OutPoint) -> Result<Coin, Error> {
        const CALL: &str = "gettxout";
        let (txid, vout) = (json!(outpoint.txid.to_string()), outpoint.vout);
        // Without the mempool: a version of a payout there spends what the next one replaces.
        let output = self.call(CALL, &[txid.clone(), json!(vout), json!(false)]).await?;
        if !output.is_null() {
            return txout(CALL, &output).map(Coin::Unspent);
        }
        const SEARCH: &str = "getrawtransaction";
        let transaction = match self.call(SEARCH, &[txid, json!(1)]).await {
            Ok(transaction) => transaction,
            Err(Failure { code: Some(NOT_FOUND), .. }) => return Ok(Coin::Unknown),
            Err(failure) => return Err(failure.error),
        };
        match (&transaction["vout"][vout as usize], transaction["confirmations"].as_u64()) {
            (Value::Null, _) => Ok(Coin::Unknown),
            (output, None | Some(0)) => txout(SEARCH, output).map(Coin::Unspent),
            _ => Ok(Coin::Spent),
        }
    }

    async fn fee_rate(&self, blocks: u16) -> Result<FeeRate, Error> {
        let mempool = self.call("getmempoolinfo", &[]).await?;
        let floor = rate("getmempoolinfo", &mempool["mempoolminfee"])?;
        let estimate = self.call("estimatesmartfee", &[json!(blocks)]).await?;
        match &estimate["feerate"] {
            // Core has not seen enough blocks yet.
            Value::Null => Ok(floor),
            estimate => Ok(rate("estimatesmartfee", estimate)?.max(floor)),
        }
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<(), Error> {
        let digits = serialize(transaction).to_lower_hex_string();
        match self.call("sendrawtransaction", &[json!(digits)]).await {
            Ok(_) | Err(Failure { code: Some(IN_CHAIN), .. }) => Ok(()),
            Err(Failure { code: Some(code), error, .. }) if REFUSED.contains(&code) => {
                Err(Error::Refused(error.to_string()))
            }
            Err(failure) => Err(failure.error),
        }
    }
}

/// An error with Core's code for it.
struct Failure {
    code: Option<i32>,
    error: Error,
}

impl Failure {
    fn new(call: &'static str, error: RpcError) -> Self {
        match error {
            RpcError::Rpc(error) => Self {
                code: Some(error.code),
                error: Error::Unsupported { call, reason: error.message },
            },
            RpcError::Transport(error) => Error::Unreachable(error.to_string()).into(),
            error => nonsense(call, error).into(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { code: None, error }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

fn nonsense(call: &'static str, reason: impl ToString) -> Error {
    Error::Nonsense { call, reason: reason.to_string() }
}

fn text<'a>(call: &'static str, value: &'a Value) -> Result<&'a str, Error> {
    value.as_str().ok_or_else(|| nonsense(call, format!("{value} is no text")))
}

fn bytes(call: &'static str, value: &Value) -> Result<Vec<u8>, Error> {
    Vec::from_hex(text(call, value)?).map_err(|error| nonsense(call, error))
}

fn parse_hash(call: &'static str, value: &Value) -> Result<BlockHash, Error> {
    text(call, value)?.parse().map_err(|error| nonsense(call, error))
}

fn number(call: &'static str, value: &Value) -> Result<u32, Error> {
    value
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
        .ok_or_else(|| nonsense(call, format!("{value} is no height")))
}

/// Core speaks of BTC.
fn amount(call: &'static str, value: &Value) -> Result<Amount, Error> {
    let amount = value.as_f64().ok_or_else(|| nonsense(call, format!("{value} is no amount")))?;
    Amount::from_btc(amount).map_err(|error| nonsense(call, error))
}

/// Core speaks of BTC per 1,000 vbytes.
fn rate(call: &'static str, value: &Value) -> Result<FeeRate, Error> {
    Ok(FeeRate::from_sat_per_kwu(amount(call, value)?.to_sat().div_ceil(4)))
}

fn txout(call: &'static str, value: &Value) -> Result<TxOut, Error> {
    let script = bytes(call, &value["scriptPubKey"]["hex"])?;
    Ok(TxOut { value: amount(call, &value["value"])?, script_pubkey: ScriptBuf::from(script) })
}
