//! The prover as a service: JSON-RPC over HTTP takes batches and hands out proofs, a worker proves them. Several such
//! services share the work over PostgreSQL and a folder of proofs, which all of them see: each asks for the blocks that
//! its batches lack, each proves blocks, or shares of the segments of large ones, that any of them asked for.
//!
//! | call | what |
//! |---|---|
//! | `prover_submitBatch(from, to, prover)` | queues blocks; the same batch again is the same one; returns its id |
//! | `prover_status(id)` | `queued`, `proving` (by this worker) or `proven`, the last error unless a job of the batch was done since, the stages of the job in work |
//! | `prover_proof(id)` | statement, public inputs and proof as the contract takes them |
//! | `prover_batches()` | ids and states |
//! | GET `/health` | 200 while the worker lives |
//! | GET `/metrics` | Prometheus |

use std::{
    collections::BTreeMap,
    fmt::Write,
    io::Read,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use anyhow::{anyhow, bail, Context, Result};
use plonky2::field::types::PrimeField64;
use serde_json::{json, Value};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::{
    check,
    jobs::{Job, Jobs, Outcome, Work, STACK},
    pipeline::{self, Pipeline},
    queue::{Batch, Queue},
    settle::{address_words, Verifier},
    shares, source, stage,
    zkevm::Zkevm,
};

/// Requests are a few hundred bytes.
const MOST_BYTES: u64 = 16_384;
/// Requests that are answered at once; more are sent away.
const MOST_ANSWERS: usize = 64;
/// After a failure: nodes come back, disks are emptied.
const PAUSE: Duration = Duration::from_secs(30);
/// Blocks that a batch lacks and asks for at once; the next ones when these are proven.
const MOST_ASKED: usize = 256;
/// Between two looks at what other workers may have finished.
const OTHERS_INTERVAL: Duration = Duration::from_secs(5);
/// Between two looks at whether all shares of a block are proven; each look takes its witness from the node.
const SHARES_INTERVAL: Duration = Duration::from_secs(120);
/// Between two looks at whether the worker lives.
const LIFE_INTERVAL: Duration = Duration::from_secs(1);

/// What the service works on.
pub struct Service {
    /// Where circuits and proofs are.
    pub pipeline: Pipeline,
    /// Batches.
    pub queue: Queue,
    /// JSON-RPC endpoint of a node.
    pub rpc: String,
    jobs: Box<dyn Jobs>,
    working: Mutex<Option<Job>>,
    /// Last errors of batches, by their ids, that the queue's disk had no room for.
    unwritten: Mutex<BTreeMap<String, String>>,
    /// The circuits of blocks, as long as the jobs are blocks: they take 8 GB.
    zkevm: Mutex<Option<Zkevm>>,
    /// Calls take turns, as they write to the queue.
    turn: Mutex<()>,
}

impl Service {
    /// A service; the queue is a folder beside the proofs. What has no proof yet goes to `jobs`.
    ///
    /// # Errors
    /// When the queue or the jobs cannot be opened.
    pub fn new(pipeline: Pipeline, rpc: String, jobs: Box<dyn Jobs>) -> Result<Self> {
        let queue = Queue::open(&pipeline.proofs.join("queue"))?;
        let mut unproven = queue.all()?.into_iter().filter(|one| one.proof.is_none());
        unproven.try_for_each(|one| jobs.push(&Job::Batch(one.id())))?;
        let (working, unwritten, zkevm, turn) = Default::default();
        Ok(Self { pipeline, queue, rpc, jobs, working, unwritten, zkevm, turn })
    }

    /// Serves `listen` (address and port) until the process ends.
    ///
    /// # Errors
    /// When the port is taken, or the worker has ended.
    pub fn run(self, listen: &str) -> Result<()> {
        let server =
            Server::http(listen).map_err(|error| anyhow!("cannot serve {listen}: {error}"))?;
        println!("http://{}", server.server_addr());
        self.serve(&server)
    }

    /// Answers the requests that come to `server`, each in a thread of its own: bodies come as slowly as clients like.
    fn serve(self, server: &Server) -> Result<()> {
        let answering = Arc::new(());
        let service = Arc::new(self);
        let worker = thread::Builder::new().name("worker".into()).stack_size(STACK).spawn({
            let service = service.clone();
            move || service.jobs.run(service.clone().work())
        })?;
        loop {
            // Whoever watches the process learns within a second that its worker has ended.
            let request = server.recv_timeout(LIFE_INTERVAL)?;
            if worker.is_finished() {
                let ended = worker.join().map_err(|_| anyhow!("the worker panicked"))?;
                return ended.and_then(|()| bail!("the worker has ended"));
            }
            let Some(request) = request else { continue };
            // A client that went away is no error of ours.
            if Arc::strong_count(&answering) > MOST_ANSWERS {
                let busy = Response::from_string("too many requests\n").with_status_code(503);
                let _ = request.respond(busy);
                continue;
            }
            let (service, place) = (service.clone(), answering.clone());
            thread::spawn(move || {
                let _ = service.answer(request);
                drop(place);
            });
        }
    }

    /// What the worker does with a job.
    fn work(self: Arc<Self>) -> Work {
        Arc::new(move |job| {
            stage::forget();
            self.set_working(Some(job.clone()));
            // plonky2 panics on a witness that it holds impossible.
            let result = catch_unwind(AssertUnwindSafe(|| self.try_job(job)))
                .unwrap_or_else(|panic| Err(check::panicked(panic)));
            let noted = result.and_then(|outcome| {
                // Who waits for others does not know whether they still fail.
                if outcome == Outcome::Done {
                    self.note(job, None)?;
                }
                Ok(outcome)
            });
            let outcome = noted.unwrap_or_else(|error| {
                eprintln!("{job:?}: {error:#}");
                if let Err(error) = self.note(job, Some(&error)) {
                    eprintln!("queue: {error:#}");
                }
                Outcome::Later(PAUSE)
            });
            self.set_working(None);
            outcome
        })
    }

    fn try_job(&self, job: &Job) -> Result<Outcome> {
        let mut zkevm = self.zkevm.lock().unwrap_or_else(PoisonError::into_inner);
        match job {
            Job::Block(number) => {
                // Not even the witness is asked for when there is a proof.
                let hash = pipeline::block_hash(&self.rpc, *number)?;
                if self.pipeline.block_file(hash).exists() {
                    return Ok(Outcome::Done);
                }
                let case = source::block(&self.rpc, *number)?;
                let cycles = case.witness.cycles();
                let shares = shares::missing(&self.pipeline, *number, hash, cycles);
                if !shares.is_empty() {
                    shares.iter().try_for_each(|share| self.jobs.push(share))?;
                    return Ok(Outcome::Later(SHARES_INTERVAL));
                }
                self.pipeline.block(&format!("block {number}"), case, &mut zkevm)?;
                Ok(Outcome::Done)
            }
            Job::Segments { block, share } => {
                let hash = pipeline::block_hash(&self.rpc, *block)?;
                // With the block's proof its shares are gone, and what said that they were done.
                let files =
                    [self.pipeline.block_file(hash), self.pipeline.share_file(hash, *share)];
                if !files.iter().any(|file| file.exists()) {
                    let case = source::block(&self.rpc, *block)?;
                    self.pipeline.share(case, *share, &mut zkevm)?;
                }
                Ok(Outcome::Done)
            }
            Job::Batch(id) => {
                let mut batch = self.queue.get(id)?;
                if batch.proof.is_some() {
                    return Ok(Outcome::Done);
                }
                let mut files = Vec::new();
                let mut asked = 0;
                for number in batch.from..=batch.to {
                    let hash = pipeline::block_hash(&self.rpc, number)?;
                    let file = self.pipeline.block_file(hash);
                    if !file.exists() {
                        self.jobs.push(&Job::Block(number))?;
                        asked += 1;
                        if asked == MOST_ASKED {
                            break;
                        }
                    }
                    files.push(file);
                }
                if asked > 0 {
                    return Ok(Outcome::Later(OTHERS_INTERVAL));
                }
                // The next circuits need its memory.
                *zkevm = None;
                let prover = address_words(&batch.prover)?;
                let (file, ..) =
                    self.pipeline.settle_node(&self.rpc, batch.from, &files, prover)?;
                (batch.proof, batch.error) = (Some(file), None);
                self.queue.write(&batch)?;
                Ok(Outcome::Done)
            }
        }
    }

    /// Writes why `job` failed, or that it did not, where whoever asks for the status of its batches finds it: in the
    /// queue, and in memory while that cannot be written.
    fn note(&self, job: &Job, error: Option<&anyhow::Error>) -> Result<()> {
        let (batches, error) = match job {
            Job::Block(number) | Job::Segments { block: number, .. } => (
                self.queue.waiting_for(*number)?,
                error.map(|error| format!("block {number}: {error:#}")),
            ),
            Job::Batch(id) => (vec![self.queue.get(id)?], error.map(|error| format!("{error:#}"))),
        };
        let mut unwritten = self.unwritten();
        let mut result = Ok(());
        for batch in batches {
            let id = batch.id();
            unwritten.remove(&id);
            if batch.error == error {
                continue;
            }
            let written = self.queue.write(&Batch { error: error.clone(), ..batch });
            if let (Err(_), Some(error)) = (&written, &error) {
                unwritten.insert(id, error.clone());
            }
            result = result.and(written);
        }
        result
    }

    /// Why the last try of a batch failed, unless one of its jobs has succeeded since.
    fn error(&self, batch: &Batch) -> Option<String> {
        if batch.proof.is_some() {
            return None;
        }
        self.unwritten().get(&batch.id()).or(batch.error.as_ref()).cloned()
    }

    fn unwritten(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, mut request: Request) -> std::io::Result<()> {
        let text = |text: &str| Response::from_string(text);
        match (request.method(), request.url()) {
            (Method::Get, "/health") => request.respond(text("ok\n")),
            (Method::Get, "/metrics") => match self.metrics() {
                Ok(metrics) => request.respond(text(&metrics)),
                Err(error) => request.respond(text(&format!("{error:#}\n")).with_status_code(500)),
            },
            (Method::Post, "/") => {
                let mut body = Vec::new();
                request.as_reader().take(MOST_BYTES).read_to_end(&mut body)?;
                let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = self.call(&body).to_string();
                drop(turn);
                let json =
                    Header::from_bytes("content-type", "application/json").expect("both are ASCII");
                request.respond(Response::from_string(answer).with_header(json))
            }
            _ => request.respond(text("no such page\n").with_status_code(404)),
        }
    }

    /// Answers one JSON-RPC call.
    fn call(&self, body: &[u8]) -> Value {
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            return failure(&Value::Null, -32_700, "the request is not JSON");
        };
        let id = &call["id"];
        let Some(method) = call["method"].as_str() else {
            return failure(id, -32_600, "the request names no method");
        };
        match self.dispatch(method, &call["params"]) {
            Ok(Some(result)) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Ok(None) => failure(id, -32_601, &format!("there is no method {method}")),
            Err(error) => failure(id, -32_000, &format!("{error:#}")),
        }
    }

    /// The result of a call; nothing when there is no such method.
    fn dispatch(&self, method: &str, params: &Value) -> Result<Option<Value>> {
        let number = |index: usize| {
            params[index].as_u64().with_context(|| format!("parameter {index}: a number"))
        };
        let text = |index: usize| {
            params[index].as_str().with_context(|| format!("parameter {index}: a text"))
        };
        Ok(Some(match method {
            "prover_submitBatch" => {
                let id = self.queue.submit(&Batch::new(number(0)?, number(1)?, text(2)?)?)?;
                self.jobs.push(&Job::Batch(id.clone()))?;
                json!(id)
            }
            "prover_status" => self.status(&self.queue.get(text(0)?)?),
            "prover_proof" => self.proof(&self.queue.get(text(0)?)?)?,
            "prover_batches" => {
                let all = self.queue.all()?;
                json!(all
                    .iter()
                    .map(|one| json!({"id": one.id(), "state": self.state(one)}))
                    .collect::<Vec<_>>())
            }
            _ => return Ok(None),
        }))
    }

    fn status(&self, batch: &Batch) -> Value {
        let state = self.state(batch);
        let stages = if state == "proving" { stage::finished() } else { Vec::new() };
        json!({"id": batch.id(), "state": state, "error": self.error(batch), "stages": stages})
    }

    /// The proof as the contract takes it. A batch whose proof is damaged, or of other circuits, waits for one again.
    fn proof(&self, batch: &Batch) -> Result<Value> {
        let file = batch.proof.as_ref().context("the batch has no proof yet")?;
        let verifier = Verifier::load(&self.pipeline.circuits)?;
        let (statement, proof) = match verifier.verify(file) {
            Ok(verified) => verified,
            Err(error) => {
                self.queue.write(&Batch { proof: None, ..batch.clone() })?;
                self.jobs.push(&Job::Batch(batch.id()))?;
                return Err(error.context("the proof is not valid any more, and made again"));
            }
        };
        let inputs: Vec<_> = proof
            .public_inputs
            .iter()
            .map(|input| format!("0x{:x}", input.to_canonical_u64()))
            .collect();
        let bytes = verifier.contract_bytes(&proof)?;
        Ok(
            json!({"statement": statement, "inputs": inputs, "proof": format!("0x{}", hex::encode(bytes))}),
        )
    }

    fn state(&self, batch: &Batch) -> &'static str {
        let working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        match (&batch.proof, &*working) {
            (Some(_), _) => "proven",
            (None, Some(Job::Batch(id))) if *id == batch.id() => "proving",
            (None, Some(Job::Block(number) | Job::Segments { block: number, .. }))
                if (batch.from..=batch.to).contains(number) =>
            {
                "proving"
            }
            _ => "queued",
        }
    }

    fn set_working(&self, job: Option<Job>) {
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) = job;
    }

    fn metrics(&self) -> Result<String> {
        let all = self.queue.all()?;
        let mut text = String::from("# TYPE bzk_prover_batches gauge\n");
        for state in ["queued", "proving", "proven"] {
            let count = all.iter().filter(|one| self.state(one) == state).count();
            writeln!(text, "bzk_prover_batches{{state=\"{state}\"}} {count}")?;
        }
        let failing = all.iter().filter(|one| self.error(one).is_some()).count();
        writeln!(text, "# TYPE bzk_prover_failing gauge\nbzk_prover_failing {failing}")?;
        let (seconds, peak) = stage::totals();
        writeln!(
            text,
            "# TYPE bzk_prover_cpu_seconds_total counter\n\
             bzk_prover_cpu_seconds_total {seconds:.1}"
        )?;
        writeln!(text, "# TYPE bzk_prover_peak_gib gauge\nbzk_prover_peak_gib {peak:.2}")?;
        Ok(text)
    }
}

