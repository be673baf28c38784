//! The running node.

use super::{
    authoring::{self, AuthoringDeps},
    finality::{self, FinalityDeps, VoterRpc},
    network::{self, Network, NetworkDeps, WorkerDeps},
    partial::{self, Partial},
    sealing::{self, SealingDeps},
    Block, Hash,
};
use crate::{
    cli::Sealing,
    rpc::{self, RpcDeps},
};
use bzk_eth_rpc::{EthContext, EthDeps, Limits};
use sc_network::NetworkBackend;
use sc_service::{
    error::Error as ServiceError, spawn_tasks, Configuration, SpawnTasksParams, TaskManager,
};
use std::sync::Arc;

/// Starts everything. With `sealing` the node makes blocks on demand and does not vote.
pub(super) fn start<N: NetworkBackend<Block, Hash>>(
    config: Configuration,
    sealing: Option<Sealing>,
) -> Result<TaskManager, ServiceError> {
    let Partial {
        client,
        backend,
        mut task_manager,
        keystore,
        select_chain,
        pool,
        import_queue,
        block_import,
        babe_link,
        babe_worker,
        voter_link,
        mut telemetry,
    } = partial::open(&config, sealing.is_some())?;
    let keystore = keystore.keystore();
    let telemetry_handle = telemetry.as_ref().map(|telemetry| telemetry.handle());
    let prometheus = config.prometheus_registry().cloned();
    let voter = VoterRpc::new(&voter_link, backend.clone());

    let Network { service, sync, system_rpc, transactions, votes } =
        network::build::<N>(NetworkDeps {
            config: &config,
            client: client.clone(),
            backend: backend.clone(),
            pool: pool.clone(),
            import_queue,
            voters: voter.voters.clone(),
            task_manager: &task_manager,
        })?;

    let role = config.role;
    if config.offchain_worker.enabled {
        network::start_offchain_worker(WorkerDeps {
            client: client.clone(),
            backend: backend.clone(),
            pool: pool.clone(),
            keystore: keystore.clone(),
            network: service.clone(),
            is_validator: role.is_authority(),
            task_manager: &task_manager,
        })?;
    }

    let proposer = authoring::proposer(
        client.clone(),
        pool.clone(),
        &task_manager,
        prometheus.as_ref(),
        telemetry_handle.clone(),
    );
    let mut sealing_rpc = None;
    if let Some(mode) = sealing {
        sealing_rpc = Some(sealing::start(
            mode,
            SealingDeps {
                client: client.clone(),
                select_chain: select_chain.clone(),
                proposer,
                block_import,
                babe_link,
                keystore: keystore.clone(),
                pool: pool.clone(),
                task_manager: &task_manager,
            },
        )?);
    } else if role.is_authority() {
        authoring::start(AuthoringDeps {
            client: client.clone(),
            select_chain: select_chain.clone(),
            proposer,
            block_import,
            babe_link,
            keystore: keystore.clone(),
            sync: sync.clone(),
            force: config.force_authoring,
            telemetry: telemetry_handle.clone(),
            task_manager: &task_manager,
        })?;
    }

    if sealing.is_none() && !config.disable_grandpa {
        finality::start(FinalityDeps {
            link: voter_link,
            network: service.clone(),
            sync: sync.clone(),
            votes,
            voter_state: voter.voter_state.clone(),
            pool: pool.clone(),
            keystore: role.is_authority().then(|| keystore.clone()),
            role,
            name: config.network.node_name.clone(),
            prometheus: prometheus.clone(),
            telemetry: telemetry_handle,
            task_manager: &task_manager,
        })?;
    }

    let eth = EthContext::new(EthDeps {
        client: client.clone(),
        backend: backend.clone(),
        pool: pool.clone(),
        sync: sync.clone(),
        limits: Limits::default(),
        prometheus,
        executor: Arc::new(task_manager.spawn_handle()),
    });
    let rpc_deps = RpcDeps {
        client: client.clone(),
        pool: pool.clone(),
        select_chain,
        chain_spec: config.chain_spec.cloned_box(),
        keystore: keystore.clone(),
        babe_worker,
        voter,
        sealing: sealing_rpc,
        eth,
    };

    spawn_tasks(SpawnTasksParams {
        config,
        client,
        backend,
        task_manager: &mut task_manager,
        keystore,
        transaction_pool: pool,
        rpc_builder: Box::new(move |executor| {
            rpc::create(&rpc_deps, executor).map_err(|error| ServiceError::Application(error))
        }),
        network: service,
        system_rpc_tx: system_rpc,
        tx_handler_controller: transactions,
        sync_service: sync,
        telemetry: telemetry.as_mut(),
        tracing_execute_block: None,
    })?;
    Ok(task_manager)
}
