//! BIP-340, BIP-341 and the bridge's deposits.

mod support;

use alloy_primitives::{keccak256, Address, B256};
use bzk_bitcoin::{
    bitcoin::{Address as BitcoinAddress, FeeRate, Network, OutPoint, ScriptBuf},
    curve::{add_tweak, verify_schnorr, Point, Portable},
    leaf_hash, output_key, output_script, tweak, Bridge, Deposit, DepositError, Refund,
    REFUND_DELAYS,
};
use k256::{
    elliptic_curve::{ops::Reduce, point::AffineCoordinates, PrimeField},
    schnorr::{signature::hazmat::PrehashVerifier, SigningKey, VerifyingKey},
    AffinePoint, ProjectivePoint, Scalar, U256,
};
use proptest::prelude::*;
use serde_json::Value;
use support::{fixture, hex};

fn array<const N: usize>(digits: &str) -> [u8; N] {
    hex(digits).try_into().unwrap()
}

#[test]
fn bip340_vectors_are_judged_as_the_bip_says() {
    let Some(bytes) = fixture("bip340-vectors.csv") else { return };
    let text = String::from_utf8(bytes).unwrap();
    let mut judged = 0;
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let expected = fields[6] == "TRUE";
        let valid =
            verify_schnorr::<Portable>(&array(fields[2]), &hex(fields[4]), &array(fields[5]));
        assert_eq!(valid, expected, "vector {}: {}", fields[0], fields[7]);
        judged += 1;
    }
    assert_eq!(judged, 19);
}

#[test]
fn bip341_vectors_give_their_output_keys() {
    let Some(bytes) = fixture("bip341-wallet-vectors.json") else { return };
    let vectors: Value = serde_json::from_slice(&bytes).unwrap();
    let outputs = vectors["scriptPubKey"].as_array().unwrap();
    assert_eq!(outputs.len(), 7);
    for vector in outputs {
        let internal = array(vector["given"]["internalPubkey"].as_str().unwrap());
        let middle = &vector["intermediary"];
        let root = middle["merkleRoot"].as_str().map(array);
        let tree = &vector["given"]["scriptTree"];
        if tree["leafVersion"] == 192 {
            let script = ScriptBuf::from(hex(tree["script"].as_str().unwrap()));
            assert_eq!(Some(leaf_hash(&script)), root);
        }
        assert_eq!(tweak(&internal, root.as_ref()), array(middle["tweak"].as_str().unwrap()));
        let key = output_key::<Portable>(&internal, root.as_ref()).unwrap();
        assert_eq!(key.x, array(middle["tweakedPubkey"].as_str().unwrap()));
        let script = output_script(&key.x);
        let expected = &vector["expected"];
        assert_eq!(script.as_bytes(), hex(expected["scriptPubKey"].as_str().unwrap()));
        let address = BitcoinAddress::from_script(&script, Network::Bitcoin).unwrap();
        assert_eq!(address.to_string(), expected["bip350Address"].as_str().unwrap());
        for block in expected["scriptPathControlBlocks"].as_array().into_iter().flatten() {
            assert_eq!(hex(block.as_str().unwrap())[0] & 1 == 1, key.odd);
        }
    }
}

#[test]
fn bip341_key_path_signatures_verify_under_the_output_key() {
    let Some(bytes) = fixture("bip341-wallet-vectors.json") else { return };
    let vectors: Value = serde_json::from_slice(&bytes).unwrap();
    let inputs = vectors["keyPathSpending"][0]["inputSpending"].as_array().unwrap();
    assert_eq!(inputs.len(), 7);
    for input in inputs {
        let internal = array(input["intermediary"]["internalPubkey"].as_str().unwrap());
        let root = input["given"]["merkleRoot"].as_str().map(array);
        let key = output_key::<Portable>(&internal, root.as_ref()).unwrap();
        let sighash = hex(input["intermediary"]["sigHash"].as_str().unwrap());
        let witness = hex(input["expected"]["witness"][0].as_str().unwrap());
        let signature: [u8; 64] = witness[..64].try_into().unwrap();
        assert!(verify_schnorr::<Portable>(&key.x, &sighash, &signature));
        assert!(!verify_schnorr::<Portable>(&internal, &sighash, &signature));
    }
}

/// The runtime's host function, and k256, agree on everything, valid or not.
#[cfg(feature = "sp-io")]
fn host_agrees(z: &[u8; 32], r: &[u8; 32], s: &[u8; 32], odd: bool) {
    use bzk_bitcoin::curve::{Host, Recover};
    assert_eq!(Host::recover(z, r, s, odd), Portable::recover(z, r, s, odd));
}

