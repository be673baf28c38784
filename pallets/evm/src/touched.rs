//! Which keys the open block has changed before: the first change of a key pays for the database.

use crate::{Config, Touched};
use alloc::{vec, vec::Vec};
use bzk_evm::primitives::B256;
use core::marker::PhantomData;
use frame_support::BoundedVec;
use sp_core::{H160, H256};
use sp_io::hashing::blake2_128;

/// Bytes of the set; each bit stands for the keys that hash to it.
pub const TOUCHED_BYTES: u32 = 8_192;

/// Bytes of the set's length before it in storage: SCALE's compact form of [`TOUCHED_BYTES`].
const LENGTH_BYTES: u32 = 2;

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
    let mut set = Set::<T>::default();
    let mut first = FirstChanges::default();
    for (address, slots) in dirty {
        let account = [seed.as_slice(), address.as_bytes()].concat();
        first.accounts = first.accounts.saturating_add(set.insert(&account).into());
        for slot in slots {
            let new = set.insert(&[&account[..], slot.as_bytes()].concat());
            first.slots = first.slots.saturating_add(new.into());
        }
    }
    set.store();
    first
}

/// The set in storage. Most transactions of a full block change what others changed before, so single bytes are read, and
/// all of it only where a bit is to be set.
struct Set<T>(Option<Vec<u8>>, PhantomData<T>);

impl<T> Default for Set<T> {
    fn default() -> Self {
        Self(None, PhantomData)
    }
}

impl<T: Config> Set<T> {
    /// Sets the bit of `key`; tells whether it was not set.
    fn insert(&mut self, key: &[u8]) -> bool {
        let [low, high, ..] = blake2_128(key);
        let bit = u16::from_le_bytes([low, high]);
        let (index, mask) = (bit >> 3, 1 << (bit & 7));
        if self.0.is_none() && stored_byte::<T>(index) & mask != 0 {
            return false;
        }
        let set = self.0.get_or_insert_with(|| match Touched::<T>::get().into_inner() {
            set if set.is_empty() => vec![0; TOUCHED_BYTES as usize],
            set => set,
        });
        set.get_mut(usize::from(index)).is_some_and(|byte| {
            let new = *byte & mask == 0;
            *byte |= mask;
            new
        })
    }

    fn store(self) {
        if let Some(set) = self.0 {
            Touched::<T>::put(BoundedVec::truncate_from(set));
        }
    }
}

/// One byte of the set; 0 where there is none.
fn stored_byte<T: Config>(index: u16) -> u8 {
    let mut byte = [0];
    // What it answers is how much there is.
    let _ = sp_io::storage::read(
        &Touched::<T>::hashed_key(),
        &mut byte,
        LENGTH_BYTES.saturating_add(index.into()),
    );
    let [byte] = byte;
    byte
}
