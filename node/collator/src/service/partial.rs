//! Client, database, pool and import pipeline: enough for the subcommands that read or import
//! blocks.

use super::{
    executor,
    genesis::Genesis,
    import::{self, FullImport, ImportDeps, ImportQueue, VoterLink},
    Block, FullBackend, FullClient, FullPool, SelectChain,
};
use bitcoinzk_runtime::RuntimeApi;
use sc_consensus_babe::{BabeLink, BabeWorkerHandle};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sp_keystore::KeystorePtr;
use std::sync::Arc;

/// Telemetry messages that wait to be sent.
const TELEMETRY_BACKLOG: usize = 16;

/// What nearly every part of the node works with; a clone is cheap.
#[derive(Clone)]
pub(crate) struct Handles {
    /// The client.
    pub client: Arc<FullClient>,
    /// Its database.
    pub backend: Arc<FullBackend>,
    /// Transactions that wait.
    pub pool: Arc<FullPool>,
    /// The keys of this node.
    pub keystore: KeystorePtr,
    /// Chooses the best chain.
    pub select_chain: SelectChain,
}

/// What [`open`] made.
pub(crate) struct Partial {
    /// Client, database, pool, keys.
    pub handles: Handles,
    /// Owns all tasks; the node stops when it is dropped.
    pub task_manager: TaskManager,
    /// Imports blocks of others.
    pub import_queue: ImportQueue,
    /// Imports blocks of this node.
    pub block_import: FullImport,
    /// What authoring shares with the import.
    pub babe_link: BabeLink<Block>,
    /// Answers questions about epochs.
    pub babe_worker: BabeWorkerHandle<Block>,
    /// What the voter shares with the import.
    pub voter_link: VoterLink,
    /// Reports to telemetry servers, if there are any.
    pub telemetry: Option<Telemetry>,
}

/// Opens the database, creating it where there is none, and builds the import pipeline.
///
/// `sealing` tells whether blocks are made on demand.
pub(crate) fn open(config: &Configuration, sealing: bool) -> Result<Partial, ServiceError> {
    let telemetry = open_telemetry(config)?;
    let telemetry_handle = telemetry.as_ref().map(|(_, telemetry)| telemetry.handle());

    let executor = executor::build(&config.executor);
    let backend = sc_service::new_db_backend(config.db_config())?;
    let genesis = Genesis {
        spec: &*config.chain_spec,
        commit: !config.no_genesis(),
        backend: backend.clone(),
        executor: executor.clone(),
    };
    let (client, backend, keystore, task_manager) =
        sc_service::new_full_parts_with_genesis_builder::<Block, RuntimeApi, _, _>(
            config,
            telemetry_handle.clone(),
            executor,
            backend,
            genesis,
            false,
        )?;
    let client = Arc::new(client);
    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let pool = sc_transaction_pool::Builder::new(
        task_manager.spawn_essential_handle(),
        client.clone(),
        config.role.is_authority().into(),
    )
    .with_options(config.transaction_pool.clone())
    .with_prometheus(config.prometheus_registry())
    .build();

    let handles = Handles {
        select_chain: SelectChain::new(backend.clone()),
        client,
        backend,
        pool: Arc::new(pool),
        keystore: keystore.keystore(),
    };
    let import = import::build(ImportDeps {
        handles: &handles,
        sealing,
        task_manager: &task_manager,
        prometheus: config.prometheus_registry(),
        telemetry: telemetry_handle,
    })?;

    Ok(Partial {
        handles,
        task_manager,
        import_queue: import.queue,
        block_import: import.block_import,
        babe_link: import.babe_link,
        babe_worker: import.babe_worker,
        voter_link: import.voter_link,
        telemetry,
    })
}

/// Connects to the telemetry servers that the configuration names.
fn open_telemetry(
    config: &Configuration,
) -> Result<Option<(TelemetryWorker, Telemetry)>, sc_telemetry::Error> {
    let endpoints = config.telemetry_endpoints.clone().filter(|endpoints| !endpoints.is_empty());
    let Some(endpoints) = endpoints else { return Ok(None) };
    let worker = TelemetryWorker::new(TELEMETRY_BACKLOG)?;
    let telemetry = worker.handle().new_telemetry(endpoints);
    Ok(Some((worker, telemetry)))
}
