//! The off-chain worker: hands the oldest batches without a proof to the prover of this node, and records the proof of
//! the first.
//!
//! A record is an authority's word, and a wrong one must not stop the others: what another authority has recorded and the
//! contract has not settled goes to this node's prover all the same, once, after the batches without a record. So a
//! prover that comes late begins with what nobody has proven.
//!
//! It does nothing unless the node says in its local storage where a prover is ([`PROVER`]). The node also says which
//! block is final ([`FINALIZED`]), because the runtime cannot know: only final batches are handed over.
//!
//! Each run asks the same three things, and the prover takes the same batch only once, so there is no state to lose:
//! submit the batch, ask how far it is, and when it is proven fetch the proof. While the prover works on it, it gets the
//! next batches too, so that several workers have blocks to prove. One run at a time; after a failure the next one waits
//! twice as long as the last.

use crate::{
    prover::{Prover, ProverError, State, DEADLINE_MS},
    Authorities, Batch, BatchId, BatchIds, Batches, Call, Config, Pallet,
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use sp_core::{
    offchain::{Duration, Timestamp},
    H160,
};
use sp_io::offchain::timestamp;
use sp_runtime::{
    offchain::{
        storage::StorageValueRef,
        storage_lock::{StorageLock, Time},
    },
    RuntimeAppPublic,
};

/// Key in the node's persistent local storage: an [`Endpoint`], or nothing on a node without a prover.
pub const PROVER: &[u8] = b"bzk-settlement/prover";

/// Key in the node's persistent local storage: number of the newest final block of the chain.
pub const FINALIZED: &[u8] = b"bzk-settlement/finalized";

/// Key in the node's persistent local storage: when the worker goes on. The node removes it when it starts.
pub const PAUSE: &[u8] = b"bzk-settlement/pause";

/// Key in the node's persistent local storage: this node's prover has proven every batch before this one that was not
/// settled first.
const OWN: &[u8] = b"bzk-settlement/own";

const LOCK: &[u8] = b"bzk-settlement/lock";

/// Between two questions how far a batch is; proving takes minutes.
const POLL: Duration = Duration::from_millis(6_000);

/// After a record was sent, before it is sent again.
const RESEND: Duration = Duration::from_millis(60_000);

/// After the first failure. It doubles with each one more, up to [`MAX_DOUBLINGS`] times.
const RETRY_MS: u64 = 2_000;
const MAX_DOUBLINGS: u32 = 8;

/// Batches that the prover gets beside the first one.
const AHEAD: usize = 3;

/// Two calls for the first batch, one for each of the others, and the rest.
const LOCKED: Duration = Duration::from_millis((3 + AHEAD as u64) * DEADLINE_MS);

/// A prover, as the node's operator names it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Endpoint {
    /// URL of its JSON-RPC over HTTP.
    pub url: String,
    /// The account of the layer 1 that may use the proofs.
    pub address: H160,
}

/// Until when a batch waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Pause {
    batch: BatchId,
    until: Timestamp,
    failures: u32,
}

/// What a run came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The prover works.
    Waiting,
    /// The record is in the pool.
    Sent,
    /// Another authority was first with its record.
    Known,
}

/// Why a run failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WorkerError {
    /// No key of an authority is in this node's keystore, so its records do not count.
    NotAuthority,
    /// The prover.
    Prover(ProverError),
    /// The prover's last try failed.
    Failing(String),
    /// The proof is about something else than the batch.
    AnotherStatement,
    /// The keystore does not sign, or the pool does not take the record.
    NotSent,
}

impl From<ProverError> for WorkerError {
    fn from(error: ProverError) -> Self {
        Self::Prover(error)
    }
}

