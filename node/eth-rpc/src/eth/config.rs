//! `eth_config` (EIP-7910): by which rules the chain runs.

use crate::{
    chain::Chain,
    context::EthContext,
    error::{header_not_found, RpcResult},
    types::{Address, Bytes, B256},
};
use alloy_eips::{
    eip2124::ForkHash,
    eip7840::BlobParams,
    eip7910::{EthConfig, EthForkConfig},
};
use bzk_evm::profile::FIRST_PRECOMPILE;
use jsonrpsee::proc_macros::rpc;

/// Names of the precompiles, from [`FIRST_PRECOMPILE`] on, as their EIPs give them.
const PRECOMPILES: [&str; 9] = [
    "ECREC",
    "SHA256",
    "RIPEMD160",
    "ID",
    "MODEXP",
    "BN254_ADD",
    "BN254_MUL",
    "BN254_PAIRING",
    "BLAKE2F",
];

/// The rules of the chain.
#[rpc(server, namespace = "eth")]
pub trait ConfigApi {
    /// The fork that is active: the only one, from genesis on.
    #[method(name = "config", blocking)]
    fn config(&self) -> RpcResult<EthConfig>;
}

pub(super) struct Rules {
    chain: Chain,
}

impl Rules {
    pub(super) fn new(ctx: &EthContext) -> Self {
        Self { chain: ctx.chain.clone() }
    }
}

impl ConfigApiServer for Rules {
    fn config(&self) -> RpcResult<EthConfig> {
        let genesis = self.chain.block_by_number(0)?.ok_or_else(header_not_found)?;
        Ok(of_chain(genesis.hash))
    }
}

fn of_chain(genesis: B256) -> EthConfig {
    let precompiles = (FIRST_PRECOMPILE..)
        .zip(PRECOMPILES)
        .map(|(last, name)| (name.to_string(), Address::with_last_byte(last)));
    let current = EthForkConfig {
        activation_time: 0,
        // Headers have the fields of blobs, and no block has a blob.
        blob_schedule: BlobParams {
            target_blob_count: 0,
            max_blob_count: 0,
            ..BlobParams::cancun()
        },
        chain_id: bzk_core::CHAIN_ID,
        fork_id: Bytes::copy_from_slice(&ForkHash::from(genesis).0),
        precompiles: precompiles.collect(),
        // No beacon roots either.
        system_contracts: Default::default(),
    };
    EthConfig { current, next: None, last: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;
    use bzk_evm::profile::LAST_PRECOMPILE;
    use serde_json::json;

    #[test]
    fn config_has_the_form_of_eip_7910_and_the_precompiles_of_the_profile() {
        // Ethereum's, of which EIP-2124 gives the hash before its first fork.
        let genesis = b256!("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");
        let config = serde_json::to_value(of_chain(genesis)).unwrap();
        assert_eq!((&config["next"], &config["last"]), (&json!(null), &json!(null)));
        let current = &config["current"];
        assert_eq!(current["activationTime"], 0);
        assert_eq!(current["chainId"], "0x17c18");
        assert_eq!(current["forkId"], "0xfc64ec04");
        let blobs = json!({ "baseFeeUpdateFraction": 3_338_477, "max": 0, "target": 0 });
        assert_eq!(current["blobSchedule"], blobs);
        assert_eq!(current["systemContracts"], json!({}));
        let precompiles = current["precompiles"].as_object().unwrap();
        assert_eq!(precompiles.len(), usize::from(LAST_PRECOMPILE));
        assert_eq!(precompiles["ECREC"], json!(Address::with_last_byte(FIRST_PRECOMPILE)));
        assert_eq!(precompiles["BLAKE2F"], json!(Address::with_last_byte(LAST_PRECOMPILE)));
    }
}
