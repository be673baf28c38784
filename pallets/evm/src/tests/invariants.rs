//! The check finds each kind of damage.

use crate::{mock::*, AccountCodes, AccountStorages, Accounts, StateRoot, TrieKey, TriePages};
use bzk_evm::trie::pages::Page;
use sp_core::{H160, H256};

/// Damages a sound state and returns what the check says.
fn damaged(damage: impl FnOnce()) -> String {
    let mut accounts = funded();
    accounts.get_mut(&CONTRACT).unwrap().storage =
        (0..50).map(|slot| (word(slot), word(9))).collect();
    new_test_ext(accounts).execute_with(|| {
        Evm::check_state().unwrap();
        damage();
        <&str>::from(Evm::check_state().unwrap_err()).to_string()
    })
}

#[test]
fn edited_balance_is_found() {
    let text = damaged(|| {
        Accounts::<Test>::mutate(ALICE, |account| account.as_mut().unwrap().balance += 1.into())
    });
    assert!(text.starts_with("invariant 1"), "{text}");
}

#[test]
fn edited_slot_is_found() {
    let text = damaged(|| AccountStorages::<Test>::insert(CONTRACT, word(3), word(4)));
    assert!(text.starts_with("invariant 2"), "{text}");
}

#[test]
fn edited_and_stray_and_missing_code_are_found() {
    for damage in [
        (|| AccountCodes::<Test>::insert(CONTRACT, sp_runtime::BoundedVec::truncate_from(vec![0])))
            as fn(),
        || AccountCodes::<Test>::insert(BOB, sp_runtime::BoundedVec::truncate_from(vec![0])),
        || AccountCodes::<Test>::remove(CONTRACT),
    ] {
        let text = damaged(damage);
        assert!(text.starts_with("invariant 3"), "{text}");
    }
}

#[test]
fn zero_slot_and_slot_without_account_are_found() {
    for damage in
        [(|| AccountStorages::<Test>::insert(CONTRACT, word(99), H256::zero())) as fn(), || {
            AccountStorages::<Test>::insert(H160::repeat_byte(1), word(1), word(1))
        }]
    {
        let text = damaged(damage);
        assert!(text.starts_with("invariant 4"), "{text}");
    }
}

#[test]
fn stale_and_missing_nodes_are_found() {
    for damage in [
        (|| {
            let key = TrieKey::new(Some(H256::repeat_byte(1)), &[1, 2]);
            TriePages::<Test>::insert(key, Page::default());
        }) as fn(),
        || TriePages::<Test>::remove(TrieKey::new(None, &[])),
        || {
            let (key, _) = TriePages::<Test>::iter().last().unwrap();
            TriePages::<Test>::insert(key, Page::default());
        },
    ] {
        let text = damaged(damage);
        assert!(text.starts_with("invariant 5"), "{text}");
    }
}

#[test]
fn uncommitted_changes_and_wrong_roots_are_found() {
    let text = damaged(|| {
        send(ALICE, BOB, 1, vec![]);
    });
    assert!(text.starts_with("invariant 6"), "{text}");
    let text = damaged(|| StateRoot::<Test>::put(H256::zero()));
    assert!(text.starts_with("invariant 1"), "{text}");
}
