//! The network, with the protocols of sync, transactions and GRANDPA, and the off-chain worker that
//! may use it.

use super::{import::ImportQueue, partial::Handles, Block, Hash};
use sc_client_api::Backend;
use sc_network::{
    config::FullNetworkConfiguration,
    service::traits::{NetworkService, NotificationService},
    NetworkBackend, ProtocolName,
};
use sc_network_sync::{SyncingService, WarpSyncConfig};
use sc_offchain::{OffchainWorkerOptions, OffchainWorkers};
use sc_rpc::system::Request as SystemRequest;
use sc_service::{
    build_network, error::Error as ServiceError, BuildNetworkParams, Configuration, TaskManager,
};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sc_utils::mpsc::TracingUnboundedSender;
use std::sync::Arc;

/// What the network is built from.
pub(crate) struct NetworkDeps<'a> {
    /// The node's configuration.
    pub config: &'a Configuration,
    /// Client, database, pool.
    pub handles: &'a Handles,
    /// Where blocks of others go.
    pub import_queue: ImportQueue,
    /// The voters that proofs of warp sync are about.
    pub voters: sc_consensus_grandpa::SharedAuthoritySet<Hash, u32>,
    /// Runs the network.
    pub task_manager: &'a TaskManager,
}

/// A running network and the handles to it.
pub(crate) struct Network {
    /// Peers and messages.
    pub service: Arc<dyn NetworkService>,
    /// State of the sync.
    pub sync: Arc<SyncingService<Block>>,
    /// Questions of the system RPC.
    pub system_rpc: TracingUnboundedSender<SystemRequest<Block>>,
    /// Switches the gossip of transactions.
    pub transactions: sc_network_transactions::TransactionsHandlerController<Hash>,
    /// GRANDPA's part of the network.
    pub votes: VoteChannel,
}

/// The messages of GRANDPA's voters.
pub(crate) struct VoteChannel {
    /// The messages.
    pub messages: Box<dyn NotificationService>,
    /// The protocol that carries them.
    pub protocol: ProtocolName,
}

impl VoteChannel {
    /// Refuses every peer's votes, for a node that does not follow them. A channel that is dropped
    /// would end the connections that peers open.
    pub(crate) async fn refuse(mut self) {
        while self.messages.next_event().await.is_some() {}
    }
}

/// Starts the network.
pub(crate) fn build<N: NetworkBackend<Block, Hash>>(
    deps: NetworkDeps<'_>,
) -> Result<Network, ServiceError> {
    let NetworkDeps { config, handles, import_queue, voters, task_manager } = deps;
    let Handles { client, backend, pool, .. } = handles.clone();
    let prometheus = config.prometheus_registry().cloned();
    let metrics = N::register_notification_metrics(config.prometheus_registry());
    let mut net_config =
        FullNetworkConfiguration::<_, _, N>::new(&config.network, prometheus.clone());

    let genesis_hash = client.chain_info().genesis_hash;
    let protocol = sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
    let (votes_config, messages) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
        protocol.clone(),
        metrics.clone(),
        net_config.peer_store_handle(),
    );
    net_config.add_notification_protocol(votes_config);

    let warp_sync = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
        backend,
        voters,
        Vec::default(),
    ));
    let (service, system_rpc, transactions, sync, _bitswap) = build_network(BuildNetworkParams {
        config,
        net_config,
        client,
        transaction_pool: pool,
        spawn_handle: task_manager.spawn_handle(),
        spawn_essential_handle: task_manager.spawn_essential_handle(),
        import_queue,
        block_announce_validator_builder: None,
        warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
        block_relay: None,
        metrics,
        gap_sync_body_policy: None,
    })?;
    let votes = VoteChannel { messages, protocol };
    Ok(Network { service, sync, system_rpc, transactions, votes })
}

/// Runs the runtime's off-chain worker after each imported block.
pub(crate) fn start_offchain_worker(
    handles: &Handles,
    network: Arc<dyn NetworkService>,
    is_validator: bool,
    task_manager: &TaskManager,
) -> Result<(), ServiceError> {
    let workers = OffchainWorkers::new(OffchainWorkerOptions {
        runtime_api_provider: handles.client.clone(),
        keystore: Some(handles.keystore.clone()),
        offchain_db: handles.backend.offchain_storage(),
        transaction_pool: Some(OffchainTransactionPoolFactory::new(handles.pool.clone())),
        network_provider: Arc::new(network),
        is_validator,
        enable_http_requests: true,
        custom_extensions: |_| Vec::new(),
    })?;
    let spawner = task_manager.spawn_handle();
    task_manager.spawn_handle().spawn(
        "offchain-workers-runner",
        "offchain-worker",
        workers.run(handles.client.clone(), spawner),
    );
    Ok(())
}
