//! Batches of the chain's own blocks, and records of their proofs signed with a BABE key.

use crate::chain::{signed, transfer, Chain, EvmKey};
use bitcoinzk_runtime::{
    Ethereum, Executive, Runtime, RuntimeCall, Settlement, System, TxPause, UncheckedExtrinsic, EVM,
};
use bzk_batch::Statement;
use bzk_core::CHAIN_ID;
use frame_support::storage::{with_transaction, TransactionOutcome};
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_settlement::{BatchId, BatchIds, Batches, Call, Limits, ProofRecord};
use sp_consensus_babe::AuthorityPair;
use sp_core::{Pair, H160, H256};
use sp_genesis_builder::DEV_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Alice, Dave};
use sp_runtime::{
    transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
    ApplyExtrinsicResult, DispatchError,
};

/// What a refused transaction was refused for.
fn refused(why: InvalidTransaction) -> ApplyExtrinsicResult {
    Err(TransactionValidityError::from(why))
}

/// A chain with batches of two blocks, the first of which is closed.
fn chain() -> Chain {
    let mut chain = Chain::new(DEV_RUNTIME_PRESET);
    let limits = Limits { blocks: 2, ..Default::default() };
    let set = RuntimeCall::Settlement(Call::set_limits { limits });
    chain.call(Alice, pallet_sudo::Call::sudo { call: Box::new(set) }).unwrap();
    for nonce in 0..2 {
        let made = chain.make(vec![EvmKey::funded().sign(transfer(nonce, H160([7; 20]), 1))]);
        assert_eq!(made.results, vec![Ok(Ok(()))]);
    }
    assert!(chain.query(|| BatchIds::<Runtime>::get().next) > 0);
    chain
}

fn record(batch: BatchId) -> ProofRecord {
    let span = Batches::<Runtime>::get(batch).unwrap().span;
    let statement = Statement {
        chain_id: CHAIN_ID,
        first: span.first,
        last: span.last,
        old_state: span.old_state,
        new_state: span.new_state,
        old_accumulator: [1; 4],
        new_accumulator: [2; 4],
        prover: H160::zero(),
    };
    ProofRecord { proof_hash: H256::repeat_byte(9), statement }
}

/// The transaction with which the worker of a node with the key `seed` records a proof.
fn transaction(batch: BatchId, record: ProofRecord, seed: &str) -> UncheckedExtrinsic {
    let pair = AuthorityPair::from_string(seed, None).unwrap();
    let forgotten = Batches::<Runtime>::get(batch).unwrap().forgotten;
    let signature = pair.sign(&Settlement::proof_payload(batch, forgotten, &record));
    let call = Call::record_proof { batch, record, authority: pair.public(), signature };
    <Runtime as CreateAuthorizedTransaction<Call<Runtime>>>::create_authorized_transaction(
        call.into(),
    )
}

/// Whether the pool takes `extrinsic` now. Validation opens a block; the pool's leaves no trace.
fn pool_takes(chain: &mut Chain, extrinsic: &UncheckedExtrinsic) -> bool {
    let genesis = chain.query(|| System::block_hash(0));
    let validity = chain.query(|| {
        with_transaction(|| {
            let source = TransactionSource::External;
            let validity = Executive::validate_transaction(source, extrinsic.clone(), genesis);
            TransactionOutcome::Rollback(Ok::<_, DispatchError>(validity))
        })
    });
    validity.unwrap().is_ok()
}

#[test]
fn batches_have_the_roots_of_the_chain_without_a_gap() {
    let mut chain = chain();
    chain.run(30);
    chain.query(|| {
        Settlement::check_state().unwrap();
        let ids = BatchIds::<Runtime>::get();
        assert!(ids.next > 2);
        assert_eq!(Batches::<Runtime>::get(0).unwrap().span.first, 1);
        let last = Batches::<Runtime>::get(ids.next - 1).unwrap().span;
        let open = pallet_settlement::Open::<Runtime>::get().map_or(last, |open| open.span);
        let head = pallet_ethereum::Head::<Runtime>::get();
        assert_eq!(
            (open.last, open.last_hash, open.new_state),
            (head.number, head.hash, EVM::state_root())
        );
        Ethereum::check_state().unwrap();
    });
}

