//! Which keys the open block has changed before: the first change of a key pays for the database.

use crate::{Config, Touched};
use alloc::{vec, vec::Vec};
use bzk_evm::primitives::B256;
use frame_support::BoundedVec;
use sp_core::{H160, H256};
use sp_io::hashing::blake2_128;

/// Bytes of the set; each bit stands for the keys that hash to it.
pub const TOUCHED_BYTES: u32 = 8_192;

/// Keys that a transaction was the first in its block to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FirstChanges {
    /// Accounts.
    pub accounts: u32,
    /// Storage slots.
    pub slots: u32,
}

/// Adds the keys of `dirty` to the set and counts those that were not in it.
///
/// Keys that share a bit count once: of 10,000 keys about 700 are not counted. `seed` is the block's
/// randomness, so nobody can choose keys that share one.
pub(crate) fn mark<T: Config>(seed: &B256, dirty: &[(H160, Vec<H256>)]) -> FirstChanges {
    let mut set = Touched::<T>::get().into_inner();
    if set.is_empty() {
        set = vec![0; TOUCHED_BYTES as usize];
    }
    let mut first = FirstChanges::default();
    for (address, slots) in dirty {
        let account = [seed.as_slice(), address.as_bytes()].concat();
        first.accounts = first.accounts.saturating_add(insert(&mut set, &account).into());
        for slot in slots {
            let new = insert(&mut set, &[&account[..], slot.as_bytes()].concat());
            first.slots = first.slots.saturating_add(new.into());
        }
    }
    // Most transactions of a full block change what others changed before: no need to copy the set.
    if first != FirstChanges::default() {
        Touched::<T>::put(BoundedVec::truncate_from(set));
    }
    first
}

/// Sets the bit of `key`; tells whether it was not set.
fn insert(set: &mut [u8], key: &[u8]) -> bool {
    let [low, high, ..] = blake2_128(key);
    let bit = u16::from_le_bytes([low, high]);
    let mask = 1 << (bit & 7);
    set.get_mut(usize::from(bit >> 3)).is_some_and(|byte| {
        let new = *byte & mask == 0;
        *byte |= mask;
        new
    })
}
