//! An Electrum server.

use crate::{
    inclusion::{without_witness, Inclusion},
    BitcoinClient, Coin, Error, Output, Tip,
};
use async_trait::async_trait;
use bzk_bitcoin::{
    bitcoin::{block::Header, Amount, FeeRate, OutPoint, Script, Transaction, Txid},
    MerklePath, TxProof,
};
use electrum_client::{Client, ConfigBuilder, ElectrumApi, Error as ServerError};
use std::sync::Arc;

/// The lowest rate that nodes relay, in sats per 1,000 weight units.
const RELAY_SAT_PER_KWU: u64 = 250;

/// Transactions that are asked for together: ElectrumX may send one packet a second, however many answers are in it.
const TOGETHER: usize = 100;

/// A server that speaks Electrum's protocol, over TCP (`tcp://host:port`) or TLS (`ssl://host:port`).
pub struct Electrum {
    client: Arc<Client>,
}

impl Electrum {
    /// Connects.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn new(url: &str) -> Result<Self, Error> {
        let url = url.to_owned();
        let config = ConfigBuilder::new().timeout(Some(std::time::Duration::from_secs(60))).build();
        let client = tokio::task::spawn_blocking(move || Client::from_config(&url, config));
        let client = client.await.map_err(|error| Error::Unreachable(error.to_string()))?;
        Ok(Self { client: Arc::new(client.map_err(failed("connect"))?) })
    }

    /// Runs a call of the library, which blocks, on a thread for that.
    async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        call: impl FnOnce(&Client) -> Result<T, ServerError> + Send + 'static,
    ) -> Result<T, Error> {
        let client = Arc::clone(&self.client);
        tokio::task::spawn_blocking(move || call(&client))
            .await
            .map_err(|error| Error::Unreachable(error.to_string()))?
            .map_err(failed(name))
    }

    /// The transactions with these ids, in their order.
    async fn transactions(
        &self,
        name: &'static str,
        ids: Vec<Txid>,
    ) -> Result<Vec<Transaction>, Error> {
        let mut transactions = Vec::new();
        for some in ids.chunks(TOGETHER) {
            let asked = some.to_vec();
            let found = self.call(name, move |client| client.batch_transaction_get(&asked)).await?;
            if !found.iter().map(Transaction::compute_txid).eq(some.iter().copied()) {
                let reason = "other transactions than those asked for".into();
                return Err(Error::Nonsense { call: name, reason });
            }
            transactions.extend(found);
        }
        Ok(transactions)
    }

    /// The height of a confirmed transaction.
    async fn height(&self, transaction: &Transaction) -> Result<Option<u32>, Error> {
        let txid = transaction.compute_txid();
        let Some(output) = transaction.output.first().cloned() else { return Ok(None) };
        let history = self
            .call("inclusion", move |client| client.script_get_history(&output.script_pubkey))
            .await?;
        let entry = history.into_iter().find(|entry| entry.tx_hash == txid);
        // 0 and -1 are the mempool's.
        Ok(entry.and_then(|entry| u32::try_from(entry.height).ok()).filter(|height| *height > 0))
    }
}

#[async_trait]
impl BitcoinClient for Electrum {
    async fn tip(&self) -> Result<Tip, Error> {
        let tip = self.call("tip", |client| client.block_headers_subscribe()).await?;
        Ok(Tip { height: height("tip", tip.height)?, hash: tip.header.block_hash() })
    }

    async fn headers(&self, from: u32, count: u32) -> Result<Vec<Header>, Error> {
        let mut headers: Vec<Header> = Vec::new();
        // A server gives at most one difficulty period a call.
        while headers.len() < count as usize {
            let (start, rest) = (from as usize + headers.len(), count as usize - headers.len());
            let part =
                self.call("headers", move |client| client.block_headers(start, rest)).await?;
            let joins = headers.last().map(Header::block_hash);
            let begins = part.headers.first().map(|header| header.prev_blockhash);
            if part.headers.is_empty() || (joins.is_some() && joins != begins) {
                break;
            }
            headers.extend(part.headers);
        }
        headers.truncate(count as usize);
        Ok(headers)
    }

