//! What a block still had room for, by weight: the limit that most full blocks of this chain end by.
//!
//! A block may also end by its proving cost, which the state does not keep, or by its author's clock.

use bitcoinzk_runtime::{configs::RuntimeBlockWeights, Ethereum, Runtime};
use bzk_evm::tx::TRANSACTION_GAS;
use frame_support::dispatch::DispatchClass;
use frame_system::ConsumedWeight;
use pallet_evm::WeightInfo;

/// Accounts that a plain transfer changes: sender, recipient and coinbase.
const TRANSFER_ACCOUNTS: u32 = 3;

/// Least gas for which a transaction changes one more account and a slot of it: both in the access list
/// (EIP-2930: 2,400 and 1,900), the slot set before (EIP-2929: 2,900).
const CHANGE_GAS: u64 = 7_200;

/// Most that a transaction of this gas limit takes of a block, in picoseconds of the reference machine:
/// what it weighs before it runs and every change of the ledger that its gas can pay for.
pub(super) fn worst_weight(gas_limit: u64) -> u64 {
    let base = RuntimeBlockWeights::get().get(DispatchClass::Normal).base_extrinsic;
    let changes = gas_limit.saturating_sub(TRANSACTION_GAS).div_ceil(CHANGE_GAS);
    let changes = u32::try_from(changes).unwrap_or(u32::MAX);
    let commit = <Runtime as pallet_evm::Config>::WeightInfo::commit;
    let accounts = changes.saturating_add(TRANSFER_ACCOUNTS);
    let changed = commit(accounts, changes).saturating_sub(commit(0, 0));
    let weight = Ethereum::weight_of_gas(gas_limit).saturating_add(base).saturating_add(changed);
    weight.ref_time()
}

/// What ordinary transactions could still have taken of a block that weighs `consumed`, in picoseconds of the
/// reference machine.
pub(super) fn weight_left(consumed: &ConsumedWeight) -> u64 {
    let limits = RuntimeBlockWeights::get();
    let of_class = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
    let of_class = of_class.saturating_sub(*consumed.get(DispatchClass::Normal));
    let of_block = limits.max_block.saturating_sub(consumed.total());
    of_class.ref_time().min(of_block.ref_time())
}

#[cfg(test)]
mod tests {
    use super::*;
    use frame_support::weights::Weight;

    fn consumed(class: DispatchClass, ref_time: u64) -> ConsumedWeight {
        let weight = Weight::from_parts(ref_time, 0);
        ConsumedWeight::new(|of| if of == class { weight } else { Weight::zero() })
    }

    #[test]
    fn room_ends_with_the_share_of_ordinary_transactions_or_the_block() {
        let limits = RuntimeBlockWeights::get();
        let share = limits.get(DispatchClass::Normal).max_total.unwrap().ref_time();
        let block = limits.max_block.ref_time();
        assert!(0 < share && share < block);
        let left = |class, ref_time| weight_left(&consumed(class, ref_time));
        assert_eq!(left(DispatchClass::Normal, 0), share);
        assert_eq!(left(DispatchClass::Normal, share - 5), 5);
        assert_eq!(left(DispatchClass::Normal, share + 5), 0);
        // What hooks take counts where it goes beyond what is kept for them.
        assert_eq!(left(DispatchClass::Mandatory, block - share), share);
        assert_eq!(left(DispatchClass::Mandatory, block - 5), 5);
    }

    #[test]
    fn worst_weight_covers_what_the_runtime_takes() {
        let base = RuntimeBlockWeights::get().get(DispatchClass::Normal).base_extrinsic.ref_time();
        let commit = |accounts, slots| {
            <Runtime as pallet_evm::Config>::WeightInfo::commit(accounts, slots).ref_time()
        };
        let before = |gas| Ethereum::weight_of_gas(gas).ref_time() + base;
        let changed = |accounts, slots| commit(accounts, slots) - commit(0, 0);
        assert_eq!(worst_weight(21_000), before(21_000) + changed(3, 0));
        // 45,000 gas more: nine slots that were set before, or two new ones and a call.
        assert!(worst_weight(66_000) >= before(66_000) + changed(4, 9));
        assert!(worst_weight(30_000_000) > worst_weight(66_000));
        assert_eq!(worst_weight(u64::MAX), u64::MAX);
    }
}
