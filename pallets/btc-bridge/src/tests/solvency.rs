//! When nothing is signed.

use super::*;
use bzk_bitcoin::bitcoin::hashes::Hash;
use bzk_runtime_api::{HaltView, WithdrawalStatus};
use frame_support::{assert_noop, assert_ok};

/// No batch is made, however much time passes, before governance resumes; then there is one.
#[track_caller]
fn stopped_until_resumed() {
    pass(10);
    assert_eq!(NextBatch::<Test>::get(), 0);
    assert_ok!(BtcBridge::resume(RuntimeOrigin::root()));
    pass(1);
    assert_eq!(NextBatch::<Test>::get(), 1);
}

#[test]
fn attack_reorg_after_claim_halts_until_the_deficit_is_gone() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        deficit(5_000_000);
        pass(10);
        assert_eq!(NextBatch::<Test>::get(), 0);
        assert_noop!(BtcBridge::resume(RuntimeOrigin::root()), Error::<Test>::CauseRemains);
        deficit(0);
        pass(1);
        assert_eq!(NextBatch::<Test>::get(), 1);
    });
}

/// The deposit was spent otherwise on the new branch: somebody pays for it, and the coin is struck off.
#[test]
fn attack_reorg_after_claim_is_covered_and_the_lost_coin_is_never_spent() {
    run(|| {
        deposit(1, 5_000_000);
        deposit(2, 5_000_000);
        let lost = Coins::<Test>::iter_prefix_values(0).find(|coin| coin.txid == [1; 32]).unwrap();
        let write_off = |key| BtcBridge::write_off(RuntimeOrigin::root(), 0, key);
        assert_noop!(write_off(lost.key()), Error::<Test>::NotHalted);
        deficit(5_000_000);
        assert_noop!(
            BtcBridge::write_off(RuntimeOrigin::signed(1), 0, lost.key()),
            sp_runtime::DispatchError::BadOrigin
        );
        assert_ok!(write_off(lost.key()));
        assert_noop!(write_off(lost.key()), Error::<Test>::NoSuchCoin);
        // `cover`: what circulated is gone, and so is the deficit.
        Totals::mutate(|totals| totals[1] += 5_000_000);
        deficit(0);
        assert_eq!(Halted::<Test>::get(), None);
        new_tip(101);
        withdraw(0, 1_000_000, 20_000);
        pass(6);
        let inputs = Batches::<Test>::get(0).unwrap().inputs;
        assert!(inputs.iter().all(|coin| coin.txid == [2; 32]));
        assert_eq!(Halted::<Test>::get(), None);
    });
}

/// The owner of a deposit has taken it back by its refund path before the payout that spends it was in a block, which
/// can never be in one now. Governance ends that payout: what it would have paid is paid by another one, but for what
/// the contract has given back, and its other coin is free.
#[test]
fn attack_spent_by_refund_race_ends_the_payout_and_not_its_withdrawals() {
    run(|| {
        deposit(1, 500_000);
        deposit(2, 700_000);
        withdraw(0, 600_000, 20_000);
        withdraw(1, 300_000, 20_000);
        pass(5);
        sign();
        let [lost, other] = Batches::<Test>::get(0).unwrap().inputs.to_vec().try_into().unwrap();
        new_tip(106);
        pass(1);
        assert_eq!(Requests::<Test>::iter().count(), 1);
        deposit(3, 3_000_000);
        unlock(1, 300_000);
        assert_eq!(Halted::<Test>::get(), Some(Halt::Unlocked { id: 1, batch: 0 }));
        assert_ok!(BtcBridge::write_off(RuntimeOrigin::root(), 0, lost.key()));
        check();
        assert!(Batches::<Test>::get(0).is_none() && payouts().is_empty());
        assert_eq!(Requests::<Test>::iter().count(), 0);
        assert!(Coins::<Test>::iter_prefix_values(0).any(|coin| coin == other));
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Waiting));
        assert_eq!(BtcBridge::withdrawal(1), None);
        // The contract has no deficit to cover. Somebody makes up for it: he pays a withdrawal of his own himself.
        assert_noop!(BtcBridge::resume(RuntimeOrigin::root()), Error::<Test>::CauseRemains);
        withdraw(2, lost.sats, 20_000);
        settle(&[2], lost.sats, [9; 32], 106);
        assert_ok!(BtcBridge::resume(RuntimeOrigin::root()));
        pass(6);
        // The session of the ended payout, which was of two inputs, has ended too.
        assert!(Open::get().values().all(|(_, inputs)| inputs.len() == 1));
        sign();
        let batch = Batches::<Test>::get(1).unwrap();
        assert_eq!(batch.withdrawals.to_vec(), [0]);
        assert!(batch.inputs.iter().all(|coin| *coin != lost));
        settle(&[0], 600_000, payouts()[0].compute_txid().to_byte_array(), 107);
        check();
        assert_eq!((PaidAhead::<Test>::get(), Halted::<Test>::get()), (0, None));
    });
}