#[cfg(feature = "sp-io")]
proptest! {
    #[test]
    fn prop_host_recovers_as_portable_rust(
        z: [u8; 32], r: [u8; 32], s: [u8; 32], odd: bool, high in 0u8..4,
    ) {
        let widen = |mut bytes: [u8; 32], bit: u8| {
            if high & bit != 0 { bytes[..8].fill(0xff); }
            bytes
        };
        host_agrees(&z, &widen(r, 1), &widen(s, 2), odd);
        host_agrees(&z, &[0; 32], &s, odd);
        host_agrees(&z, &r, &[0; 32], odd);
        host_agrees(&[0; 32], &r, &r, odd);
    }
}

/// P + t G with k256's points.
fn reference_add(p: &[u8; 32], t: &[u8; 32]) -> Option<Point> {
    let p = *VerifyingKey::from_bytes(p).ok()?.as_affine();
    let t = Option::<Scalar>::from(Scalar::from_repr((*t).into()))?;
    let sum = (ProjectivePoint::from(p) + ProjectivePoint::GENERATOR * t).to_affine();
    (sum != AffinePoint::IDENTITY).then(|| Point { x: sum.x().into(), odd: sum.y_is_odd().into() })
}

proptest! {
    #[test]
    fn prop_tweaked_keys_equal_point_addition(secret: [u8; 32], t: [u8; 32], junk: [u8; 32]) {
        let secret = <Scalar as Reduce<U256>>::reduce_bytes(&secret.into());
        prop_assume!(secret != Scalar::ZERO);
        let key = SigningKey::from_bytes(&secret.to_bytes()).unwrap();
        let p: [u8; 32] = key.verifying_key().to_bytes().into();
        prop_assert_eq!(add_tweak::<Portable>(&p, &t), reference_add(&p, &t));
        prop_assert_eq!(add_tweak::<Portable>(&p, &[0; 32]), Some(Point { x: p, odd: false }));
        prop_assert_eq!(add_tweak::<Portable>(&junk, &t), reference_add(&junk, &t));
    }

    #[test]
    fn prop_signatures_are_judged_as_k256_judges_them(
        secret: [u8; 32], message: [u8; 32], aux: [u8; 32], at in 0usize..64, flip: u8,
    ) {
        let secret = <Scalar as Reduce<U256>>::reduce_bytes(&secret.into());
        prop_assume!(secret != Scalar::ZERO);
        let key = SigningKey::from_bytes(&secret.to_bytes()).unwrap();
        let p: [u8; 32] = key.verifying_key().to_bytes().into();
        let mut signature = key.sign_prehash_with_aux_rand(&message, &aux).unwrap().to_bytes();
        prop_assert!(verify_schnorr::<Portable>(&p, &message, &signature));
        signature[at] ^= flip;
        let expected = k256::schnorr::Signature::try_from(&signature[..])
            .is_ok_and(|signature| key.verifying_key().verify_prehash(&message, &signature).is_ok());
        prop_assert_eq!(verify_schnorr::<Portable>(&p, &message, &signature), expected);
        prop_assert_eq!(expected, flip == 0);
    }
}

#[test]
fn tweak_that_leads_to_infinity_is_refused() {
    let key = SigningKey::from_bytes(&[1; 32]).unwrap();
    let p: [u8; 32] = key.verifying_key().to_bytes().into();
    // The x-only key has an even point, whose secret is this or its negative; one of the sums is infinite.
    let secret = *key.as_nonzero_scalar().as_ref();
    let sums = [secret, -secret].map(|t| add_tweak::<Portable>(&p, &t.to_bytes().into()));
    assert_eq!(sums.iter().filter(|sum| sum.is_none()).count(), 1);
    assert_eq!(add_tweak::<Portable>(&p, &[0xff; 32]), None);
}

fn bridge() -> Bridge {
    let mut address = [0; 20];
    address[..3].copy_from_slice(b"BZK");
    address[19] = 3;
    Bridge { chain_id: 97_304, address: Address::from(address) }
}

fn group_key() -> [u8; 32] {
    SigningKey::from_bytes(&[7; 32]).unwrap().verifying_key().to_bytes().into()
}

fn deposit(recipient: u8, salt: u8) -> Deposit {
    let refund = SigningKey::from_bytes(&[9; 32]).unwrap().verifying_key().to_bytes().into();
    Deposit::new(Address::repeat_byte(recipient), B256::repeat_byte(salt), refund, 12_960).unwrap()
}

#[test]
fn deposit_leaf_has_the_layout_of_the_contract() {
    let deposit = deposit(1, 2);
    let mut encoded = [0u8; 128];
    encoded[24..32].copy_from_slice(&97_304u64.to_be_bytes());
    encoded[44..64].copy_from_slice(bridge().address.as_slice());
    encoded[76..96].fill(1);
    encoded[96..].fill(2);
    let commitment = keccak256(encoded);
    let leaf = deposit.leaf(&bridge());
    let leaf = leaf.as_bytes();
    assert_eq!(leaf.len(), 73);
    assert_eq!((leaf[0], &leaf[1..33]), (0x20, commitment.as_slice()));
    assert_eq!(leaf[33..40], [0x75, 2, 0xa0, 0x32, 0xb2, 0x75, 0x20]);
    assert_eq!(leaf[72], 0xac);
}

