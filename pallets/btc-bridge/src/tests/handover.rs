//! From one key to the next.

use super::*;
use bzk_bitcoin::bitcoin::hashes::Hash;
use bzk_bitcoin::{bitcoin::secp256k1, Message};

#[test]
fn old_key_names_the_next_one_and_is_retired_when_it_is_empty() {
    run(|| {
        deposit(1, 5_000_000);
        adopt(1);
        pass(1);
        sign();
        let message = BtcBridge::handover().unwrap();
        assert_eq!(message.next_key, key_of(1).0);
        let digest = Message::Rotate { next_key: message.next_key, closes_at: message.closes_at }
            .digest(&BtcBridge::bridge(), 1, 1);
        let signature = secp256k1::schnorr::Signature::from_slice(&message.signature).unwrap();
        let key = secp256k1::XOnlyPublicKey::from_slice(&key_of(0).0).unwrap();
        secp256k1::Secp256k1::new()
            .verify_schnorr(&signature, &secp256k1::Message::from_digest(digest.0), &key)
            .unwrap();

        rotated(2, key_of(1), message.closes_at.into());
        assert_eq!(BtcBridge::handover(), None);
        // The old coins are spent first; their change goes to the new key.
        withdraw(0, 1_000_000, 20_000);
        pass(6);
        sign();
        let [payout] = payouts().try_into().unwrap();
        assert_eq!(Batches::<Test>::get(0).unwrap().epoch, 0);
        settle(&[0], 1_000_000, payout.compute_txid().to_byte_array(), 101);
        assert!(Coins::<Test>::iter_prefix_values(1).next().is_some());
        pass(3);
        assert_eq!(Keys::get(), [0, 1]);
        new_tip(u64::from(message.closes_at + REFUND_DELAY / 2) + 1);
        pass(1);
        assert_eq!(Keys::get(), [1]);
        assert_eq!(LiveEpochs::<Test>::get().to_vec(), [1]);
    });
}

/// A deposit to the old key may be claimed long after the last block in which it counts: the key has to be
/// there to spend it. When the contract takes no such claim any more the key goes, and what is kept for it.
#[test]
fn attack_claim_after_the_old_key_has_closed() {
    run(|| {
        adopt(1);
        pass(1);
        sign();
        let message = BtcBridge::handover().unwrap();
        rotated(2, key_of(1), message.closes_at.into());
        let claims_end = u64::from(message.closes_at + REFUND_DELAY / 2);
        new_tip(u64::from(message.closes_at) + 1);
        pass(3);
        assert_eq!(Keys::get(), [0, 1], "nothing is left of it, but a claim may come");
        deposit(1, 5_000_000);
        pass(2);
        sign();
        confirm_sweeps(u64::from(message.closes_at) + 2);
        let swept: Vec<_> = Coins::<Test>::iter_values().collect();
        assert!(!swept.is_empty());
        assert!(Coins::<Test>::iter_prefix(0).next().is_none());
        new_tip(claims_end);
        pass(2);
        assert_eq!(Keys::get(), [0, 1]);
        new_tip(claims_end + 1);
        pass(1);
        assert_eq!((Keys::get(), Halted::<Test>::get()), (vec![1], None));
        assert_eq!(Epochs::<Test>::iter().collect::<Vec<_>>(), [(2, 1)]);
        assert_eq!(ClosesAt::<Test>::iter().count(), 0);
        // The contract takes none now; if it did, the coin would count for nothing.
        deposit(2, 5_000_000);
        assert_eq!(Halted::<Test>::get(), Some(Halt::UnknownKey));
        assert_eq!(Coins::<Test>::iter_values().collect::<Vec<_>>(), swept);
    });
}

/// What is left of the old key is so many small coins that nobody would pay for spending them. The new key has enough.
#[test]
fn attack_small_coins_of_the_old_key_hold_up_nobody() {
    run(|| {
        (1..=50).for_each(|tag| deposit(tag, 50_000));
        adopt(1);
        let (txid, root, spend_by) = ([99; 32], None, None);
        BtcBridge::add_coin(1, StoredCoin { txid, vout: 0, sats: 9_000_000, root, spend_by });
        withdraw(0, 2_400_000, 20_000);
        pass(6);
        let batch = Batches::<Test>::get(0).unwrap();
        assert_eq!((batch.epoch, batch.withdrawals.to_vec()), (1, vec![0]));
    });
}

