//! Builds the first state. This runs once, off chain or in block 0, so it may panic on a bad
//! chain specification.

use crate::{
    commit::{update_tries, DirtyKeys},
    AccountCodes, AccountStorages, Accounts, Config, GenesisAccount, MAX_DELETABLE_SLOTS,
};
use alloc::collections::{BTreeMap, BTreeSet};
use bzk_evm::account::{Account, EMPTY_ROOT, KECCAK_EMPTY};
use sp_core::{H160, H256};
use sp_io::hashing::keccak_256;

/// Writes the flat maps and the tries of `accounts`.
///
/// # Panics
/// If code is longer than the profile allows, or an account that a transaction could delete has
/// more than [`MAX_DELETABLE_SLOTS`] slots.
pub(crate) fn build<T: Config>(accounts: &BTreeMap<H160, GenesisAccount>) {
    let keys: DirtyKeys = accounts
        .iter()
        .map(|(address, account)| (*address, write_account::<T>(*address, account)))
        .collect();
    if !keys.is_empty() {
        update_tries::<T>(&keys).expect("the trie starts empty, so no node can be missing");
    }
}

/// Writes one account and returns its slots.
fn write_account<T: Config>(address: H160, account: &GenesisAccount) -> BTreeSet<H256> {
    let GenesisAccount { nonce, balance, code, storage } = account;
    let mut code_hash = KECCAK_EMPTY;
    if !code.is_empty() {
        code_hash = H256(keccak_256(code));
        let code: sp_runtime::BoundedVec<u8, _> = code
            .clone()
            .try_into()
            .unwrap_or_else(|_| panic!("genesis: code of {address:?} is above the size limit"));
        AccountCodes::<T>::insert(address, code);
    }
    let slots: BTreeSet<H256> =
        storage.iter().filter(|(_, value)| !value.is_zero()).map(|(slot, _)| *slot).collect();
    let deletable = *nonce == 0 && code.is_empty();
    assert!(
        !deletable || slots.len() <= MAX_DELETABLE_SLOTS as usize,
        "genesis: {address:?} has {} slots but neither nonce nor code",
        slots.len()
    );
    for (slot, value) in storage.iter().filter(|(_, value)| !value.is_zero()) {
        AccountStorages::<T>::insert(address, slot, value);
    }
    Accounts::<T>::insert(
        address,
        Account { nonce: *nonce, balance: *balance, code_hash, storage_root: EMPTY_ROOT },
    );
    slots
}
