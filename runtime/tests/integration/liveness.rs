//! A validator that stays away loses its rewards and its seat, and comes back by validating again.

use crate::chain::{owner, Chain};
use bitcoinzk_runtime::{genesis::presets::DEV_CALENDAR, AccountId, Runtime, Sequencers, Session};
use pallet_sequencers::{MissedLimit, Records};
use pallet_staking::{ActiveEra, ErasRewardPoints, ValidatorPrefs, Validators};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::Dave;

fn dave() -> AccountId {
    Dave.to_account_id()
}

fn is_dave(slot: u64) -> bool {
    Session::validators().get(owner(slot) as usize) == Some(&dave())
}

/// Makes the next block; Dave's slots stay empty.
fn without_dave(chain: &mut Chain) {
    let mut slot = chain.next_slot();
    // The lots of the next epoch are not Dave's to miss here: its first block may be anybody's.
    while chain.query(|| is_dave(slot)) {
        slot += 1;
    }
    let author = chain.query(|| owner(slot));
    chain.make_in(slot, author, Vec::new());
}

#[test]
fn an_absent_validator_is_chilled_leaves_the_set_and_comes_back() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.run(3);
    let candidate = || Validators::<Runtime>::contains_key(dave());
    let limit = 12 * DEV_CALENDAR.epoch_slots as u32;
    for _ in 0..limit {
        if !chain.query(candidate) {
            break;
        }
        without_dave(&mut chain);
    }
    assert!(!chain.query(candidate), "chilled");
    let missed = chain.query(|| Records::<Runtime>::get(dave()).unwrap().missed_in_row);
    assert!(missed >= chain.query(MissedLimit::<Runtime>::get));
    chain.query(|| Sequencers::check_state().unwrap());

    // It earns nothing in an era in which it makes no block.
    let active = || ActiveEra::<Runtime>::get().unwrap().index;
    let era = chain.query(active);
    while chain.query(active) <= era + 1 {
        without_dave(&mut chain);
    }
    let points = chain.query(|| ErasRewardPoints::<Runtime>::get(era + 1));
    assert!(!points.individual.contains_key(&dave()), "{points:?}");

    // The next sets are without it, and finality does not wait for it.
    let sitting = || Session::validators().contains(&dave());
    for _ in 0..limit {
        if !chain.query(sitting) {
            break;
        }
        without_dave(&mut chain);
    }
    assert!(!chain.query(sitting));
    assert_eq!(chain.query(|| Session::validators().len()), 3);

    // Its owner says so, and it is back in an era after.
    let call = pallet_staking::Call::validate { prefs: ValidatorPrefs::default() };
    chain.call(Dave, call).unwrap();
    chain.run_until(3 * limit, sitting);
    chain.run(3 * DEV_CALENDAR.epoch_slots as u32);
    assert!(chain.query(candidate), "no old record is held against it");
}

#[test]
fn the_record_agrees_with_the_slots_that_passed() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    // To an epoch in which Dave misses slots before it ends.
    for _ in 0..20 {
        while chain.query(epoch_end) <= chain.next_slot() {
            chain.run(1);
        }
        let record = |chain: &mut Chain| {
            chain.query(|| Records::<Runtime>::get(dave())).unwrap_or_default().missed
        };
        let before = record(&mut chain);
        let mut expected = 0;
        // Across the end of the epoch nobody is blamed.
        while chain.next_slot() + 6 < chain.query(epoch_end) {
            let first = chain.next_slot();
            without_dave(&mut chain);
            expected += (chain.next_slot() - 1 - first) as u32;
        }
        assert_eq!(record(&mut chain) - before, expected);
        if expected > 0 {
            return;
        }
        chain.run(8);
    }
    panic!("Dave owns a quarter of the slots");
}

/// The first slot of the next epoch.
fn epoch_end() -> u64 {
    *bitcoinzk_runtime::Babe::current_epoch_start() + DEV_CALENDAR.epoch_slots
}
