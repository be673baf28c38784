//! What the pallet asks of others.

use alloc::vec::Vec;
use core::ops::RangeInclusive;
use frame_support::weights::Weight;
use sp_core::H160;

/// Slots, their authors and those who could have been.
pub trait SlotSchedule<AccountId> {
    /// Slot of the block that is being made.
    fn current() -> u64;

    /// Author of the block that is being made.
    fn author() -> Option<AccountId>;

    /// For each of `slots` the validator that could have authored whoever else won it; slots of
    /// which this is not known, or whose owner may make no blocks, are left out.
    fn owners(slots: RangeInclusive<u64>) -> Vec<AccountId>;
}

impl<AccountId> SlotSchedule<AccountId> for () {
    fn current() -> u64 {
        0
    }

    fn author() -> Option<AccountId> {
        None
    }

    fn owners(_: RangeInclusive<u64>) -> Vec<AccountId> {
        Vec::new()
    }
}

/// Candidates for the next set of validators.
pub trait Stake<AccountId> {
    /// Whether the account has bonded stake, as a candidate or not.
    fn is_bonded(who: &AccountId) -> bool;

    /// Whether the account wants to be elected.
    fn is_candidate(who: &AccountId) -> bool;

    /// Takes the account out of the candidates and gives what that weighs. Its stake stays bonded.
    fn chill(who: &AccountId) -> Weight;

    /// Makes the account a candidate, for benchmarks.
    #[cfg(feature = "runtime-benchmarks")]
    fn make_candidate(who: &AccountId);
}

impl<AccountId> Stake<AccountId> for () {
    fn is_bonded(_: &AccountId) -> bool {
        false
    }

    fn is_candidate(_: &AccountId) -> bool {
        false
    }

    fn chill(_: &AccountId) -> Weight {
        Weight::zero()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn make_candidate(_: &AccountId) {}
}

/// Accounts of the EVM.
pub trait EvmAccounts {
    /// Whether the account is in the state: it has a nonce, a balance or code. Without
    /// SELFDESTRUCT of older accounts (EIP-6780) one that is there stays there.
    fn exists(address: H160) -> bool;

    /// Makes an account exist, for benchmarks.
    #[cfg(feature = "runtime-benchmarks")]
    fn create(address: H160);
}

impl EvmAccounts for () {
    fn exists(_: H160) -> bool {
        false
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create(_: H160) {}
}
