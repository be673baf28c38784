//! Records of proofs: which the pool takes.

use super::*;
use sp_runtime::{
    testing::{TestSignature, UintAuthorityId},
    transaction_validity::InvalidTransaction::{self, BadProof, BadSigner, Stale},
    DispatchError::BadOrigin,
};

fn refused(call: Call<Test>, why: InvalidTransaction) {
    assert_eq!(submit(call), Err(why.into()));
}

#[test]
fn record_of_an_authority_proves_its_batch() {
    run(|| {
        blocks(1..=2);
        let call = sealed(0, record(0), 2);
        let valid = validate(call.clone()).unwrap();
        assert!(valid.propagate);
        // Two records of one batch exclude each other in the pool.
        assert_eq!(valid.provides, validate(sealed(0, record(0), 1)).unwrap().provides);
        assert_ok!(submit(call));
        assert_eq!(Batches::<Test>::get(0).unwrap().proof, Some(record(0)));
        let (proof_hash, authority) = (record(0).proof_hash, UintAuthorityId(2));
        System::assert_last_event(Event::Proven { batch: 0, proof_hash, authority }.into());
    });
}

#[test]
fn attack_record_of_other_blocks_roots_or_another_chain_is_refused() {
    run(|| {
        blocks(1..=4);
        let changes: [fn(&mut ProofRecord); 8] = [
            |record| record.statement.chain_id += 1,
            |record| record.statement.chain_id += 1 << 32,
            |record| record.statement.first += 1,
            |record| record.statement.last += 1,
            |record| record.statement.old_state = state(7),
            |record| record.statement.new_state = state(7),
            |record| record.statement.old_accumulator[3] = bzk_batch::FIELD_ORDER,
            |record| record.statement.new_accumulator[0] = u64::MAX,
        ];
        for change in changes {
            let mut changed = record(0);
            change(&mut changed);
            refused(sealed(0, changed, 1), InvalidTransaction::Call);
            let authorized = frame_system::RawOrigin::Authorized.into();
            let (authority, signature) = (UintAuthorityId(1), TestSignature(1, vec![]));
            assert_noop!(
                Settlement::record_proof(authorized, 0, changed, authority, signature),
                Error::<Test>::AnotherStatement
            );
        }
        refused(sealed(1, record(0), 1), InvalidTransaction::Call);
        refused(sealed(7, record(7), 1), Stale);
    });
}

#[test]
fn attack_record_of_a_stranger_or_with_a_forged_signature_is_refused() {
    run(|| {
        blocks(1..=2);
        refused(sealed(0, record(0), 3), BadSigner);
        let Call::record_proof { batch, record, authority, signature } = sealed(0, record(0), 1)
        else {
            unreachable!()
        };
        let mut changed = record;
        changed.proof_hash = H256::zero();
        for (record, authority) in [(changed, authority), (record, UintAuthorityId(2))] {
            let signature = signature.clone();
            refused(Call::record_proof { batch, record, authority, signature }, BadProof);
        }
    });
}

#[test]
fn attack_replayed_records_are_refused() {
    run(|| {
        blocks(1..=2);
        let call = sealed(0, record(0), 1);
        assert_ok!(submit(call.clone()));
        refused(call.clone(), Stale);
        refused(sealed(0, ProofRecord { proof_hash: H256::zero(), ..record(0) }, 2), Stale);
        // On another chain with the same authorities and the same batch.
        Batches::<Test>::mutate(0, |batch| batch.as_mut().unwrap().proof = None);
        frame_system::BlockHash::<Test>::insert(0, H256::repeat_byte(0xbb));
        refused(call, BadProof);
    });
}

#[test]
fn attack_forgotten_record_does_not_come_back() {
    run(|| {
        blocks(1..=2);
        let wrong = ProofRecord { proof_hash: H256::zero(), ..record(0) };
        // Whoever has seen them can send them again; the first never was in a block.
        let mut seen = vec![sealed(0, record(0), 2)];
        for forgotten in 1..=3 {
            // The same word, signed anew.
            let call = sealed(0, wrong, 1);
            assert_ok!(submit(call.clone()));
            seen.push(call);
            assert_ok!(Settlement::forget_proof(RuntimeOrigin::root(), 0));
            assert_eq!(Batches::<Test>::get(0).unwrap().forgotten, forgotten);
            for old in &seen {
                refused(old.clone(), BadProof);
            }
        }
        assert_ok!(submit(sealed(0, record(0), 2)));
        assert_eq!(Batches::<Test>::get(0).unwrap().proof, Some(record(0)));
    });
}

#[test]
fn attack_record_under_another_origin_is_refused() {
    run(|| {
        blocks(1..=2);
        let Call::record_proof { batch, record, authority, signature } = sealed(0, record(0), 1)
        else {
            unreachable!()
        };
        for origin in [RuntimeOrigin::signed(1), RuntimeOrigin::root(), RuntimeOrigin::none()] {
            let (authority, signature) = (authority.clone(), signature.clone());
            assert_noop!(
                Settlement::record_proof(origin, batch, record, authority, signature),
                BadOrigin
            );
        }
    });
}

#[test]
fn what_authorities_sign_is_no_hash_of_a_header() {
    run(|| assert!(Settlement::proof_payload(0, 0, &record(7)).len() > 32));
}
