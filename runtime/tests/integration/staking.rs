//! Anybody becomes a sequencer by stake, and who backs one shares its rewards.

use crate::chain::{session_keys, transfer, Chain, EvmKey};
use bitcoinzk_runtime::{
    genesis::{
        predeploys::FEE_VAULT,
        presets::{DEV_CALENDAR, DEV_EVM_ACCOUNTS},
    },
    units::{GENESIS_SUPPLY, ZYRA},
    Balances, Runtime, Sequencers, Session, Staking, EVM,
};
use frame_support::assert_noop;
use pallet_staking::{RewardDestination, ValidatorPrefs};
use sp_core::U256;
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use sp_keyring::{
    Ed25519Keyring,
    Sr25519Keyring::{self, Alice, Bob, Charlie, Dave},
};
use sp_runtime::{DispatchError, DispatchResult, Perbill};
use sp_staking::EraPayout;

const STAKE: u128 = 5_000_000 * ZYRA;

fn bond(chain: &mut Chain, who: Sr25519Keyring, value: u128) -> DispatchResult {
    chain.call(who, pallet_staking::Call::bond { value, payee: RewardDestination::Stash })
}

fn set_keys(chain: &mut Chain, who: Sr25519Keyring, voter: Ed25519Keyring) -> DispatchResult {
    let (keys, proof) = session_keys(who, voter, &who.to_account_id());
    chain.call(who, pallet_session::Call::set_keys { keys, proof })
}

fn validate(chain: &mut Chain, who: Sr25519Keyring) -> DispatchResult {
    let prefs = ValidatorPrefs { commission: Perbill::from_percent(5), blocked: false };
    chain.call(who, pallet_staking::Call::validate { prefs })
}

/// A chain on which Bob has done what the validator guide says.
fn with_candidate() -> Chain {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    bond(&mut chain, Bob, STAKE).unwrap();
    set_keys(&mut chain, Bob, Ed25519Keyring::Bob).unwrap();
    validate(&mut chain, Bob).unwrap();
    chain
}

fn eras(count: u32) -> u32 {
    DEV_CALENDAR.sessions_per_era * DEV_CALENDAR.epoch_slots as u32 * count
}

fn elected(who: Sr25519Keyring) -> bool {
    Session::validators().contains(&who.to_account_id())
}

fn free(chain: &mut Chain, who: Sr25519Keyring) -> u128 {
    chain.query(|| Balances::free_balance(who.to_account_id()))
}

#[test]
fn a_candidate_is_elected_and_finds_its_tips_in_the_evm() {
    let mut chain = with_candidate();
    assert!(!chain.query(|| elected(Bob)));
    let coinbase = DEV_EVM_ACCOUNTS[9];
    let call = pallet_sequencers::Call::set_coinbase { address: coinbase };
    chain.call(Bob, call).unwrap();
    chain.run_until(eras(3), || elected(Bob));

    let (before, vault) = chain.query(|| (EVM::account(coinbase), EVM::account(FEE_VAULT)));
    // Until a block of Bob's.
    let mut nonce = 0;
    loop {
        let mut tx = transfer(nonce, FEE_VAULT, 0);
        tx.max_priority_fee_per_gas = 1_000_000_000;
        let made = chain.make(vec![EvmKey::funded().sign(tx)]);
        assert_eq!(made.results, vec![Ok(Ok(()))]);
        nonce += 1;
        if chain.query(Sequencers::coinbase) == coinbase {
            break;
        }
        assert!(nonce < 64, "Bob has half of the slots");
    }
    let tip = U256::from(21_000) * U256::from(1_000_000_000);
    let (after, other) = chain.query(|| (EVM::account(coinbase), EVM::account(FEE_VAULT)));
    assert_eq!(after.balance - before.balance, tip);
    assert_eq!(other.balance - vault.balance, tip * U256::from(nonce - 1));
}

#[test]
fn elections_go_on_when_the_chain_stood_still_while_solutions_were_due() {
    let mut chain = with_candidate();
    // One block in each epoch, none of them in the half in which the stake is put down for the election.
    for _ in 0..3 * DEV_CALENDAR.sessions_per_era {
        let slot = chain.next_slot() + DEV_CALENDAR.epoch_slots - 1;
        chain.make_in(slot, 0, Vec::new());
        assert!(!chain.query(pallet_election_provider_multi_phase::Snapshot::<Runtime>::exists));
    }
    assert!(chain.query(|| elected(Bob)));
}

