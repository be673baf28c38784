//! Validators are elected by the solutions that their nodes mine.

use crate::chain::Chain;
use bitcoinzk_runtime::{
    configs::{MAX_CANDIDATES, MAX_VALIDATORS},
    genesis::presets::DEV_CALENDAR,
    units::ZYRA,
    AccountId, Balances, ElectionProvider, Runtime, RuntimeEvent, Staking, System,
    UncheckedExtrinsic,
};
use frame_support::traits::{fungible::Mutate, Get};
use frame_system::RawOrigin;
use pallet_election_provider_multi_phase::{
    Config, CurrentPhase, ElectionCompute, Event, Miner, MinerConfig, SolutionOrSnapshotSize,
};
use pallet_staking::{
    CurrentEra, ErasStakersOverview, RewardDestination, ValidatorPrefs, Validators,
};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave};

fn is_open() -> bool {
    CurrentPhase::<Runtime>::get().is_unsigned_open()
}

/// What the election of the head block was computed by, if there was one.
fn elected_by() -> Option<ElectionCompute> {
    System::events().into_iter().find_map(|record| match record.event {
        RuntimeEvent::ElectionProvider(Event::ElectionFinalized { compute, .. }) => Some(compute),
        _ => None,
    })
}

#[test]
fn a_mined_solution_elects_and_a_second_one_is_refused() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    let era = DEV_CALENDAR.sessions_per_era * DEV_CALENDAR.epoch_slots as u32;
    chain.run_until(era, is_open);
    // As the off-chain worker does it.
    let call = chain.query(|| ElectionProvider::mine_checked_call().unwrap());
    let solution = UncheckedExtrinsic::new_bare(call.into());
    assert_eq!(chain.make(vec![solution.clone()]).results, vec![Ok(Ok(()))]);
    assert!(chain.make(vec![solution]).results[0].is_err(), "it is no better");
    chain.run_until(era, || !is_open());
    assert_eq!(chain.query(elected_by), Some(ElectionCompute::Unsigned));
}

#[test]
fn without_a_solution_the_chain_elects_by_itself() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    let era = DEV_CALENDAR.sessions_per_era * DEV_CALENDAR.epoch_slots as u32;
    chain.run_until(era, is_open);
    chain.run_until(era, || !is_open());
    assert_eq!(chain.query(elected_by), Some(ElectionCompute::Fallback));
}

/// Makes `who` a candidate with the least stake.
fn stand(who: &AccountId) {
    Balances::mint_into(who, 10_001 * ZYRA).unwrap();
    let signed = || RawOrigin::Signed(who.clone()).into();
    Staking::bond(signed(), 10_000 * ZYRA, RewardDestination::Stash).unwrap();
    Staking::validate(signed(), ValidatorPrefs::default()).unwrap();
}

/// Where a candidate stands among all: they come in the order of these keys, which who makes accounts can choose.
fn place(who: &AccountId) -> Vec<u8> {
    Validators::<Runtime>::hashed_key_for(who)
}

#[test]
fn attack_many_small_candidates_do_not_crowd_the_big_ones_out() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    let big = [Alice, Bob, Charlie, Dave].map(|who| who.to_account_id());
    let first = big.iter().map(place).min().unwrap();
    let small = (0u32..)
        .map(|number| AccountId::from(sp_io::hashing::blake2_256(&number.to_le_bytes())))
        .filter(|who| place(who) < first)
        .take(400);
    chain.query(|| small.for_each(|who| stand(&who)));

    let era = DEV_CALENDAR.sessions_per_era * DEV_CALENDAR.epoch_slots as u32;
    chain.run_until(era, is_open);
    chain.run_until(era, || !is_open());
    assert_eq!(chain.query(elected_by), Some(ElectionCompute::Fallback));
    let planned = chain.query(|| CurrentEra::<Runtime>::get().unwrap());
    assert_eq!(planned, 1);
    for who in big {
        let elected = chain.query(|| ErasStakersOverview::<Runtime>::contains_key(planned, &who));
        assert!(elected, "{who} is not");
    }
}

#[test]
fn a_solution_of_the_largest_election_fits_into_a_block() {
    let voters: u32 = <Runtime as MinerConfig>::MaxBackersPerWinner::get();
    let size = SolutionOrSnapshotSize { voters, targets: MAX_CANDIDATES };
    let limit = <Runtime as MinerConfig>::MaxWeight::get();
    assert_eq!(Miner::<Runtime>::maximum_voter_for_weight(MAX_VALIDATORS, size, limit), voters);
}

#[test]
fn a_node_sends_its_solution_several_times_before_the_phase_ends() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.query(|| {
        let phase: u32 = <Runtime as Config>::UnsignedPhase::get();
        let wait: u32 = <Runtime as Config>::OffchainRepeat::get();
        assert!(phase / (wait + 1) >= 3, "{wait} blocks between, of {phase}");
    });
}
