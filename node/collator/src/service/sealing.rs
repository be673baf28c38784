//! Makes blocks on demand instead of by the clock, for development.
//!
//! The blocks carry BABE's digests as the clock's do, and each is final at once.

use super::{
    authoring::Proposer, clock::Clock, import::FullImport, Block, FullClient, FullPool, Hash,
    SelectChain,
};
use crate::cli::Sealing;
use futures::{channel::mpsc, stream, stream::BoxStream, StreamExt};
use sc_consensus_babe::BabeLink;
use sc_consensus_manual_seal::{
    consensus::babe::BabeConsensusDataProvider, run_manual_seal, EngineCommand, ManualSealParams,
};
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_transaction_pool_api::TransactionPool;
use sp_keystore::KeystorePtr;
use std::{sync::Arc, time::Duration};

/// Requests of the RPC that may wait for a block.
const WAITING_REQUESTS: usize = 1_000;

/// Where the RPC asks for blocks.
pub(crate) type SealingRpc = mpsc::Sender<EngineCommand<Hash>>;

/// What sealing is built from.
pub(crate) struct SealingDeps<'a> {
    /// The client.
    pub client: Arc<FullClient>,
    /// Chooses what to build on.
    pub select_chain: SelectChain,
    /// Fills the block.
    pub proposer: Proposer,
    /// Where the block goes.
    pub block_import: FullImport,
    /// What authoring shares with the import.
    pub babe_link: BabeLink<Block>,
    /// Holds the key of the authority.
    pub keystore: KeystorePtr,
    /// Transactions that ask for a block.
    pub pool: Arc<FullPool>,
    /// Runs it.
    pub task_manager: &'a TaskManager,
}

/// Starts to seal; the RPC may ask for blocks in every mode.
pub(crate) fn start(mode: Sealing, deps: SealingDeps<'_>) -> Result<SealingRpc, ServiceError> {
    let config = deps.babe_link.config().clone();
    let digests = BabeConsensusDataProvider::new(
        deps.client.clone(),
        deps.keystore,
        deps.babe_link.epoch_changes().clone(),
        config.authorities.clone(),
    )
    .map_err(|error| ServiceError::Application(error.into()))?;
    let clock = Clock::new(deps.client.clone(), config.slot_duration(), true);

    let (rpc, requests) = mpsc::channel(WAITING_REQUESTS);
    let sealing = run_manual_seal(ManualSealParams {
        block_import: deps.block_import,
        env: deps.proposer,
        client: deps.client,
        commands_stream: stream::select(requests, triggers(mode, &deps.pool)),
        pool: deps.pool,
        select_chain: deps.select_chain,
        consensus_data_provider: Some(Box::new(digests)),
        create_inherent_data_providers: clock,
    });
    deps.task_manager.spawn_essential_handle().spawn_blocking(
        "manual-seal",
        Some("block-authoring"),
        sealing,
    );
    Ok(rpc)
}

/// When a block is made without a request.
fn triggers(mode: Sealing, pool: &FullPool) -> BoxStream<'static, EngineCommand<Hash>> {
    match mode {
        Sealing::Instant => pool.import_notification_stream().map(|_| seal(false)).boxed(),
        Sealing::Manual => stream::pending().boxed(),
        Sealing::Every(period) => stream::unfold(period, tick).boxed(),
    }
}

async fn tick(period: Duration) -> Option<(EngineCommand<Hash>, Duration)> {
    tokio::time::sleep(period).await;
    Some((seal(true), period))
}

fn seal(create_empty: bool) -> EngineCommand<Hash> {
    EngineCommand::SealNewBlock { create_empty, finalize: true, parent_hash: None, sender: None }
}
