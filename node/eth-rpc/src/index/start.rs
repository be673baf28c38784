//! Indexing of blocks that did not pass the import: genesis, and the block after state sync.

use super::{
    entry::Site,
    keys,
    write::{Closed, IndexError, Writer},
};
use crate::types::{FullBackend, FullClient, Hash};
use sc_client_api::{AuxStore, Backend, HeaderBackend, TrieCacheContext};
use sp_state_machine::Backend as _;
use std::sync::Arc;

/// Indexes genesis and, where it is not, the best block. Call it at each start of the node, before
/// anything is imported; it does nothing when all is indexed.
///
/// # Errors
/// The database is damaged, or the state of the block is not there.
pub fn index_existing(
    client: &Arc<FullClient>,
    backend: &Arc<FullBackend>,
) -> Result<(), IndexError> {
    let writer = Writer { client: client.clone(), backend: backend.clone() };
    let info = client.info();
    for at in [info.genesis_hash, info.best_hash] {
        if AuxStore::get_aux(&**backend, &keys::head(at))?.is_none() {
            index_from_state(&writer, at)?;
        }
    }
    Ok(())
}

/// Indexes the Ethereum block that is current in the state of `at` as if `at` had closed it.
pub(super) fn index_from_state(writer: &Writer, at: Hash) -> Result<(), IndexError> {
    let header = writer.client.header(at)?.ok_or(IndexError::Missing(at))?;
    let state = writer.backend.state_at(at, TrieCacheContext::Untrusted)?;
    let closed = Closed::read(at, |key| state.storage(key).ok().flatten())?;
    let site = Site { height: header.number, at };
    let entries = writer.entries(site, header.parent_hash, Some(&closed))?;
    let (set, removed): (Vec<_>, Vec<_>) = entries.iter().partition(|(_, value)| value.is_some());
    let set: Vec<_> =
        set.iter().filter_map(|(key, value)| Some((key.as_slice(), value.as_deref()?))).collect();
    let removed: Vec<_> = removed.iter().map(|(key, _)| key.as_slice()).collect();
    AuxStore::insert_aux(&*writer.backend, &set, &removed)?;
    Ok(())
}
