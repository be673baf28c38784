//! The EVM state of one Substrate block, read from the pallets' storage without running wasm.

use crate::types::{b256, h160, h256, Address, Bytes, FullState, Hash, B256, U256};
use bitcoinzk_runtime::Runtime;
use bzk_evm::{
    account::Account,
    trie::{pages, NodeStore},
};
use codec::{Decode, DecodeAll};
use jsonrpsee::types::ErrorObjectOwned;
use pallet_ethereum::{limits::next_gas_limit, ChainHead};
use pallet_evm::{TrieKey, TriePages};
use parking_lot::Mutex;
use revm::{
    bytecode::Bytecode,
    database_interface::{DBErrorMarker, DatabaseRef},
    primitives::KECCAK_EMPTY,
    state::AccountInfo,
};
use schnellru::{ByLength, LruMap};
use sp_core::H256;
use sp_state_machine::Backend;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// Contracts kept analysed in memory; 1,024 of the largest take 32 MiB.
const CACHED_CODES: u32 = 1_024;

/// A value of the state cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// The database failed or misses a node.
    #[error("state is not readable: {0}")]
    Database(String),
    /// A value does not decode: the block's runtime stores it differently than this node expects.
    #[error("{item} does not decode ({cause}); update the node")]
    Encoding {
        /// Storage item.
        item: &'static str,
        /// What the decoder said.
        cause: String,
    },
    /// An account names code that the state does not hold.
    #[error("code {0} is missing")]
    CodeMissing(B256),
}

impl DBErrorMarker for StateError {}

impl From<StateError> for ErrorObjectOwned {
    fn from(error: StateError) -> Self {
        crate::error::internal(error)
    }
}

/// Analysed contracts by code hash; shared by all views, since code never changes.
pub(crate) struct CodeCache(Mutex<LruMap<B256, Bytecode>>);

impl Default for CodeCache {
    fn default() -> Self {
        Self(Mutex::new(LruMap::new(ByLength::new(CACHED_CODES))))
    }
}

struct Inner {
    at: Hash,
    // The state's read counters are not `Sync`.
    state: Mutex<FullState>,
    codes: Arc<CodeCache>,
    // Code is stored by address; revm asks by hash.
    owners: Mutex<HashMap<B256, Address>>,
    spec_version: OnceLock<u32>,
}

/// The EVM state after a block; a clone is cheap and the state is not pruned while one lives.
#[derive(Clone)]
pub struct StateView(Arc<Inner>);

impl StateView {
    pub(crate) fn new(at: Hash, state: FullState, codes: Arc<CodeCache>) -> Self {
        Self(Arc::new(Inner {
            at,
            state: Mutex::new(state),
            codes,
            owners: Mutex::default(),
            spec_version: OnceLock::new(),
        }))
    }

    /// The Substrate block at whose end the state is.
    pub fn at(&self) -> Hash {
        self.0.at
    }

    /// Bytes under a storage key.
    pub fn raw(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.0.state.lock().storage(key).map_err(|cause| StateError::Database(cause.to_string()))
    }

    fn value<T: Decode>(&self, item: &'static str, key: &[u8]) -> Result<Option<T>, StateError> {
        let Some(bytes) = self.raw(key)? else { return Ok(None) };
        let decoded = T::decode_all(&mut bytes.as_slice());
        decoded.map(Some).map_err(|cause| StateError::Encoding { item, cause: cause.to_string() })
    }

    /// Version of the runtime that made this state; 0 at genesis.
    pub fn spec_version(&self) -> Result<u32, StateError> {
        if let Some(version) = self.0.spec_version.get() {
            return Ok(*version);
        }
        let key = frame_system::LastRuntimeUpgrade::<Runtime>::hashed_key();
        let upgrade =
            self.value::<frame_system::LastRuntimeUpgradeInfo>("System.LastRuntimeUpgrade", &key)?;
        let version = upgrade.map_or(0, |upgrade| upgrade.spec_version.0);
        Ok(*self.0.spec_version.get_or_init(|| version))
    }

    /// What the block weighs, by class; nothing at genesis.
    pub(crate) fn consumed_weight(&self) -> Result<frame_system::ConsumedWeight, StateError> {
        let key = frame_system::BlockWeight::<Runtime>::hashed_key();
        Ok(self.value("System.BlockWeight", &key)?.unwrap_or_default())
    }

    /// The account, or the empty one.
    pub fn account(&self, address: Address) -> Result<Account, StateError> {
        Ok(self.existing_account(address)?.unwrap_or_default())
    }

    /// The account, if it is in the state.
    pub fn existing_account(&self, address: Address) -> Result<Option<Account>, StateError> {
        let key = pallet_evm::Accounts::<Runtime>::hashed_key_for(h160(address));
        self.value("EVM.Accounts", &key)
    }

