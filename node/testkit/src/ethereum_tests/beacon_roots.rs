//! The system call of EIP-4788, which Ethereum makes at the start of a block and our chain does not.
//!
//! Nearly all of Ethereum's block tests have its contract in their state. So the runner writes what
//! the call writes, and all else of the block is for the pallets to get right.

use crate::ethereum_tests::runtime::{Runtime, EVM};
use alloy_eips::eip4788::{BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CODE};
use codec::Encode;
use pallet_evm::{AccountStorages, Dirty};
use sp_core::{H160, H256};

/// Slots of the contract's ring of timestamps; the roots follow in as many.
const HISTORY_BUFFER_LENGTH: u64 = 8_191;

/// Writes the timestamp of the open block. Its beacon root is zero as in every header of ours, so
/// the slot of the root is emptied. Without the contract nothing happens.
pub(super) fn store(timestamp_s: u64) {
    let contract = H160(BEACON_ROOTS_ADDRESS.into_array());
    if EVM::code(contract) != BEACON_ROOTS_CODE {
        return;
    }
    let timestamp_slot = timestamp_s % HISTORY_BUFFER_LENGTH;
    let [timestamp_slot, root_slot] =
        [timestamp_slot, timestamp_slot + HISTORY_BUFFER_LENGTH].map(H256::from_low_u64_be);
    let timestamp = H256::from_low_u64_be(timestamp_s);
    AccountStorages::<Runtime>::insert(contract, timestamp_slot, timestamp);
    AccountStorages::<Runtime>::remove(contract, root_slot);
    let dirty = vec![(contract, vec![timestamp_slot, root_slot])];
    sp_io::storage::append(&Dirty::<Runtime>::hashed_key(), dirty.encode());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ethereum_tests::chain::Chain;
    use pallet_evm::GenesisAccount;

    #[test]
    fn timestamp_enters_state_and_root() {
        let contract = H160(BEACON_ROOTS_ADDRESS.into_array());
        let root_slot = H256::from_low_u64_be(HISTORY_BUFFER_LENGTH + 5);
        let account = |code| GenesisAccount {
            nonce: 1,
            code,
            storage: [(root_slot, H256::repeat_byte(1))].into(),
            ..Default::default()
        };
        let timestamp_s = 3 * HISTORY_BUFFER_LENGTH + 5;
        for (code, written) in [(BEACON_ROOTS_CODE.to_vec(), true), (vec![0], false)] {
            Chain::new([(contract, account(code))].into()).execute(|| {
                let before = EVM::state_root();
                store(timestamp_s);
                EVM::commit();
                EVM::check_state().unwrap();
                assert_eq!(EVM::state_root() != before, written);
                let slot = EVM::storage(contract, H256::from_low_u64_be(5));
                assert_eq!(slot == H256::from_low_u64_be(timestamp_s), written);
                assert_eq!(EVM::storage(contract, root_slot).is_zero(), written);
            });
        }
    }
}
