//! Tells the runtime's off-chain worker, over its local storage, where a prover is and which block is final.

use super::Handles;
use codec::Encode;
use futures::StreamExt;
use pallet_settlement::worker::{Endpoint, FINALIZED, PAUSE, PROVER};
use sc_client_api::{Backend, BlockchainEvents};
use sc_service::TaskManager;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};

/// With a prover the worker hands it every batch that is final; without one it rests.
pub(super) fn start(handles: &Handles, prover: Option<&Endpoint>, task_manager: &TaskManager) {
    let Some(mut storage) = handles.backend.offchain_storage() else { return };
    storage.remove(STORAGE_PREFIX, PAUSE);
    storage.remove(STORAGE_PREFIX, FINALIZED);
    let Some(prover) = prover else { return storage.remove(STORAGE_PREFIX, PROVER) };
    storage.set(STORAGE_PREFIX, PROVER, &prover.encode());

    let mut blocks = handles.client.finality_notification_stream();
    task_manager.spawn_handle().spawn("finality-for-prover", None, async move {
        while let Some(block) = blocks.next().await {
            storage.set(STORAGE_PREFIX, FINALIZED, &block.header.number.encode());
        }
    });
}