    /// Contract code; empty for other accounts.
    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        let key = pallet_evm::AccountCodes::<Runtime>::hashed_key_for(h160(address));
        Ok(self.value::<Vec<u8>>("EVM.AccountCodes", &key)?.unwrap_or_default().into())
    }

    /// A storage slot; zero if it was never set.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        let slot = H256(slot.to_be_bytes());
        let key = pallet_evm::AccountStorages::<Runtime>::hashed_key_for(h160(address), slot);
        let value = self.value::<H256>("EVM.AccountStorages", &key)?.unwrap_or_default();
        Ok(U256::from_be_bytes(value.0))
    }

    /// Root of the Ethereum state trie.
    pub fn root(&self) -> Result<B256, StateError> {
        let key = pallet_evm::StateRoot::<Runtime>::hashed_key();
        Ok(b256(self.value("EVM.StateRoot", &key)?.unwrap_or_default()))
    }

    /// Base fee of the next Ethereum block, in wei per gas.
    pub fn next_base_fee(&self) -> Result<u64, StateError> {
        let key = pallet_ethereum::NextBaseFee::<Runtime>::hashed_key();
        Ok(self.value("Ethereum.NextBaseFee", &key)?.unwrap_or_default())
    }

    /// Gas limit of the next Ethereum block. It moves towards the parameter in small steps.
    pub fn block_gas_limit(&self) -> Result<u64, StateError> {
        let key = pallet_ethereum::BlockGasLimit::<Runtime>::hashed_key();
        let target = self.value::<u64>("Ethereum.BlockGasLimit", &key)?.unwrap_or_default();
        let key = pallet_ethereum::Head::<Runtime>::hashed_key();
        let head = self.value::<ChainHead>("Ethereum.Head", &key)?.unwrap_or_default();
        Ok(next_gas_limit(head.gas_limit, target))
    }

    /// Proving-cost limit of the next Ethereum block, in prover cycles.
    pub fn block_cycle_limit(&self) -> Result<u64, StateError> {
        let key = pallet_ethereum::BlockCycleLimit::<Runtime>::hashed_key();
        Ok(self.value("Ethereum.BlockCycleLimit", &key)?.unwrap_or_default())
    }

    /// The chain id, a constant of the chain.
    pub fn chain_id(&self) -> u64 {
        bzk_core::CHAIN_ID
    }

    /// A node of the Ethereum tries: whose (a hashed address, `None` for the account trie) and the
    /// nibbles of the path.
    pub fn trie_node(
        &self,
        owner: Option<B256>,
        path: &[u8],
    ) -> Result<Option<Vec<u8>>, StateError> {
        pages::find(path, |path| {
            let key = TrieKey::new(owner.map(h256), path);
            self.value("EVM.TriePages", &TriePages::<Runtime>::hashed_key_for(key))
        })
    }

    /// Hash of an Ethereum block among the last 257; zero for others.
    pub fn block_hash(&self, number: u64) -> Result<B256, StateError> {
        let key = pallet_ethereum::BlockHash::<Runtime>::hashed_key_for(number);
        Ok(b256(self.value("Ethereum.BlockHash", &key)?.unwrap_or_default()))
    }
}

impl DatabaseRef for StateView {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let Some(account) = self.existing_account(address)? else { return Ok(None) };
        let code_hash = b256(account.code_hash);
        if code_hash != KECCAK_EMPTY {
            self.0.owners.lock().insert(code_hash, address);
        }
        Ok(Some(account.info(None)))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        if code_hash == KECCAK_EMPTY || code_hash.is_zero() {
            return Ok(Bytecode::default());
        }
        if let Some(code) = self.0.codes.0.lock().get(&code_hash) {
            return Ok(code.clone());
        }
        let owner = self.0.owners.lock().get(&code_hash).copied();
        let raw = self.code(owner.ok_or(StateError::CodeMissing(code_hash))?)?;
        if raw.is_empty() {
            return Err(StateError::CodeMissing(code_hash));
        }
        let code = Bytecode::new_legacy(raw);
        self.0.codes.0.lock().insert(code_hash, code.clone());
        Ok(code)
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        self.storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        self.block_hash(number)
    }
}

/// Nodes of the Ethereum tries, for `bzk_evm::trie::{get, prove}`.
///
/// # Panics
/// Never: a view is of the past, so writes are ignored; only `trie::update` asks for them, and it
/// needs `&mut`.
impl NodeStore for StateView {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        let node = self.trie_node(owner.map(b256), path);
        // The trie reports what is missing with its path; the log says why.
        node.inspect_err(|error| tracing::warn!(target: "eth-rpc", %error, "trie node")).ok()?
    }

    fn set(&mut self, _: Option<H256>, _: &[u8], _: Vec<u8>) {}

    fn remove(&mut self, _: Option<H256>, _: &[u8]) {}
}
