//! The step of the import pipeline that indexes.

use super::{
    entry::Site,
    stale, start,
    write::{Closed, IndexError, Writer},
};
use crate::{
    metrics::ImportMetrics,
    types::{Block, FullBackend, FullClient, Hash},
};
use codec::Decode;
use pallet_ethereum::{Hashes, ENGINE_ID};
use sc_client_api::{Backend, HeaderBackend, PreCommitActions, TrieCacheContext};
use sc_consensus::{
    BlockCheckParams, BlockImport, BlockImportParams, ImportResult, StateAction, StorageChanges,
};
use sp_api::{ApiExt, Core, ProvideRuntimeApi};
use sp_blockchain::BlockStatus as ChainStatus;
use sp_consensus::{BlockStatus, Error as ConsensusError};
use sp_core::{traits::CallContext, H256};
use sp_runtime::{
    generic::DigestItem,
    traits::{Block as _, Header as _},
};
use std::{sync::Arc, time::Instant};
use substrate_prometheus_endpoint::Registry;
use tokio::sync::Mutex;

/// Wraps a block import and puts index entries next to each block it passes on.
///
/// To know what a block changed it executes blocks from the network itself and hands the changes
/// down, so nothing is executed twice.
#[derive(Clone)]
pub struct EthIndexImport<I> {
    inner: I,
    writer: Writer,
    // Lists are read, extended and written back, so imports take turns. The client below locks
    // as well; this costs no concurrency.
    turn: Arc<Mutex<()>>,
    metrics: Option<ImportMetrics>,
}

impl<I> EthIndexImport<I> {
    /// Indexes what `inner` imports, and forgets forks that finality has ruled out. Make one for a
    /// client.
    pub fn new(
        inner: I,
        client: Arc<FullClient>,
        backend: Arc<FullBackend>,
        prometheus: Option<&Registry>,
    ) -> Self {
        client.register_finality_action(stale::action(backend.clone()));
        let metrics = ImportMetrics::new(prometheus);
        Self { inner, writer: Writer { client, backend }, turn: Arc::default(), metrics }
    }

    fn client(&self) -> &FullClient {
        &self.writer.client
    }

    /// Executes a block that comes without its changes, where that is possible; where it is not,
    /// the client below says why.
    fn execute(&self, params: &mut BlockImportParams<Block>) -> Result<(), ConsensusError> {
        if !matches!(params.state_action, StateAction::Execute | StateAction::ExecuteIfPossible) {
            return Ok(());
        }
        let Some(body) = &params.body else { return Ok(()) };
        let parent = *params.header.parent_hash();
        if self.client().block_status(parent).map_err(failed)? != BlockStatus::InChainWithState {
            return Ok(());
        }
        let context = CallContext::Onchain { import: true };
        let mut api = self.client().runtime_api();
        api.set_call_context(context);
        let block = Block::new(params.header.clone(), body.clone());
        api.execute_block(parent, block.into()).map_err(failed)?;
        let state = self.writer.backend.state_at(parent, TrieCacheContext::from(context));
        let state = state.map_err(failed)?;
        let changes = api.into_storage_changes(&state, parent).map_err(failed)?;
        if changes.transaction_storage_root != *params.header.state_root() {
            return Err(failed(sp_blockchain::Error::InvalidStateRoot));
        }
        params.state_action = changes.into();
        Ok(())
    }

    fn index(&self, params: &mut BlockImportParams<Block>, at: Hash) -> Result<(), IndexError> {
        let StateAction::ApplyChanges(StorageChanges::Changes(changes)) = &params.state_action
        else {
            return Ok(());
        };
        let closed = match announced(&params.header) {
            Some(announced) => {
                let closed = Closed::read(at, |key| {
                    let mut values = changes.main_storage_changes.iter();
                    values.find(|(changed, _)| changed == key).and_then(|(_, value)| value.clone())
                })?;
                if closed.hash != announced {
                    return Err(IndexError::Mismatch { at, stored: closed.hash, announced });
                }
                Some(closed)
            }
            None => None,
        };
        let site = Site { height: *params.header.number(), at };
        let parent = *params.header.parent_hash();
        let entries = self.writer.entries(site, parent, closed.as_ref())?;
        if let Some(metrics) = &self.metrics {
            metrics.indexed(&entries, closed.as_ref());
            metrics.changed(&changes.main_storage_changes);
        }
        params.auxiliary.extend(entries);
        Ok(())
    }
}

/// The Ethereum block that the digest says was closed.
pub(super) fn announced(header: &<Block as sp_runtime::traits::Block>::Header) -> Option<H256> {
    header.digest().logs.iter().find_map(|item| match item {
        DigestItem::Consensus(engine, data) if *engine == ENGINE_ID => {
            Hashes::decode(&mut data.as_slice()).ok().map(|hashes| hashes.block_hash)
        }
        _ => None,
    })
}

fn failed(error: impl std::fmt::Display) -> ConsensusError {
    ConsensusError::ClientImport(error.to_string())
}

#[async_trait::async_trait]
impl<I> BlockImport<Block> for EthIndexImport<I>
where
    I: BlockImport<Block, Error = ConsensusError> + Send + Sync,
{
    type Error = ConsensusError;

    async fn check_block(
        &self,
        block: BlockCheckParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        self.inner.check_block(block).await
    }

    async fn import_block(
        &self,
        params: BlockImportParams<Block>,
    ) -> Result<ImportResult, Self::Error> {
        let _turn = self.turn.lock().await;
        let start = Instant::now();
        let number = *params.header.number();
        let result = self.import_in_turn(params).await?;
        let ms = start.elapsed().as_millis();
        tracing::debug!(target: "eth-import", number, ms, "imported");
        if let Some(metrics) = &self.metrics {
            metrics.imported(start.elapsed());
        }
        Ok(result)
    }
}

impl<I> EthIndexImport<I>
where
    I: BlockImport<Block, Error = ConsensusError> + Send + Sync,
{
    async fn import_in_turn(
        &self,
        mut params: BlockImportParams<Block>,
    ) -> Result<ImportResult, ConsensusError> {
        let at = params.post_hash();
        if self.client().status(at).map_err(failed)? == ChainStatus::InChain {
            return self.inner.import_block(params).await;
        }
        self.execute(&mut params)?;
        self.index(&mut params, at).map_err(failed)?;
        let whole_state = params.with_state();
        let result = self.inner.import_block(params).await?;
        if whole_state && matches!(result, ImportResult::Imported(_)) {
            start::index_from_state(&self.writer, at).map_err(failed)?;
        }
        Ok(result)
    }
}