#[test]
fn an_era_pays_validator_and_nominator() {
    let mut chain = with_candidate();
    bond(&mut chain, Charlie, STAKE).unwrap();
    let targets = vec![Bob.to_account_id().into()];
    chain.call(Charlie, pallet_staking::Call::nominate { targets }).unwrap();
    chain.run_until(eras(3), || elected(Bob));
    let era = chain.query(|| pallet_staking::CurrentEra::<Runtime>::get().unwrap());
    chain.run_until(eras(3), || pallet_staking::ErasValidatorReward::<Runtime>::contains_key(era));

    let (bob, charlie) = (free(&mut chain, Bob), free(&mut chain, Charlie));
    let stash = Bob.to_account_id();
    let payout = pallet_staking::Call::payout_stakers { validator_stash: stash, era };
    chain.call(Alice, payout).unwrap();
    let (bob, charlie) = (free(&mut chain, Bob) - bob, free(&mut chain, Charlie) - charlie);
    assert!(charlie > 0, "the nominator is paid");
    assert!(bob > charlie, "the same stake and the commission");
}

#[test]
fn what_an_era_mints_is_the_stakers_and_the_treasurys() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let treasury = || Balances::free_balance(pallet_treasury::Pallet::<Runtime>::account_id());
    let (before, owned) = chain.query(|| (Balances::total_issuance(), treasury()));
    chain.run(eras(2) + 5);
    let minted = chain.query(Balances::total_issuance) - before;
    let treasury = chain.query(treasury) - owned;
    assert!(treasury > 0);
    // Alice's reward is minted when somebody asks for it.
    assert_eq!(minted, treasury);
    // 6% a year, for a bit less than two eras of two minutes, of which the stakers' part is small.
    let year = 31_557_600_000u128;
    let most = before / 100 * 6 * 2 * 120_000 / year;
    assert!((most / 3..=most).contains(&minted), "{minted} of {most}");
}

#[test]
fn the_emission_is_six_percent_a_year_shared_by_how_much_is_staked() {
    type Emission = <Runtime as pallet_staking::Config>::EraPayout;
    // Of an era in production: six hours.
    const ERA_MS: u64 = 6 * 3_600_000;
    const YEAR_MS: u64 = 31_557_600_000;
    let minted = GENESIS_SUPPLY / 100 * 6 / u128::from(YEAR_MS / ERA_MS);
    let near = |amount: u128, expected: u128| amount.abs_diff(expected) <= minted / 1_000_000;
    for (staked_percent, stakers_share) in
        [(0, 0), (10, 20), (25, 50), (50, 100), (55, 50), (60, 25)]
    {
        let staked = GENESIS_SUPPLY / 100 * staked_percent;
        let (stakers, treasury) = Emission::era_payout(staked, GENESIS_SUPPLY, ERA_MS);
        assert!(near(stakers + treasury, minted), "{staked_percent}%: {stakers} + {treasury}");
        assert!(near(stakers, minted / 100 * stakers_share), "{staked_percent}%: {stakers}");
    }
    let (stakers, treasury) = Emission::era_payout(GENESIS_SUPPLY, GENESIS_SUPPLY, ERA_MS);
    assert!(stakers < treasury / 1_000, "all staked: {stakers}");

    // However long the chain stood still, an era mints no more than a year does.
    let (stakers, treasury) = Emission::era_payout(GENESIS_SUPPLY, GENESIS_SUPPLY, u64::MAX);
    assert_eq!(stakers + treasury, GENESIS_SUPPLY / 100 * 6);
    assert_eq!(Emission::era_payout(0, 0, ERA_MS), (0, 0));
}

