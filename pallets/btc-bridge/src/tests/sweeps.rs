//! Coins that no withdrawal moves.

use super::*;
use bzk_bitcoin::{
    bitcoin::{hashes::Hash, Transaction},
    payout::sweep_id,
};

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
        let books = || {
            let reserves = BtcBridge::reserves();
            (reserves.backing, reserves.sweep_fees)
        };
        assert_eq!(books(), (700_000, 0));
        confirm_sweeps(SPEND_BY + 1);
        assert_eq!(books(), (700_000 - fee, fee));
        assert!(Coins::<Test>::iter_values().all(|coin| coin.spend_by.is_none()));
        // Nothing is missing, and nothing is left to sweep.
        new_tip(SPEND_BY + 1);
        pass(5);
        assert_eq!((Halted::<Test>::get(), NextBatch::<Test>::get()), (None, 1));
    });
}

#[test]
fn outputs_of_a_sweep_pay_withdrawals_once_it_is_confirmed() {
    run(|| {
        deposit(1, 5_000_000);
        new_tip(SPEND_BY);
        pass(1);
        sign();
        let [sweep] = payouts().try_into().unwrap();
        withdraw(0, 1_000_000, 20_000);
        pass(6);
        assert_eq!(NextBatch::<Test>::get(), 1);
        confirm_sweeps(SPEND_BY + 1);
        assert!(payouts().is_empty());
        pass(1);
        sign();
        let [payout] = payouts().try_into().unwrap();
        let parent = sweep.compute_txid();
        assert!(payout.input.iter().all(|input| input.previous_output.txid == parent));
        new_tip(SPEND_BY + 2);
        pass(1);
        assert_eq!(Halted::<Test>::get(), None);
    });
}

/// Miners do not take the first version before the refund paths open. Either version may confirm, and the coins are
/// those of the one that does.
#[test]
fn attack_sweep_whose_fee_is_too_low_is_replaced() {
    for newest in [false, true] {
        run(|| {
            deposit(1, 5_000_000);
            new_tip(SPEND_BY);
            pass(1);
            sign();
            let [first] = payouts().try_into().unwrap();
            new_tip(SPEND_BY + 6);
            pass(1);
            assert_eq!(payouts(), std::slice::from_ref(&first), "the other one is not signed");
            sign();
            let [second, other] = payouts().try_into().unwrap();
            assert_eq!(
                (&other, &second.input[0].previous_output),
                (&first, &first.input[0].previous_output)
            );
            let least = fee(&first, 5_000_000) + second.vsize() as u64;
            assert!(fee(&second, 5_000_000) >= least);
            let mined = if newest { second } else { first };
            confirm(sweep_id(0), mined.compute_txid().to_byte_array(), SPEND_BY + 7);
            check();
            let cost = fee(&mined, 5_000_000);
            let reserves = BtcBridge::reserves();
            assert_eq!((reserves.backing, reserves.sweep_fees), (5_000_000 - cost, cost));
            assert!(payouts().is_empty());
            assert_eq!(Coins::<Test>::iter().count(), mined.output.len());
            new_tip(SPEND_BY + 20);
            pass(3);
            assert_eq!((Halted::<Test>::get(), Open::get().len()), (None, 0));
        });
    }
}

/// However often it is replaced, a sweep of little worth leaves something, and not all of it to the miner.
#[test]
fn attack_sweep_of_a_small_coin_is_never_all_fee() {
    run(|| {
        deposit(1, 9_000);
        for height in (SPEND_BY..SPEND_BY + 200).step_by(6) {
            new_tip(height);
            pass(2);
            sign();
        }
        let versions = payouts();
        assert!((2..=MAX_VERSIONS as usize).contains(&versions.len()), "{}", versions.len());
        assert!(versions.iter().all(|sweep| sweep.output.len() == 1));
    });
}

/// The reserves would pay more for them than they hold, and payouts cannot use them: they wait until fees fall.
#[test]
fn attack_coins_that_are_not_worth_their_fee_hold_up_nobody() {
    run(|| {
        fee_rate(100);
        (1..=70).for_each(|tag| deposit(tag, 10_000));
        deposit(71, 50_000_000);
        withdraw(0, 10_000_000, 500_000);
        pass(5);
        let inputs = Batches::<Test>::get(0).unwrap().inputs;
        assert_eq!(inputs.iter().map(|coin| coin.sats).collect::<Vec<_>>(), [50_000_000]);
        sign();
        new_tip(SPEND_BY);
        pass(3);
        assert_eq!(NextBatch::<Test>::get(), 1);
        fee_rate(10);
        pass(1);
        let sweep = Batches::<Test>::get(1).unwrap();
        assert_eq!((sweep.withdrawals.len(), sweep.inputs.len()), (0, 50));
    });
}

