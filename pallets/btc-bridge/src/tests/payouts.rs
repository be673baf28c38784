//! Payouts: planned, signed, replaced, settled.

use super::*;
use bzk_bitcoin::bitcoin::{hashes::Hash, secp256k1, sighash, Amount, Transaction, TxOut};
use bzk_runtime_api::WithdrawalStatus;
use bzk_threshold::service::OnSigning;
use proptest::prelude::*;

fn txid(transaction: &Transaction) -> [u8; 32] {
    transaction.compute_txid().to_byte_array()
}

/// Withdrawals 0 and 1, of a million sats each, in one signed payout.
fn two_in_a_payout() -> Transaction {
    deposit(1, 5_000_000);
    withdraw(0, 1_000_000, 20_000);
    withdraw(1, 1_000_000, 20_000);
    pass(5);
    sign();
    let [payout] = payouts().try_into().unwrap();
    payout
}

#[test]
fn withdrawal_is_paid_from_a_deposit_and_the_change_is_a_coin() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(4);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Waiting));
        pass(1);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Signing { batch: 0 }));
        assert!(payouts().is_empty());
        sign();
        let [payout] = payouts().try_into().unwrap();
        let txid = txid(&payout);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Signed { batch: 0, txid }));
        assert_eq!(payout.output[0].script_pubkey.as_bytes(), script(0));
        let paid = payout.output[0].value.to_sat();
        assert!((980_000..1_000_000).contains(&paid), "{paid}");

        settle(&[0], 1_000_000, txid, 101);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Settled { txid, height: 101 }));
        assert!(payouts().is_empty());
        let reserves = BtcBridge::reserves();
        let change: u64 = payout.output[2..].iter().map(|output| output.value.to_sat()).sum();
        assert_eq!(reserves.backing, change);
        assert!(reserves.backing >= reserves.claimed - reserves.settled);
        assert_eq!(reserves.coins.len(), payout.output.len() - 2);
    });
}

/// Every signature of a payout is right for the output that it spends: deposits with their script tree,
/// change with the key itself.
#[test]
fn signatures_satisfy_bitcoin() {
    run(|| {
        deposit(1, 400_000);
        deposit(2, 300_000);
        withdraw(0, 500_000, 50_000);
        pass(5);
        let coins = Batches::<Test>::get(0).unwrap().inputs;
        sign();
        let [payout] = payouts().try_into().unwrap();
        let spent: Vec<TxOut> = coins
            .iter()
            .map(|coin| TxOut {
                value: Amount::from_sat(coin.sats),
                script_pubkey: bzk_bitcoin::output_script(
                    &coin.coin(&key_of(0)).unwrap().output_key,
                ),
            })
            .collect();
        assert_eq!(spent.len(), 2);
        let mut cache = sighash::SighashCache::new(&payout);
        for (at, output) in spent.iter().enumerate() {
            let digest = cache
                .taproot_key_spend_signature_hash(
                    at,
                    &sighash::Prevouts::All(&spent),
                    sighash::TapSighashType::Default,
                )
                .unwrap();
            let key = secp256k1::XOnlyPublicKey::from_slice(&output.script_pubkey.as_bytes()[2..]);
            let witness = payout.input[at].witness.nth(0).unwrap();
            let signature = secp256k1::schnorr::Signature::from_slice(witness).unwrap();
            secp256k1::Secp256k1::new()
                .verify_schnorr(&signature, &digest.into(), &key.unwrap())
                .unwrap();
        }
    });
}

#[test]
fn full_batch_does_not_wait_and_the_rest_comes_next() {
    run(|| {
        deposit(1, 100_000_000);
        deposit(2, 100_000_000);
        (0..25).for_each(|id| withdraw(id, 100_000, 20_000));
        pass(1);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.len(), 20);
        pass(4);
        assert!(Batches::<Test>::get(1).is_none());
        pass(1);
        assert_eq!(Batches::<Test>::get(1).unwrap().withdrawals.to_vec(), [20, 21, 22, 23, 24]);
    });
}

#[test]
fn withdrawal_that_cannot_pay_its_share_goes_to_the_end_of_the_line() {
    run(|| {
        deposit(1, 100_000_000);
        // Enough in a full payout, but not in this one.
        withdraw(0, 100_000, 2_000);
        withdraw(1, 100_000, 20_000);
        pass(5);
        assert_eq!(Batches::<Test>::get(0).unwrap().withdrawals.to_vec(), [1]);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Waiting));
        // It alone makes no payout, and it stays in the line.
        pass(12);
        assert_eq!(NextBatch::<Test>::get(), 1);
        assert_eq!(BtcBridge::withdrawal(0), Some(WithdrawalStatus::Waiting));
    });
}