fn failure(id: &Value, code: i64, message: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
}

#[cfg(test)]
mod tests {
    use std::{
        env, fs,
        io::Write as _,
        net::{TcpListener, TcpStream},
        os::unix::fs::symlink,
        process::{id, Command},
        time::Instant,
    };

    use ethereum_types::{Address, H256, U256};
    use keccak_hash::KECCAK_NULL_RLP;
    use rlp::RlpStream;

    use super::*;
    use crate::{jobs::Local, rpc::Node, settle::tests::write_proof, shares::Share};

    /// Names the test that a process was started for, by [`again`].
    const CHILD: &str = "BZK_TEST_CHILD";
    const PROVER: &str = "0x00000000000000000000000000000000000000aa";

    fn service(name: &str, rpc: &str) -> Arc<Service> {
        let proofs = env::temp_dir().join(format!("bzk-serve-{name}-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        Arc::new(Service::new(pipeline, rpc.into(), Box::<Local>::default()).unwrap())
    }

    /// Queues blocks 1 and 2 and does `job`, which must fail; returns the error of the batch as a client sees it.
    fn failure_of(service: &Arc<Service>, job: impl FnOnce(String) -> Job) -> String {
        let id = service.queue.submit(&Batch::new(1, 2, PROVER).unwrap()).unwrap();
        assert_eq!(service.clone().work()(&job(id.clone())), Outcome::Later(PAUSE));
        let error = error_of(service, &id).expect("the batch has an error");
        let (jobs, seen) = Noted::new();
        let (pipeline, rpc) = (service.pipeline.clone(), service.rpc.clone());
        let again = Service::new(pipeline, rpc, Box::new(jobs)).unwrap();
        assert_eq!(again.queue.all().unwrap().len(), 1, "it is still there after a restart");
        assert_eq!(*seen.lock().unwrap(), [Job::Batch(id)], "and will be tried again");
        error
    }

    /// The error of the only batch, which waits, as a client sees it.
    fn error_of(service: &Service, id: &str) -> Option<String> {
        let status = service.dispatch("prover_status", &json!([id])).unwrap().unwrap();
        assert_eq!(status["state"], "queued", "{status}");
        let error = status["error"].as_str().map(String::from);
        let failing = format!("bzk_prover_failing {}\n", u8::from(error.is_some()));
        assert!(service.metrics().unwrap().contains(&failing), "{status}");
        error
    }

    /// The disk has no room for the next write of a batch.
    fn fill_disk(service: &Service, id: &str) {
        // Always full. The write that fails removes it.
        symlink("/dev/full", stage::part(&service.queue.path(id))).unwrap();
    }

    /// Another worker has proven the block whose hash has this byte in all places.
    fn prove(pipeline: &Pipeline, hash: u8) {
        let file = pipeline.block_file(H256::repeat_byte(hash));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "{}").unwrap();
    }

    /// Jobs that nobody does.
    struct Noted(Arc<Mutex<Vec<Job>>>);

    impl Noted {
        fn new() -> (Self, Arc<Mutex<Vec<Job>>>) {
            let jobs = Arc::<Mutex<Vec<Job>>>::default();
            (Self(jobs.clone()), jobs)
        }
    }

    impl Jobs for Noted {
        fn push(&self, job: &Job) -> Result<()> {
            self.0.lock().unwrap().push(job.clone());
            Ok(())
        }

        fn run(&self, _: Work) -> Result<()> {
            Ok(())
        }
    }

    /// A node that answers each call with the next of `results`.
    fn node(results: Vec<Value>) -> String {
        let server = Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.server_addr());
        thread::spawn(move || {
            for result in results {
                let answer = json!({"jsonrpc": "2.0", "id": 1, "result": result}).to_string();
                server.recv().unwrap().respond(Response::from_string(answer)).unwrap();
            }
        });
        url
    }

