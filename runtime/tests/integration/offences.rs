//! Two blocks in one slot and two votes in one round cost stake.

use crate::chain::{claim, Chain};
use bitcoinzk_runtime::{
    dispatch,
    genesis::presets::{DEV_CALENDAR, DEV_STAKE},
    Babe, Grandpa, Header, Historical, Runtime, RuntimeCall, Session, Staking, UncheckedExtrinsic,
};
use codec::{Decode, Encode};
use frame_support::traits::KeyOwnerProofSystem;
use pallet_sequencers::Records;
use sp_consensus_babe::{
    digests::CompatibleDigestItem, AuthorityId, AuthorityPair, AuthoritySignature,
    EquivocationProof, OpaqueKeyOwnershipProof, Slot,
};
use sp_consensus_grandpa::{
    localized_payload, AuthorityId as GrandpaId, Equivocation, Message, Prevote,
};
use sp_core::{crypto::Pair, H256};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring::Dave};
use sp_runtime::{traits::Header as _, Digest, DigestItem};
use sp_session::MembershipProof;
use sp_staking::StakingInterface;

/// A header that Dave signed for `slot`.
fn signed_header(slot: u64, author: u32, state_root: H256) -> Header {
    let none = H256::zero();
    let digest = Digest { logs: vec![claim(slot, author)] };
    let mut header = Header::new(1, none, state_root, none, digest);
    let pair = AuthorityPair::from(Dave.pair());
    let signature: AuthoritySignature = pair.sign(header.hash().as_ref());
    header.digest_mut().push(<DigestItem as CompatibleDigestItem>::babe_seal(signature));
    header
}

/// The proof that Dave owned his BABE key in this slot, as a node asks for it.
fn ownership(slot: u64, offender: &AuthorityId) -> Option<MembershipProof> {
    let question = (Slot::from(slot), offender).encode();
    let answer = dispatch("BabeApi_generate_key_ownership_proof", &question).unwrap();
    let proof = Option::<OpaqueKeyOwnershipProof>::decode(&mut answer.as_slice()).unwrap();
    proof.map(|proof| proof.decode().unwrap())
}

/// A report of two headers by Dave in `slot`, the second with this state root; without one, of the same twice. None
/// where a node finds no proof that the key is his.
fn report(chain: &mut Chain, slot: u64, second: Option<H256>) -> Option<UncheckedExtrinsic> {
    chain.query(|| {
        let authorities = Babe::authorities();
        let offender = AuthorityId::from(Dave.public());
        let index = authorities.iter().position(|(key, _)| *key == offender).unwrap() as u32;
        let first_header = signed_header(slot, index, H256::repeat_byte(1));
        let second_header = match second {
            Some(state_root) => signed_header(slot, index, state_root),
            None => first_header.clone(),
        };
        let proof = EquivocationProof {
            offender: offender.clone(),
            slot: slot.into(),
            first_header,
            second_header,
        };
        let call = pallet_babe::Call::report_equivocation_unsigned {
            equivocation_proof: Box::new(proof),
            key_owner_proof: ownership(slot, &offender)?,
        };
        Some(UncheckedExtrinsic::new_bare(RuntimeCall::Babe(call)))
    })
}

/// A report of two prevotes by Dave in one round.
fn double_vote(chain: &mut Chain) -> UncheckedExtrinsic {
    let (round, set) = (1u64, chain.query(Grandpa::current_set_id));
    let voter = Ed25519Keyring::Dave;
    let vote = |target_number: u32| {
        let prevote = Prevote::<Header> { target_hash: H256::zero(), target_number };
        let payload = localized_payload(round, set, &Message::<Header>::Prevote(prevote.clone()));
        (prevote, voter.sign(&payload))
    };
    // Variant 0 is that of prevotes; the type inside belongs to a crate that we do not depend on.
    let equivocation = (0u8, round, voter.public(), vote(1), vote(2)).encode();
    let equivocation = Equivocation::decode(&mut equivocation.as_slice()).unwrap();
    let key = (sp_consensus_grandpa::KEY_TYPE, GrandpaId::from(voter.public()));
    let call = pallet_grandpa::Call::report_equivocation_unsigned {
        equivocation_proof: Box::new(sp_consensus_grandpa::EquivocationProof::new(
            set,
            equivocation,
        )),
        key_owner_proof: chain.query(|| Historical::prove(key).unwrap()),
    };
    UncheckedExtrinsic::new_bare(RuntimeCall::Grandpa(call))
}

