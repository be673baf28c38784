//! Benchmarks of the work that other pallets trigger.

use crate::{AccountStorages, Accounts, Config, Dirty, DirtyAccount, Pallet, StateRoot};
use alloc::{vec, vec::Vec};
use bzk_evm::account::Account;
use frame_benchmarking::v2::*;
use frame_support::BoundedVec;
use sp_core::{H160, H256};
use sp_io::hashing::keccak_256;

/// Accounts and slots that there are before.
const LEDGER: u32 = 10_000;

/// A distinct address per index, spread over the trie.
fn address(index: u32) -> H160 {
    H160::from(H256(keccak_256(&index.to_be_bytes())))
}

/// Changes `accounts` accounts, and `slots` slots of the first, as one transaction would.
fn change<T: Config>(accounts: u32, slots: u32, value: u64) {
    let mut dirty = Vec::new();
    for index in 0..accounts {
        let account =
            Account { nonce: 1, balance: value.into(), ..Pallet::<T>::account(address(index)) };
        Accounts::<T>::insert(address(index), account);
        dirty.push(DirtyAccount { address: address(index), slots: BoundedVec::new() });
    }
    let slots: Vec<H256> = (0..slots).map(|slot| H256(keccak_256(&slot.to_be_bytes()))).collect();
    for slot in &slots {
        AccountStorages::<T>::insert(
            address(0),
            slot,
            H256(sp_core::U256::from(value).to_big_endian()),
        );
    }
    if let Some(first) = dirty.first_mut() {
        first.slots = BoundedVec::truncate_from(slots);
    }
    Dirty::<T>::put(BoundedVec::truncate_from(vec![BoundedVec::truncate_from(dirty)]));
}

#[benchmarks]
mod benches {
    use super::*;

    /// `a` accounts that exist and `s` slots that are set are read, changed and folded into the tries,
    /// which are as deep as those of a ledger of [`LEDGER`] accounts and of a contract with as many slots.
    #[benchmark]
    fn commit(a: Linear<1, 1_000>, s: Linear<0, 1_000>) {
        change::<T>(LEDGER, LEDGER, 1);
        Pallet::<T>::commit();
        let before = StateRoot::<T>::get();

        #[block]
        {
            change::<T>(a, s, 2);
            Pallet::<T>::commit();
        }

        assert_ne!(StateRoot::<T>::get(), before);
    }

    impl_benchmark_test_suite!(
        Pallet,
        crate::mock::new_test_ext(Default::default()),
        crate::mock::Test
    );
}
