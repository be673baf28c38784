//! The pipeline that a block passes on its way into the database, from the outside in:
//! BABE checks the slot on the sealed header, the Ethereum index adds its entries, GRANDPA its justifications, and the
//! client writes everything in one batch.

use super::{
    clock::Clock,
    finality::JUSTIFICATION_PERIOD,
    partial::Handles,
    seal::{Sealed, Unsealed},
    Block, FullBackend, FullClient, SelectChain,
};
use bzk_eth_rpc::EthIndexImport;
use sc_consensus_babe::{BabeBlockImport, BabeLink, BabeWorkerHandle};
use sc_consensus_grandpa::{GrandpaBlockImport, LinkHalf};
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use substrate_prometheus_endpoint::Registry;

/// Imports into the client and follows the voters.
type FinalityImport = GrandpaBlockImport<FullBackend, Block, FullClient, SelectChain>;

/// What comes after BABE.
type IndexImport = Unsealed<EthIndexImport<FinalityImport>>;

/// The whole pipeline.
pub(crate) type FullImport =
    Sealed<BabeBlockImport<Block, FullClient, IndexImport, Clock, SelectChain>>;

/// Takes blocks from the network, verifies and imports them.
pub(crate) type ImportQueue = sc_consensus::DefaultImportQueue<Block>;

/// GRANDPA's half of the pipeline, which its voter takes over.
pub(crate) type VoterLink = LinkHalf<Block, FullClient, SelectChain>;

/// What the pipeline is built from.
pub(crate) struct ImportDeps<'a> {
    /// Client, database, pool.
    pub handles: &'a Handles,
    /// Whether blocks are made on demand, so that their time may run ahead.
    pub sealing: bool,
    /// Runs the queue.
    pub task_manager: &'a TaskManager,
    /// Where metrics go.
    pub prometheus: Option<&'a Registry>,
    /// Where telemetry goes.
    pub telemetry: Option<TelemetryHandle>,
}

/// The pipeline and the handles to it.
pub(crate) struct Import {
    /// For blocks that this node makes.
    pub block_import: FullImport,
    /// For blocks of others.
    pub queue: ImportQueue,
    /// What authoring shares with the pipeline.
    pub babe_link: BabeLink<Block>,
    /// Answers questions about epochs.
    pub babe_worker: BabeWorkerHandle<Block>,
    /// What the voter shares with the pipeline.
    pub voter_link: VoterLink,
}

/// Builds the pipeline and starts its queue.
pub(crate) fn build(deps: ImportDeps<'_>) -> Result<Import, ServiceError> {
    let ImportDeps { handles, sealing, task_manager, prometheus, telemetry } = deps;
    let Handles { client, backend, pool, select_chain, .. } = handles.clone();

    let (finality_import, voter_link) = sc_consensus_grandpa::block_import(
        client.clone(),
        JUSTIFICATION_PERIOD,
        &client,
        select_chain.clone(),
        telemetry.clone(),
    )?;
    let justification_import = finality_import.clone();

    bzk_eth_rpc::index::index_existing(&client, &backend)
        .map_err(|error| ServiceError::Application(error.into()))?;
    let index_import =
        Unsealed(EthIndexImport::new(finality_import, client.clone(), backend, prometheus));

    let config = sc_consensus_babe::configuration(&*client)?;
    let slot_duration = config.slot_duration();
    let (block_import, babe_link) = sc_consensus_babe::block_import(
        config,
        index_import,
        client.clone(),
        Clock::new(client.clone(), slot_duration, sealing),
        select_chain,
        OffchainTransactionPoolFactory::new(pool),
    )?;
    let block_import = Sealed(block_import);

    let (queue, babe_worker) =
        sc_consensus_babe::import_queue(sc_consensus_babe::ImportQueueParams {
            link: babe_link.clone(),
            block_import: block_import.clone(),
            justification_import: Some(Box::new(justification_import)),
            client,
            slot_duration,
            spawner: &task_manager.spawn_essential_handle(),
            registry: prometheus,
            telemetry,
        })?;

    Ok(Import { block_import, queue, babe_link, babe_worker, voter_link })
}