#[test]
fn members_of_a_pool_nominate_together() {
    let mut chain = with_candidate();
    let me = || Charlie.to_account_id().into();
    let amount = 100_000 * ZYRA;
    let create = pallet_nomination_pools::Call::create {
        amount,
        root: me(),
        nominator: me(),
        bouncer: me(),
    };
    chain.call(Charlie, create).unwrap();
    let validators = vec![Bob.to_account_id()];
    let nominate = pallet_nomination_pools::Call::nominate { pool_id: 1, validators };
    chain.call(Charlie, nominate).unwrap();
    chain.call(Dave, pallet_nomination_pools::Call::join { amount, pool_id: 1 }).unwrap();
    chain.run_until(eras(3), || elected(Bob));
    let bob = Bob.to_account_id();
    let era = chain.query(|| pallet_staking::CurrentEra::<Runtime>::get().unwrap());
    let backing = chain.query(|| Staking::eras_stakers(era, &bob)).total;
    // An election hands stake out in parts of 10^9, rounded down.
    let staked = STAKE + 2 * amount;
    assert!((staked - staked / 1_000_000_000..=staked).contains(&backing), "{backing} of {staked}");
}

#[test]
fn session_keys_without_proof_are_refused() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    // Alice's keys, offered by Bob: the proof names another owner.
    let alice = Alice.to_account_id();
    let (keys, proof) = session_keys(Alice, Ed25519Keyring::Alice, &alice);
    let error = chain.call(Bob, pallet_session::Call::set_keys { keys, proof }).unwrap_err();
    assert_eq!(error, pallet_session::Error::<Runtime>::InvalidProof.into());
}

#[test]
fn attack_session_keys_of_another_validator_are_refused() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    // Even who has the secrets cannot register them twice.
    let bob = Bob.to_account_id();
    let (keys, proof) = session_keys(Alice, Ed25519Keyring::Alice, &bob);
    let error = chain.call(Bob, pallet_session::Call::set_keys { keys, proof }).unwrap_err();
    assert_eq!(error, pallet_session::Error::<Runtime>::DuplicatedKey.into());
}

#[test]
fn too_small_a_stake_is_no_candidate() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    bond(&mut chain, Bob, 9_999 * ZYRA).unwrap();
    let error = validate(&mut chain, Bob).unwrap_err();
    assert_eq!(error, pallet_staking::Error::<Runtime>::InsufficientBond.into());
    // Nothing is lost: with a little more it works.
    chain.call(Bob, pallet_staking::Call::bond_extra { max_additional: ZYRA }).unwrap();
    validate(&mut chain, Bob).unwrap();
}

#[test]
fn who_nominates_alone_joins_no_pool_and_the_reverse() {
    let mut chain = with_candidate();
    let me = || Charlie.to_account_id().into();
    let amount = 100_000 * ZYRA;
    let create = pallet_nomination_pools::Call::create {
        amount,
        root: me(),
        nominator: me(),
        bouncer: me(),
    };
    chain.call(Charlie, create).unwrap();
    let error = bond(&mut chain, Charlie, STAKE).unwrap_err();
    assert_eq!(error, pallet_staking::Error::<Runtime>::Restricted.into());

    bond(&mut chain, Dave, STAKE).unwrap();
    let join = pallet_nomination_pools::Call::join { amount, pool_id: 1 };
    let error = chain.call(Dave, join).unwrap_err();
    assert_eq!(error, pallet_nomination_pools::Error::<Runtime>::Restricted.into());
}

#[test]
fn more_nominations_than_fit_are_refused() {
    let mut chain = with_candidate();
    bond(&mut chain, Charlie, STAKE).unwrap();
    let targets = vec![Bob.to_account_id().into(); 17];
    let error = chain.call(Charlie, pallet_staking::Call::nominate { targets }).unwrap_err();
    assert_eq!(error, pallet_staking::Error::<Runtime>::TooManyTargets.into());
}

#[test]
fn attack_nobody_else_sets_a_candidates_coinbase() {
    let mut chain = with_candidate();
    chain.query(|| {
        let address = DEV_EVM_ACCOUNTS[3];
        let eve = frame_system::RawOrigin::Signed(Sr25519Keyring::Eve.to_account_id());
        assert_noop!(
            Sequencers::set_coinbase(eve.into(), address),
            pallet_sequencers::Error::<Runtime>::NotCandidate
        );
        assert_noop!(
            Sequencers::set_missed_limit(Some(Bob.to_account_id()).into(), 1),
            DispatchError::BadOrigin
        );
    });
}
