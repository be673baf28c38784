//! The off-chain worker, against a prover that answers whatever a test says.

use super::*;
use crate::{
    prover::{parse_proof, ProverError, MAX_PROOF_BYTES},
    worker::{Endpoint, WorkerError, FINALIZED, PROVER},
};
use bzk_batch::{Span, Statement};
use codec::Decode;
use frame_support::traits::Hooks;
use frame_system::mocking::MockUncheckedExtrinsic;
use parking_lot::RwLock;
use proptest::prelude::*;
use serde_json::{json, Value};
use sp_core::{
    offchain::{
        testing::{
            OffchainState, PendingRequest, PoolState, TestOffchainExt, TestTransactionPoolExt,
        },
        OffchainDbExt, OffchainWorkerExt, Timestamp, TransactionPoolExt,
    },
    H160,
};
use sp_runtime::{offchain::storage::StorageValueRef, testing::UintAuthorityId};
use std::sync::Arc;

const URL: &str = "http://127.0.0.1:8560";
const ID: &str = "0000000001-0000000002-aa";

/// A node with a prover and the key of the first authority; the batch 0 is closed in block 1, which is final.
struct NodeWithProver {
    state: Arc<RwLock<OffchainState>>,
    pool: Arc<RwLock<PoolState>>,
}

impl NodeWithProver {
    fn run(test: impl FnOnce(Self)) {
        let (offchain, state) = TestOffchainExt::new();
        let (pool_ext, pool) = TestTransactionPoolExt::new();
        let mut ext = new_test_ext();
        ext.register_extension(OffchainDbExt::new(offchain.clone()));
        ext.register_extension(OffchainWorkerExt::new(offchain));
        ext.register_extension(TransactionPoolExt::new(pool_ext));
        UintAuthorityId::set_all_keys([9, 1]);
        ext.execute_with(|| {
            System::set_block_number(1);
            let limits = Limits { blocks: 2, ..Default::default() };
            Settlement::set_limits(RuntimeOrigin::root(), limits).unwrap();
            blocks(1..=2);
            let endpoint = Endpoint { url: URL.into(), address: H160::repeat_byte(0xaa) };
            StorageValueRef::persistent(PROVER).set(&endpoint);
            StorageValueRef::persistent(FINALIZED).set(&1u64);
            test(Self { state, pool });
            Settlement::check_state().unwrap();
        });
    }

    /// The next call must be this one, and gets this answer.
    fn expect_raw(&self, method: &str, params: Value, answer: impl Into<Vec<u8>>) {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.state.write().expect_request(PendingRequest {
            method: "POST".into(),
            uri: URL.into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.to_string().into_bytes(),
            sent: true,
            response: Some(answer.into()),
            ..Default::default()
        });
    }

    fn expect(&self, method: &str, params: Value, result: Value) {
        let answer = json!({"jsonrpc": "2.0", "id": 1, "result": result});
        self.expect_raw(method, params, answer.to_string());
    }

    /// `batch` must be handed over next. Returns its id, which is [`ID`] for the batch 0.
    fn expect_submit(&self, batch: BatchId) -> String {
        let Span { first, last, .. } = Batches::<Test>::get(batch).unwrap().span;
        let address = format!("0x{}", "aa".repeat(20));
        let id = format!("{first:010}-{last:010}-aa");
        self.expect("prover_submitBatch", json!([first, last, address]), json!(id));
        id
    }

    fn expect_status_of(&self, batch: BatchId, state: &str, error: Option<&str>) -> String {
        let id = self.expect_submit(batch);
        let status = json!({"id": id, "state": state, "error": error, "stages": ["chain"]});
        self.expect("prover_status", json!([id]), status);
        id
    }

    fn expect_status(&self, state: &str, error: Option<&str>) {
        self.expect_status_of(0, state, error);
    }

    fn expect_proof(&self, record: &ProofRecord) {
        self.expect_status("proven", None);
        self.expect("prover_proof", json!([ID]), proof(record));
    }

    /// One run of the worker, `seconds` after the last.
    fn run_worker(&self, seconds: u64) {
        let now = self.state.read().timestamp.unix_millis() + seconds * 1_000;
        self.state.write().timestamp = Timestamp::from_unix_millis(now);
        Settlement::offchain_worker(1);
        assert_eq!(self.state.read().requests.iter().filter(|(_, one)| !one.sent).count(), 0);
    }

    /// One run, in which the worker must fetch the proof of `batch`; a block has its record.
    fn run_until_recorded(&self, batch: BatchId) {
        let id = self.expect_status_of(batch, "proven", None);
        self.expect("prover_proof", json!([id]), proof(&record(batch)));
        self.run_worker(1);
        let [call] = self.sent().try_into().unwrap();
        assert_ok!(submit(call));
    }

    /// Runs in which the worker must see that the prover has the proofs of `batches`; then it has nothing to do.
    fn run_until_idle(&self, batches: impl IntoIterator<Item = BatchId>) {
        for batch in batches {
            self.expect_status_of(batch, "proven", None);
            self.run_worker(1);
        }
        self.run_worker(1_000);
        assert_eq!(self.sent(), []);
    }

