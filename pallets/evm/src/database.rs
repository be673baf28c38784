//! The flat maps as revm reads them during one transaction.

use crate::{AccountCodes, AccountStorages, Accounts, BlockHashes, Config};
use alloc::collections::BTreeMap;
use bzk_evm::{
    account::{Account, KECCAK_EMPTY},
    primitives::{Address, B256, U256},
    revm::{
        database_interface::DBErrorMarker,
        state::{AccountInfo, Bytecode},
        Database,
    },
};
use core::{fmt, marker::PhantomData};
use sp_core::{H160, H256};

/// The state has no code for this hash: the flat maps are corrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeMissing(pub B256);

impl fmt::Display for CodeMissing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no code with hash {}", self.0)
    }
}

impl core::error::Error for CodeMissing {}
impl DBErrorMarker for CodeMissing {}

/// Accounts as a transaction found them; `None` for those that did not exist.
pub(crate) type Loaded = BTreeMap<Address, Option<Account>>;

/// Reads for one transaction. Remembers the accounts it returned, so that writing them back needs
/// no second read.
pub(crate) struct FlatState<T> {
    loaded: Loaded,
    // revm asks for code by hash, storage has it by address.
    code_owners: BTreeMap<B256, Address>,
    _config: PhantomData<T>,
}

impl<T> Default for FlatState<T> {
    fn default() -> Self {
        Self { loaded: BTreeMap::new(), code_owners: BTreeMap::new(), _config: PhantomData }
    }
}

impl<T> FlatState<T> {
    /// The accounts read so far.
    pub(crate) fn into_loaded(self) -> Loaded {
        self.loaded
    }
}

impl<T: Config> Database for FlatState<T> {
    type Error = CodeMissing;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, CodeMissing> {
        let stored = Accounts::<T>::get(H160(address.into_array()));
        let info = stored.as_ref().map(|account| {
            if account.code_hash != KECCAK_EMPTY {
                self.code_owners.insert(B256::from(account.code_hash.0), address);
            }
            account.info(None)
        });
        self.loaded.insert(address, stored);
        Ok(info)
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, CodeMissing> {
        let code = self
            .code_owners
            .get(&code_hash)
            .and_then(|owner| AccountCodes::<T>::get(H160(owner.into_array())))
            .ok_or(CodeMissing(code_hash))?;
        // Legacy even if it starts with 0xef01: Cancun knows no delegations.
        Ok(Bytecode::new_legacy(code.into_inner().into()))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, CodeMissing> {
        let slot = H256(slot.to_be_bytes());
        let value = AccountStorages::<T>::get(H160(address.into_array()), slot).unwrap_or_default();
        Ok(U256::from_be_bytes(value.0))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, CodeMissing> {
        Ok(B256::from(T::BlockHashes::block_hash(number).0))
    }
}
