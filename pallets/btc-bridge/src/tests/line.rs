//! Who is paid before whom.

use super::*;

/// They cost nothing but a little BTC that is locked, and no payout can pay them.
#[test]
fn attack_withdrawals_that_offer_nothing_delay_nobody() {
    run(|| {
        deposit(1, 5_000_000);
        (0..200).for_each(|id| withdraw(id, 400, 0));
        withdraw(200, 1_000_000, 20_000);
        pass(5);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [200]);
        assert_eq!(Parked::<Test>::iter_keys().count(), 200);
    });
}

/// They could pay when they came. Fees have risen since.
#[test]
fn attack_withdrawals_that_offer_too_little_by_now_leave_the_line() {
    run(|| {
        fee_rate(2);
        (0..200).for_each(|id| withdraw(id, 2_000, 1_000));
        deposit(1, 5_000_000);
        fee_rate(50);
        withdraw(200, 1_000_000, 100_000);
        // 40 of them a block, and then the patience of a line that is not full.
        pass(10);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [200]);
        assert_eq!(Line::<Test>::iter().count(), 0);
    });
}

#[test]
fn withdrawals_return_to_the_line_when_fees_fall_who_offers_most_first() {
    run(|| {
        deposit(1, 5_000_000);
        fee_rate(100);
        for (id, max_fee_sats) in (0..).zip([7_000, 5_000, 9_000, 100]) {
            withdraw(id, 100_000, max_fee_sats);
        }
        pass(10);
        assert_eq!((Line::<Test>::iter().count(), NextBatch::<Test>::get()), (0, 0));
        fee_rate(2);
        pass(6);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [2, 0, 1]);
        assert_eq!(BtcBridge::withdrawal(3), Some(bzk_runtime_api::WithdrawalStatus::Waiting));
    });
}

#[test]
fn withdrawal_that_is_given_back_leaves_nothing() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 400, 0);
        withdraw(1, 400, 0);
        unlock(0, 400);
        settle(&[1], 400, [0xee; 32], 101);
        assert_eq!(Parked::<Test>::iter_keys().count(), 0);
        assert_eq!(Withdrawals::<Test>::iter().count(), 0);
    });
}

/// As many as are looked at for one batch, each for more than there is.
#[test]
fn attack_large_withdrawals_at_the_head_of_the_line_hold_up_nobody() {
    run(|| {
        deposit(1, 5_000_000);
        (0..20).for_each(|id| withdraw(id, 6_000_000, 20_000));
        withdraw(20, 1_000_000, 20_000);
        pass(2);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [20]);
        assert_eq!(Line::<Test>::iter().count(), 20);
    });
}

/// With it the others would have to pay for all the coins that there are, and cannot; nor do these coins suffice for
/// it alone.
#[test]
fn attack_large_withdrawal_does_not_use_up_what_others_would_pay() {
    run(|| {
        (1..=50).for_each(|tag| deposit(tag, 50_000));
        withdraw(0, 4_000_000, 1_000_000);
        withdraw(1, 100_000, 20_000);
        pass(6);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [1]);
    });
}