    async fn inclusion(&self, txid: &Txid) -> Result<Option<Inclusion>, Error> {
        let id = *txid;
        let found = self.call("inclusion", move |client| client.transaction_get(&id)).await;
        let transaction = match found {
            Ok(transaction) => transaction,
            // Servers word "not found" as they like.
            Err(Error::Unsupported { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(height) = self.height(&transaction).await? else { return Ok(None) };
        let at = height as usize;
        let (header, path, first, coinbase) = self
            .call("inclusion", move |client| {
                let first = client.txid_from_pos_with_merkle(at, 0)?;
                Ok((
                    client.block_header(at)?,
                    client.transaction_get_merkle(&id, at)?,
                    client.transaction_get(&first.tx_hash)?,
                    first.merkle,
                ))
            })
            .await?;
        let position = u32::try_from(path.pos).map_err(|_| Error::Nonsense {
            call: "inclusion",
            reason: format!("position {}", path.pos),
        })?;
        let proof = TxProof {
            transaction: without_witness(&transaction),
            path: MerklePath { position, siblings: reversed(path.merkle) },
            coinbase: without_witness(&first),
            coinbase_siblings: reversed(coinbase),
        };
        Inclusion { height, header, proof }.checked(txid).map(Some)
    }

    async fn outputs(&self, script: &Script, from: u32) -> Result<Vec<Output>, Error> {
        let wanted = script.to_owned();
        let history =
            self.call("outputs", move |client| client.script_get_history(&wanted)).await?;
        let confirmed = history.into_iter().filter_map(|entry| {
            let height = u32::try_from(entry.height).ok().filter(|height| *height > 0)?;
            (height >= from).then_some((entry.tx_hash, height))
        });
        let (ids, heights): (Vec<_>, Vec<_>) = confirmed.unzip();
        let mut outputs = Vec::new();
        for (transaction, height) in self.transactions("outputs", ids).await?.iter().zip(heights) {
            let txid = transaction.compute_txid();
            let paying = transaction.output.iter().zip(0..);
            for (output, vout) in
                paying.filter(|(output, _)| output.script_pubkey.as_script() == script)
            {
                let outpoint = OutPoint { txid, vout };
                outputs.push(Output { outpoint, amount: output.value, height });
            }
        }
        outputs.sort_by_key(|output| (output.height, output.outpoint));
        Ok(outputs)
    }

    async fn coin(&self, outpoint: &OutPoint) -> Result<Coin, Error> {
        let OutPoint { txid, vout } = *outpoint;
        let found = match self.call("coin", move |client| client.transaction_get(&txid)).await {
            Ok(transaction) => transaction,
            // Servers word "not found" as they like.
            Err(Error::Unsupported { .. }) => return Ok(Coin::Unknown),
            Err(error) => return Err(error),
        };
        let Some(output) = found.output.get(vout as usize).cloned() else {
            return Ok(Coin::Unknown);
        };
        let script = output.script_pubkey.clone();
        let history = self.call("coin", move |client| client.script_get_history(&script)).await?;
        // Whatever spends it is in the history of its script; 0 and -1 are the mempool's heights.
        let confirmed = history.into_iter().filter(|entry| entry.height > 0);
        let ids = confirmed.map(|entry| entry.tx_hash).collect();
        let mut inputs =
            self.transactions("coin", ids).await?.into_iter().flat_map(|other| other.input);
        if inputs.any(|input| input.previous_output == *outpoint) {
            return Ok(Coin::Spent);
        }
        Ok(Coin::Unspent(output))
    }

    async fn fee_rate(&self, blocks: u16) -> Result<FeeRate, Error> {
        let estimate =
            self.call("fee_rate", move |client| client.estimate_fee(blocks.into(), None)).await?;
        // BTC per 1,000 vbytes; -1 when the server does not know.
        let amount = Amount::from_btc(estimate.max(0.0))
            .map_err(|error| Error::Nonsense { call: "fee_rate", reason: error.to_string() })?;
        Ok(FeeRate::from_sat_per_kwu(amount.to_sat().div_ceil(4).max(RELAY_SAT_PER_KWU)))
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<(), Error> {
        let sent = transaction.clone();
        match self.call("broadcast", move |client| client.transaction_broadcast(&sent)).await {
            Ok(_) => Ok(()),
            Err(Error::Unsupported { reason, .. }) => {
                // A transaction in a block already is refused; that is what was wanted.
                let known = self.inclusion(&transaction.compute_txid()).await?;
                known.map(|_| ()).ok_or(Error::Refused(reason))
            }
            Err(error) => Err(error),
        }
    }
}

/// Servers send the hashes of a path in the byte order in which explorers print them.
fn reversed(mut path: Vec<[u8; 32]>) -> Vec<[u8; 32]> {
    path.iter_mut().for_each(|hash| hash.reverse());
    path
}

fn height(call: &'static str, height: usize) -> Result<u32, Error> {
    u32::try_from(height).map_err(|error| Error::Nonsense { call, reason: error.to_string() })
}

fn failed(call: &'static str) -> impl Fn(ServerError) -> Error {
    move |error| match error {
        ServerError::Protocol(reason) => Error::Unsupported { call, reason: reason.to_string() },
        error => Error::Unreachable(error.to_string()),
    }
}
