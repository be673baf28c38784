//! Two blocks in one slot cost stake.

use crate::chain::{claim, Chain};
use bitcoinzk_runtime::{
    genesis::presets::DEV_STAKE, Babe, Header, Historical, RuntimeCall, Session, Staking,
    UncheckedExtrinsic,
};
use frame_support::traits::KeyOwnerProofSystem;
use sp_consensus_babe::{
    digests::CompatibleDigestItem, AuthorityPair, AuthoritySignature, EquivocationProof, KEY_TYPE,
};
use sp_core::{crypto::Pair, H256};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::Dave;
use sp_runtime::{traits::Header as _, Digest, DigestItem};
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

/// A report of two headers by Dave in one slot, the second with this state root; without one, of the same twice.
fn report(chain: &mut Chain, second: Option<H256>) -> UncheckedExtrinsic {
    let slot = chain.next_slot();
    chain.query(|| {
        let authorities = Babe::authorities();
        let offender = authorities
            .iter()
            .map(|(key, _)| key.clone())
            .find(|key| key.clone().into_inner() == Dave.public())
            .unwrap();
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
        let key_owner_proof = Historical::prove((KEY_TYPE, offender)).unwrap();
        let call = pallet_babe::Call::report_equivocation_unsigned {
            equivocation_proof: Box::new(proof),
            key_owner_proof,
        };
        UncheckedExtrinsic::new_bare(RuntimeCall::Babe(call))
    })
}

#[test]
fn attack_two_blocks_in_one_slot_cost_stake_and_the_right_to_author() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    // A session has to have begun for the proof that the key is Dave's.
    chain.run(25);
    let dave = Dave.to_account_id();
    let stake = |chain: &mut Chain| {
        chain.query(|| <Staking as StakingInterface>::total_stake(&Dave.to_account_id()).unwrap())
    };
    assert_eq!(stake(&mut chain), DEV_STAKE);

    let extrinsic = report(&mut chain, Some(H256::repeat_byte(2)));
    assert_eq!(chain.make(vec![extrinsic.clone()]).results, vec![Ok(Ok(()))]);
    chain.run(5);
    assert!(stake(&mut chain) < DEV_STAKE, "one of four: min(3/4^2, 1) of the stake");
    let index = chain.query(|| Session::validators().iter().position(|who| *who == dave)).unwrap();
    assert!(chain.query(|| Session::disabled_validators().contains(&(index as u32))));

    // The same report again is refused.
    assert!(chain.make(vec![extrinsic]).results[0].is_err());
}

#[test]
fn attack_a_false_report_is_refused() {
    let mut chain = Chain::new(LOCAL_TESTNET_RUNTIME_PRESET);
    chain.run(25);
    // The same header twice is no equivocation.
    let extrinsic = report(&mut chain, None);
    let made = chain.make(vec![extrinsic]);
    assert!(!matches!(made.results[0], Ok(Ok(()))), "{:?}", made.results);
    chain.run(5);
    let dave = Dave.to_account_id();
    let stake = chain.query(|| <Staking as StakingInterface>::total_stake(&dave).unwrap());
    assert_eq!(stake, DEV_STAKE);
}