impl<T: Config> Pallet<T> {
    /// One run, after an imported block.
    pub(crate) fn run_worker() {
        let Ok(Some(endpoint)) = StorageValueRef::persistent(PROVER).get::<Endpoint>() else {
            return;
        };
        let mut lock = StorageLock::<Time>::with_deadline(LOCK, LOCKED);
        let Ok(_guard) = lock.try_lock() else { return };
        let batches = Self::batches_to_prove();
        let Some(((batch, found), ahead)) = batches.split_first() else { return };

        let pause = StorageValueRef::persistent(PAUSE);
        let last = pause.get::<Pause>().ok().flatten().filter(|last| last.batch == *batch);
        if last.is_some_and(|last| timestamp() < last.until) {
            return;
        }
        let failures = last.map_or(0, |last| last.failures);
        let advanced = Self::advance(&endpoint, *batch, found);
        if advanced == Ok(Progress::Waiting) {
            let prover = Prover { url: &endpoint.url };
            let mut others = ahead.iter().map(|(_, other)| &other.span);
            // Not a failure of the first, which is asked for as often as ever.
            if let Err(error) =
                others.try_for_each(|span| prover.submit(span, endpoint.address).map(drop))
            {
                log::warn!(target: "settlement", "the prover does not take the next batches: {error:?}");
            }
        }
        if matches!(advanced, Ok(Progress::Sent | Progress::Known)) {
            log::info!(target: "settlement", "batch {batch} is proven");
            // One that came before older ones with a record is asked for again after them: it has a record then too.
            if *batch == Self::oldest_unproven() {
                StorageValueRef::persistent(OWN).set(&batch.saturating_add(1));
            }
        }
        let (delay, failures) = match advanced {
            Ok(Progress::Waiting | Progress::Known) => (POLL, 0),
            Ok(Progress::Sent) => (RESEND, 0),
            Err(error) => {
                log::warn!(target: "settlement", "batch {batch}: {error:?}");
                let delay_ms =
                    RETRY_MS.saturating_mul(2u64.saturating_pow(failures.min(MAX_DOUBLINGS)));
                (Duration::from_millis(delay_ms), failures.saturating_add(1))
            }
        };
        pause.set(&Pause { batch: *batch, until: timestamp().add(delay), failures });
    }

    /// The oldest batch that is not settled and that this node's prover may not have proven.
    fn oldest_unproven() -> BatchId {
        let own = StorageValueRef::persistent(OWN).get::<BatchId>().ok().flatten();
        own.unwrap_or(0).max(BatchIds::<T>::get().unsettled)
    }

    /// The oldest final batches without a record, then the oldest with one that this node's prover may not have proven.
    /// Just one of these: the prover takes batches as they come, so the next without a record may have to wait for it.
    fn batches_to_prove() -> Vec<(BatchId, Batch<BlockNumberFor<T>>)> {
        let finalized = StorageValueRef::persistent(FINALIZED).get::<BlockNumberFor<T>>();
        let Ok(Some(finalized)) = finalized else { return Vec::new() };
        let ids = BatchIds::<T>::get();
        let from = |first: BatchId| {
            (first..ids.next)
                .filter_map(|id| Some((id, Batches::<T>::get(id)?)))
                .take_while(move |(_, batch)| batch.closed_at <= finalized)
        };
        let unrecorded = from(ids.unsettled).filter(|(_, batch)| batch.proof.is_none());
        let recorded = from(Self::oldest_unproven()).filter(|(_, batch)| batch.proof.is_some());
        unrecorded.chain(recorded.take(1)).take(1 + AHEAD).collect()
    }

    /// Brings a batch as far as the prover has it.
    pub(crate) fn advance(
        endpoint: &Endpoint,
        batch: BatchId,
        found: &Batch<BlockNumberFor<T>>,
    ) -> Result<Progress, WorkerError> {
        let mut keys = T::AuthorityId::all().into_iter();
        let authority = keys.find(T::Authorities::contains).ok_or(WorkerError::NotAuthority)?;
        let prover = Prover { url: &endpoint.url };
        let id = prover.submit(&found.span, endpoint.address)?;
        let status = prover.status(&id)?;
        match (status.state, status.error) {
            (State::Proven, _) => {}
            (State::Queued, Some(error)) => return Err(WorkerError::Failing(error)),
            _ => return Ok(Progress::Waiting),
        }
        if found.proof.is_some() {
            return Ok(Progress::Known);
        }
        let record = prover.proof(&id)?;
        Self::check_record(found, &record).map_err(|_| WorkerError::AnotherStatement)?;

        let payload = Self::proof_payload(batch, found.forgotten, &record);
        let signature = authority.sign(&payload).ok_or(WorkerError::NotSent)?;
        let call = Call::<T>::record_proof { batch, record, authority, signature };
        let transaction = T::create_authorized_transaction(call.into());
        SubmitTransaction::<T, Call<T>>::submit_transaction(transaction)
            .map_err(|()| WorkerError::NotSent)?;
        Ok(Progress::Sent)
    }
}
