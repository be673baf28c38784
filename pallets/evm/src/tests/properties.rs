//! Random work keeps the invariants.

use crate::mock::*;
use bzk_evm::primitives::TxKind;
use proptest::prelude::*;
use sp_core::{H160, U256};

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Transfer { from: u8, to: u8, value: u8 },
    Store { slot: u8, value: u8 },
    Create { init: u8, value: u8 },
    Commit,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..2, 0u8..40, 0u8..3)
            .prop_map(|(from, to, value)| Step::Transfer { from, to, value }),
        4 => (0u8..30, 0u8..3).prop_map(|(slot, value)| Step::Store { slot, value }),
        2 => (0u8..4, 0u8..2).prop_map(|(init, value)| Step::Create { init, value }),
        1 => Just(Step::Commit),
    ]
}

fn take(step: &Step) {
    let user = |index: u8| if index.is_multiple_of(2) { ALICE } else { BOB };
    match step {
        Step::Transfer { from, to, value } => {
            // Some go to addresses where a later creation will land.
            let target = match to {
                0..=9 => H160(address(ALICE).create(u64::from(*to)).into_array()),
                _ => H160::repeat_byte(*to),
            };
            send(user(*from), target, u128::from(*value), vec![]);
        }
        Step::Store { slot, value } => {
            send(BOB, CONTRACT, 0, store(u64::from(*slot), u64::from(*value)));
        }
        Step::Create { init, value } => {
            let init = match init {
                0 => deploy(&STORE),
                1 => vec![0x60, 1, 0x60, 0, 0x55, 0x33, 0xff],
                2 => vec![0xfe],
                _ => vec![0x60, 1, 0x60, 0, 0x55],
            };
            create(ALICE, u128::from(*value), init);
        }
        Step::Commit => {
            Evm::commit();
            Evm::check_state().unwrap();
        }
    }
}

/// All balances together.
fn supply() -> U256 {
    crate::Accounts::<Test>::iter_values().fold(U256::zero(), |sum, account| sum + account.balance)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn prop_histories_keep_the_invariants_and_the_supply(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        run(funded(), || {
            let before = supply();
            steps.iter().for_each(take);
            // The base fee is 0, so nothing is burnt.
            assert_eq!(supply(), before);
        });
    }

    #[test]
    fn prop_random_code_keeps_the_invariants(
        code in prop::collection::vec(any::<u8>(), 0..200),
        input in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        run(funded(), || {
            let (address, _) = create(ALICE, 0, deploy(&code));
            send(BOB, address, 1, input.clone());
            let _ = transact(&tx(BOB, TxKind::Create, 1, code.clone()));
        });
    }
}
