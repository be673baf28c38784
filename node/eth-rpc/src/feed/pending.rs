//! Transactions as they become pending.

use super::shared::{Keeper, Shared};
use crate::{
    chain::Chain,
    convert,
    error::{internal, RpcResult},
    pool::{PoolTx, PoolView},
    types::B256,
};
use alloy_consensus::Transaction;
use bzk_evm::tx::RecoveredTx;
use jsonrpsee::core::{to_json_raw_value, JsonRawValue};
use std::sync::Arc;

/// Memory for recent transactions, in bytes (approximate).
const TX_BYTES: usize = 16 * 1024 * 1024;
/// Memory for recent transactions in JSON, in bytes.
const JSON_BYTES: usize = 16 * 1024 * 1024;

/// Keeps the content of recent [`PendingEntry`]s.
pub struct PendingKeeper {
    txs: Keeper<RecoveredTx>,
    json: Keeper<JsonRawValue>,
}

impl Default for PendingKeeper {
    fn default() -> Self {
        Self { txs: Keeper::new(TX_BYTES), json: Keeper::new(JSON_BYTES) }
    }
}

/// A transaction that became pending.
pub struct PendingEntry {
    /// Its hash.
    pub hash: B256,
    tx: Shared<RecoveredTx>,
    json: Shared<JsonRawValue>,
}

impl PendingEntry {
    /// Remembers `tx` for as long as it is recent.
    pub fn new(tx: PoolTx, keeper: &PendingKeeper) -> Self {
        let entry = Self { hash: tx.tx.hash, tx: Shared::default(), json: Shared::default() };
        let bytes = tx.tx.envelope.input().len().saturating_add(500);
        let kept: Result<_, std::convert::Infallible> =
            entry.tx.get_or_try_make(&keeper.txs, || Ok((tx.tx, bytes)));
        drop(kept);
        entry
    }

    /// The transaction: remembered, or from the pool, or from the block that took it in. `None` if
    /// it has left the pool otherwise.
    pub fn transaction(
        &self,
        chain: &Chain,
        pool: &PoolView,
        keeper: &PendingKeeper,
    ) -> RpcResult<Option<Arc<RecoveredTx>>> {
        found(self.tx.get_or_try_make(&keeper.txs, || {
            let tx = match pool.by_hash(self.hash) {
                Some(tx) => Some(tx.tx),
                None => mined(chain, self.hash)?.map(Arc::new),
            };
            let tx = tx.ok_or(Missing::Gone)?;
            let bytes = tx.envelope.input().len().saturating_add(500);
            Ok((tx, bytes))
        }))
    }

    /// The transaction in JSON.
    pub fn json(
        &self,
        chain: &Chain,
        pool: &PoolView,
        keeper: &PendingKeeper,
    ) -> RpcResult<Option<Arc<JsonRawValue>>> {
        found(self.json.get_or_try_make(&keeper.json, || {
            let tx = self.transaction(chain, pool, keeper)?.ok_or(Missing::Gone)?;
            let json = to_json_raw_value(&convert::pending_transaction(&tx)).map_err(internal)?;
            let bytes = json.get().len();
            Ok((json.into(), bytes))
        }))
    }
}

/// Why a transaction cannot be shown.
enum Missing {
    /// It is nowhere.
    Gone,
    /// Looking for it failed.
    Failed(jsonrpsee::types::ErrorObjectOwned),
}

impl From<jsonrpsee::types::ErrorObjectOwned> for Missing {
    fn from(error: jsonrpsee::types::ErrorObjectOwned) -> Self {
        Self::Failed(error)
    }
}

fn found<T>(result: Result<T, Missing>) -> RpcResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Missing::Gone) => Ok(None),
        Err(Missing::Failed(error)) => Err(error),
    }
}

fn mined(chain: &Chain, hash: B256) -> RpcResult<Option<RecoveredTx>> {
    let Some((block, index)) = chain.locate(hash)? else { return Ok(None) };
    let record = chain.record(&block)?;
    let tx = record.block.body.transactions.get(index).zip(record.senders.get(index));
    Ok(tx.map(|(envelope, sender)| RecoveredTx {
        envelope: envelope.clone(),
        hash,
        sender: *sender,
    }))
}
