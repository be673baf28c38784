//! Coins that no withdrawal moves.

use super::*;
use bzk_bitcoin::bitcoin::{hashes::Hash, Transaction};

/// Height by which a deposit of the mock must be spent.
const SPEND_BY: u64 = 100 + REFUND_DELAY as u64 / 2;

fn fee(sweep: &Transaction, spent: u64) -> u64 {
    spent - sweep.output.iter().map(|output| output.value.to_sat()).sum::<u64>()
}

#[test]
fn attack_spent_by_refund_race() {
    run(|| {
        deposit(1, 400_000);
        deposit(2, 300_000);
        new_tip(SPEND_BY - 1);
        pass(10);
        assert_eq!(NextBatch::<Test>::get(), 0, "there is time");
        new_tip(SPEND_BY);
        pass(1);
        sign();
        let [sweep] = payouts().try_into().unwrap();
        assert_eq!(sweep.input.len(), 2);
        let fee = fee(&sweep, 700_000);
        assert!((1..20_000).contains(&fee), "{fee}");
        let reserves = BtcBridge::reserves();
        assert_eq!((reserves.backing, reserves.sweep_fees), (700_000 - fee, fee));
        assert!(Coins::<Test>::iter_values().all(|coin| coin.spend_by.is_none()));
        // Nothing is missing, and nothing is left to sweep.
        new_tip(SPEND_BY + 1);
        pass(5);
        assert_eq!((Halted::<Test>::get(), NextBatch::<Test>::get()), (None, 1));
    });
}

#[test]
fn outputs_of_a_sweep_pay_withdrawals_before_it_is_confirmed() {
    run(|| {
        deposit(1, 5_000_000);
        new_tip(SPEND_BY);
        pass(1);
        sign();
        let [sweep] = payouts().try_into().unwrap();
        withdraw(0, 1_000_000, 20_000);
        pass(6);
        sign();
        // The parent comes first.
        let [first, payout] = payouts().try_into().unwrap();
        assert_eq!(first, sweep);
        let parent = sweep.compute_txid();
        assert!(payout.input.iter().all(|input| input.previous_output.txid == parent));
        settle(&[0], 1_000_000, payout.compute_txid().to_byte_array(), SPEND_BY + 1);
        assert_eq!(payouts(), [sweep]);
        let later = SPEND_BY + 2 + u64::from(KEEP_BLOCKS);
        new_tip(later);
        pass(3);
        assert_eq!(Halted::<Test>::get(), None);
    });
}

#[test]
fn old_key_is_swept_to_the_new_one_and_retired() {
    run(|| {
        for tag in 1..=60 {
            deposit(tag, 100_000);
        }
        adopt(1);
        pass(1);
        sign();
        let message = BtcBridge::handover().unwrap();
        rotated(2, key_of(1), message.closes_at.into());
        pass(3);
        assert_eq!(NextBatch::<Test>::get(), 0, "a deposit to the old key may still come");
        new_tip(u64::from(message.closes_at) + 1);
        // 50 coins, then ten.
        pass(2);
        sign();
        pass(3);
        sign();
        pass(2);
        assert_eq!(NextBatch::<Test>::get(), 2);
        assert!(Coins::<Test>::iter_prefix(0).next().is_none());
        assert_eq!(Keys::get(), [0, 1], "a deposit to it may still be claimed");
        new_tip(u64::from(message.closes_at + REFUND_DELAY / 2) + 1);
        pass(1);
        assert_eq!(Keys::get(), [1]);
        let reserves = BtcBridge::reserves();
        assert_eq!(reserves.backing + reserves.sweep_fees, 6_000_000);
        assert_eq!(Halted::<Test>::get(), None);
    });
}

/// Withdrawals that never can pay their share, so many that a payout is due in each block: the depositor hopes that
/// the refund path opens before his deposit is swept.
#[test]
fn attack_line_that_cannot_be_paid_does_not_hold_up_sweeps() {
    run(|| {
        deposit(1, 5_000_000);
        new_tip(SPEND_BY);
        (0..20).for_each(|id| withdraw(id, 400, 0));
        pass(1);
        sign();
        let [sweep] = payouts().try_into().unwrap();
        assert_eq!(sweep.input.len(), 1);
        assert!(Batches::<Test>::get(0).unwrap().withdrawals.is_empty());
        assert_eq!(Withdrawals::<Test>::iter().count(), 20);
    });
}

/// No 50 of these coins suffice, whatever is behind them.
#[test]
fn attack_many_small_deposits_do_not_hold_up_a_large_withdrawal() {
    run(|| {
        for tag in 1..=120 {
            deposit(tag, 50_000);
        }
        withdraw(0, 4_000_000, 200_000);
        pass(5);
        for _ in 0..2 {
            sign();
            assert!(Batches::<Test>::iter_values().all(|batch| batch.withdrawals.is_empty()));
            pass(1);
        }
        assert_eq!(Batches::<Test>::get(2).unwrap().withdrawals.to_vec(), [0]);
        let reserves = BtcBridge::reserves();
        assert_eq!(reserves.backing + reserves.sweep_fees, 120 * 50_000);
    });
}

/// Deposits that nobody withdraws become a few coins, of the size that payouts need.
#[test]
fn small_deposits_are_consolidated_before_their_refund_path_opens() {
    run(|| {
        for tag in 1..=200 {
            deposit(tag, 50_000);
        }
        new_tip(SPEND_BY);
        for _ in 0..4 {
            pass(1);
            sign();
        }
        let coins: Vec<_> = Coins::<Test>::iter_values().collect();
        assert!((8..=24).contains(&coins.len()), "{} coins", coins.len());
        assert!(coins.iter().all(|coin| coin.spend_by.is_none() && coin.sats > 50_000));
        let reserves = BtcBridge::reserves();
        assert_eq!(reserves.backing + reserves.sweep_fees, 200 * 50_000);
    });
}
