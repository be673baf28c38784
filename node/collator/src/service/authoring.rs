//! Makes blocks: claims slots with BABE and fills them from the pool.

use super::{clock::Clock, import::FullImport, partial::Handles, proposer::TimelyFactory, Block};
use bitcoinzk_runtime::configs::MAX_BLOCK_BYTES;
use bzk_eth_rpc::pool::AuthorPool;
use sc_basic_authorship::ProposerFactory;
use sc_consensus_babe::{BabeLink, BabeParams, SlotProportion};
use sc_network_sync::SyncingService;
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_telemetry::TelemetryHandle;
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// The share of a slot that goes into making the block; the rest is for sending and importing it.
const PROPOSAL_SHARE: f32 = 2.0 / 3.0;

/// Fills blocks from the pool.
pub(crate) type Proposer = TimelyFactory;

/// A proposer that goes up to the size that the runtime allows, with the transactions of `pool`.
pub(crate) fn proposer(
    handles: &Handles,
    pool: AuthorPool,
    task_manager: &TaskManager,
    prometheus: Option<&Registry>,
    telemetry: Option<TelemetryHandle>,
) -> Proposer {
    let (client, pool) = (handles.client.clone(), Arc::new(pool));
    let mut factory =
        ProposerFactory::new(task_manager.spawn_handle(), client, pool, prometheus, telemetry);
    factory.set_default_block_size_limit(MAX_BLOCK_BYTES as usize);
    TimelyFactory::new(factory)
}

/// What authoring is built from.
pub(crate) struct AuthoringDeps<'a> {
    /// Client, keys, choice of the chain to build on.
    pub handles: &'a Handles,
    /// Fills the block.
    pub proposer: Proposer,
    /// Where the block goes.
    pub block_import: FullImport,
    /// What authoring shares with the import.
    pub babe_link: BabeLink<Block>,
    /// Tells whether the node is behind, and fetches justifications.
    pub sync: Arc<SyncingService<Block>>,
    /// Author although there are no peers.
    pub force: bool,
    /// Where telemetry goes.
    pub telemetry: Option<TelemetryHandle>,
    /// Runs it.
    pub task_manager: &'a TaskManager,
}

/// Starts to author; the node stops when this task ends.
pub(crate) fn start(deps: AuthoringDeps<'_>) -> Result<(), ServiceError> {
    let Handles { client, select_chain, keystore, .. } = deps.handles.clone();
    let slot_duration = deps.babe_link.config().slot_duration();
    let clock = Clock::new(client.clone(), slot_duration, false);
    let babe = sc_consensus_babe::start_babe(BabeParams {
        keystore,
        client,
        select_chain,
        env: deps.proposer,
        block_import: deps.block_import,
        sync_oracle: deps.sync.clone(),
        justification_sync_link: deps.sync,
        create_inherent_data_providers: clock,
        force_authoring: deps.force,
        backoff_authoring_blocks: None::<()>,
        babe_link: deps.babe_link,
        block_proposal_slot_portion: SlotProportion::new(PROPOSAL_SHARE),
        max_block_proposal_slot_portion: None,
        telemetry: deps.telemetry,
    })?;
    deps.task_manager.spawn_essential_handle().spawn_blocking(
        "babe-proposer",
        Some("block-authoring"),
        babe,
    );
    Ok(())
}
