//! Writes the outcome of one transaction to the flat maps.

use crate::{
    database::Loaded, page_store::StoredPages, AccountCodes, AccountStorages, Accounts, Config,
    Dirty, MAX_DELETABLE_SLOTS,
};
use alloc::vec::Vec;
use bzk_evm::{
    account::{from_evm, Account, EMPTY_ROOT, KECCAK_EMPTY},
    primitives::{Address, U256},
    revm::state::{Account as Executed, EvmState},
};
use codec::Encode;
use frame_support::{defensive, BoundedVec};
use sp_core::{H160, H256};

/// Writes the touched accounts of `state`, appends the keys of what changed to [`Dirty`] and returns them.
/// `loaded` is what the transaction found.
pub(crate) fn apply<T: Config>(mut loaded: Loaded, state: &EvmState) -> Vec<(H160, Vec<H256>)> {
    let mut touched: Vec<_> = state.iter().filter(|(_, account)| account.is_touched()).collect();
    // revm's map has no fixed order; every node has to write in the same one.
    touched.sort_unstable_by_key(|(address, _)| **address);
    let dirty: Vec<(H160, Vec<H256>)> = touched
        .into_iter()
        .filter_map(|(address, executed)| {
            let before = loaded.remove(address).flatten();
            let address = convert(address);
            write_account::<T>(address, before, executed).map(|slots| (address, slots))
        })
        .collect();
    if !dirty.is_empty() {
        // Appends without decoding what is there. The layout is that of `DirtyAccount`, and the
        // bound holds because a changed key costs gas (see `MAX_DIRTY`).
        sp_io::storage::append(&Dirty::<T>::hashed_key(), dirty.encode());
    }
    dirty
}

/// Writes one account; returns its changed slots, or `None` if nothing changed.
fn write_account<T: Config>(
    address: H160,
    before: Option<Account>,
    executed: &Executed,
) -> Option<Vec<H256>> {
    // EIP-161 and EIP-6780: a touched empty account, and one destroyed in the transaction that
    // created it, do not stay.
    if executed.is_selfdestructed() || executed.is_empty() {
        let before = before?;
        clear::<T>(address, &before);
        Accounts::<T>::remove(address);
        return Some(Vec::new());
    }
    let mut account = before.unwrap_or_default();
    if executed.is_created() {
        if let Some(before) = &before {
            clear::<T>(address, before);
        }
        account.storage_root = EMPTY_ROOT;
    }
    account.nonce = executed.info.nonce;
    account.balance = from_evm(executed.info.balance);
    let code_hash = H256(executed.info.code_hash.0);
    if account.code_hash != code_hash {
        account.code_hash = code_hash;
        write_code::<T>(address, executed);
    }
    let slots = write_slots::<T>(address, executed);
    let changed = before.as_ref() != Some(&account);
    if changed {
        Accounts::<T>::insert(address, account);
    }
    (changed || !slots.is_empty()).then_some(slots)
}

/// Stores the code of a contract that the transaction created.
fn write_code<T: Config>(address: H160, executed: &Executed) {
    let code = executed.info.code.as_ref().map(|code| code.original_byte_slice().to_vec());
    match code.map(BoundedVec::try_from) {
        Some(Ok(code)) => AccountCodes::<T>::insert(address, code),
        Some(Err(_)) => {
            defensive!("revm deployed code above the size limit");
        }
        None => {
            defensive!("revm changed a code hash without the code");
        }
    }
}

/// Stores the changed slots and returns their keys in order.
fn write_slots<T: Config>(address: H160, executed: &Executed) -> Vec<H256> {
    let mut slots: Vec<H256> = executed
        .changed_storage_slots()
        .map(|(slot, value)| {
            let slot = H256(slot.to_be_bytes());
            if value.present_value == U256::ZERO {
                AccountStorages::<T>::remove(address, slot);
            } else {
                let value = H256(value.present_value.to_be_bytes());
                AccountStorages::<T>::insert(address, slot, value);
            }
            slot
        })
        .collect();
    slots.sort_unstable();
    slots
}

/// Removes code, storage and trie nodes of an account that is deleted or created anew.
///
/// Only an account without nonce and code can come here, and such an account can have storage
/// only from genesis, which bounds it by [`MAX_DELETABLE_SLOTS`].
fn clear<T: Config>(address: H160, account: &Account) {
    if account.code_hash != KECCAK_EMPTY {
        AccountCodes::<T>::remove(address);
    }
    let can_have_slots = account.storage_root != EMPTY_ROOT
        || account.nonce > 0
        || account.code_hash != KECCAK_EMPTY;
    if can_have_slots {
        let removed = AccountStorages::<T>::clear_prefix(address, MAX_DELETABLE_SLOTS, None);
        if removed.maybe_cursor.is_some() {
            defensive!("a deleted account had more storage than genesis allows");
        }
    }
    if account.storage_root != EMPTY_ROOT {
        StoredPages::<T>::clear(H256(sp_io::hashing::keccak_256(address.as_bytes())));
    }
}

fn convert(address: &Address) -> H160 {
    H160(address.into_array())
}
