//! Holders of ZYRA decide, on every track, and nobody else does.

use crate::chain::{Chain, Referendum};
use bitcoinzk_runtime::{
    configs,
    governance::{origins::Origin, Tracks},
    units::ZYRA,
    AccountId, Balances, OriginCaller, Runtime, RuntimeCall, System,
};
use frame_system::RawOrigin;
use pallet_referenda::{ReferendumInfo, ReferendumInfoFor, TracksInfo};
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave, Ferdie};
use sp_runtime::Perbill;

fn root() -> OriginCaller {
    RawOrigin::Root.into()
}

#[test]
fn tracks_are_sorted_and_each_origin_has_one() {
    Chain::new(DEV_RUNTIME_PRESET).query(|| {
        <Tracks as TracksInfo<_, _>>::check_integrity().unwrap();
        let ids: Vec<u16> = Tracks::track_ids().collect();
        assert_eq!(ids, vec![0, 10, 11, 12, 13, 20, 21]);
        for origin in Origin::ALL.map(OriginCaller::from).into_iter().chain([root()]) {
            assert!(ids.contains(&Tracks::track_for(&origin).unwrap()), "{origin:?}");
        }
        let nobody = RawOrigin::Signed(Alice.to_account_id()).into();
        assert!(Tracks::track_for(&nobody).is_err());
    });
}

#[test]
fn every_track_wants_more_than_half_of_the_votes() {
    Chain::new(DEV_RUNTIME_PRESET).query(|| {
        for track in Tracks::tracks() {
            let approval = &track.info.min_approval;
            for part in 0..=1_000u32 {
                let time = Perbill::from_rational(part, 1_000);
                assert!(
                    !approval.passing(time, Perbill::from_percent(50)),
                    "{} at {part}",
                    track.id
                );
            }
            let little_more = Perbill::from_rational(500_002u32, 1_000_000);
            assert!(approval.passing(Perbill::one(), little_more), "{}", track.id);
        }
    });
}

#[test]
fn a_tie_fails_and_a_little_more_than_half_passes() {
    let million = 1_000_000 * ZYRA;
    for (ayes, passes) in [(100 * million, false), (100 * million + ZYRA * 1_000, true)] {
        let mut chain = Chain::new(DEV_RUNTIME_PRESET);
        fund_treasury(&mut chain);
        let referendum = Referendum::propose(&mut chain, Origin::Spender, spend(9_000 * ZYRA));
        referendum.vote_by(&mut chain, Alice, true, ayes);
        referendum.vote_by(&mut chain, Bob, false, 100 * million);
        assert_eq!(referendum.finish(&mut chain), passes, "{ayes} ayes");
    }
}

#[test]
fn a_referendum_changes_a_parameter() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let gas_limit = 90_000_000;
    let call = pallet_ethereum::Call::set_block_gas_limit { gas_limit };
    Referendum::enact(&mut chain, root(), call.into(), || {
        pallet_ethereum::BlockGasLimit::<Runtime>::get() == gas_limit
    });
}

#[test]
fn what_is_voted_down_does_not_happen() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let before = chain.query(pallet_ethereum::BlockGasLimit::<Runtime>::get);
    let call = pallet_ethereum::Call::set_block_gas_limit { gas_limit: 90_000_000 };
    let referendum = Referendum::propose(&mut chain, root(), call.into());
    referendum.vote(&mut chain, false);
    assert!(!referendum.finish(&mut chain));
    assert_eq!(chain.query(pallet_ethereum::BlockGasLimit::<Runtime>::get), before);
}

#[test]
fn a_runtime_upgrade_is_authorized_by_referendum() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let code_hash = sp_core::H256::repeat_byte(7);
    let call = frame_system::Call::authorize_upgrade { code_hash };
    Referendum::enact(&mut chain, root(), call.into(), || System::authorized_upgrade().is_some());
    assert_eq!(chain.query(|| *System::authorized_upgrade().unwrap().code_hash()), code_hash);
}

fn fund_treasury(chain: &mut Chain) {
    let dest = pallet_treasury::Pallet::<Runtime>::account_id().into();
    let call = pallet_balances::Call::transfer_keep_alive { dest, value: 100_000 * ZYRA };
    chain.call(Alice, call).unwrap();
}

fn spend(amount: u128) -> RuntimeCall {
    let beneficiary = Box::new(Ferdie.to_account_id());
    let (asset_kind, valid_from) = (Box::new(()), None);
    pallet_treasury::Call::spend { asset_kind, amount, beneficiary, valid_from }.into()
}

fn balance(chain: &mut Chain, who: AccountId) -> u128 {
    chain.query(|| Balances::free_balance(who))
}

#[test]
fn the_treasury_pays_what_was_decided() {
    for (origin, amount) in [(Origin::Spender, 9_000 * ZYRA), (Origin::Treasurer, 50_000 * ZYRA)] {
        let mut chain = Chain::new(DEV_RUNTIME_PRESET);
        fund_treasury(&mut chain);
        Referendum::enact(&mut chain, origin, spend(amount), || {
            pallet_treasury::SpendCount::<Runtime>::get() == 1
        });
        chain.call(Dave, pallet_treasury::Call::payout { index: 0 }).unwrap();
        assert_eq!(balance(&mut chain, Ferdie.to_account_id()), amount, "{origin:?}");
    }
}

