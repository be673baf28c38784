//! Balances, nonces, code, storage and their proofs.

use crate::{
    chain::Chain,
    context::EthContext,
    error::{internal, limit_exceeded, RpcResult},
    limits::Limits,
    pool::PoolView,
    state::StateView,
    types::{b256, Address, Bytes, B256, U256},
};
use alloy_eips::BlockId;
use alloy_primitives::U64;
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use bzk_evm::{account::to_evm, trie};
use jsonrpsee::proc_macros::rpc;
use sp_core::H256;
use sp_io::hashing::keccak_256;
use std::sync::Arc;

/// State of accounts at a block, `latest` unless told.
#[rpc(server, namespace = "eth")]
pub trait AccountApi {
    /// Balance in wei.
    #[method(name = "getBalance", blocking)]
    fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256>;

    /// Code of a contract.
    #[method(name = "getCode", blocking)]
    fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes>;

    /// One storage slot, as 32 bytes.
    #[method(name = "getStorageAt", blocking)]
    fn storage(
        &self,
        address: Address,
        slot: JsonStorageKey,
        block: Option<BlockId>,
    ) -> RpcResult<B256>;

    /// Nonce; `pending` counts the transactions that are ready in the pool.
    #[method(name = "getTransactionCount", blocking)]
    fn nonce(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64>;

    /// Merkle proofs of an account and some of its slots against the block's `stateRoot`
    /// (EIP-1186).
    #[method(name = "getProof", blocking)]
    fn proof(
        &self,
        address: Address,
        slots: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse>;
}

pub(super) struct Accounts {
    chain: Chain,
    pool: PoolView,
    limits: Arc<Limits>,
}

impl Accounts {
    pub(super) fn new(ctx: &EthContext) -> Self {
        Self { chain: ctx.chain.clone(), pool: ctx.pool.clone(), limits: ctx.limits.clone() }
    }

    fn state(&self, block: Option<BlockId>) -> RpcResult<StateView> {
        let block = self.chain.resolve_or_err(block.unwrap_or_default())?;
        self.chain.state(&block)
    }
}

impl AccountApiServer for Accounts {
    fn balance(&self, address: Address, block: Option<BlockId>) -> RpcResult<U256> {
        Ok(to_evm(self.state(block)?.account(address)?.balance))
    }

    fn code(&self, address: Address, block: Option<BlockId>) -> RpcResult<Bytes> {
        Ok(self.state(block)?.code(address)?)
    }

    fn storage(
        &self,
        address: Address,
        slot: JsonStorageKey,
        block: Option<BlockId>,
    ) -> RpcResult<B256> {
        Ok(self.state(block)?.storage(address, slot.as_b256().into())?.into())
    }

    fn nonce(&self, address: Address, block: Option<BlockId>) -> RpcResult<U64> {
        let nonce = match block {
            Some(block) if block.is_pending() => self.pool.next_nonce(address)?,
            block => self.state(block)?.account(address)?.nonce,
        };
        Ok(U64::from(nonce))
    }

    fn proof(
        &self,
        address: Address,
        slots: Vec<JsonStorageKey>,
        block: Option<BlockId>,
    ) -> RpcResult<EIP1186AccountProofResponse> {
        if slots.len() > self.limits.proof_keys {
            return Err(limit_exceeded(format_args!(
                "{} storage keys asked for, at most {} are answered",
                slots.len(),
                self.limits.proof_keys
            )));
        }
        prove(&self.state(block)?, address, slots)
    }
}

fn prove(
    state: &StateView,
    address: Address,
    slots: Vec<JsonStorageKey>,
) -> RpcResult<EIP1186AccountProofResponse> {
    let account = state.account(address)?;
    let owner = H256(keccak_256(address.as_slice()));
    let root = H256(state.root()?.0);
    let mut storage_proof = Vec::with_capacity(slots.len());
    for slot in slots {
        let key = slot.as_b256();
        let value = state.storage(address, key.into())?;
        let hashed = H256(keccak_256(key.as_slice()));
        let proof = nodes(trie::prove(state, Some(owner), account.storage_root, hashed))?;
        storage_proof.push(EIP1186StorageProof::new(slot, value, proof));
    }
    Ok(EIP1186AccountProofResponse {
        address,
        balance: to_evm(account.balance),
        code_hash: b256(account.code_hash),
        nonce: account.nonce,
        storage_hash: b256(account.storage_root),
        account_proof: nodes(trie::prove(state, None, root, owner))?,
        storage_proof,
    })
}

fn nodes(proof: Result<Vec<Vec<u8>>, trie::TrieError>) -> RpcResult<Vec<Bytes>> {
    Ok(proof.map_err(internal)?.into_iter().map(Bytes::from).collect())
}