#[test]
fn record_with_an_authoritys_babe_key_goes_through_pool_and_block_without_a_fee() {
    let mut chain = chain();
    let record = chain.query(|| record(0));
    let extrinsic = chain.query(|| transaction(0, record, "//Alice"));
    assert!(pool_takes(&mut chain, &extrinsic));
    assert_eq!(chain.make(vec![extrinsic.clone()]).results, vec![Ok(Ok(()))]);
    assert_eq!(chain.query(|| Batches::<Runtime>::get(0).unwrap().proof), Some(record));

    let made = chain.make(vec![extrinsic.clone()]);
    assert_eq!(made.results, vec![refused(InvalidTransaction::Stale)], "a replay");
    let forget = RuntimeCall::Settlement(Call::forget_proof { batch: 0 });
    chain.call(Alice, pallet_sudo::Call::sudo { call: Box::new(forget) }).unwrap();
    let made = chain.make(vec![extrinsic]);
    assert_eq!(made.results, vec![refused(InvalidTransaction::BadProof)], "forgotten");
    let anew = chain.query(|| transaction(0, record, "//Alice"));
    assert_eq!(chain.make(vec![anew]).results, vec![Ok(Ok(()))]);
}

#[test]
fn attack_records_of_strangers_and_of_other_roots_are_in_no_block() {
    let mut chain = chain();
    let (stranger, other_root) = chain.query(|| {
        let record = record(0);
        let mut other = record;
        other.statement.new_state = H256::zero();
        (transaction(0, record, "//Eve"), transaction(0, other, "//Alice"))
    });
    assert_eq!(
        chain.make(vec![stranger, other_root]).results,
        vec![refused(InvalidTransaction::BadSigner), refused(InvalidTransaction::Call)]
    );
    assert_eq!(chain.query(|| Batches::<Runtime>::get(0).unwrap().proof), None);
}

#[test]
fn attack_records_fill_no_block_while_they_are_paused() {
    let mut chain = chain();
    let extrinsic = chain.query(|| transaction(0, record(0), "//Alice"));
    let name = || -> pallet_tx_pause::RuntimeCallNameOf<Runtime> {
        let bytes = |text: &str| text.as_bytes().to_vec().try_into().unwrap();
        (bytes("Settlement"), bytes("record_proof"))
    };
    let sudo = |call: RuntimeCall| pallet_sudo::Call::<Runtime>::sudo { call: Box::new(call) };
    chain.call(Alice, sudo(pallet_tx_pause::Call::pause { full_name: name() }.into())).unwrap();
    assert!(chain.query(|| TxPause::is_paused(&name())));
    assert!(!pool_takes(&mut chain, &extrinsic));
    let made = chain.make(vec![extrinsic.clone()]);
    assert_eq!(made.results, vec![refused(InvalidTransaction::Call)]);

    chain.call(Alice, sudo(pallet_tx_pause::Call::unpause { ident: name() }.into())).unwrap();
    assert!(pool_takes(&mut chain, &extrinsic));
    assert_eq!(chain.make(vec![extrinsic]).results, vec![Ok(Ok(()))]);
}

#[test]
fn attack_calls_that_pay_no_fee_are_in_no_block_with_a_signer() {
    let mut chain = chain();
    let record = chain.query(|| record(0));
    let call = |extrinsic: UncheckedExtrinsic| extrinsic.0.function;
    let calls = chain.query(|| {
        let payment = EvmKey::funded().sign(transfer(2, H160([7; 20]), 1));
        [call(transaction(0, record, "//Alice")), call(payment)]
    });
    for free in calls {
        let extrinsic = chain.query(|| signed(Dave, 0, free));
        assert!(!pool_takes(&mut chain, &extrinsic));
        let made = chain.make(vec![extrinsic]);
        assert_eq!(made.results, vec![refused(InvalidTransaction::BadSigner)]);
    }
    assert_eq!(chain.query(|| System::account_nonce(Dave.to_account_id())), 0);
}