#[test]
fn attack_withdrawal_of_more_than_there_is_now_holds_up_nobody() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 4_000_000, 20_000);
        pass(5);
        sign();
        let [payout] = payouts().try_into().unwrap();
        deposit(2, 1_000_000);
        withdraw(1, 900_000, 100_000);
        withdraw(2, 500_000, 20_000);
        pass(5);
        assert_eq!(Batches::<Test>::get(1).unwrap().withdrawals.to_vec(), [2]);
        assert_eq!(BtcBridge::withdrawal(1), Some(WithdrawalStatus::Waiting));
        // With the change of the first payout there is enough.
        settle(&[0], 4_000_000, txid(&payout), 101);
        pass(6);
        assert_eq!(Batches::<Test>::get(2).unwrap().withdrawals.to_vec(), [1]);
    });
}

#[test]
fn busy_committee_is_asked_again() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        Busy::set(true);
        pass(8);
        assert_eq!(NextBatch::<Test>::get(), 0);
        Busy::set(false);
        pass(1);
        assert_eq!(NextBatch::<Test>::get(), 1);
    });
}

/// Shares of the session that failed may have left, so the same transaction is asked for again and no other.
#[test]
fn failed_session_is_opened_again_for_the_same_transaction() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        let asked = Open::take();
        BtcBridge::failed(*asked.keys().next().unwrap());
        assert!(BtcBridge::payouts().is_empty());
        pass(1);
        let again = Open::get();
        assert_eq!(
            asked.into_values().collect::<Vec<_>>(),
            again.into_values().collect::<Vec<_>>()
        );
        sign();
        assert_eq!(payouts().len(), 1);
    });
}

/// A payout of one withdrawal, signed.
fn signed() -> Transaction {
    deposit(1, 5_000_000);
    withdraw(0, 1_000_000, 20_000);
    pass(5);
    sign();
    let [first] = payouts().try_into().unwrap();
    first
}

/// A payout that was signed, and replaced by a version that is not.
fn replaced() -> Transaction {
    let first = signed();
    new_tip(106);
    pass(1);
    assert_eq!(Open::get().len(), 1);
    first
}

/// No member signs it once its bitcoind has the block of another version.
#[test]
fn settled_payout_ends_the_session_of_its_replacement() {
    for halts in [false, true] {
        run(|| {
            let first = replaced();
            if halts {
                frame_support::assert_ok!(BtcBridge::halt(RuntimeOrigin::root()));
            }
            settle(&[0], 1_000_000, txid(&first), 107);
            check();
            assert_eq!(Requests::<Test>::iter().count(), 0);
            pass(1);
            assert!(Open::get().is_empty());
            new_tip(120);
            pass(10);
            assert!(Open::get().is_empty(), "nobody is asked again");
        });
    }
}

#[test]
fn replacement_is_asked_for_again_when_the_block_of_the_payout_is_gone() {
    run(|| {
        let first = replaced();
        settle(&[0], 1_000_000, txid(&first), 107);
        pass(1);
        reopen(0, 1_000_000, 108);
        pass(3);
        assert!(Open::get().is_empty());
        new_tip(112);
        pass(1);
        sign();
        let [second] = payouts().try_into().unwrap();
        assert_ne!(second, first);
        assert_eq!(Batches::<Test>::get(0).unwrap().versions, 2);
    });
}

#[test]
fn replacement_that_is_refused_is_asked_for_as_seldom_as_it_is_replaced() {
    run(|| {
        replaced();
        let asked = Open::take();
        BtcBridge::failed(*asked.keys().next().unwrap());
        new_tip(111);
        pass(20);
        assert!(Open::get().is_empty());
        new_tip(112);
        pass(20);
        assert_eq!(
            asked.into_values().collect::<Vec<_>>(),
            Open::get().into_values().collect::<Vec<_>>()
        );
    });
}