/// There is a quarter of the refund delay left. What pays for its own input is swept, and the rest is given up, which
/// costs the reserves less.
#[test]
fn coins_that_are_never_worth_their_fee_are_given_up_in_the_end() {
    run(|| {
        fee_rate(100);
        for (tag, sats) in [(1, 10_000), (2, 30_000), (3, 31_000)] {
            deposit(tag, sats);
        }
        let last_call = SPEND_BY + u64::from(REFUND_DELAY) / 4;
        new_tip(last_call - 1);
        pass(3);
        assert_eq!((Coins::<Test>::iter().count(), NextBatch::<Test>::get()), (3, 0));
        new_tip(last_call);
        pass(1);
        let given_up = Event::<Test>::CoinGivenUp { txid: [1; 32], vout: 0, sats: 10_000 };
        System::assert_last_event(given_up.into());
        assert_eq!(BtcBridge::reserves().sweep_fees, 10_000);
        sign();
        confirm_sweeps(last_call + 1);
        let reserves = BtcBridge::reserves();
        assert_eq!(reserves.backing + reserves.sweep_fees, 71_000);
        assert_eq!(Coins::<Test>::iter().count(), 1);
        new_tip(last_call + 2);
        pass(1);
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
        pass(2);
        confirm_sweeps(u64::from(message.closes_at) + 2);
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
        pass(2);
        sign();
        assert!(Batches::<Test>::iter_values().all(|batch| batch.withdrawals.is_empty()));
        confirm_sweeps(101);
        pass(1);
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
        confirm_sweeps(SPEND_BY + 1);
        let coins: Vec<_> = Coins::<Test>::iter_values().collect();
        assert!((8..=24).contains(&coins.len()), "{} coins", coins.len());
        assert!(coins.iter().all(|coin| coin.spend_by.is_none() && coin.sats > 50_000));
        let reserves = BtcBridge::reserves();
        assert_eq!(reserves.backing + reserves.sweep_fees, 200 * 50_000);
    });
}

/// So many deposits whose refund path opens that all places for payouts would be taken by sweeps.
#[test]
fn attack_many_sweeps_do_not_hold_up_withdrawals() {
    run(|| {
        let (root, spend_by) = (Some([9; 32]), Some(SPEND_BY as u32));
        for vout in 0..500 {
            let coin = StoredCoin { txid: [1; 32], vout, sats: 200_000, root, spend_by };
            BtcBridge::add_coin(0, coin);
        }
        new_tip(SPEND_BY);
        pass(20);
        assert_eq!((NextBatch::<Test>::get(), OpenSweeps::<Test>::get()), (8, 8));
        withdraw(0, 1_000_000, 20_000);
        pass(6);
        assert_eq!(Batches::<Test>::get(8).unwrap().withdrawals.to_vec(), [0]);
        sign();
        confirm_sweeps(SPEND_BY + 1);
        pass(3);
        assert_eq!((NextBatch::<Test>::get(), OpenSweeps::<Test>::get()), (11, 2));
        assert_eq!(BtcBridge::queue().open, 1);
    });
}

/// Large coins come due with every block, and places are few.
#[test]
fn attack_large_coins_do_not_keep_small_ones_from_being_swept() {
    run(|| {
        let add = |vout, sats, spend_by: u64| {
            let (root, spend_by) = (Some([9; 32]), Some(spend_by as u32));
            BtcBridge::add_coin(0, StoredCoin { txid: [1; 32], vout, sats, root, spend_by });
        };
        add(99, 50_000, SPEND_BY);
        for after in 0..10 {
            add(after, 200_000, SPEND_BY + u64::from(after));
        }
        for height in SPEND_BY..SPEND_BY + 10 {
            new_tip(height);
            pass(1);
        }
        assert!(Coins::<Test>::iter_values().all(|coin| coin.sats != 50_000));
    });
}

/// The owner of a coin has taken it back before its sweep was in a block, which can never be in one now. The others of
/// that sweep, and its place, are not lost with it.
#[test]
fn attack_coin_that_is_taken_back_does_not_keep_its_sweep_open() {
    run(|| {
        deposit(1, 500_000);
        deposit(2, 700_000);
        new_tip(SPEND_BY);
        pass(1);
        sign();
        let [lost, other] = Batches::<Test>::get(0).unwrap().inputs.to_vec().try_into().unwrap();
        deficit(lost.sats);
        frame_support::assert_ok!(BtcBridge::write_off(RuntimeOrigin::root(), 0, lost.key()));
        check();
        assert_eq!(OpenSweeps::<Test>::get(), 0);
        assert_eq!(Coins::<Test>::iter_values().collect::<Vec<_>>(), [other]);
        Totals::mutate(|totals| totals[1] += lost.sats);
        deficit(0);
        pass(1);
        assert_eq!(Batches::<Test>::get(1).unwrap().inputs.len(), 1);
    });
}
