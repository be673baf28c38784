//! The genesis block, by native code where that is the chain's.
//!
//! Substrate builds the genesis state with the runtime's wasm at each start of a node, also when the
//! database has long had it, and compiles the wasm for it: ten seconds of a processor.

use super::{Block, FullBackend};
use bitcoinzk_runtime::{dispatch, WASM_BINARY};
use bzk_executor::Executor;
use codec::{Decode, Encode};
use sc_chain_spec::{json_merge, BuildGenesisBlock, ChainSpec, GenesisBlockBuilder};
use sc_client_api::Backend;
use serde_json::Value;
use sp_core::storage::{well_known_keys, Storage};
use sp_genesis_builder::PresetId;
use sp_state_machine::BasicExternalities;
use std::sync::Arc;

/// Builds the genesis block when the client asks for it: when the database is empty.
pub(crate) struct Genesis<'a> {
    /// What it contains.
    pub spec: &'a dyn ChainSpec,
    /// Whether its state is written; a node that syncs a later state has no use for it.
    pub commit: bool,
    /// Where it goes.
    pub backend: Arc<FullBackend>,
    /// Tells the runtime's version.
    pub executor: Executor,
}

impl BuildGenesisBlock<Block> for Genesis<'_> {
    type BlockImportOperation = <FullBackend as Backend<Block>>::BlockImportOperation;

    fn build_genesis_block(self) -> sp_blockchain::Result<(Block, Self::BlockImportOperation)> {
        let storage = match native(self.spec) {
            Some(storage) => storage,
            None => {
                let builder = self.spec.as_storage_builder();
                builder.build_storage().map_err(sp_blockchain::Error::Storage)?
            }
        };
        GenesisBlockBuilder::new_with_storage(storage, self.commit, self.backend, self.executor)?
            .build_genesis_block()
    }
}

/// The genesis state of `spec`. `None` if its code is not that of this program, if it is given raw,
/// or if there is something wrong with it, which the wasm then names.
fn native(spec: &dyn ChainSpec) -> Option<Storage> {
    let spec: Value = serde_json::from_str(&spec.as_json(false).ok()?).ok()?;
    let genesis = spec.pointer("/genesis/runtimeGenesis")?;
    let code = sp_core::bytes::from_hex(genesis.get("code")?.as_str()?).ok()?;
    if WASM_BINARY != Some(code.as_slice()) {
        return None;
    }
    let config = match genesis.get("patch") {
        Some(patch) => {
            let mut config = default_config()?;
            json_merge(&mut config, patch.clone());
            config
        }
        None => genesis.get("config")?.clone(),
    };
    let mut state = BasicExternalities::new_empty();
    let json = config.to_string().encode();
    let built = state.execute_with(|| dispatch("GenesisBuilder_build_state", &json))?;
    sp_genesis_builder::Result::decode(&mut built.as_slice()).ok()?.ok()?;
    let mut storage = state.into_storages();
    storage.top.insert(well_known_keys::CODE.to_vec(), code);
    Some(storage)
}

/// What a patch is laid over.
fn default_config() -> Option<Value> {
    let no_preset = None::<PresetId>.encode();
    let config = BasicExternalities::new_empty()
        .execute_with(|| dispatch("GenesisBuilder_get_preset", &no_preset))?;
    let json = Option::<Vec<u8>>::decode(&mut config.as_slice()).ok()??;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain_spec;

    #[test]
    fn native_genesis_is_that_of_the_wasm() {
        for id in ["dev", "local"] {
            let spec = chain_spec::load(id).unwrap();
            let wasm = spec.as_storage_builder().build_storage().unwrap();
            let native = native(&*spec).unwrap();
            assert!(native.top == wasm.top, "{id}");
            assert!(native.children_default.is_empty() && wasm.children_default.is_empty());
        }
    }
}