#[test]
fn attack_fee_spike() {
    run(|| {
        let first = signed();
        new_tip(105);
        pass(3);
        assert_eq!(payouts(), std::slice::from_ref(&first));
        new_tip(106);
        pass(1);
        // Until the replacement is signed the first one is broadcast.
        assert_eq!(payouts(), std::slice::from_ref(&first));
        sign();
        let [second] = payouts().try_into().unwrap();
        let inputs = |payout: &Transaction| {
            payout.input.iter().map(|input| input.previous_output).collect::<Vec<_>>()
        };
        assert_eq!(inputs(&first), inputs(&second));
        assert_eq!(first.output[..2], second.output[..2]);
        let out = |payout: &Transaction| {
            payout.output.iter().map(|output| output.value.to_sat()).sum::<u64>()
        };
        assert!(out(&second) + second.vsize() as u64 <= out(&first));
        // The old one confirms all the same: its change counts, not that of the other.
        settle(&[0], 1_000_000, txid(&first), 107);
        assert_eq!(BtcBridge::reserves().backing, out(&first) - first.output[0].value.to_sat());
    });
}

/// The version that is mined costs more than its withdrawal was charged. That is a cost and no loss of coins, so it
/// stops nobody; it is no cost when the block of another version takes its place.
#[test]
fn attack_fee_spike_above_what_was_charged_does_not_halt() {
    run(|| {
        let first = signed();
        for height in [106, 112, 118, 124] {
            new_tip(height);
            pass(1);
            sign();
        }
        let [last] = payouts().try_into().unwrap();
        let paid = |payout: &Transaction| {
            payout.output.iter().map(|output| output.value.to_sat()).sum::<u64>()
        };
        let charged = 1_000_000 - first.output[0].value.to_sat();
        let above = 5_000_000 - paid(&last) - charged;
        assert!(above > 0 && 5_000_000 - paid(&first) < charged);
        settle(&[0], 1_000_000, txid(&last), 125);
        new_tip(125);
        pass(1);
        assert_eq!((SweepFees::<Test>::get(), Halted::<Test>::get()), (above, None));
        let books = BtcBridge::reserves();
        assert_eq!((books.backing, books.sweep_fees), (books.owed(), above));
        reopen(0, 1_000_000, 126);
        check();
        assert_eq!(SweepFees::<Test>::get(), 0);
        settle(&[0], 1_000_000, txid(&first), 127);
        new_tip(127);
        pass(1);
        assert_eq!((SweepFees::<Test>::get(), Halted::<Test>::get()), (0, None));
        // What the first version saved is there for the next ones.
        let books = BtcBridge::reserves();
        assert_eq!(books.backing - books.owed(), charged - (5_000_000 - paid(&first)));
    });
}

/// Somebody takes out nearly all there is: what is left is no change, and more than was charged goes to the miner.
#[test]
fn attack_withdrawal_of_nearly_everything_does_not_halt() {
    run(|| {
        fee_rate(2);
        deposit(1, 1_000_000);
        withdraw(0, 995_000, 20_000);
        pass(5);
        sign();
        let [payout] = payouts().try_into().unwrap();
        assert_eq!(payout.output.len(), 2);
        settle(&[0], 995_000, txid(&payout), 101);
        new_tip(101);
        pass(1);
        let books = BtcBridge::reserves();
        assert_eq!((books.backing, books.sweep_fees, books.owed()), (0, 5_000, 0));
        assert_eq!(Halted::<Test>::get(), None);
        deposit(2, 1_000_000);
        withdraw(1, 500_000, 20_000);
        pass(5);
        assert_eq!(Batches::<Test>::get(1).unwrap().withdrawals.to_vec(), [1]);
    });
}

#[test]
fn attack_reorg_after_payout() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        let [payout] = payouts().try_into().unwrap();
        settle(&[0], 1_000_000, txid(&payout), 101);
        check();
        reopen(0, 1_000_000, 102);
        check();
        // The same payout is broadcast again; nothing new is signed.
        assert_eq!(payouts(), std::slice::from_ref(&payout));
        pass(6);
        assert!(Open::get().is_empty());
        assert_eq!(BtcBridge::reserves().backing, 5_000_000);
        settle(&[0], 1_000_000, txid(&payout), 103);
        check();
        assert!(payouts().is_empty());
    });
}