    /// What the worker has sent to the pool.
    fn sent(&self) -> Vec<Call<Test>> {
        let transactions = std::mem::take(&mut self.pool.write().transactions);
        let call = |bytes: Vec<u8>| match MockUncheckedExtrinsic::<Test>::decode(&mut &bytes[..])
            .unwrap()
            .function
        {
            RuntimeCall::Settlement(call) => call,
            other => panic!("{other:?}"),
        };
        transactions.into_iter().map(call).collect()
    }

    fn advance(&self) -> WorkerError {
        let endpoint = StorageValueRef::persistent(PROVER).get::<Endpoint>().unwrap().unwrap();
        let batch = Batches::<Test>::get(0).unwrap();
        Settlement::advance(&endpoint, 0, &batch).unwrap_err()
    }
}

/// The proof of `record` as a prover tells it.
fn proof(record: &ProofRecord) -> Value {
    let inputs = record.statement.inputs().map(|input| format!("0x{input:x}"));
    json!({"statement": "not read", "inputs": inputs, "proof": "0x00ff10"})
}

/// What the worker makes of that proof.
fn recorded() -> ProofRecord {
    let proof_hash = H256(sp_io::hashing::keccak_256(&[0x00, 0xff, 0x10]));
    ProofRecord { proof_hash, ..record(0) }
}

#[test]
fn batch_is_handed_over_asked_for_and_recorded() {
    NodeWithProver::run(|node| {
        node.expect_status("proving", None);
        node.run_worker(1);
        // It does not ask again at once.
        node.run_worker(5);
        node.expect_proof(&record(0));
        node.run_worker(1);
        let [call] = node.sent().try_into().unwrap();
        assert_ok!(submit(call));
        assert_eq!(Batches::<Test>::get(0).unwrap().proof, Some(recorded()));
        // Nothing is left to do.
        node.run_worker(1_000);
        assert_eq!(node.sent(), []);
    });
}

#[test]
fn prover_gets_the_next_batches_while_it_works_on_the_oldest() {
    NodeWithProver::run(|node| {
        blocks(3..=4);
        System::set_block_number(2);
        // Closed in a block that is not final.
        blocks(5..=6);
        node.expect_status("proving", None);
        let address = format!("0x{}", "aa".repeat(20));
        node.expect("prover_submitBatch", json!([3, 4, address]), json!("another"));
        node.run_worker(1);
    });
}

#[test]
fn record_that_got_lost_is_sent_again() {
    NodeWithProver::run(|node| {
        node.expect_proof(&record(0));
        node.run_worker(1);
        let first = node.sent();
        node.run_worker(59);
        assert_eq!(node.sent(), []);
        node.expect_proof(&record(0));
        node.run_worker(1);
        assert_eq!(node.sent(), first);
    });
}

#[test]
fn attack_wrong_record_of_another_authority_does_not_stop_the_prover() {
    NodeWithProver::run(|node| {
        let wrong = ProofRecord { proof_hash: H256::repeat_byte(0x66), ..record(0) };
        assert_ok!(submit(sealed(0, wrong, 2)));
        node.expect_status("proving", None);
        node.run_worker(1);
        node.expect_status("proven", None);
        node.run_worker(6);
        // It has the proof and cannot record it.
        assert_eq!(node.sent(), []);
        node.run_worker(1_000);
        // Until the wrong one is forgotten.
        assert_ok!(Settlement::forget_proof(RuntimeOrigin::root(), 0));
        node.expect_proof(&record(0));
        node.run_worker(1);
        let [call] = node.sent().try_into().unwrap();
        assert_ok!(submit(call));
        assert_eq!(Batches::<Test>::get(0).unwrap().proof, Some(recorded()));
        node.run_worker(1_000);
    });
}

#[test]
fn late_prover_begins_with_batches_that_nobody_has_recorded() {
    NodeWithProver::run(|node| {
        blocks(3..=8);
        for batch in [0, 2] {
            assert_ok!(submit(sealed(batch, record(batch), 2)));
        }
        node.expect_status_of(1, "proving", None);
        node.expect_submit(3);
        // One of the others, no more.
        node.expect_submit(0);
        node.run_worker(1);
        node.run_worker(5);
        node.run_until_recorded(1);
        node.run_until_recorded(3);
        // No batch is left out, its own ones neither.
        node.run_until_idle(0..4);
    });
}

#[test]
fn batch_that_another_authority_records_meanwhile_holds_up_no_other() {
    NodeWithProver::run(|node| {
        node.expect_status("proving", None);
        node.run_worker(1);
        assert_ok!(submit(sealed(0, record(0), 2)));
        blocks(3..=4);
        node.run_until_recorded(1);
        node.expect_status("queued", Some("disk full"));
        node.run_worker(1);
        blocks(5..=6);
        node.run_until_recorded(2);
        node.run_until_idle(0..3);
    });
}

#[test]
fn settled_batch_is_not_proven_again() {
    NodeWithProver::run(|node| {
        settle(0);
        node.run_worker(1);
        assert!(node.state.read().requests.is_empty());
        // Nor waited for.
        blocks(3..=4);
        node.run_until_recorded(1);
        node.run_until_idle([]);
    });
}