#[test]
fn missing_coins_halt_with_the_next_bitcoin_block() {
    run(|| {
        deposit(1, 5_000_000);
        Totals::mutate(|totals| totals[0] += 1);
        new_tip(101);
        pass(1);
        let (backing, owed) = (5_000_000, 5_000_001);
        assert_eq!(Halted::<Test>::get(), Some(Halt::Insolvent { backing, owed }));
        assert_noop!(BtcBridge::resume(RuntimeOrigin::root()), Error::<Test>::CauseRemains);
        Totals::mutate(|totals| totals[0] -= 1);
        assert_ok!(BtcBridge::resume(RuntimeOrigin::root()));
        assert_eq!(Halted::<Test>::get(), None);
    });
}

/// Somebody brings a header and, later in the same block, a claim: when the header's log is read, the contract's sums
/// already have the deposit.
#[test]
fn attack_claim_in_the_block_of_a_header_does_not_halt() {
    run(|| {
        deposit(1, 5_000_000);
        Totals::mutate(|totals| totals[0] += 3_000_000);
        new_tip(101);
        Totals::mutate(|totals| totals[0] -= 3_000_000);
        deposit(2, 3_000_000);
        pass(1);
        assert_eq!(Halted::<Test>::get(), None);
        // What is missing when all logs are read is missed.
        Totals::mutate(|totals| totals[0] += 1);
        new_tip(102);
        pass(1);
        assert!(matches!(Halted::<Test>::get(), Some(Halt::Insolvent { .. })));
    });
}

#[test]
fn governance_stops_and_resumes() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        assert_noop!(
            BtcBridge::halt(RuntimeOrigin::signed(1)),
            sp_runtime::DispatchError::BadOrigin
        );
        assert_ok!(BtcBridge::halt(RuntimeOrigin::root()));
        stopped_until_resumed();
    });
}

/// A deposit leaves the chain and comes back. Whoever can bring that about must not undo what governance has
/// ordered.
#[test]
fn attack_reorg_does_not_resume_what_governance_has_stopped() {
    for deficit_first in [false, true] {
        run(|| {
            deposit(1, 5_000_000);
            withdraw(0, 1_000_000, 20_000);
            if deficit_first {
                deficit(5_000_000);
                assert_eq!(Halted::<Test>::get(), Some(Halt::Deficit));
            }
            assert_ok!(BtcBridge::halt(RuntimeOrigin::root()));
            deficit(5_000_000);
            assert_eq!(Halted::<Test>::get(), Some(Halt::Ordered));
            // What is missing is shown, and governance cannot pass over it either.
            assert_eq!(BtcBridge::reserves().deficit, 5_000_000);
            assert_noop!(BtcBridge::resume(RuntimeOrigin::root()), Error::<Test>::CauseRemains);
            deficit(0);
            assert_eq!(Halted::<Test>::get(), Some(Halt::Ordered));
            stopped_until_resumed();
        });
    }
}

/// The same for a payout that may be paid twice, and for a key of nobody.
#[test]
fn attack_reorg_does_not_resume_what_people_have_to_look_at() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        unlock(0, 1_000_000);
        let unlocked = Some(Halt::Unlocked { id: 0, batch: 0 });
        assert_eq!(Halted::<Test>::get(), unlocked);
        assert_eq!(BtcBridge::reserves().halted, Some(HaltView::Unlocked));
        deficit(5_000_000);
        deficit(0);
        assert_eq!(Halted::<Test>::get(), unlocked);
        // Nor does another reason hide it.
        assert_ok!(BtcBridge::halt(RuntimeOrigin::root()));
        assert_eq!(Halted::<Test>::get(), unlocked);
    });
    run(|| {
        deposit(1, 5_000_000);
        rotated(2, key_of(9), 150);
        deficit(5_000_000);
        deficit(0);
        assert_eq!(Halted::<Test>::get(), Some(Halt::UnknownKey));
        assert_eq!(BtcBridge::reserves().halted, Some(HaltView::UnknownKey));
    });
}

#[test]
fn policy_out_of_range_is_refused() {
    run(|| {
        let sound = Policy { batch_blocks: 1, bump_blocks: 1, sats_per_vbyte: 2 };
        assert_ok!(BtcBridge::set_policy(RuntimeOrigin::root(), sound));
        for bad in [
            Policy { batch_blocks: 0, ..sound },
            Policy { bump_blocks: 0, ..sound },
            Policy { sats_per_vbyte: 1, ..sound },
            Policy { sats_per_vbyte: 1_001, ..sound },
        ] {
            let root = RuntimeOrigin::root();
            assert_noop!(BtcBridge::set_policy(root, bad), Error::<Test>::BadPolicy);
        }
    });
}
