//! The accounts of a block as its tries have them, transaction by transaction.

use crate::{
    nodes::{Overlay, Recorder},
    AccountAccess,
};
use alloy_primitives::{Address, Bytes, B256, U256, U64};
use alloy_rlp::Decodable;
use alloy_trie::TrieAccount;
use bzk_evm::{
    account::{from_evm, Account, EMPTY_ROOT, KECCAK_EMPTY},
    crypto::keccak256,
    trie::{self, NodeStore, TrieError},
};
use revm::state::{Account as Executed, EvmState};
use sp_core::H256;
use std::collections::{BTreeMap, BTreeSet};

/// Why the tries cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error("{0}")]
    Trie(TrieError),
    #[error("the state trie's leaf of {0} is not an account")]
    Leaf(Address),
}

impl From<TrieError> for LedgerError {
    fn from(error: TrieError) -> Self {
        Self::Trie(error)
    }
}

/// Hash of an address or slot: its key in a trie.
pub(crate) fn key(bytes: &[u8]) -> H256 {
    H256(keccak256(bytes).0)
}

fn slot_key(slot: U256) -> H256 {
    key(&slot.to_be_bytes::<32>())
}

/// The account trie and the storage tries, changed by one transaction after the other.
pub(crate) struct Ledger<'a, S> {
    recorder: &'a Recorder<'a, S>,
    nodes: Overlay<'a, S>,
    parent_root: H256,
    root: H256,
    /// Accounts that were touched, as they are now; `None` for one that does not exist.
    accounts: BTreeMap<Address, Option<Account>>,
    /// The same before the block.
    before: BTreeMap<Address, Option<Account>>,
}

impl<'a, S: NodeStore> Ledger<'a, S> {
    pub(crate) fn new(recorder: &'a Recorder<'a, S>, parent_root: B256) -> Self {
        let parent_root = H256(parent_root.0);
        Self {
            recorder,
            nodes: Overlay::new(recorder),
            parent_root,
            root: parent_root,
            accounts: BTreeMap::new(),
            before: BTreeMap::new(),
        }
    }

    /// The state root after the transactions so far.
    pub(crate) fn root(&self) -> B256 {
        B256::new(self.root.0)
    }

    /// Opens the way to an account, the root of its storage, and the ways to `slots`.
    pub(crate) fn open(
        &mut self,
        address: Address,
        slots: impl IntoIterator<Item = U256>,
    ) -> Result<(), LedgerError> {
        self.load(address)?;
        let Some(Some(account)) = self.before.get(&address) else { return Ok(()) };
        if account.storage_root == EMPTY_ROOT {
            return Ok(());
        }
        let owner = key(address.as_slice());
        let base = Overlay::new(self.recorder);
        base.get(Some(owner), &[]);
        for slot in slots {
            trie::prove(&base, Some(owner), account.storage_root, slot_key(slot))?;
        }
        Ok(())
    }

    /// The account before the block, read once from the trie.
    fn load(&mut self, address: Address) -> Result<(), LedgerError> {
        if self.before.contains_key(&address) {
            return Ok(());
        }
        let base = Overlay::new(self.recorder);
        let leaf = trie::get(&base, None, self.parent_root, key(address.as_slice()))?;
        let account =
            leaf.map(|leaf| decode(&leaf).ok_or(LedgerError::Leaf(address))).transpose()?;
        self.before.insert(address, account);
        self.accounts.insert(address, account);
        Ok(())
    }

    /// Writes what a transaction changed and tells what it did to each account.
    pub(crate) fn apply(
        &mut self,
        state: &EvmState,
    ) -> Result<BTreeMap<Address, AccountAccess>, LedgerError> {
        let mut accesses = BTreeMap::new();
        let mut leaves = Vec::new();
        let sorted: BTreeMap<_, _> = state.iter().collect();
        for (&address, executed) in sorted {
            self.load(address)?;
            let before = self.accounts.get(&address).copied().flatten();
            let access = access(before.as_ref(), executed);
            let after = self.account_after(address, before, executed, &access)?;
            if after != before {
                leaves.push((key(address.as_slice()), after.map(|account| account.rlp())));
                self.accounts.insert(address, after);
            }
            accesses.insert(address, access);
        }
        self.root = trie::update(&mut self.nodes, None, self.root, leaves)?;
        Ok(accesses)
    }

