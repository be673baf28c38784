//! A state in memory: flat values and tries, for tests and for cases that no node has run.

use crate::ledger::key;
use alloy_primitives::{Address, Bytes, B256, U256};
use bzk_evm::{
    account::{from_evm, Account, EMPTY_ROOT},
    block::{assemble, Block},
    execute::{self, BlockEnvironment, ExecuteError},
    profile,
    receipt::Receipt,
    revm::{
        bytecode::Bytecode, database::CacheDB, state::AccountInfo, state::EvmState, DatabaseCommit,
        DatabaseRef,
    },
    trie::{self, NodeStore},
    tx::{tx_env, RecoveredTx},
};
use sp_core::H256;
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
};

/// An account with its code and storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Transactions sent or contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Code, empty for none.
    pub code: Bytes,
    /// Slots that are not zero.
    pub storage: BTreeMap<U256, U256>,
}

/// A whole state.
#[derive(Clone, Debug)]
pub struct State {
    accounts: BTreeMap<Address, Contents>,
    codes: HashMap<B256, Bytes>,
    storage_roots: HashMap<Address, H256>,
    nodes: HashMap<(Option<H256>, Vec<u8>), Vec<u8>>,
    root: H256,
    block_hashes: BTreeMap<u64, B256>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            accounts: BTreeMap::new(),
            codes: HashMap::new(),
            storage_roots: HashMap::new(),
            nodes: HashMap::new(),
            root: EMPTY_ROOT,
            block_hashes: BTreeMap::new(),
        }
    }
}

impl State {
    /// A state that holds `accounts`.
    pub fn new(accounts: impl IntoIterator<Item = (Address, Contents)>) -> Self {
        let mut state = Self::default();
        for (address, contents) in accounts {
            state.put(address, contents);
        }
        state
    }

    /// Root of the account trie.
    pub fn root(&self) -> B256 {
        B256::new(self.root.0)
    }

    /// The account at `address`, if it exists.
    pub fn get(&self, address: Address) -> Option<&Contents> {
        self.accounts.get(&address)
    }

    /// Makes the hash of a block known to BLOCKHASH.
    pub fn set_block_hash(&mut self, number: u64, hash: B256) {
        self.block_hashes.insert(number, hash);
    }

    /// Replaces an account, or adds it.
    pub fn put(&mut self, address: Address, contents: Contents) {
        let before = self.accounts.get(&address).cloned().unwrap_or_default();
        let cleared = before.storage.keys().map(|slot| (*slot, U256::ZERO));
        let mut slots: BTreeMap<_, _> = cleared.collect();
        slots.extend(contents.storage.iter().map(|(slot, value)| (*slot, *value)));
        self.write_slots(address, &slots);
        let code = contents.code.clone();
        self.codes.insert(bzk_evm::crypto::keccak256(&code), code);
        self.accounts.insert(address, contents);
        self.write_leaf(address);
    }

    fn remove(&mut self, address: Address) {
        let contents = self.accounts.get(&address).cloned().unwrap_or_default();
        let zeroed = contents.storage.keys().map(|slot| (*slot, U256::ZERO)).collect();
        self.write_slots(address, &zeroed);
        self.accounts.remove(&address);
        self.storage_roots.remove(&address);
        self.write_leaf(address);
    }

    fn write_slots(&mut self, address: Address, slots: &BTreeMap<U256, U256>) {
        let owner = key(address.as_slice());
        let root = self.storage_roots.get(&address).copied().unwrap_or(EMPTY_ROOT);
        let changes = slots.iter().map(|(slot, value)| {
            let value = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            (key(&slot.to_be_bytes::<32>()), value)
        });
        let changes: Vec<_> = changes.collect();
        let root = trie::update(self, Some(owner), root, changes).expect("the tries are whole");
        self.storage_roots.insert(address, root);
    }

    fn write_leaf(&mut self, address: Address) {
        let leaf = self.account(address).map(|account| account.rlp());
        let change = (key(address.as_slice()), leaf);
        let root = self.root;
        self.root = trie::update(self, None, root, [change]).expect("the tries are whole");
    }

    fn account(&self, address: Address) -> Option<Account> {
        let contents = self.accounts.get(&address)?;
        Some(Account {
            nonce: contents.nonce,
            balance: from_evm(contents.balance),
            code_hash: key(&contents.code),
            storage_root: self.storage_roots.get(&address).copied().unwrap_or(EMPTY_ROOT),
        })
    }

    /// Keeps the changes of a transaction.
    pub fn apply(&mut self, changes: &EvmState) {
        for (address, executed) in changes.iter().filter(|(_, account)| account.is_touched()) {
            if executed.is_selfdestructed() || executed.is_empty() {
                if self.accounts.contains_key(address) {
                    self.remove(*address);
                }
                continue;
            }
            let mut contents = self.accounts.get(address).cloned().unwrap_or_default();
            contents.nonce = executed.info.nonce;
            contents.balance = executed.info.balance;
            if let Some(code) = &executed.info.code {
                contents.code = code.original_bytes();
            }
            for (slot, value) in executed.changed_storage_slots() {
                if value.present_value.is_zero() {
                    contents.storage.remove(slot);
                } else {
                    contents.storage.insert(*slot, value.present_value);
                }
            }
            self.put(*address, contents);
        }
    }

    /// Executes those of `transactions` that are valid, one after the other; returns the state
    /// after them, the block, and the senders.
    pub fn execute(
        &self,
        environment: &BlockEnvironment,
        parent_hash: B256,
        transactions: Vec<RecoveredTx>,
    ) -> (Self, Block, Vec<Address>) {
        let mut after = self.clone();
        let mut db = CacheDB::new(self);
        let (mut included, mut senders) = (Vec::new(), Vec::new());
        let mut receipts: Vec<Receipt> = Vec::new();
        for transaction in transactions {
            let used = receipts.last().map_or(0, |receipt| receipt.cumulative_gas_used);
            let cfg = profile::cfg(environment.chain_id);
            let tx = tx_env(&transaction);
            let outcome = execute::transact(&mut db, environment, cfg, tx, u64::MAX);
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(ExecuteError::Database(never)) => match never {},
                Err(_) => continue,
            };
            let tx_type = transaction.envelope.tx_type() as u8;
            receipts.push(Receipt::new(tx_type, &outcome.result, used));
            after.apply(&outcome.state);
            db.commit(outcome.state);
            included.push(transaction.envelope);
            senders.push(transaction.sender);
        }
        let block = assemble(environment, parent_hash, after.root(), included, &receipts);
        (after, block, senders)
    }
}

impl DatabaseRef for State {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        // As in the node, code is read by its hash, and only when it runs.
        Ok(self.account(address).map(|account| account.info(None)))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Self::Error> {
        let code = self.codes.get(&hash).cloned().unwrap_or_default();
        Ok(Bytecode::new_legacy(code))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        let contents = self.accounts.get(&address);
        Ok(contents.and_then(|contents| contents.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        Ok(self.block_hashes.get(&number).copied().unwrap_or_default())
    }
}

impl NodeStore for State {
    fn get(&self, owner: Option<H256>, path: &[u8]) -> Option<Vec<u8>> {
        self.nodes.get(&(owner, path.to_vec())).cloned()
    }

    fn set(&mut self, owner: Option<H256>, path: &[u8], node: Vec<u8>) {
        self.nodes.insert((owner, path.to_vec()), node);
    }

    fn remove(&mut self, owner: Option<H256>, path: &[u8]) {
        self.nodes.remove(&(owner, path.to_vec()));
    }
}