/// One of four offended: (3 * 1/4)^2 of its stake, which an election hands out in parts of 10^9, rounded down.
fn assert_slashed(chain: &mut Chain) {
    let left = stake(chain);
    assert!(left.abs_diff(DEV_STAKE / 16 * 7) < 1_000, "{left}");
}

fn stake(chain: &mut Chain) -> u128 {
    chain.query(|| <Staking as StakingInterface>::total_stake(&Dave.to_account_id()).unwrap())
}

#[test]
fn attack_two_blocks_in_one_slot_cost_stake_and_the_right_to_author() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    // A session has to have begun for the proof that the key is Dave's.
    chain.run(25);
    let dave = Dave.to_account_id();
    assert_eq!(stake(&mut chain), DEV_STAKE);

    let slot = chain.next_slot();
    let extrinsic = report(&mut chain, slot, Some(H256::repeat_byte(2))).unwrap();
    assert_eq!(chain.make(vec![extrinsic.clone()]).results, vec![Ok(Ok(()))]);
    chain.run(5);
    assert_slashed(&mut chain);
    let index = chain.query(|| Session::validators().iter().position(|who| *who == dave)).unwrap();
    assert!(chain.query(|| Session::disabled_validators().contains(&(index as u32))));

    // Slots that it may not use are not held against it.
    let missed = || Records::<Runtime>::get(Dave.to_account_id()).unwrap_or_default().missed;
    let (first, before) = (chain.next_slot(), chain.query(missed));
    chain.run(20);
    assert!(chain.next_slot() - first > 20, "a slot of Dave has passed");
    assert_eq!(chain.query(missed), before);

    // The same report again is refused.
    assert!(chain.make(vec![extrinsic]).results[0].is_err());
}

#[test]
fn attack_two_blocks_in_the_first_slot_of_a_session_cost_stake() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.run(25);
    let end =
        |chain: &mut Chain| chain.query(|| *Babe::current_epoch_start()) + DEV_CALENDAR.epoch_slots;
    while chain.next_slot() < end(&mut chain) {
        chain.run(1);
    }
    // At the parent it is another session; at the best block, which is one of the two, it is this one.
    let slot = chain.next_slot();
    assert!(report(&mut chain, slot, Some(H256::repeat_byte(2))).is_none());
    chain.run(1);
    let extrinsic = report(&mut chain, slot, Some(H256::repeat_byte(2))).unwrap();
    assert_eq!(chain.make(vec![extrinsic]).results, vec![Ok(Ok(()))]);
    assert_slashed(&mut chain);
}

#[test]
fn attack_two_votes_in_one_round_cost_stake() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.run(25);
    let extrinsic = double_vote(&mut chain);
    assert_eq!(chain.make(vec![extrinsic]).results, vec![Ok(Ok(()))]);
    assert_slashed(&mut chain);
}

#[test]
fn attack_a_false_report_is_refused() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.run(25);
    // The same header twice is no equivocation.
    let slot = chain.next_slot();
    let extrinsic = report(&mut chain, slot, None).unwrap();
    let made = chain.make(vec![extrinsic]);
    assert!(!matches!(made.results[0], Ok(Ok(()))), "{:?}", made.results);
    chain.run(5);
    assert_eq!(stake(&mut chain), DEV_STAKE);
}