    fn account_after(
        &mut self,
        address: Address,
        before: Option<Account>,
        executed: &Executed,
        access: &AccountAccess,
    ) -> Result<Option<Account>, LedgerError> {
        if !executed.is_touched() {
            return Ok(before);
        }
        let owner = key(address.as_slice());
        if executed.is_selfdestructed() || executed.is_empty() {
            self.nodes.clear(owner);
            return Ok(None);
        }
        let mut account = before.unwrap_or_default();
        account.nonce = executed.info.nonce;
        account.balance = from_evm(executed.info.balance);
        account.code_hash = H256(executed.info.code_hash.0);
        let changes = access.storage_written.iter().map(|(slot, value)| {
            let value = (!value.is_zero()).then(|| alloy_rlp::encode(value));
            (key(slot.as_slice()), value)
        });
        account.storage_root =
            trie::update(&mut self.nodes, Some(owner), account.storage_root, changes)?;
        Ok(Some(account))
    }

    /// Opens what the kernel reads at the end of a block: it deletes from the parent's tries
    /// everything that was ever deleted in the block, before it inserts anything.
    pub(crate) fn open_deletions(
        &self,
        zeroed: &BTreeSet<(Address, U256)>,
        destroyed: &BTreeSet<Address>,
    ) -> Result<(), LedgerError> {
        let mut nodes = Overlay::new(self.recorder);
        let mut slots = BTreeMap::<Address, Vec<(H256, Option<Vec<u8>>)>>::new();
        for (address, slot) in zeroed {
            slots.entry(*address).or_default().push((slot_key(*slot), None));
        }
        for (address, slots) in slots {
            if let Some(Some(account)) = self.before.get(&address) {
                let owner = Some(key(address.as_slice()));
                trie::update(&mut nodes, owner, account.storage_root, slots)?;
            }
        }
        let leaves: Vec<_> = destroyed
            .iter()
            .filter(|address| self.before.get(*address).is_some_and(Option::is_some))
            .map(|address| (key(address.as_slice()), None))
            .collect();
        trie::update(&mut nodes, None, self.parent_root, leaves)?;
        Ok(())
    }
}

fn decode(mut leaf: &[u8]) -> Option<Account> {
    let account = TrieAccount::decode(&mut leaf).ok()?;
    Some(Account {
        nonce: account.nonce,
        balance: from_evm(account.balance),
        code_hash: H256(account.code_hash.0),
        storage_root: H256(account.storage_root.0),
    })
}

/// What a transaction did to an account that was `before`.
fn access(before: Option<&Account>, executed: &Executed) -> AccountAccess {
    let mut access = AccountAccess::default();
    let touched = executed.is_touched();
    for (slot, value) in &executed.storage {
        let slot = B256::new(slot.to_be_bytes());
        if touched && value.is_changed() {
            access.storage_written.insert(slot, value.present_value);
        } else {
            access.storage_read.insert(slot);
        }
    }
    let code_hash = H256(executed.info.code_hash.0);
    let code = executed.info.code.as_ref().filter(|code| !code.is_empty());
    if touched && (executed.is_selfdestructed() || executed.is_empty()) {
        access.storage_read.extend(access.storage_written.keys());
        access.storage_written.clear();
        access.self_destructed = before.is_some();
        return access;
    }
    if touched {
        let account = before.copied().unwrap_or_default();
        let balance = executed.info.balance;
        if before.is_none() || from_evm(balance) != account.balance {
            access.balance = Some(balance);
        }
        if before.is_none() || executed.info.nonce != account.nonce {
            access.nonce = Some(U64::from(executed.info.nonce));
        }
        if code_hash != account.code_hash {
            access.code_written = code.map(|code| code.original_bytes());
        }
    }
    if access.code_written.is_none() && code_hash != KECCAK_EMPTY && code.is_some() {
        access.code_read = Some(B256::new(code_hash.0));
    }
    access
}

/// The codes that the accounts of a transaction's outcome have loaded.
pub(crate) fn codes(state: &EvmState) -> impl Iterator<Item = Bytes> + '_ {
    let codes = state.values().filter_map(|account| account.info.code.as_ref());
    codes.filter(|code| !code.is_empty()).map(|code| code.original_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_leaf_reads_back_and_any_bytes_are_survived(
            nonce: u64,
            balance: [u64; 4],
            hash: [u8; 32],
            root: [u8; 32],
            junk in proptest::collection::vec(any::<u8>(), 0..150),
            place: prop::sample::Index,
            byte: u8,
        ) {
            let account = Account {
                nonce,
                balance: sp_core::U256(balance),
                code_hash: H256(hash),
                storage_root: H256(root),
            };
            let mut leaf = account.rlp();
            prop_assert_eq!(decode(&leaf), Some(account));
            *place.get_mut(&mut leaf) = byte;
            let _ = decode(&leaf);
            let _ = decode(&junk);
        }
    }
}
