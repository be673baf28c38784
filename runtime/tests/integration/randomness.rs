//! `mixHash` comes from the author's VRF.

use bitcoinzk_runtime::{configs::PrevRandao, Runtime, System};
use frame_support::traits::Get;
use sp_consensus_babe::{
    digests::{CompatibleDigestItem, PreDigest, SecondaryVRFPreDigest},
    make_vrf_sign_data,
};
use sp_core::{crypto::VrfSecret, H256};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{Digest, DigestItem};

/// The digest of a block that `key` authors in `slot`.
fn claim(key: Sr25519Keyring, slot: u64) -> Digest {
    let data = make_vrf_sign_data(&[0; 32], slot.into(), 0);
    let claim = SecondaryVRFPreDigest {
        authority_index: 0,
        slot: slot.into(),
        vrf_signature: key.pair().vrf_sign(&data),
    };
    let item =
        <DigestItem as CompatibleDigestItem>::babe_pre_digest(PreDigest::SecondaryVRF(claim));
    Digest { logs: vec![item] }
}

fn randomness(number: u32, parent: H256, digest: Digest) -> H256 {
    TestExternalities::new_empty().execute_with(|| {
        System::set_block_number(number - 1);
        System::initialize(&number, &parent, &digest);
        PrevRandao::get()
    })
}

#[test]
fn each_author_and_slot_has_its_own_value() {
    let parent = H256::zero();
    let alice = randomness(1, parent, claim(Sr25519Keyring::Alice, 7));
    assert_ne!(alice, randomness(1, parent, claim(Sr25519Keyring::Bob, 7)));
    assert_ne!(alice, randomness(1, parent, claim(Sr25519Keyring::Alice, 8)));
    assert_eq!(alice, randomness(1, parent, claim(Sr25519Keyring::Alice, 7)));
}

#[test]
fn attack_grinding_the_parent_block_changes_nothing() {
    let digest = claim(Sr25519Keyring::Alice, 7);
    let value = randomness(1, H256::zero(), digest.clone());
    assert_eq!(value, randomness(1, H256::repeat_byte(1), digest));
}

#[test]
fn the_value_stays_the_same_through_a_block() {
    TestExternalities::new_empty().execute_with(|| {
        System::initialize(&1, &H256::zero(), &claim(Sr25519Keyring::Alice, 7));
        let before = PrevRandao::get();
        pallet_babe::AuthorVrfRandomness::<Runtime>::put(Some([9; 32]));
        assert_eq!(PrevRandao::get(), before);
    });
}

#[test]
fn a_block_without_vrf_still_has_a_value_of_its_own() {
    let first = randomness(1, H256::zero(), Digest::default());
    assert_ne!(first, H256::zero());
    assert_ne!(first, randomness(2, H256::zero(), Digest::default()));
}
