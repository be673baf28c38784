//! What the logs of the contracts do.

use super::*;
use crate::abi::topic;
use sp_core::H256;

#[test]
fn topics_are_the_hashes_of_the_signatures() {
    let signatures = [
        "Claimed(bytes32,uint32,address,uint32,uint64,uint64,bytes32,bytes32,uint32)",
        "WithdrawalRequested(uint64,address,uint64,uint64,uint32,bytes)",
        "WithdrawalSettled(uint64,bytes32,uint32,uint64,uint32)",
        "WithdrawalReopened(uint64,uint32)",
        "WithdrawalUnlocked(uint64,address,uint64)",
        "DeficitChanged(uint64)",
        "KeyRotated(uint32,bytes32,uint32)",
        "NewTip(uint32,bytes32,uint32)",
        "PayoutConfirmed(uint64,bytes32,uint32)",
    ];
    for (signature, topic) in signatures.iter().zip(topic::ALL) {
        assert_eq!(sp_io::hashing::keccak_256(signature.as_bytes()), topic, "{signature}");
    }
}

#[test]
fn claimed_deposit_is_a_coin_that_must_be_spent_in_time() {
    run(|| {
        deposit(1, 5_000);
        let coin = Coins::<Test>::iter_prefix_values(0).next().unwrap();
        assert_eq!((coin.txid, coin.vout, coin.sats), ([1; 32], 0, 5_000));
        assert_eq!(coin.root, Some([1; 32]));
        assert_eq!(coin.spend_by, Some(100 + REFUND_DELAY / 2));
    });
}

#[test]
fn coins_are_in_the_order_in_which_payouts_take_them() {
    run(|| {
        let coin = |sats, spend_by| StoredCoin {
            txid: [sats as u8; 32],
            vout: 0,
            sats,
            root: None,
            spend_by,
        };
        let sorted = [
            coin(200_000, Some(950)),
            coin(900_000, None),
            coin(70_000, None),
            coin(1, Some(7)),
            coin(300, Some(900)),
            coin(2, Some(900)),
            coin(5, None),
        ];
        for coin in sorted.iter().rev() {
            BtcBridge::add_coin(0, coin.clone());
        }
        let found: Vec<_> = Coins::<Test>::iter_prefix_values(0).collect();
        assert_eq!(found, sorted);
    });
}

#[test]
fn logs_of_other_contracts_are_passed_over() {
    run(|| {
        let address = sp_core::H160([5; 20]);
        emit(address, "DeficitChanged(uint64)", &[], &[H256::repeat_byte(1)]);
        emit(address, "NewTip(uint32,bytes32,uint32)", &[H256::from_low_u64_be(5)], &[]);
        assert_eq!(Halted::<Test>::get(), None);
        assert_eq!(BitcoinHeight::<Test>::get(), 100);
    });
}