/// Coins of the old key that cost more than they hold: whoever deposits one must not keep the key from being retired,
/// and with it every later rotation.
#[test]
fn attack_coins_that_are_worth_nothing_do_not_keep_the_old_key() {
    run(|| {
        deposit(1, 10_000);
        fee_rate(100);
        adopt(1);
        pass(1);
        sign();
        let message = BtcBridge::handover().unwrap();
        rotated(2, key_of(1), message.closes_at.into());
        new_tip(u64::from(message.closes_at + REFUND_DELAY / 2) + 1);
        pass(2);
        assert_eq!((Keys::get(), NextBatch::<Test>::get()), (vec![1], 0));
        let reserves = BtcBridge::reserves();
        assert_eq!((reserves.backing, reserves.sweep_fees), (0, 10_000));
        assert_eq!(Halted::<Test>::get(), None);
    });
}

/// Nobody has brought the message for two weeks, and the contract takes it no more.
#[test]
fn message_that_is_too_old_is_signed_again() {
    run(|| {
        adopt(1);
        pass(1);
        sign();
        let first = BtcBridge::handover().unwrap();
        new_tip(first.closes_at.into());
        pass(1);
        assert_eq!(BtcBridge::handover(), Some(first.clone()));
        new_tip(u64::from(first.closes_at) + 1);
        pass(1);
        sign();
        assert!(BtcBridge::handover().unwrap().closes_at > first.closes_at + 1);
    });
}

/// The contract has taken another message in between: what was signed for its number is worth nothing.
#[test]
fn message_is_signed_again_when_the_contracts_number_moves() {
    run(|| {
        adopt(1);
        pass(1);
        sign();
        let first = BtcBridge::handover().unwrap();
        Messages::mutate(|messages| messages.1 += 1);
        pass(1);
        assert_eq!(BtcBridge::handover(), None);
        sign();
        assert_ne!(BtcBridge::handover().unwrap().signature, first.signature);
    });
}

/// Nobody signs it, and nothing waits for it.
#[test]
fn session_of_a_message_that_is_not_needed_ends() {
    run(|| {
        adopt(1);
        pass(1);
        let first = Open::get();
        Messages::mutate(|messages| messages.1 += 1);
        pass(2);
        let second = Open::get();
        assert_eq!((first.len(), second.len()), (1, 1));
        assert_ne!(first, second);
        rotated(2, key_of(1), 3_000);
        pass(1);
        assert!(Open::get().is_empty());
    });
}

#[test]
fn attack_contract_follows_a_key_of_nobody() {
    run(|| {
        rotated(2, key_of(9), 150);
        assert_eq!(Halted::<Test>::get(), Some(Halt::UnknownKey));
    });
}

/// Withdrawals go on all the while; in the end every coin is the new key's, and every withdrawal was paid once.
#[test]
fn rotation_under_load_sweeps_all_coins() {
    run(|| {
        (1..=80).for_each(|tag| deposit(tag, 1_000_000));
        adopt(1);
        let (mut height, mut requested, mut named) = (100, 0, false);
        let mut paid = Vec::new();
        while Keys::get() != [1] {
            height += 100;
            assert!(height < 5_000, "the old key is never empty");
            new_tip(height);
            for _ in 0..3 {
                withdraw(requested, 100_000, 20_000);
                requested += 1;
            }
            pass(6);
            sign();
            confirm_sweeps(height);
            if let Some(message) = BtcBridge::handover().filter(|_| !named) {
                rotated(2, key_of(1), message.closes_at.into());
                named = true;
            }
            for payout in BtcBridge::payouts() {
                let ids = Batches::<Test>::get(payout.batch).unwrap().withdrawals;
                let txid = Versions::<Test>::get(payout.batch, payout.version).unwrap().txid;
                settle(&ids, 100_000, txid, height);
                paid.extend(ids);
                check();
            }
        }
        assert!(Coins::<Test>::iter_prefix(0).next().is_none());
        paid.sort_unstable();
        assert_eq!(paid, (0..requested).collect::<Vec<_>>());
        let reserves = BtcBridge::reserves();
        assert!(reserves.coins.iter().all(|coin| coin.epoch == 1));
        assert_eq!((reserves.locked, reserves.halted), (0, None));
    });
}
