//! Votes on finality with GRANDPA, or only follows the votes.

use super::{import::VoterLink, network::VoteChannel, partial::Handles, Block, FullBackend, Hash};
use sc_consensus_grandpa::{
    FinalityProofProvider, GrandpaJustificationStream, GrandpaParams, SharedAuthoritySet,
    SharedVoterState, VotingRulesBuilder,
};
use sc_network::{config::Role, service::traits::NetworkService};
use sc_network_sync::SyncingService;
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::{sync::Arc, time::Duration};
use substrate_prometheus_endpoint::Registry;

/// How long a vote is expected to take to all peers.
const GOSSIP: Duration = Duration::from_millis(333);

/// GRANDPA makes a justification at least this often, in blocks, so that light clients and warp
/// sync find one.
pub(crate) const JUSTIFICATION_PERIOD: u32 = 512;

/// What the RPC shows of GRANDPA.
#[derive(Clone)]
pub(crate) struct VoterRpc {
    /// The rounds in progress.
    pub voter_state: SharedVoterState,
    /// The voters.
    pub voters: SharedAuthoritySet<Hash, u32>,
    /// New justifications.
    pub justifications: GrandpaJustificationStream<Block>,
    /// Proofs of finality.
    pub proofs: Arc<FinalityProofProvider<FullBackend, Block>>,
}

impl VoterRpc {
    /// Handles to the voter of `link`.
    pub(crate) fn new(link: &VoterLink, handles: &Handles) -> Self {
        let backend = handles.backend.clone();
        let voters = link.shared_authority_set().clone();
        Self {
            voter_state: SharedVoterState::empty(),
            justifications: link.justification_stream(),
            proofs: Arc::new(FinalityProofProvider::new(backend, Some(voters.clone()))),
            voters,
        }
    }
}

/// What the voter is built from.
pub(crate) struct FinalityDeps<'a> {
    /// What the voter shares with the import.
    pub link: VoterLink,
    /// The node's network.
    pub network: Arc<dyn NetworkService>,
    /// State of its sync.
    pub sync: Arc<SyncingService<Block>>,
    /// The messages of the voters.
    pub votes: VoteChannel,
    /// Where its state is shown.
    pub voter_state: SharedVoterState,
    /// Keys to vote with, and the pool that reports of equivocation go to.
    pub handles: &'a Handles,
    /// An authority votes, any other node only follows.
    pub role: Role,
    /// Name of the node.
    pub name: String,
    /// Where metrics go.
    pub prometheus: Option<Registry>,
    /// Where telemetry goes.
    pub telemetry: Option<TelemetryHandle>,
    /// Runs it.
    pub task_manager: &'a TaskManager,
}

/// Starts to vote. The voter looks for its key once, so the key has to be in the keystore; the node stops when this task ends.
pub(crate) fn start(deps: FinalityDeps<'_>) -> Result<(), ServiceError> {
    let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
        config: sc_consensus_grandpa::Config {
            gossip_duration: GOSSIP,
            justification_generation_period: JUSTIFICATION_PERIOD,
            name: Some(deps.name),
            observer_enabled: false,
            keystore: deps.role.is_authority().then(|| deps.handles.keystore.clone()),
            local_role: deps.role,
            telemetry: deps.telemetry.clone(),
            protocol_name: deps.votes.protocol,
        },
        link: deps.link,
        network: deps.network,
        sync: deps.sync,
        notification_service: deps.votes.messages,
        // At two blocks from the best one: where the best block itself gets final, the pool loses transactions that
        // follow those which the block took (sc-transaction-pool 48, fork-aware, under load).
        voting_rule: VotingRulesBuilder::default().build(),
        prometheus_registry: deps.prometheus,
        shared_voter_state: deps.voter_state,
        telemetry: deps.telemetry,
        offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(deps.handles.pool.clone()),
    })?;
    deps.task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
    Ok(())
}
