//! The node's concrete types: one block type, one client, one pool.

use std::sync::Arc;

pub use alloy_primitives::{Address, Bytes, B256, U256};
pub use bzk_executor::Executor;

/// The node's block: extrinsics are opaque bytes.
pub type Block = bitcoinzk_runtime::opaque::Block;
/// Hash of a Substrate block or extrinsic (Blake2-256). Ethereum hashes are [`B256`].
pub type Hash = sp_core::H256;
/// Number of a Substrate block. Ethereum block numbers are `u64` and counted on their own.
pub type Height = u32;
/// The database behind the client.
pub type FullBackend = sc_service::TFullBackend<Block>;
/// The client over database and runtime.
pub type FullClient = sc_service::TFullClient<Block, bitcoinzk_runtime::RuntimeApi, Executor>;
/// The Substrate transaction pool.
pub type FullPool = sc_transaction_pool::TransactionPoolHandle<Block, FullClient>;
/// State of one Substrate block.
pub type FullState = <FullBackend as sc_client_api::Backend<Block>>::State;
/// The sync service of the node.
pub type Sync = Arc<sc_network_sync::SyncingService<Block>>;

/// The same 32 bytes as an alloy hash.
pub fn b256(hash: sp_core::H256) -> B256 {
    B256::new(hash.0)
}

/// The same 32 bytes as a Substrate hash.
pub fn h256(hash: B256) -> sp_core::H256 {
    sp_core::H256(hash.0)
}

/// The same 20 bytes as a Substrate address.
pub fn h160(address: Address) -> sp_core::H160 {
    sp_core::H160(address.into_array())
}

/// The same 20 bytes as an alloy address.
pub fn address(address: sp_core::H160) -> Address {
    Address::new(address.0)
}
