//! Client, database, pool and import pipeline: enough for the subcommands that read or import
//! blocks.

use super::{
    import::{self, FullImport, ImportDeps, ImportQueue, VoterLink},
    Block, Executor, FullBackend, FullClient, FullPool, SelectChain,
};
use bitcoinzk_runtime::RuntimeApi;
use sc_consensus_babe::{BabeLink, BabeWorkerHandle};
use sc_service::{error::Error as ServiceError, Configuration, KeystoreContainer, TaskManager};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::sync::Arc;

/// What [`open`] made.
pub(crate) struct Partial {
    /// The client.
    pub client: Arc<FullClient>,
    /// Its database.
    pub backend: Arc<FullBackend>,
    /// Owns all tasks; the node stops when it is dropped.
    pub task_manager: TaskManager,
    /// The keys of this node.
    pub keystore: KeystoreContainer,
    /// Chooses the best chain.
    pub select_chain: SelectChain,
    /// Transactions that wait.
    pub pool: Arc<FullPool>,
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
    let telemetry = config
        .telemetry_endpoints
        .clone()
        .filter(|endpoints| !endpoints.is_empty())
        .map(|endpoints| -> Result<_, sc_telemetry::Error> {
            let worker = TelemetryWorker::new(16)?;
            let telemetry = worker.handle().new_telemetry(endpoints);
            Ok((worker, telemetry))
        })
        .transpose()?;
    let telemetry_handle = telemetry.as_ref().map(|(_, telemetry)| telemetry.handle());

    let executor: Executor = sc_service::new_wasm_executor(&config.executor);
    let (client, backend, keystore, task_manager) =
        sc_service::new_full_parts::<Block, RuntimeApi, _>(
            config,
            telemetry_handle.clone(),
            executor,
            Vec::new(),
        )?;
    let client = Arc::new(client);

    let telemetry = telemetry.map(|(worker, telemetry)| {
        task_manager.spawn_handle().spawn("telemetry", None, worker.run());
        telemetry
    });

    let select_chain = SelectChain::new(backend.clone());
    let pool = Arc::new(
        sc_transaction_pool::Builder::new(
            task_manager.spawn_essential_handle(),
            client.clone(),
            config.role.is_authority().into(),
        )
        .with_options(config.transaction_pool.clone())
        .with_prometheus(config.prometheus_registry())
        .build(),
    );

    let import = import::build(ImportDeps {
        client: client.clone(),
        backend: backend.clone(),
        select_chain: select_chain.clone(),
        sealing,
        pool: OffchainTransactionPoolFactory::new(pool.clone()),
        task_manager: &task_manager,
        prometheus: config.prometheus_registry(),
        telemetry: telemetry_handle,
    })?;

    Ok(Partial {
        client,
        backend,
        task_manager,
        keystore,
        select_chain,
        pool,
        import_queue: import.queue,
        block_import: import.block_import,
        babe_link: import.babe_link,
        babe_worker: import.babe_worker,
        voter_link: import.voter_link,
        telemetry,
    })
}
