//! Validators are elected by the solutions that their nodes mine.

use crate::chain::Chain;
use bitcoinzk_runtime::{
    configs::{MAX_CANDIDATES, MAX_VALIDATORS},
    genesis::presets::DEV_CALENDAR,
    ElectionProvider, Runtime, RuntimeEvent, System, UncheckedExtrinsic,
};
use frame_support::traits::Get;
use pallet_election_provider_multi_phase::{
    Config, CurrentPhase, ElectionCompute, Event, Miner, MinerConfig, SolutionOrSnapshotSize,
};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;

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
