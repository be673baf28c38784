//! Keys against frost itself, and the tweak rule.

use super::{group::Group, rng};
use crate::{
    bip340::recover,
    committee::{threshold, Member, MemberSet, MAX_MEMBERS, MAX_THRESHOLD},
    element::Signature,
    key::KeyShare,
    signing::request::Input,
};
use frost_secp256k1_tr as frost;

#[test]
fn thresholds_are_more_than_two_thirds() {
    assert_eq!([2, 3, 4, 16, 32, 100].map(threshold), [2, 3, 3, 11, 22, 67]);
    assert_eq!(u32::from(threshold(MAX_MEMBERS as u16)), MAX_THRESHOLD);
}

#[test]
fn member_sets_hold_their_members() {
    let mut set = MemberSet::all(100);
    assert_eq!(set.len(), 100);
    assert!(!set.insert(Member(99)) && set.insert(Member(100)));
    assert!(!set.insert(Member(500)), "no such member");
    let odd: MemberSet = set.iter().filter(|member| member.0 % 2 == 1).collect();
    assert_eq!(odd.len(), 50);
    assert_eq!(set.without(odd).union(odd), set);
    assert_eq!((odd.rank(Member(3)), odd.rank(Member(4))), (Some(1), None));
}

/// Both parities of the sum of the secrets occur, and the public package derived from the chain is
/// that of frost's part 3.
#[test]
fn group_keys_are_those_of_frost() {
    let mut parities = [0; 2];
    for seed in 0..8 {
        let mut rng = rng(seed);
        let group = Group::new(4, &mut rng);
        let (key, shares, _) = group.key(&mut rng);
        for share in &shares {
            let package = share.package(&key).unwrap();
            let verifying_key = package.verifying_key().serialize().unwrap();
            assert_eq!(verifying_key[1..], key.key.0);
            parities[usize::from(verifying_key[0] == 3)] += 1;
        }
        assert_eq!(key.public_package(group.members()).unwrap().max_signers(), 4);
        // A share of somebody else is none.
        let stranger = KeyShare::new(Member(0), *shares[1].secret());
        assert!(stranger.package(&key).is_none());
    }
    assert!(parities[0] > 0 && parities[1] > 0, "{parities:?}");
}

/// Trap of the crate: a share that is tweaked with "no script path" again signs for another key.
#[test]
fn signing_with_the_no_script_tweak_again_signs_for_another_key() {
    let mut rng = rng(1);
    let group = Group::new(2, &mut rng);
    let (key, shares, _) = group.key(&mut rng);
    let packages = [0, 1].map(|index: usize| shares[index].package(&key).unwrap());
    let message = [5; 32];
    let commit = |package: &frost::keys::KeyPackage, rng: &mut _| {
        frost::round1::commit(package.signing_share(), rng)
    };
    for (twice, valid) in [(false, true), (true, false)] {
        let (nonces, commitments): (Vec<_>, Vec<_>) =
            packages.iter().map(|package| commit(package, &mut rng)).unzip();
        let commitments = [0, 1].map(|i: usize| (*packages[i].identifier(), commitments[i])).into();
        let package = frost::SigningPackage::new(commitments, &message);
        let shares = [0, 1].map(|i: usize| {
            let share = match twice {
                false => frost::round2::sign(&package, &nonces[i], &packages[i]),
                true => frost::round2::sign_with_tweak(&package, &nonces[i], &packages[i], None),
            };
            (*packages[i].identifier(), share.unwrap())
        });
        let public = key.public_package(group.members()).unwrap();
        let signature = match twice {
            false => frost::aggregate(&package, &shares.into(), &public),
            true => frost::aggregate_with_tweak(&package, &shares.into(), &public, None),
        };
        let bytes = signature.unwrap().serialize().unwrap().try_into().unwrap();
        let input = Input { sighash: message, root: None };
        let output = input.output_key(recover, &key.key).unwrap();
        let verified = crate::bip340::verify(recover, &output, &message, &Signature(bytes));
        assert_eq!(verified, valid);
    }
}

use alloc::vec::Vec;