#[test]
fn worker_rests_without_prover_or_final_batch() {
    NodeWithProver::run(|node| {
        StorageValueRef::persistent(FINALIZED).set(&0u64);
        node.run_worker(1);
        StorageValueRef::persistent(FINALIZED).clear();
        node.run_worker(1);
        StorageValueRef::persistent(FINALIZED).set(&1u64);
        StorageValueRef::persistent(PROVER).clear();
        node.run_worker(1);
        assert!(node.state.read().requests.is_empty());
    });
}

#[test]
fn one_run_at_a_time() {
    NodeWithProver::run(|node| {
        let held = Timestamp::from_unix_millis(5_000);
        StorageValueRef::persistent(b"bzk-settlement/lock").set(&held);
        node.run_worker(2);
        node.expect_status("queued", None);
        // Its holder is gone.
        node.run_worker(4);
    });
}

#[test]
fn waits_double_with_each_failure_up_to_nine_minutes() {
    NodeWithProver::run(|node| {
        for (failures, wait) in [2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512].iter().enumerate() {
            node.expect_status("queued", Some("disk full"));
            node.run_worker(1);
            node.run_worker(wait - 1);
            assert_eq!(node.sent(), [], "after {failures} failures");
        }
        node.expect_status("proving", None);
        node.run_worker(1);
        // A success ends it.
        node.expect_status("queued", Some("disk full"));
        node.run_worker(6);
        node.expect_status("proving", None);
        node.run_worker(2);
    });
}

#[test]
fn node_that_is_no_authority_hands_over_nothing() {
    NodeWithProver::run(|node| {
        UintAuthorityId::set_all_keys([9]);
        assert_eq!(node.advance(), WorkerError::NotAuthority);
    });
}

#[test]
fn attack_proof_of_something_else_is_not_recorded() {
    NodeWithProver::run(|node| {
        let mut other = record(0);
        other.statement.new_state = state(7);
        node.expect_proof(&other);
        assert_eq!(node.advance(), WorkerError::AnotherStatement);
        assert_eq!(node.sent(), []);
    });
}

#[test]
fn attack_answers_that_are_no_answers_are_errors() {
    let refused = |answer: Vec<u8>, expected: fn() -> ProverError| {
        NodeWithProver::run(|node| {
            node.expect_status("proven", None);
            node.expect_raw("prover_proof", json!([ID]), answer);
            assert_eq!(node.advance(), WorkerError::Prover(expected()));
        });
    };
    let malformed = || ProverError::Malformed;
    refused(b"<html>".to_vec(), malformed);
    refused(vec![], malformed);
    refused(vec![0xff; 10], malformed);
    refused(json!({"result": null}).to_string().into(), malformed);
    refused(vec![b'['; 100_000], malformed);
    refused(vec![b' '; MAX_PROOF_BYTES + 1], || ProverError::TooLarge);
    let error = json!({"error": {"code": -32_000, "message": "no proof yet"}});
    refused(error.to_string().into(), || ProverError::Refused("no proof yet".into()));
    for (field, value) in [
        ("proof", json!("0x")),
        ("proof", json!("0x0")),
        ("proof", json!("0x+f")),
        ("proof", json!("00ff")),
        ("inputs", json!([])),
        ("inputs", json!(vec!["0x1"; 33])),
        ("inputs", json!(vec!["0xffffffffffffffff"; 32])),
        ("inputs", json!(vec![1; 32])),
    ] {
        let mut answer = proof(&record_of(1, 2));
        answer[field] = value;
        refused(json!({"result": answer}).to_string().into(), malformed);
    }
}

#[test]
fn attack_oversized_id_and_status_are_errors() {
    NodeWithProver::run(|node| {
        let address = format!("0x{}", "aa".repeat(20));
        let long = "x".repeat(70_000);
        node.expect("prover_submitBatch", json!([1, 2, address]), json!(long));
        assert_eq!(node.advance(), WorkerError::Prover(ProverError::TooLarge));
        node.expect_status("queued", Some(&long));
        assert_eq!(node.advance(), WorkerError::Prover(ProverError::TooLarge));
    });
}

proptest! {
    #[test]
    fn prop_no_answer_panics_or_proves_another_batch(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..300),
            (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(index, byte)| {
                let mut bytes = json!({"result": proof(&record_of(3, 4))}).to_string().into_bytes();
                let index = index.index(bytes.len());
                bytes[index] = byte;
                bytes
            }),
        ],
    ) {
        let Ok(ProofRecord { statement, .. }) = parse_proof(&bytes) else { return Ok(()) };
        let (last_hash, old_state, new_state) = (H256::zero(), state(2), state(4));
        let span = Span { first: 3, last: 4, last_hash, old_state, new_state };
        // What the batch does not know may be anything.
        let ours = Statement {
            old_accumulator: statement.old_accumulator,
            new_accumulator: statement.new_accumulator,
            prover: statement.prover,
            ..record_of(3, 4).statement
        };
        prop_assert_eq!(statement.is_about(CHAIN_ID, &span), statement == ours);
    }
}
