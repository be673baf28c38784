//! An Esplora server.

use crate::{inclusion::Inclusion, BitcoinClient, Coin, Error, Output, Tip};
use async_trait::async_trait;
use bzk_bitcoin::bitcoin::{block::Header, FeeRate, OutPoint, Script, Transaction, TxOut, Txid};
use esplora_client::{AsyncClient, Builder, Error as ServerError};
use std::time::Duration;

/// The lowest rate that nodes relay, in sats per vbyte.
const RELAY_SAT_PER_VB: u32 = 1;

/// A server that speaks Esplora's HTTP interface.
pub struct Esplora {
    client: AsyncClient,
}

impl Esplora {
    /// Takes the URL of the interface, such as `http://localhost:3000`; connects with the first call.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the URL makes no sense.
    pub fn new(url: &str) -> Result<Self, Error> {
        let client = Builder::new(url)
            .timeout(Duration::from_secs(60))
            // Whoever asks tries again in its next round.
            .max_retries(0)
            .build_async()
            .map_err(|error| Error::Unreachable(error.to_string()))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl BitcoinClient for Esplora {
    async fn tip(&self) -> Result<Tip, Error> {
        let hash = self.client.get_tip_hash().await.map_err(failed("tip"))?;
        let block = self.client.get_block_info(&hash).await.map_err(failed("tip"))?;
        Ok(Tip { height: block.height, hash })
    }

    async fn headers(&self, from: u32, count: u32) -> Result<Vec<Header>, Error> {
        let mut headers: Vec<Header> = Vec::new();
        let tip = self.client.get_height().await.map_err(failed("headers"))?;
        for height in (from..=tip).take(count as usize) {
            let hash = self.client.get_block_hash(height).await.map_err(failed("headers"))?;
            let header = self.client.get_header_by_hash(&hash).await.map_err(failed("headers"))?;
            // The chain was reorganised between two calls: what was read so far still hangs together.
            if headers.last().is_some_and(|last| last.block_hash() != header.prev_blockhash) {
                break;
            }
            headers.push(header);
        }
        Ok(headers)
    }

    async fn inclusion(&self, txid: &Txid) -> Result<Option<Inclusion>, Error> {
        let status = self.client.get_tx_status(txid).await.map_err(failed("inclusion"))?;
        let (Some(hash), Some(height)) = (status.block_hash, status.block_height) else {
            return Ok(None);
        };
        let block = self.client.get_block_by_hash(&hash).await.map_err(failed("inclusion"))?;
        let nonsense = |reason| Error::Nonsense { call: "inclusion", reason };
        let block = block.ok_or_else(|| nonsense(format!("block {hash} is missing")))?;
        Inclusion::in_block(&block, height, txid)
            .ok_or_else(|| nonsense(format!("block {hash} does not hold {txid}")))?
            .checked(txid)
            .map(Some)
    }

    async fn outputs(&self, script: &Script, from: u32) -> Result<Vec<Output>, Error> {
        let mut outputs = Vec::new();
        let mut last = None;
        loop {
            let page =
                self.client.get_scripthash_txs(script, last).await.map_err(failed("outputs"))?;
            for transaction in &page {
                let Some(height) = transaction.status.block_height else { continue };
                let paying = transaction.vout.iter().zip(0..);
                for (output, vout) in
                    paying.filter(|(output, _)| output.scriptpubkey.as_script() == script)
                {
                    let outpoint = OutPoint { txid: transaction.txid, vout };
                    outputs.push(Output { outpoint, amount: output.value, height });
                }
            }
            // Pages go from the newest to the oldest.
            let more = page.last().filter(|oldest| {
                oldest.status.block_height.is_none_or(|height| height >= from)
                    && last != Some(oldest.txid)
            });
            match more {
                Some(oldest) => last = Some(oldest.txid),
                None => break,
            }
        }
        outputs.retain(|output| output.height >= from);
        outputs.sort_by_key(|output| (output.height, output.outpoint));
        Ok(outputs)
    }

    async fn coin(&self, outpoint: &OutPoint) -> Result<Coin, Error> {
        let OutPoint { txid, vout } = *outpoint;
        let found = self.client.get_tx_info(&txid).await.map_err(failed("coin"))?;
        let output = found.and_then(|found| found.vout.into_iter().nth(vout as usize));
        let Some(output) = output else { return Ok(Coin::Unknown) };
        let output = TxOut { value: output.value, script_pubkey: output.scriptpubkey };
        let status = self.client.get_output_status(&txid, vout.into()).await;
        let spender = status.map_err(failed("coin"))?.and_then(|output| output.status);
        Ok(match spender.is_some_and(|spender| spender.confirmed) {
            true => Coin::Spent,
            false => Coin::Unspent(output),
        })
    }

    async fn fee_rate(&self, blocks: u16) -> Result<FeeRate, Error> {
        let estimates = self.client.get_fee_estimates().await.map_err(failed("fee_rate"))?;
        let floor = FeeRate::from_sat_per_vb_u32(RELAY_SAT_PER_VB);
        // The estimate for the longest wait that is still short enough.
        let best =
            estimates.iter().filter(|(wait, _)| **wait <= blocks).max_by_key(|(wait, _)| **wait);
        Ok(best.map_or(floor, |(_, rate)| *rate).max(floor))
    }

    async fn broadcast(&self, transaction: &Transaction) -> Result<(), Error> {
        match self.client.broadcast(transaction).await {
            Ok(_) => Ok(()),
            Err(ServerError::HttpResponse { message, .. }) => {
                // A transaction in a block already is refused; that is what was wanted.
                let known = self.inclusion(&transaction.compute_txid()).await?;
                known.map(|_| ()).ok_or(Error::Refused(message))
            }
            Err(error) => Err(failed("broadcast")(error)),
        }
    }
}

fn failed(call: &'static str) -> impl Fn(ServerError) -> Error {
    move |error| match error {
        ServerError::HttpResponse { status, message } => {
            Error::Unsupported { call, reason: format!("status {status}: {message}") }
        }
        error => Error::Unreachable(error.to_string()),
    }
}
