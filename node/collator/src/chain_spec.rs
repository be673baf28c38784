//! The chains that the binary knows by name; any other comes as a JSON file.

use bitcoinzk_runtime::{configs::SS58_PREFIX, genesis::presets, opaque::Block, WASM_BINARY};
use sc_chain_spec::{ChainSpecExtension, ChainType, GenericChainSpec, Properties};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a specification says beside the genesis.
#[derive(Clone, Default, Serialize, Deserialize, ChainSpecExtension)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extensions {
    /// Blocks that are known to be on the right side of a past fork.
    pub fork_blocks: sc_client_api::ForkBlocks<Block>,
    /// Blocks that are known to be bad.
    pub bad_blocks: sc_client_api::BadBlocks<Block>,
    /// Where a light client starts; filled in by the RPC `sync_state_genSyncSpec`.
    pub light_sync_state: sc_sync_state_rpc::LightSyncStateExtension,
}

/// A chain specification of ours.
pub(crate) type ChainSpec = GenericChainSpec<Extensions>;

/// Finds a chain by name or by path.
pub(crate) fn load(id: &str) -> Result<Box<dyn sc_chain_spec::ChainSpec>, String> {
    let spec = match id {
        "dev" => preset("BitcoinZK Development", "bitcoinzk_dev", ChainType::Development)?,
        "local" => preset("BitcoinZK Local", "bitcoinzk_local", ChainType::Local)?,
        "" => {
            return Err("there is no public network yet: choose --dev, --chain local or \
                        --chain FILE"
                .into())
        }
        path => ChainSpec::from_json_file(PathBuf::from(path))?,
    };
    Ok(Box::new(spec))
}

/// A chain whose genesis is a preset of the runtime.
fn preset(name: &str, id: &str, chain_type: ChainType) -> Result<ChainSpec, String> {
    let code = WASM_BINARY.ok_or("this binary was built without the wasm runtime")?;
    let preset = match chain_type {
        ChainType::Development => sp_genesis_builder::DEV_RUNTIME_PRESET,
        _ => sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET,
    };
    let patch = presets::get(&preset.into()).ok_or("the runtime does not know its own preset")?;
    let patch = serde_json::from_slice(&patch).map_err(|error| error.to_string())?;
    Ok(ChainSpec::builder(code, Extensions::default())
        .with_name(name)
        .with_id(id)
        .with_chain_type(chain_type)
        .with_protocol_id("bzk")
        .with_properties(properties())
        .with_genesis_config_patch(patch)
        .build())
}

/// What polkadot-js shows beside the accounts, which are those of ZYRA.
fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.insert("tokenSymbol".into(), "ZYRA".into());
    properties.insert("tokenDecimals".into(), 12.into());
    properties.insert("ss58Format".into(), SS58_PREFIX.into());
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_chains_are_refused_with_a_hint() {
        let error = load("").err().unwrap();
        assert!(error.contains("--chain local"), "{error}");
        assert!(load("/does/not/exist.json").is_err());
    }
}
