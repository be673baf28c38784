//! What the pool takes, in which order, and why it refuses.

use super::*;
use crate::{
    invalid, pool::rounded, tag_sender, tx_error, NextBaseFee, LONGEVITY_BLOCKS, MAX_NONCE_GAP,
};
use bzk_evm::tx::TxError;
use codec::Encode;
use sp_runtime::transaction_validity::{
    InvalidTransaction, TransactionValidityError, ValidTransaction,
};

fn tag(sender: H160, nonce: u64) -> Vec<u8> {
    ("Ethereum", (sender, nonce)).encode()
}

fn refusal(raw: Vec<u8>) -> InvalidTransaction {
    match validate(raw) {
        Err(TransactionValidityError::Invalid(invalid)) => invalid,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn next_nonce_is_ready_and_a_later_one_waits_for_the_one_before() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        let address = sender.address();
        let ready = validate(sender.raw(dynamic(0, STRANGER))).unwrap();
        let expected = ValidTransaction {
            priority: rounded(GWEI) + 1,
            requires: vec![],
            provides: vec![tag(address, 0)],
            longevity: LONGEVITY_BLOCKS,
            propagate: true,
        };
        assert_eq!(ready, expected);
        let later = validate(sender.raw(dynamic(3, STRANGER))).unwrap();
        assert_eq!(later.requires, [tag(address, 2)]);
        assert_eq!(later.provides, [tag(address, 3)]);
    });
}

#[test]
fn tags_name_the_sender_and_those_of_others_nobody() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        let valid = validate(sender.raw(dynamic(3, STRANGER))).unwrap();
        for tag in valid.provides.iter().chain(&valid.requires) {
            assert_eq!(tag_sender(tag), Some(sender.address()));
        }
        let whole = tag(STRANGER, 7);
        let others = [
            ("Ethereal", (STRANGER, 7u64)).encode(),
            (STRANGER, 7u64).encode(),
            [&whole[..], &[0]].concat(),
            whole[1..].to_vec(),
            vec![0xff; 4],
            vec![],
        ];
        assert!(others.iter().all(|tag| tag_sender(tag).is_none()));
    });
}

#[test]
fn nonces_reach_64_ahead_and_not_further() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        block(vec![sender.raw(dynamic(0, STRANGER))]);
        assert!(validate(sender.raw(dynamic(1 + MAX_NONCE_GAP, STRANGER))).is_ok());
        let far = sender.raw(dynamic(2 + MAX_NONCE_GAP, STRANGER));
        assert_eq!(refusal(far), invalid(TxError::AccountLimit));
        assert_eq!(refusal(sender.raw(dynamic(0, STRANGER))), InvalidTransaction::Stale);
    });
}

#[test]
fn priority_is_the_tip_at_the_next_base_fee() {
    let priority = |raw| validate(raw).unwrap().priority;
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        NextBaseFee::<Test>::put(4 * GWEI);
        assert_eq!(priority(sender.raw(legacy(0, STRANGER))), rounded(6 * GWEI) + 1);
        assert_eq!(priority(sender.raw(access_list(0, STRANGER))), rounded(6 * GWEI) + 1);
        assert_eq!(priority(sender.raw(dynamic(0, STRANGER))), rounded(GWEI) + 1);
        // The fee cap leaves less than the tip.
        NextBaseFee::<Test>::put(10 * GWEI - 5);
        assert_eq!(priority(sender.raw(dynamic(0, STRANGER))), 6);
        // A price beyond 64 bits saturates.
        let rich = TxLegacy { gas_price: u128::from(u64::MAX) * 2, ..legacy(0, STRANGER) };
        pallet_evm::Accounts::<Test>::mutate(sender.address(), |account| {
            account.as_mut().unwrap().balance = sp_core::U256::MAX;
        });
        assert_eq!(priority(sender.raw(rich)), rounded(u64::MAX) + 1);
    });
}

