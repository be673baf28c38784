use crate::{mock::*, Calendar, CurrentCalendar, Error, Event, MissedLimit, Pallet};
use frame_support::{assert_noop, assert_ok};
use frame_system::RawOrigin;
use sp_runtime::DispatchError;

#[test]
fn the_default_is_sound_and_what_a_chain_without_genesis_has() {
    assert!(Calendar::default().is_sound());
    sp_io::TestExternalities::new_empty()
        .execute_with(|| assert_eq!(CurrentCalendar::<Test>::get(), Calendar::default()));
}

#[test]
fn stake_is_never_free_before_its_slash() {
    let calendar = Calendar { slash_defer_eras: 28, bonding_eras: 28, ..Default::default() };
    assert!(!calendar.is_sound());
    assert!(!Calendar { epoch_slots: 1, ..Default::default() }.is_sound());
    assert!(!Calendar { sessions_per_era: 0, ..Default::default() }.is_sound());
    assert!(!Calendar { day_blocks: 0, ..Default::default() }.is_sound());
}

#[test]
fn parts_of_days_are_never_zero() {
    let calendar = Calendar { day_blocks: 10, ..Default::default() };
    assert_eq!(calendar.days(3, 1), 30);
    assert_eq!(calendar.days(1, 2), 5);
    assert_eq!(calendar.days(1, 24), 1);
    assert_eq!(calendar.days(1, 0), 1);
}

#[test]
fn misspelt_keys_of_the_calendar_are_refused() {
    // The runtime reads it from JSON; serde's own deserializer shows the same rule.
    use serde::{de::value::MapDeserializer, Deserialize};
    let read = |keys: &[&'static str]| {
        let map = keys.iter().map(|key| (*key, 30u32));
        let map = MapDeserializer::<_, serde::de::value::Error>::new(map);
        Calendar::deserialize(map)
    };
    let good = ["epochSlots", "sessionsPerEra", "bondingEras", "slashDeferEras", "dayBlocks"];
    assert!(read(&good).is_ok());
    assert!(read(&["epochSlot", "sessionsPerEra", "bondingEras", "slashDeferEras", "dayBlocks"])
        .is_err());
    assert!(read(&good[1..]).is_err());
}

#[test]
fn only_root_sets_the_limit() {
    new_test_ext(4).execute_with(|| {
        let limit = 9;
        assert_noop!(
            Pallet::<Test>::set_missed_limit(RawOrigin::Signed(1).into(), limit),
            DispatchError::BadOrigin
        );
        assert_noop!(
            Pallet::<Test>::set_missed_limit(RawOrigin::Root.into(), 0),
            Error::<Test>::LimitIsZero
        );
        assert_ok!(Pallet::<Test>::set_missed_limit(RawOrigin::Root.into(), limit));
        assert_eq!(MissedLimit::<Test>::get(), limit);
        assert_eq!(events(), vec![Event::MissedLimitSet { limit }]);
    });
}