#[test]
fn every_delay_in_range_is_a_push_of_two_bytes() {
    for delay in [128, 255, 256, 12_960, 32_767] {
        let deposit = Deposit::new(Address::ZERO, B256::ZERO, [3; 32], delay).unwrap();
        assert_eq!(deposit.leaf(&bridge()).len(), 73, "{delay}");
    }
    for blocks in [0, 1, 127, 32_768, u16::MAX] {
        assert!(!REFUND_DELAYS.contains(&blocks));
        let error = Deposit::new(Address::ZERO, B256::ZERO, [3; 32], blocks).unwrap_err();
        assert_eq!(error, DepositError::Delay { blocks });
    }
}

#[test]
fn attack_claim_to_another_recipient() {
    let script = |deposit: Deposit, bridge: &Bridge, key: &[u8; 32]| {
        deposit.script::<Portable>(bridge, key).unwrap()
    };
    let honest = script(deposit(1, 2), &bridge(), &group_key());
    assert!(honest.is_p2tr());
    assert_ne!(honest, script(deposit(2, 2), &bridge(), &group_key()));
    assert_ne!(honest, script(deposit(1, 3), &bridge(), &group_key()));
    // Nor on another chain, at another contract, or in another epoch.
    let other_chain = Bridge { chain_id: 1, ..bridge() };
    assert_ne!(honest, script(deposit(1, 2), &other_chain, &group_key()));
    let other_contract = Bridge { address: Address::ZERO, ..bridge() };
    assert_ne!(honest, script(deposit(1, 2), &other_contract, &group_key()));
    let other_epoch = SigningKey::from_bytes(&[8; 32]).unwrap().verifying_key().to_bytes().into();
    assert_ne!(honest, script(deposit(1, 2), &bridge(), &other_epoch));
}

/// Outputs that hold our leaf, or our key, but that the committee cannot spend as a deposit.
#[test]
fn attack_script_that_only_looks_like_ours() {
    let (deposit, key) = (deposit(1, 2), group_key());
    let ours = deposit.script::<Portable>(&bridge(), &key).unwrap();
    let leaf = deposit.leaf(&bridge());
    // The depositor's own internal key: he could spend by key path at once.
    let own = SigningKey::from_bytes(&[9; 32]).unwrap().verifying_key().to_bytes().into();
    assert_ne!(deposit.script::<Portable>(&bridge(), &own).unwrap(), ours);
    // A second leaf beside ours, with no delay.
    let second = leaf_hash(&ScriptBuf::from(vec![0x51]));
    let mut pair = [leaf_hash(&leaf), second];
    pair.sort();
    let branch = bzk_bitcoin::bitcoin::TapNodeHash::from_node_hashes(
        bzk_bitcoin::bitcoin::TapNodeHash::assume_hidden(pair[0]),
        bzk_bitcoin::bitcoin::TapNodeHash::assume_hidden(pair[1]),
    );
    use bzk_bitcoin::bitcoin::hashes::Hash;
    let forged = output_key::<Portable>(&key, Some(&branch.to_byte_array())).unwrap();
    assert_ne!(output_script(&forged.x), ours);
    // The group key without any leaf, and the leaf as a bare or P2WSH output.
    assert_ne!(output_script(&key), ours);
    assert_ne!(output_script(&output_key::<Portable>(&key, None).unwrap().x), ours);
    assert_ne!(ScriptBuf::new_p2wsh(&leaf.wscript_hash()), ours);
    // The same program under another witness version.
    let mut later = ours.to_bytes();
    later[0] = 0x52;
    assert!(!ScriptBuf::from(later).is_p2tr());
}

#[test]
fn refund_pays_what_is_left_after_the_fee() {
    let to = output_script(&group_key());
    let rate = FeeRate::from_sat_per_vb_u32(10);
    let refund = |sats| {
        Refund::new::<Portable>(
            &deposit(1, 2),
            &bridge(),
            &group_key(),
            (OutPoint::null(), sats),
            to.clone(),
            rate,
        )
    };
    let transaction = refund(100_000).unwrap().sign(&[1; 64]);
    assert_eq!(transaction.input[0].sequence.to_consensus_u32(), 12_960);
    let fee = 100_000 - transaction.output[0].value.to_sat();
    // Whole weight units: within a vbyte of rate times size.
    assert!(fee.abs_diff(transaction.vsize() as u64 * 10) <= 10, "{fee}");
    assert!(matches!(refund(fee + 329), Err(DepositError::Dust { .. })));
    assert_eq!(refund(fee + 330).unwrap().sign(&[1; 64]).output[0].value.to_sat(), 330);
}