#[test]
fn replacement_needs_a_higher_tip() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        let first = validate(sender.raw(dynamic(0, STRANGER))).unwrap();
        let better = TxEip1559 {
            max_priority_fee_per_gas: u128::from(GWEI) * 11 / 10,
            ..dynamic(0, STRANGER)
        };
        let second = validate(sender.raw(better)).unwrap();
        assert_eq!(first.provides, second.provides, "they exclude each other");
        assert!(second.priority > first.priority);
        let same = TxEip1559 { value: U256::from(2), ..dynamic(0, STRANGER) };
        assert_eq!(validate(sender.raw(same)).unwrap().priority, first.priority);
    });
}

#[test]
fn tenth_more_counts_and_attack_a_wei_more_does_not() {
    for tip in [0, 1, 9, 10, 31, 32, 33, 1_000, GWEI, GWEI + 1, 3 * GWEI, u64::MAX / 2] {
        assert!(rounded(tip + tip.div_ceil(10).max(1)) > rounded(tip), "{tip}");
        assert!(rounded(tip) <= tip && tip - rounded(tip) <= tip / 16, "{tip}");
    }
    // Wei by wei from one gwei to the double: sixteen steps.
    let steps = (GWEI..=2 * GWEI).step_by(1_000).collect::<Vec<_>>();
    let higher = steps.windows(2).filter(|tips| rounded(tips[1]) > rounded(tips[0])).count();
    assert!(higher <= 17, "{higher}");
}

#[test]
fn fee_cap_below_the_base_fee_waits_at_the_end_of_the_queue() {
    new_test_ext().execute_with(|| {
        let raw = signer(1).raw(dynamic(0, STRANGER));
        NextBaseFee::<Test>::put(10 * GWEI + 1);
        assert_eq!(validate(raw.clone()).unwrap().priority, 0);
        NextBaseFee::<Test>::put(40 * GWEI);
        assert_eq!(validate(raw.clone()).unwrap().priority, 0);
        NextBaseFee::<Test>::put(40 * GWEI + 4);
        assert_eq!(refusal(raw), invalid(TxError::FeeCapTooLow));
    });
}

#[test]
fn balance_has_to_cover_the_largest_cost() {
    new_test_ext().execute_with(|| {
        let sender = signer(1);
        let gas = U256::from(21_000 * 10 * u128::from(GWEI));
        let rest = U256::from(100 * ETHER) - gas;
        let all = TxEip1559 { value: rest, ..dynamic(0, STRANGER) };
        assert!(validate(sender.raw(all.clone())).is_ok());
        let more = TxEip1559 { value: rest + U256::from(1), ..all };
        assert_eq!(refusal(sender.raw(more)), InvalidTransaction::Payment);
    });
}

#[test]
fn validation_writes_nothing_and_does_not_execute() {
    new_test_ext().execute_with(|| {
        validate(signer(1).raw(dynamic(0, STRANGER))).unwrap();
        assert_eq!(nonce(signer(1).address()), 0);
        assert_eq!(balance(STRANGER), 0);
        assert!(!crate::Pending::<Test>::exists());
    });
}

#[test]
fn every_refusal_crosses_the_pool_and_back() {
    for error in TxError::ALL {
        assert_eq!(tx_error(invalid(*error)), Some(*error));
    }
    assert_eq!(tx_error(InvalidTransaction::ExhaustsResources), None);
    assert_eq!(tx_error(InvalidTransaction::Custom(255)), None);
}

#[test]
fn attack_signature_is_malleable() {
    // n - s with the other parity signs the same message; only one of the two is canonical.
    new_test_ext().execute_with(|| {
        let order = U256::from_be_slice(&alloy_primitives::hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let signed = signer(1).sign(dynamic(0, STRANGER));
        let signature = signed.signature();
        let twin = Signature::new(signature.r(), order - signature.s(), !signature.v());
        let raw = TxEnvelope::from(dynamic(0, STRANGER).into_signed(twin)).encoded_2718();
        assert_eq!(refusal(raw), invalid(TxError::InvalidSignature));
    });
}
