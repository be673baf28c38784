//! Puts the node together: database and client, import pipeline, network, consensus, RPC.
//!
//! [`partial`] opens what is needed to read and import blocks, [`full`] adds all that makes a
//! running node; each other file does one thing and is called by these two.

mod authoring;
mod clock;
mod executor;
mod finality;
mod full;
mod genesis;
mod import;
mod network;
pub(crate) mod partial;
mod proposer;
mod prover;
mod resident;
mod seal;
mod sealing;

pub(crate) use finality::VoterRpc;
pub(crate) use partial::Handles;
pub(crate) use sealing::SealingRpc;

use crate::cli::Sealing;
use pallet_settlement::worker::Endpoint;
use sc_network::{config::NetworkBackendType, Litep2pNetworkBackend, NetworkWorker};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager};
use std::path::Path;

pub(crate) use bzk_eth_rpc::types::{Block, FullBackend, FullClient, FullPool, Hash};

/// Picks the longest chain that contains the last final block.
pub(crate) type SelectChain = sc_consensus::LongestChain<FullBackend, Block>;

/// Starts the node. It runs until the returned task manager is dropped. Above `resident_limit` bytes of memory it gives
/// pages of its database back.
pub(crate) async fn start(
    config: Configuration,
    sealing: Option<Sealing>,
    prover: Option<Endpoint>,
    resident_limit: Option<usize>,
) -> Result<TaskManager, ServiceError> {
    let database = config.database.path().map(Path::to_path_buf);
    let task_manager = match config.network.network_backend {
        NetworkBackendType::Libp2p => {
            full::start::<NetworkWorker<Block, Hash>>(config, sealing, prover)
        }
        NetworkBackendType::Litep2p => {
            full::start::<Litep2pNetworkBackend>(config, sealing, prover)
        }
    }?;
    if let Some((limit, database)) = resident_limit.zip(database) {
        // As the system names it.
        let database = database.canonicalize()?;
        let held = resident::hold_below(limit, database);
        task_manager.spawn_handle().spawn_blocking("resident-memory", None, held);
    }
    Ok(task_manager)
}
