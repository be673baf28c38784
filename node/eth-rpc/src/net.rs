//! The `net` and `web3` namespaces.

use crate::{
    context::EthContext,
    error::RpcResult,
    types::{Bytes, Sync as SyncService, B256},
};
use alloy_primitives::U64;
use jsonrpsee::{core::RegisterMethodError, proc_macros::rpc, Methods, RpcModule};
use sp_io::hashing::keccak_256;

/// The network.
#[rpc(server, namespace = "net")]
pub trait NetApi {
    /// The chain id in decimal.
    #[method(name = "version")]
    fn version(&self) -> RpcResult<String>;

    /// Whether the node takes connections: always.
    #[method(name = "listening")]
    fn listening(&self) -> RpcResult<bool>;

    /// Connected peers.
    #[method(name = "peerCount")]
    fn peer_count(&self) -> RpcResult<U64>;
}

/// The software.
#[rpc(server, namespace = "web3")]
pub trait Web3Api {
    /// Name and version of the node.
    #[method(name = "clientVersion")]
    fn client_version(&self) -> RpcResult<String>;

    /// keccak-256 of `data`.
    #[method(name = "sha3")]
    fn sha3(&self, data: Bytes) -> RpcResult<B256>;
}

struct Net(SyncService);

impl NetApiServer for Net {
    fn version(&self) -> RpcResult<String> {
        Ok(bzk_core::CHAIN_ID.to_string())
    }

    fn listening(&self) -> RpcResult<bool> {
        Ok(true)
    }

    fn peer_count(&self) -> RpcResult<U64> {
        Ok(U64::from(self.0.num_connected_peers()))
    }
}

struct Web3;

impl Web3ApiServer for Web3 {
    fn client_version(&self) -> RpcResult<String> {
        let (version, os, arch) =
            (env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH);
        Ok(format!("BitcoinZK/v{version}/{os}-{arch}"))
    }

    fn sha3(&self, data: Bytes) -> RpcResult<B256> {
        Ok(B256::new(keccak_256(&data)))
    }
}

/// The methods of this module.
pub(crate) fn methods(ctx: &EthContext) -> Result<Methods, RegisterMethodError> {
    let mut module = RpcModule::new(());
    module.merge(Net(ctx.sync.clone()).into_rpc())?;
    module.merge(Web3.into_rpc())?;
    Ok(module.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha3_is_keccak() {
        let empty = Web3.sha3(Bytes::new()).unwrap();
        let expected = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(empty.to_string(), expected);
    }
}
