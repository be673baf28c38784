use crate::{liveness::MAX_BLAMED_GAP, mock::*, Event, Liveness, Records, WeightInfo};
use frame_support::traits::Hooks;
use proptest::prelude::*;

fn record(who: AccountId) -> Liveness {
    Records::<Test>::get(who).unwrap_or_default()
}

/// Blocks until 4, who is away, has missed `count` slots of four validators.
fn miss(count: u32) {
    while record(4).missed_in_row < count {
        next_block(&[4]);
    }
}

#[test]
fn a_slot_without_block_is_missed_by_its_owner() {
    new_test_ext(4).execute_with(|| {
        let first = (101..).find(|slot| owner(*slot) == 1).unwrap();
        block_at(first, 1);
        // 2 and 3 let their slots pass, 4 comes.
        block_at(first + 3, 4);
        let missed = Liveness { authored: 0, missed: 1, missed_in_row: 1 };
        assert_eq!((record(2), record(3)), (missed, missed));
        assert_eq!(record(1), Liveness { authored: 1, ..Default::default() });
        assert_eq!(record(4), Liveness { authored: 1, ..Default::default() });
    });
}

#[test]
fn a_block_ends_the_row() {
    new_test_ext(4).execute_with(|| {
        next_block(&[]);
        miss(2);
        block_at(Slot::get() + 1, 4);
        assert_eq!(record(4), Liveness { authored: 1, missed: 2, missed_in_row: 0 });
    });
}

#[test]
fn a_long_gap_is_nobodys_fault() {
    new_test_ext(4).execute_with(|| {
        block_at(101, 1);
        block_at(101 + MAX_BLAMED_GAP + 1, 2);
        assert_eq!(record(3), Liveness::default());
        // The longest that is blamed.
        block_at(Slot::get() + MAX_BLAMED_GAP, 2);
        assert!(record(3).missed > 0);
    });
}

#[test]
fn the_first_block_blames_nobody() {
    new_test_ext(4).execute_with(|| {
        block_at(500, 1);
        assert_eq!(Records::<Test>::count(), 1);
    });
}

#[test]
fn an_absent_validator_is_chilled_when_the_session_ends() {
    new_test_ext(4).execute_with(|| {
        next_block(&[]);
        miss(LIMIT);
        assert!(Candidates::get().contains(&4), "not before the end of the session");
        end_session(vec![1, 2, 3, 4]);
        next_block(&[4]);
        assert!(!Candidates::get().contains(&4));
        assert!(matches!(events()[..], [Event::Absent { who: 4, missed: LIMIT }]));
    });
}

#[test]
fn chilling_is_charged() {
    new_test_ext(4).execute_with(|| {
        next_block(&[]);
        miss(LIMIT);
        end_session(vec![1, 2, 3, 4]);
        let weight = <Sequencers as Hooks<u64>>::on_initialize(System::block_number());
        assert!(!Candidates::get().contains(&4));
        let others =
            <() as WeightInfo>::judge_session(4).saturating_add(<() as WeightInfo>::note_slots(0));
        assert_eq!(weight, others.saturating_add(CHILL_WEIGHT));
    });
}

#[test]
fn one_missed_slot_less_is_forgiven() {
    new_test_ext(4).execute_with(|| {
        next_block(&[]);
        miss(LIMIT - 1);
        end_session(vec![1, 2, 3, 4]);
        block_at(Slot::get() + 1, owner(Slot::get() + 1));
        assert!(Candidates::get().contains(&4));
    });
}

#[test]
fn it_is_chilled_once_and_comes_back_by_validating_again() {
    new_test_ext(4).execute_with(|| {
        next_block(&[]);
        miss(LIMIT);
        for _ in 0..3 {
            end_session(vec![1, 2, 3, 4]);
            next_block(&[4]);
        }
        assert_eq!(events().len(), 1);

        // The node is back, makes a block, and its owner calls `Staking.validate`.
        block_at(Slot::get() + 1, 4);
        Candidates::mutate(|candidates| candidates.insert(4));
        end_session(vec![1, 2, 3, 4]);
        next_block(&[]);
        assert!(Candidates::get().contains(&4));
        assert_eq!(events().len(), 1);
    });
}

#[test]
fn attack_a_partition_cannot_chill_a_third_of_the_set() {
    new_test_ext(6).execute_with(|| {
        next_block(&[]);
        while record(5).missed_in_row < LIMIT || record(6).missed_in_row < LIMIT {
            next_block(&[5, 6]);
        }
        end_session((1..=6).collect());
        next_block(&[5, 6]);
        assert_eq!(Candidates::get().len(), 6);
        assert_eq!(events(), vec![Event::AbsenceExcused { absent: 2, validators: 6 }]);
    });
}

#[test]
fn a_single_validator_is_never_chilled() {
    new_test_ext(1).execute_with(|| {
        block_at(101, 1);
        block_at(101 + MAX_BLAMED_GAP, 1);
        end_session(vec![1]);
        next_block(&[]);
        assert_eq!(Candidates::get().len(), 1);
    });
}

#[test]
fn who_leaves_the_set_leaves_no_record() {
    new_test_ext(4).execute_with(|| {
        for _ in 0..4 {
            next_block(&[]);
        }
        assert_eq!(Records::<Test>::count(), 4);
        end_session(vec![1, 2]);
        next_block(&[]);
        assert_eq!(Records::<Test>::iter_keys().filter(|who| *who > 2).count(), 0);
    });
}

proptest! {
    /// Whoever is away, as long as it is fewer than a third: exactly these are chilled, and the
    /// invariants hold after every block (`block_at` checks them).
    #[test]
    fn prop_exactly_the_absent_are_chilled(
        validators in 4u64..40,
        seed in any::<u64>(),
        sessions in 1u32..4,
    ) {
        new_test_ext(validators).execute_with(|| {
            let most = (validators - 1) / 3;
            let count = seed % (most + 1);
            let away: Vec<AccountId> =
                (0..count).map(|n| (seed / 7 + n * 3) % validators + 1).collect();
            for _ in 0..sessions {
                for _ in 0..validators * u64::from(LIMIT + 1) {
                    next_block(&away);
                }
                end_session((1..=validators).collect());
            }
            next_block(&away);
            for who in 1..=validators {
                prop_assert_eq!(Candidates::get().contains(&who), !away.contains(&who));
            }
            Ok(())
        })?;
    }
}
