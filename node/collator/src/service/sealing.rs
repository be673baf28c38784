//! Makes blocks on demand instead of by the clock, for development.
//!
//! The blocks carry BABE's digests and seal as the clock's do, and the node that makes them finalises
//! them alone: each within two seconds, or when the RPC says so. A peer imports them as any others, so
//! it takes none whose slot is yet to come.

use super::{
    authoring::Proposer, clock::Clock, import::FullImport, partial::Handles, Block, FullClient,
    FullPool, Hash,
};
use crate::cli::Sealing;
use futures::{channel::mpsc, future, stream, stream::BoxStream, Stream, StreamExt};
use sc_consensus::BlockImportParams;
use sc_consensus_babe::BabeLink;
use sc_consensus_manual_seal::{
    consensus::babe::BabeConsensusDataProvider, run_manual_seal, ConsensusDataProvider,
    EngineCommand, Error as SealingError, ManualSealParams,
};
use sc_service::{error::Error as ServiceError, TaskManager};
use sc_transaction_pool_api::TransactionPool;
use sp_api::StorageProof;
use sp_blockchain::HeaderBackend;
use sp_consensus_babe::{digests::CompatibleDigestItem, AuthorityId, BabeAuthorityWeight};
use sp_core::crypto::key_types;
use sp_inherents::InherentData;
use sp_keystore::KeystorePtr;
use sp_runtime::{Digest, DigestItem};
use std::{sync::Arc, time::Duration};

type Header = <Block as sp_runtime::traits::Block>::Header;

/// Requests of the RPC that may wait for a block.
const WAITING_REQUESTS: usize = 1_000;

/// Time between two looks at whether a transaction waits, and how many follow an announcement.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 8;

/// Time after which the best block is finalised.
const FINAL_AFTER: Duration = Duration::from_secs(1);

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
    let triggers = triggers(mode, &client, &pool);

    let sealing = run_manual_seal(ManualSealParams {
        block_import: deps.block_import,
        env: deps.proposer,
        client,
        commands_stream: stream::select(deps.requests, triggers),
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

/// When a block is made or gets final without a request.
fn triggers(
    mode: Sealing,
    client: &Arc<FullClient>,
    pool: &Arc<FullPool>,
) -> BoxStream<'static, EngineCommand<Hash>> {
    let seals = match mode {
        Sealing::Manual => return stream::pending().boxed(),
        Sealing::Instant => {
            let pool = pool.clone();
            // One block takes all that wait. Manual seal's own look at whether a block is empty takes data of
            // inherents for extrinsics, of which we have one less, and refuses a block of one transaction.
            let looks = looks(pool.import_notification_stream());
            let waits = move |()| future::ready((pool.status().ready > 0).then(seal));
            looks.filter_map(waits).boxed()
        }
        Sealing::Every(period) => every(period).map(|()| seal()).boxed(),
    };
    stream::select(seals, finality(client.clone())).boxed()
}

/// When to look for transactions: as one is announced, and some times more. What comes while the pool turns to a new
/// block is announced before it is ready there; what cannot pay for its gas is ready and waits for good.
fn looks(announced: impl Stream<Item = Hash> + Unpin) -> impl Stream<Item = ()> {
    stream::unfold((announced, 0), |(mut announced, left)| async move {
        if left == 0 {
            announced.next().await?;
            return Some(((), (announced, LOOKS)));
        }
        let next = tokio::time::timeout(LOOK, announced.next()).await;
        match next {
            Ok(next) => next.map(|_| ((), (announced, LOOKS))),
            Err(_) => Some(((), (announced, left - 1))),
        }
    })
}

fn every(period: Duration) -> impl Stream<Item = ()> {
    stream::unfold((), move |()| async move {
        tokio::time::sleep(period).await;
        Some(((), ()))
    })
}

/// Finalises what has been the best block for [`FINAL_AFTER`], or is below what now is. A block that is final as soon
/// as it is made takes transactions with it that come meanwhile (sc-transaction-pool 48).
fn finality(client: Arc<FullClient>) -> impl Stream<Item = EngineCommand<Hash>> {
    let looks = stream::unfold(client.info(), move |before| {
        let client = client.clone();
        async move {
            tokio::time::sleep(FINAL_AFTER).await;
            let now = client.info();
            let on_chain = client.hash(before.best_number).ok().flatten();
            let due = before.best_number > now.finalized_number;
            let due = due && on_chain == Some(before.best_hash);
            Some((due.then(|| finalize(before.best_hash)), now))
        }
    });
    looks.filter_map(future::ready)
}

fn seal() -> EngineCommand<Hash> {
    let (create_empty, finalize, parent_hash, sender) = (true, false, None, None);
    EngineCommand::SealNewBlock { create_empty, finalize, parent_hash, sender }
}

fn finalize(hash: Hash) -> EngineCommand<Hash> {
    EngineCommand::FinalizeBlock { hash, sender: None, justification: None }
}