/// The change is in another payout when the block leaves the chain. It must not be a coin again when the first payout
/// is mined anew: it would be spent twice, and the second time in vain.
#[test]
fn attack_reorg_after_payout_whose_change_is_spent() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        let [payout] = payouts().try_into().unwrap();
        settle(&[0], 1_000_000, txid(&payout), 101);
        withdraw(1, 1_000_000, 20_000);
        pass(5);
        sign();
        let spent = Batches::<Test>::get(1).unwrap().inputs.len();
        let free = Coins::<Test>::iter().count();
        for height in [102, 104] {
            reopen(0, 1_000_000, height);
            check();
            settle(&[0], 1_000_000, txid(&payout), height + 1);
            check();
            assert_eq!(Coins::<Test>::iter().count(), free);
        }
        let change: u64 = payout.output[2..].iter().map(|output| output.value.to_sat()).sum();
        assert_eq!(
            (BtcBridge::reserves().backing, spent + free),
            (change, payout.output.len() - 2)
        );
    });
}

/// The block of one version leaves the chain, another version is mined, and nobody has reopened what the first settled.
#[test]
fn attack_reorg_to_another_version() {
    run(|| {
        let first = two_in_a_payout();
        new_tip(106);
        pass(1);
        sign();
        let [second] = payouts().try_into().unwrap();
        settle(&[0], 1_000_000, txid(&first), 107);
        check();
        settle(&[1], 1_000_000, txid(&second), 108);
        check();
        let change: u64 = second.output[3..].iter().map(|output| output.value.to_sat()).sum();
        assert_eq!(BtcBridge::reserves().backing, change);
    });
}

/// Bitcoin's chain goes to another version and back, while the change of the first one is in another payout.
#[test]
fn attack_reorg_to_another_version_and_back() {
    run(|| {
        let first = signed();
        new_tip(106);
        pass(1);
        sign();
        let [second] = payouts().try_into().unwrap();
        settle(&[0], 1_000_000, txid(&first), 107);
        withdraw(1, 1_000_000, 20_000);
        pass(5);
        let free = Coins::<Test>::iter().count();
        for (version, height) in [(&second, 108), (&first, 109)] {
            confirm(0, txid(version), height);
            check();
        }
        assert_eq!(Coins::<Test>::iter().count(), free);
    });
}

/// Too late to be confirmed before the contract may give the BTC back: it is not signed.
#[test]
fn attack_payout_after_an_unlock() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        new_tip(100 + u64::from(PAYOUT_DELAY) / 2);
        pass(10);
        assert_eq!(NextBatch::<Test>::get(), 0);
        unlock(0, 1_000_000);
        assert_eq!(BtcBridge::withdrawal(0), None);
    });
}