    fn block(number: u8) -> Value {
        json!({"timestamp": "0x1", "hash": format!("0x{}", format!("{number:02x}").repeat(32))})
    }

    /// A block without transactions.
    fn witness(header: &[u8]) -> Value {
        json!({"header": format!("0x{}", hex::encode(header)), "parentStateRoot": H256::zero(),
            "blockHashes": [], "nodes": [], "codes": [], "transactions": []})
    }

    /// The header of a block without transactions that leads to this state.
    fn header(state: H256) -> Vec<u8> {
        let mut header = RlpStream::new_list(20);
        for field in 0..20 {
            match field {
                2 => header.append(&Address::zero()),
                3 => header.append(&state),
                4 | 5 => header.append(&KECCAK_NULL_RLP),
                6 => header.append(&vec![0u8; 256]),
                0 | 13 | 19 => header.append(&H256::zero()),
                _ => header.append(&U256::zero()),
            };
        }
        header.out().to_vec()
    }

    #[test]
    fn attack_client_that_does_not_finish_its_request_keeps_nobody_waiting() {
        let service = service("slow", "http://127.0.0.1:1");
        let server = Server::http("127.0.0.1:0").unwrap();
        let address = server.server_addr().to_ip().unwrap();
        thread::spawn(move || Arc::into_inner(service).unwrap().serve(&server));
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{").unwrap();
        let mut other = TcpStream::connect(address).unwrap();
        other.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        other.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    }

    #[test]
    fn batch_stays_queued_while_the_node_is_away() {
        let error = failure_of(&service("away", "http://127.0.0.1:1"), Job::Batch);
        assert!(error.contains("cannot reach the node at http://127.0.0.1:1"), "{error}");
        let error = failure_of(&service("away", "http://127.0.0.1:1"), |_| Job::Block(2));
        assert!(error.contains("block 2: cannot reach the node"), "{error}");
    }

    #[test]
    fn batch_with_a_witness_of_another_shape_stays_queued() {
        let url = node(vec![block(1), json!("0x17c18"), json!("0x2"), json!({"header": "0x"})]);
        let error = failure_of(&service("shape", &url), |_| Job::Block(1));
        assert!(error.contains("the answer to bzk_blockWitness has another shape"), "{error}");
    }

    #[test]
    fn batch_with_a_witness_that_is_no_block_stays_queued() {
        let url = node(vec![block(1), json!("0x17c18"), json!("0x2"), witness(&[0xc0])]);
        let error = failure_of(&service("block", &url), |_| Job::Block(1));
        assert!(error.contains("header field"), "{error}");
    }

    #[test]
    fn attack_batch_with_a_witness_of_another_state_stays_queued() {
        // Nothing happens in the block, so its state is the one before it: zero.
        let witness = witness(&header(H256::repeat_byte(1)));
        let url = node(vec![block(1), json!("0x17c18"), json!("0x2"), witness]);
        let error = failure_of(&service("state", &url), |_| Job::Block(1));
        assert!(error.contains("block 1: the witness leads to"), "{error}");
    }

    #[test]
    fn share_of_a_proven_block_is_not_proven_again() {
        // It knows no more of the block.
        let service = service("share", &node(vec![block(1)]));
        prove(&service.pipeline, 1);
        let job = Job::Segments { block: 1, share: Share { number: 0, of: 2 } };
        assert_eq!(service.clone().work()(&job), Outcome::Done);
    }

    #[test]
    fn batch_asks_for_the_blocks_that_it_lacks_and_waits_for_them() {
        let url = node(vec![block(1), block(2)]);
        let proofs = env::temp_dir().join(format!("bzk-serve-lacks-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        let (jobs, seen) = Noted::new();
        let service = Arc::new(Service::new(pipeline.clone(), url, Box::new(jobs)).unwrap());
        prove(&pipeline, 1);
        let batch = service.queue.submit(&Batch::new(1, 2, PROVER).unwrap()).unwrap();
        assert_eq!(service.clone().work()(&Job::Batch(batch)), Outcome::Later(OTHERS_INTERVAL));
        assert_eq!(*seen.lock().unwrap(), [Job::Block(2)]);
    }

    #[test]
    fn large_block_is_divided_among_workers() {
        let transaction = json!({"raw": "0x", "receipt": "0x", "gasUsed": "0x5208", "cycles": "0x200000", "accounts": {}});
        let mut witness = witness(&[0xc0]);
        witness["transactions"] = json!([transaction]);
        let url = node(vec![block(1), json!("0x17c18"), json!("0x2"), witness]);
        let proofs = env::temp_dir().join(format!("bzk-serve-divided-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        let (jobs, seen) = Noted::new();
        let service = Arc::new(Service::new(pipeline, url, Box::new(jobs)).unwrap());
        assert_eq!(service.clone().work()(&Job::Block(1)), Outcome::Later(SHARES_INTERVAL));
        let shares = [0, 1].map(|number| Share { number, of: 2 });
        assert_eq!(*seen.lock().unwrap(), shares.map(|share| Job::Segments { block: 1, share }));
    }

    #[test]
    fn long_batch_asks_for_some_of_its_blocks_at_a_time() {
        // It knows no more of them.
        let url = node((0..MOST_ASKED).map(|number| block(number as u8)).collect());
        let proofs = env::temp_dir().join(format!("bzk-serve-long-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        let (jobs, seen) = Noted::new();
        let service = Arc::new(Service::new(pipeline, url, Box::new(jobs)).unwrap());
        let batch = service.queue.submit(&Batch::new(1, 100_000, PROVER).unwrap()).unwrap();
        assert_eq!(service.clone().work()(&Job::Batch(batch)), Outcome::Later(OTHERS_INTERVAL));
        let first: Vec<_> = (1..=MOST_ASKED as u64).map(Job::Block).collect();
        assert_eq!(*seen.lock().unwrap(), first);
    }

    #[test]
    fn error_is_gone_once_a_job_of_the_batch_is_done() {
        let url = node(vec![Value::Null, block(1), block(2), block(1)]);
        let service = service("back", &url);
        let error = failure_of(&service, |_| Job::Block(1));
        assert!(error.contains("block 1: the node has no block 1"), "{error}");
        prove(&service.pipeline, 1);
        let batch = Batch::new(1, 2, PROVER).unwrap().id();
        let work = service.clone().work();
        assert_eq!(work(&Job::Batch(batch.clone())), Outcome::Later(OTHERS_INTERVAL));
        assert_eq!(error_of(&service, &batch), Some(error), "a batch that waits has done nothing");
        assert_eq!(work(&Job::Block(1)), Outcome::Done);
        assert_eq!(error_of(&service, &batch), None);
    }

    #[test]
    fn error_is_told_while_the_queue_cannot_be_written() {
        let service = service("full", "http://127.0.0.1:1");
        let id = service.queue.submit(&Batch::new(1, 2, PROVER).unwrap()).unwrap();
        let (work, job) = (service.clone().work(), Job::Batch(id.clone()));
        fill_disk(&service, &id);
        assert_eq!(work(&job), Outcome::Later(PAUSE));
        assert_eq!(service.queue.get(&id).unwrap().error, None);
        let error = error_of(&service, &id).unwrap();
        assert!(error.contains("cannot reach the node"), "{error}");
        // There is room again.
        assert_eq!(work(&job), Outcome::Later(PAUSE));
        assert_eq!(service.queue.get(&id).unwrap().error, Some(error));
        assert!(service.unwritten().is_empty());
    }

    #[test]
    fn job_whose_success_cannot_be_written_is_tried_again() {
        let service = service("cleared", &node(vec![Value::Null, block(1), block(1)]));
        failure_of(&service, |_| Job::Block(1));
        prove(&service.pipeline, 1);
        let id = Batch::new(1, 2, PROVER).unwrap().id();
        let work = service.clone().work();
        fill_disk(&service, &id);
        assert_eq!(work(&Job::Block(1)), Outcome::Later(PAUSE));
        let error = error_of(&service, &id).unwrap();
        assert!(error.contains("No space left"), "{error}");
        assert_eq!(work(&Job::Block(1)), Outcome::Done);
        assert_eq!(error_of(&service, &id), None);
    }

    /// Runs the test `name` again in a process of its own, which a shell starts behind `before`; false in that process.
    fn again(name: &str, before: &str) -> bool {
        if env::var(CHILD).is_ok_and(|child| child == name) {
            return false;
        }
        let child = Command::new("sh")
            .args(["-c", &format!("{before} exec \"$@\""), "sh"])
            .arg(env::current_exe().unwrap())
            .args(["--exact", &format!("serve::tests::{name}")])
            .env(CHILD, name)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        true
    }

    /// In a process that may take 4 GB.
    #[test]
    fn batch_stays_queued_while_memory_is_short() {
        if again("batch_stays_queued_while_memory_is_short", "ulimit -v 4000000 &&") {
            return;
        }
        let witness = witness(&header(H256::zero()));
        let url = node(vec![block(1), json!("0x17c18"), json!("0x2"), witness]);
        let error = failure_of(&service("memory", &url), |_| Job::Block(1));
        assert!(error.contains("this needs 9 GiB of memory"), "{error}");
    }

    /// In a process of its own, as it has one list of stages.
    #[test]
    fn client_submits_a_batch_and_sees_the_stages_of_its_proof() {
        if again("client_submits_a_batch_and_sees_the_stages_of_its_proof", "") {
            return;
        }
        // Takes connections and never answers: so the worker is busy with the batch.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = service("stages", &format!("http://{}", silent.local_addr().unwrap()));
        let server = Server::http("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.server_addr());
        thread::spawn(move || Arc::into_inner(service).unwrap().serve(&server));
        let client = Node::new(&url);
        let submit = || client.call::<String>("prover_submitBatch", json!([1, 2, PROVER])).unwrap();
        let batch = submit();
        assert_eq!(submit(), batch, "the same batch is the same one");
        let status = || client.call::<Value>("prover_status", json!([batch])).unwrap();
        let start = Instant::now();
        while status()["state"] != "proving" {
            assert!(start.elapsed() < Duration::from_secs(20), "{}", status());
            thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(status()["stages"], json!([]));
        stage::timed("batch-0-segment-0", || Ok(())).unwrap();
        let said = status();
        assert_eq!(said["stages"].as_array().unwrap().len(), 1, "{said}");
        assert_eq!(said["stages"][0]["name"], "batch-0-segment-0");
        for figure in ["seconds", "cpu_seconds", "peak_gib"] {
            assert!(said["stages"][0][figure].is_number(), "{said}");
        }
        let all: Value = client.call("prover_batches", json!([])).unwrap();
        assert_eq!(all, json!([{"id": batch, "state": "proving"}]));
        let error = client.call::<Value>("prover_proof", json!([batch])).unwrap_err();
        assert!(error.to_string().contains("the batch has no proof yet"), "{error}");
        let metrics = ureq::get(&format!("{url}/metrics")).call().unwrap().into_string().unwrap();
        assert!(metrics.contains("bzk_prover_batches{state=\"proving\"} 1\n"), "{metrics}");
    }

    #[test]
    fn client_fetches_a_proof_as_the_contract_takes_it() {
        let service = service("fetch", "http://127.0.0.1:1");
        let file = service.pipeline.proofs.join("wrap.bin");
        write_proof(&service.pipeline.circuits, &file);
        let batch = Batch { proof: Some(file.clone()), ..Batch::new(1, 2, PROVER).unwrap() };
        service.queue.write(&batch).unwrap();
        assert_eq!(service.status(&batch)["state"], "proven");
        let fetch = || service.dispatch("prover_proof", &json!([batch.id()]));
        let answer = fetch().unwrap().unwrap();
        assert_eq!(answer["statement"]["chain_id"], 7);
        assert_eq!(answer["statement"]["prover"], json!([34, 35, 36, 37, 38]));
        let inputs = answer["inputs"].as_array().unwrap();
        assert_eq!((inputs.len(), &inputs[31]), (32, &json!("0x26")));
        let proof = answer["proof"].as_str().unwrap().trim_start_matches("0x");
        let mut kept = fs::read(&file).unwrap();
        assert!(kept.starts_with(&hex::decode(proof).unwrap()));
        kept[100] ^= 1;
        fs::write(&file, kept).unwrap();
        assert!(fetch().is_err(), "a damaged proof is handed out");
        let again = service.queue.get(&batch.id()).unwrap();
        assert_eq!(service.status(&again)["state"], "queued", "it is not made again");
    }

    #[test]
    fn calls_that_make_no_sense_are_answered_with_errors() {
        let service = service("calls", "http://127.0.0.1:1");
        let code = |body: &str| service.call(body.as_bytes())["error"]["code"].as_i64();
        assert_eq!(code("{"), Some(-32_700));
        assert_eq!(code("{}"), Some(-32_600));
        assert_eq!(code(r#"{"method": "prover_nothing"}"#), Some(-32_601));
        assert_eq!(
            code(r#"{"method": "prover_submitBatch", "params": [2, 1, "0x"]}"#),
            Some(-32_000)
        );
        assert_eq!(code(r#"{"method": "prover_status", "params": ["../x"]}"#), Some(-32_000));
    }
}
