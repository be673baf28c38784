//! The running node.

use super::{
    authoring::{self, AuthoringDeps},
    finality::{self, FinalityDeps, VoterRpc},
    network::{self, Network, NetworkDeps},
    partial::{self, Handles, Partial},
    prover,
    sealing::{self, SealingDeps},
    Block, Hash,
};
use crate::{
    cli::Sealing,
    rpc::{self, RpcDeps},
};
use bzk_eth_rpc::{pool::AuthorPool, EthContext, EthDeps, Limits, SubscriptionIds};
use pallet_settlement::worker::Endpoint;
use sc_network::NetworkBackend;
use sc_network_sync::SyncingService;
use sc_service::{
    error::Error as ServiceError, spawn_tasks, Configuration, SpawnTasksParams, TaskManager,
};
use std::sync::Arc;
use substrate_prometheus_endpoint::Registry;

/// Starts everything. With `sealing` the node makes blocks on demand and does not vote; with `prover` it has batches
/// proven.
pub(super) fn start<N: NetworkBackend<Block, Hash>>(
    mut config: Configuration,
    sealing: Option<Sealing>,
    prover: Option<Endpoint>,
) -> Result<TaskManager, ServiceError> {
    config.rpc.id_provider = Some(Box::new(SubscriptionIds));
    let Partial {
        handles,
        mut task_manager,
        import_queue,
        block_import,
        babe_link,
        babe_worker,
        voter_link,
        mut telemetry,
    } = partial::open(&config, sealing.is_some())?;
    let telemetry_handle = telemetry.as_ref().map(|telemetry| telemetry.handle());
    let prometheus = config.prometheus_registry().cloned();
    let voter = VoterRpc::new(&voter_link, &handles);
    let voter_state = voter.voter_state.clone();

    let Network { service, sync, system_rpc, transactions, votes } =
        network::build::<N>(NetworkDeps {
            config: &config,
            handles: &handles,
            import_queue,
            voters: voter.voters.clone(),
            task_manager: &task_manager,
        })?;
    let role = config.role;
    prover::start(&handles, prover.as_ref(), &task_manager);
    if config.offchain_worker.enabled {
        let is_validator = role.is_authority();
        network::start_offchain_worker(&handles, service.clone(), is_validator, &task_manager)?;
    }

    let eth = ethereum(&handles, &sync, prometheus.clone(), &task_manager);
    let author_pool = AuthorPool::new(&eth.pool, prometheus.as_ref());
    let (sealing_rpc, requests) = sealing::channel();
    let rpc = RpcDeps {
        handles: handles.clone(),
        chain_spec: config.chain_spec.cloned_box(),
        babe_worker,
        voter,
        sealing: sealing.map(|_| sealing_rpc),
        eth,
    };
    let name = config.network.node_name.clone();
    let (force, votes_wanted) = (config.force_authoring, !config.disable_grandpa);
    // Puts the keys of a development authority into the keystore, so consensus starts after it.
    spawn_tasks(SpawnTasksParams {
        config,
        client: handles.client.clone(),
        backend: handles.backend.clone(),
        task_manager: &mut task_manager,
        keystore: handles.keystore.clone(),
        transaction_pool: handles.pool.clone(),
        rpc_builder: Box::new(move |executor| {
            rpc::create(&rpc, executor).map_err(ServiceError::Application)
        }),
        network: service.clone(),
        system_rpc_tx: system_rpc,
        tx_handler_controller: transactions,
        sync_service: sync.clone(),
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;

    let proposer = authoring::proposer(
        &handles,
        author_pool,
        &task_manager,
        prometheus.as_ref(),
        telemetry_handle.clone(),
    );
    if let Some(mode) = sealing {
        let deps = SealingDeps {
            handles: &handles,
            requests,
            proposer,
            block_import,
            babe_link,
            task_manager: &task_manager,
        };
        sealing::start(mode, deps)?;
        task_manager.spawn_handle().spawn("votes-refused", None, votes.refuse());
        return Ok(task_manager);
    }
    if role.is_authority() {
        authoring::start(AuthoringDeps {
            handles: &handles,
            proposer,
            block_import,
            babe_link,
            sync: sync.clone(),
            force,
            telemetry: telemetry_handle.clone(),
            task_manager: &task_manager,
        })?;
    }
    if votes_wanted {
        finality::start(FinalityDeps {
            link: voter_link,
            network: service,
            sync,
            votes,
            voter_state,
            handles: &handles,
            role,
            name,
            prometheus,
            telemetry: telemetry_handle,
            task_manager: &task_manager,
        })?;
    } else {
        task_manager.spawn_handle().spawn("votes-refused", None, votes.refuse());
    }
    Ok(task_manager)
}

/// What Ethereum's methods share; one for the whole node, however many addresses it listens on.
fn ethereum(
    handles: &Handles,
    sync: &Arc<SyncingService<Block>>,
    prometheus: Option<Registry>,
    task_manager: &TaskManager,
) -> EthContext {
    EthContext::new(EthDeps {
        client: handles.client.clone(),
        backend: handles.backend.clone(),
        pool: handles.pool.clone(),
        sync: sync.clone(),
        limits: Limits::default(),
        prometheus,
        executor: Arc::new(task_manager.spawn_handle()),
    })
}
