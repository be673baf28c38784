//! Makes blocks on demand instead of by the clock, for development.
//!
//! The blocks carry BABE's digests and seal as the clock's do, and each is final at once on the node
//! that makes it. A peer imports them as any others, so it takes none whose slot is yet to come.

use super::{
    authoring::Proposer, clock::Clock, import::FullImport, partial::Handles, Block, FullClient,
    FullPool, Hash,
};
use crate::cli::Sealing;
use futures::{channel::mpsc, future, stream, stream::BoxStream, StreamExt};
use sc_consensus::BlockImportParams;
use sc_consensus_babe::BabeLink;
use sc_consensus_manual_seal::{
    consensus::babe::BabeConsensusDataProvider, run_manual_seal, ConsensusDataProvider,
    EngineCommand, Error as SealingError, ManualSealParams,
};
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_transaction_pool_api::TransactionPool;
use sp_api::StorageProof;
use sp_consensus_babe::{digests::CompatibleDigestItem, AuthorityId, BabeAuthorityWeight};
use sp_core::crypto::key_types;
use sp_inherents::InherentData;
use sp_keystore::KeystorePtr;
use sp_runtime::{Digest, DigestItem};
use std::{sync::Arc, time::Duration};

type Header = <Block as sp_runtime::traits::Block>::Header;

/// Requests of the RPC that may wait for a block.
const WAITING_REQUESTS: usize = 1_000;

/// Where the RPC asks for blocks.
pub(crate) type SealingRpc = mpsc::Sender<EngineCommand<Hash>>;

/// The requests that come from there.
pub(crate) type SealingRequests = mpsc::Receiver<EngineCommand<Hash>>;

/// Connects the RPC with [`start`].
pub(crate) fn channel() -> (SealingRpc, SealingRequests) {
    mpsc::channel(WAITING_REQUESTS)
}

/// What sealing is built from.
pub(crate) struct SealingDeps<'a> {
    /// Client, pool, keys, choice of the chain to build on.
    pub handles: &'a Handles,
    /// Requests of the RPC, which may come in every mode.
    pub requests: SealingRequests,
    /// Fills the block.
    pub proposer: Proposer,
    /// Where the block goes.
    pub block_import: FullImport,
    /// What authoring shares with the import.
    pub babe_link: BabeLink<Block>,
    /// Runs it.
    pub task_manager: &'a TaskManager,
}

/// Starts to seal; the node stops when this task ends.
pub(crate) fn start(mode: Sealing, deps: SealingDeps<'_>) -> Result<(), ServiceError> {
    let Handles { client, pool, keystore, select_chain, .. } = deps.handles.clone();
    let config = deps.babe_link.config().clone();
    let digests = BabeConsensusDataProvider::new(
        client.clone(),
        keystore.clone(),
        deps.babe_link.epoch_changes().clone(),
        config.authorities.clone(),
    )
    .map_err(|error| ServiceError::Application(error.into()))?;
    let digests = Sealed { digests, keystore, authorities: config.authorities.clone() };
    let clock = Clock::new(client.clone(), config.slot_duration(), true);

    let sealing = run_manual_seal(ManualSealParams {
        block_import: deps.block_import,
        env: deps.proposer,
        client,
        commands_stream: stream::select(deps.requests, triggers(mode, &pool)),
        pool,
        select_chain,
        consensus_data_provider: Some(Box::new(digests)),
        create_inherent_data_providers: clock,
    });
    deps.task_manager.spawn_essential_handle().spawn_blocking(
        "manual-seal",
        Some("block-authoring"),
        sealing,
    );
    Ok(())
}

/// BABE's digests with its seal, which manual sealing leaves out.
struct Sealed {
    digests: BabeConsensusDataProvider<Block, FullClient>,
    keystore: KeystorePtr,
    authorities: Vec<(AuthorityId, BabeAuthorityWeight)>,
}

impl Sealed {
    /// The seal of a block with this header; none if the key of its author is not here.
    fn seal(&self, header: &Header) -> Result<Option<DigestItem>, SealingError> {
        let claim = sc_consensus_babe::find_pre_digest::<Block>(header)
            .map_err(|error| SealingError::StringError(error.to_string()))?;
        let author = usize::try_from(claim.authority_index())
            .ok()
            .and_then(|index| self.authorities.get(index));
        let Some((author, _)) = author else { return Ok(None) };
        let signature = self
            .keystore
            .sr25519_sign(key_types::BABE, author.as_ref(), header.hash().as_ref())
            .map_err(|error| SealingError::StringError(error.to_string()))?;
        Ok(signature.map(|signature| DigestItem::babe_seal(signature.into())))
    }
}

impl ConsensusDataProvider<Block> for Sealed {
    fn create_digest(
        &self,
        parent: &Header,
        inherents: &InherentData,
    ) -> Result<Digest, SealingError> {
        self.digests.create_digest(parent, inherents)
    }

    fn append_block_import(
        &self,
        parent: &Header,
        params: &mut BlockImportParams<Block>,
        inherents: &InherentData,
        proof: StorageProof,
    ) -> Result<(), SealingError> {
        self.digests.append_block_import(parent, params, inherents, proof)?;
        params.post_digests.extend(self.seal(&params.header)?);
        Ok(())
    }
}

/// When a block is made without a request.
fn triggers(mode: Sealing, pool: &Arc<FullPool>) -> BoxStream<'static, EngineCommand<Hash>> {
    match mode {
        Sealing::Instant => {
            let (imported, pool) = (pool.import_notification_stream(), pool.clone());
            // One block takes all that wait. Manual seal's own look at whether a block is empty takes data of
            // inherents for extrinsics, of which we have one less, and refuses a block of one transaction.
            let waits = move |_| future::ready((pool.status().ready > 0).then(seal));
            imported.filter_map(waits).boxed()
        }
        Sealing::Manual => stream::pending().boxed(),
        Sealing::Every(period) => stream::unfold(period, tick).boxed(),
    }
}

async fn tick(period: Duration) -> Option<(EngineCommand<Hash>, Duration)> {
    tokio::time::sleep(period).await;
    Some((seal(), period))
}

fn seal() -> EngineCommand<Hash> {
    let (create_empty, finalize, parent_hash, sender) = (true, true, None, None);
    EngineCommand::SealNewBlock { create_empty, finalize, parent_hash, sender }
}