#[test]
fn attack_the_small_track_cannot_spend_much() {
    // Nor in parts.
    let parts = pallet_utility::Call::batch_all { calls: vec![spend(6_000 * ZYRA); 2] };
    for call in [spend(10_001 * ZYRA), parts.into()] {
        let mut chain = Chain::new(DEV_RUNTIME_PRESET);
        fund_treasury(&mut chain);
        let referendum = Referendum::propose(&mut chain, Origin::Spender, call);
        referendum.vote(&mut chain, true);
        assert!(referendum.finish(&mut chain));
        chain.run(60);
        assert_eq!(chain.query(pallet_treasury::SpendCount::<Runtime>::get), 0);
    }
}

#[test]
fn the_whole_treasury_needs_as_broad_a_support_as_root() {
    Chain::new(DEV_RUNTIME_PRESET).query(|| {
        let support = |id: u16| {
            let track = Tracks::tracks().find(|track| track.id == id).unwrap();
            [0, 25, 50, 75, 100]
                .map(|at| track.info.min_support.threshold(Perbill::from_percent(at)))
        };
        let treasurer = Tracks::track_for(&Origin::Treasurer.into()).unwrap();
        assert_eq!(support(treasurer), support(0));
    });
}

#[test]
fn attack_an_idle_proposal_to_root_does_not_keep_another_waiting() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let limit = |gas_limit| -> RuntimeCall {
        pallet_ethereum::Call::set_block_gas_limit { gas_limit }.into()
    };
    let idle = Referendum::propose(&mut chain, root(), limit(60_000_000));
    Referendum::enact(&mut chain, root(), limit(90_000_000), || {
        pallet_ethereum::BlockGasLimit::<Runtime>::get() == 90_000_000
    });
    let info = chain.query(|| ReferendumInfoFor::<Runtime>::get(idle.0));
    assert!(matches!(info, Some(ReferendumInfo::Ongoing(_))), "it is decided itself meanwhile");
}

#[test]
fn attack_a_track_cannot_do_what_is_roots() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let before = chain.query(pallet_sequencers::MissedLimit::<Runtime>::get);
    let call = pallet_sequencers::Call::set_missed_limit { limit: before + 1 };
    let referendum = Referendum::propose(&mut chain, Origin::StakingAdmin, call.into());
    referendum.vote(&mut chain, true);
    assert!(referendum.finish(&mut chain));
    chain.run(60);
    assert_eq!(chain.query(pallet_sequencers::MissedLimit::<Runtime>::get), before);
}

#[test]
fn staking_admin_sets_the_commission_floor() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let new = Perbill::from_percent(3);
    let call = pallet_staking::Call::set_min_commission { new };
    Referendum::enact(&mut chain, Origin::StakingAdmin, call.into(), || {
        pallet_staking::MinCommission::<Runtime>::get() == new
    });
}

#[test]
fn a_cancelled_referendum_gives_its_deposits_back() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let call = pallet_ethereum::Call::set_block_gas_limit { gas_limit: 90_000_000 };
    let victim = Referendum::propose(&mut chain, root(), call.into());
    let index = victim.0;
    let cancel = pallet_referenda::Call::cancel { index };
    Referendum::enact(&mut chain, Origin::Canceller, cancel.into(), || {
        matches!(ReferendumInfoFor::<Runtime>::get(index), Some(ReferendumInfo::Cancelled(..)))
    });
    let before = chain.query(|| Balances::reserved_balance(Charlie.to_account_id()));
    chain.call(Dave, pallet_referenda::Call::refund_decision_deposit { index }).unwrap();
    let after = chain.query(|| Balances::reserved_balance(Charlie.to_account_id()));
    assert_eq!(before - after, 100_000 * ZYRA);
}

#[test]
fn a_killed_referendum_loses_its_deposits_to_the_treasury() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let call = pallet_ethereum::Call::set_block_gas_limit { gas_limit: 90_000_000 };
    let victim = Referendum::propose(&mut chain, root(), call.into());
    let index = victim.0;
    let treasury = pallet_treasury::Pallet::<Runtime>::account_id();
    let before = balance(&mut chain, treasury.clone());
    let kill = pallet_referenda::Call::kill { index };
    Referendum::enact(&mut chain, Origin::Killer, kill.into(), || {
        matches!(ReferendumInfoFor::<Runtime>::get(index), Some(ReferendumInfo::Killed(_)))
    });
    let gained = balance(&mut chain, treasury) - before;
    assert!(gained >= 100_010 * ZYRA, "both deposits: {gained}");
}

#[test]
fn a_preimage_that_is_too_big_is_refused() {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    // The share of a block for ordinary transactions is less than the pallet's own limit of 4 MiB, so it is not even
    // included.
    let bytes = vec![0; configs::MAX_BLOCK_BYTES as usize];
    let extrinsic = chain.query(|| {
        crate::chain::signed(Bob, 0, pallet_preimage::Call::note_preimage { bytes }.into())
    });
    assert!(chain.make(vec![extrinsic]).results[0].is_err());
}