/// Nobody broadcasts a signed payout, or nobody proves it, until the contract gives the BTC back: it may be paid
/// twice, and nothing more is signed.
#[test]
fn attack_unbroadcast_payout() {
    run(|| {
        deposit(1, 5_000_000);
        deposit(2, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        let [payout] = payouts().try_into().unwrap();
        // It is replaced again and again, and the relayers always have a version to broadcast.
        for height in (100..100 + u64::from(PAYOUT_DELAY)).step_by(6) {
            new_tip(height);
            pass(2);
            sign();
            assert_eq!(payouts().len(), 1);
            let spent = |payout: &Transaction| payout.input[0].previous_output;
            assert_eq!(spent(&payouts()[0]), spent(&payout));
        }
        assert_eq!(Batches::<Test>::get(0).unwrap().versions, MAX_VERSIONS);
        unlock(0, 1_000_000);
        assert_eq!(Halted::<Test>::get(), Some(Halt::Unlocked { id: 0, batch: 0 }));
        withdraw(1, 1_000_000, 20_000);
        pass(10);
        assert_eq!(NextBatch::<Test>::get(), 1);
        // People have looked at it.
        frame_support::assert_ok!(BtcBridge::resume(RuntimeOrigin::root()));
        pass(1);
        assert_eq!(Batches::<Test>::get(1).unwrap().withdrawals.to_vec(), [1]);
    });
}

/// Change is split until there are about 16 coins, so that payouts need not wait for each other, and no further.
#[test]
fn pool_grows_to_sixteen_coins() {
    run(|| {
        deposit(1, 900_000_000);
        let mut counts = Vec::new();
        for id in 0..40 {
            withdraw(id, 1_000_000, 20_000);
            pass(6);
            sign();
            let [payout] = payouts().try_into().unwrap();
            settle(&[id], 1_000_000, txid(&payout), 101);
            counts.push(Coins::<Test>::iter_prefix(0).count());
        }
        assert_eq!(counts[..3], [8, 15, 16]);
        assert!(counts[3..].iter().all(|count| *count == 16), "{counts:?}");
    });
}

#[test]
fn attack_withdrawal_that_somebody_else_has_paid_is_not_paid_again() {
    run(|| {
        deposit(1, 5_000_000);
        withdraw(0, 1_000_000, 20_000);
        settle(&[0], 1_000_000, [0xee; 32], 101);
        pass(10);
        assert_eq!(NextBatch::<Test>::get(), 0);
    });
}

/// Who settles names one of the withdrawals wrongly: the contract passes over it until the next one settles. The coins
/// that paid it are gone by then.
#[test]
fn attack_settlement_of_a_part_does_not_halt() {
    run(|| {
        let payout = two_in_a_payout();
        settle(&[0], 1_000_000, txid(&payout), 101);
        new_tip(102);
        pass(1);
        assert_eq!((PaidAhead::<Test>::get(), Halted::<Test>::get()), (1_000_000, None));
        // Whoever proves the rest is told what it pays.
        let told = BtcBridge::payouts().into_iter().map(|payout| payout.withdrawals);
        assert_eq!(told.collect::<Vec<_>>(), [vec![0, 1]]);
        let books = BtcBridge::reserves();
        assert_eq!(books.paid_ahead, 1_000_000);
        assert_eq!(books.owed(), books.claimed - books.settled - 1_000_000 - books.sweep_fees);
        settle(&[1], 1_000_000, txid(&payout), 101);
        new_tip(103);
        pass(1);
        assert_eq!((PaidAhead::<Test>::get(), Halted::<Test>::get()), (0, None));
        assert!(payouts().is_empty());
        reopen(0, 1_000_000, 104);
        check();
        assert_eq!(PaidAhead::<Test>::get(), 0);
    });
}

/// The owner of all withdrawals of a batch pays them himself and settles that. The payout pays him too, for what he
/// locked, but no settlement tells of it.
#[test]
fn attack_payout_without_pending_withdrawals_keeps_no_coins() {
    run(|| {
        let payout = two_in_a_payout();
        settle(&[0, 1], 1_000_000, [0xee; 32], 101);
        confirm(0, [0xee; 32], 102);
        check();
        assert_eq!(payouts().len(), 1);
        confirm(1, txid(&payout), 102);
        check();
        assert!(payouts().is_empty());
        assert!(OpenBatches::<Test>::get().is_empty());
        let change: u64 = payout.output[3..].iter().map(|output| output.value.to_sat()).sum();
        assert_eq!(BtcBridge::reserves().backing, change);
        withdraw(2, 1_000_000, 20_000);
        pass(6);
        assert_eq!(Batches::<Test>::get(1).unwrap().withdrawals.to_vec(), [2]);
    });
}

#[test]
fn settled_batches_are_forgotten_when_they_are_deep() {
    run(|| {
        deposit(1, 50_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        settle(&[0], 1_000_000, txid(&payouts()[0]), 101);
        new_tip(101 + u64::from(KEEP_BLOCKS));
        withdraw(1, 1_000_000, 20_000);
        pass(6);
        sign();
        assert!(Batches::<Test>::get(0).is_some());
        settle(&[1], 1_000_000, txid(&payouts()[0]), 101 + u64::from(KEEP_BLOCKS));
        assert!(Batches::<Test>::get(0).is_none());
        assert!(Versions::<Test>::get(0, 0).is_none());
        assert_eq!(BtcBridge::withdrawal(0), None);
    });
}

/// The pallet makes nothing new of it, but whoever asks is not told that it is paid. Withdrawal 1 was paid by somebody
/// else, and so forgotten at once.
#[test]
fn withdrawal_that_is_reopened_after_it_was_forgotten_is_not_settled() {
    run(|| {
        deposit(1, 50_000_000);
        withdraw(0, 1_000_000, 20_000);
        pass(5);
        sign();
        settle(&[0], 1_000_000, txid(&payouts()[0]), 101);
        withdraw(1, 1_000_000, 20_000);
        settle(&[1], 1_000_000, [0xee; 32], 102);
        let height = 101 + u64::from(KEEP_BLOCKS);
        new_tip(height);
        withdraw(2, 1_000_000, 20_000);
        pass(6);
        sign();
        settle(&[2], 1_000_000, txid(&payouts()[0]), height);
        assert_eq!((BtcBridge::withdrawal(0), BtcBridge::withdrawal(1)), (None, None));

        reopen(0, 1_000_000, height);
        reopen(1, 1_000_000, height);
        let reopened = Some(WithdrawalStatus::Reopened { height: height as u32 });
        assert_eq!(BtcBridge::withdrawal(0), reopened);
        assert_eq!(BtcBridge::withdrawal(1), reopened);
        // The coins of the first one are spent, and the books say so.
        new_tip(height + 1);
        pass(1);
        assert!(matches!(Halted::<Test>::get(), Some(Halt::Insolvent { .. })));
        settle(&[0], 1_000_000, [0xee; 32], height + 1);
        unlock(1, 1_000_000);
        assert_eq!(Reopened::<Test>::iter().count(), 0);
    });
}

/// Nobody pays for forgetting, so there is a limit to it in one block.
#[test]
fn attack_many_old_batches_are_forgotten_a_few_at_a_time() {
    run(|| {
        let old = |number: u64| (number, 101);
        (0..6).for_each(|number| {
            deposit(number as u8 + 1, 5_000_000);
            withdraw(number, 1_000_000, 20_000);
            pass(6);
            sign();
            settle(&[number], 1_000_000, txid(&payouts()[0]), 101);
        });
        assert_eq!(Closing::<Test>::get().to_vec(), (0..6).map(old).collect::<Vec<_>>());
        let height = 101 + u64::from(KEEP_BLOCKS);
        for (number, left) in [(6, 5), (7, 4)] {
            new_tip(height);
            withdraw(number, 1_000_000, 20_000);
            pass(6);
            sign();
            settle(&[number], 1_000_000, txid(&payouts()[0]), height);
            assert_eq!(Closing::<Test>::get().len(), left);
        }
        assert_eq!(Batches::<Test>::iter().count(), 4);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in whatever order: the invariants hold, every withdrawal is paid once, and the coins
    /// cover what is owed.
    #[test]
    fn prop_each_withdrawal_is_paid_once(
        deposits in prop::collection::vec(10_000u64..3_000_000, 1..12),
        withdrawals in prop::collection::vec((10_000u64..400_000, 0u64..30_000), 1..30),
        settles in prop::collection::vec(any::<bool>(), 40),
    ) {
        run(|| {
            let mut total: u64 = 0;
            for (sats, tag) in deposits.iter().zip(1..) {
                deposit(tag, *sats);
                total += sats;
            }
            let mut paid = std::collections::BTreeSet::new();
            let mut requests = withdrawals.iter().zip(0u64..);
            for settles in settles {
                if let Some(((sats, max_fee), id)) = requests.next() {
                    // The contract locks no more than was claimed, and no dust.
                    if *sats <= total && sats.saturating_sub(*max_fee) >= 294 {
                        total -= sats;
                        withdraw(id, *sats, *max_fee);
                    }
                }
                pass(2);
                sign();
                if !settles {
                    continue;
                }
                for payout in BtcBridge::payouts() {
                    let batch = Batches::<Test>::get(payout.batch).unwrap();
                    let txid = Versions::<Test>::get(payout.batch, payout.version).unwrap().txid;
                    let height = u64::from(BitcoinHeight::<Test>::get()) + 1;
                    for id in &batch.withdrawals {
                        assert!(paid.insert(*id), "withdrawal {id} is paid twice");
                        let sats = withdrawals[*id as usize].0;
                        settle(&[*id], sats, txid, height);
                    }
                    new_tip(height);
                }
                check();
                assert_eq!(Halted::<Test>::get(), None);
            }
        });
    }

    #[test]
    fn prop_logs_of_any_bytes_do_no_harm(
        topics in prop::collection::vec(any::<[u8; 32]>(), 0..5),
        kind in 0usize..10,
        data in prop::collection::vec(any::<u8>(), 0..300),
        from_relay in any::<bool>(),
    ) {
        run(|| {
            let known = crate::abi::topic::ALL;
            let mut topics: Vec<sp_core::H256> = topics.into_iter().map(Into::into).collect();
            if let (Some(first), Some(kind)) = (topics.first_mut(), known.get(kind)) {
                *first = (*kind).into();
            }
            let address = if from_relay { RELAY } else { BRIDGE };
            <BtcBridge as pallet_ethereum::OnLogs>::on_log(&Default::default(), address, &topics, &data);
        });
    }
}
