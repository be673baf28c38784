//! The prover as a service: JSON-RPC over HTTP takes batches and hands out proofs, one worker proves them.
//!
//! | call | what |
//! |---|---|
//! | `prover_submitBatch(from, to, prover)` | queues blocks; the same batch again is the same one; returns its id |
//! | `prover_status(id)` | `queued`, `proving` or `proven`, the last error, the stages of the batch in work |
//! | `prover_proof(id)` | statement, public inputs and proof as the contract takes them |
//! | `prover_batches()` | ids and states |
//! | GET `/health` | 200 while the worker lives |
//! | GET `/metrics` | Prometheus |

use std::{
    fmt::Write,
    io::Read,
    panic::{catch_unwind, AssertUnwindSafe},
    sync::{mpsc, Arc, Mutex},
    thread,
    time::Duration,
};

use anyhow::{anyhow, bail, Context, Result};
use plonky2::field::types::PrimeField64;
use serde_json::{json, Value};
use tiny_http::{Header, Method, Request, Response, Server};

use crate::{
    pipeline::Pipeline,
    queue::{Batch, Queue},
    settle::{address_words, Verifier},
    stage,
};

/// Requests are a few hundred bytes.
const MOST_BYTES: u64 = 16_384;
/// After a failure: nodes come back, disks are emptied.
const PAUSE: Duration = Duration::from_secs(30);

/// What the service works on.
pub struct Service {
    /// Where circuits and proofs are.
    pub pipeline: Pipeline,
    /// Batches.
    pub queue: Queue,
    /// JSON-RPC endpoint of a node.
    pub rpc: String,
    working: Mutex<Option<String>>,
}

impl Service {
    /// A service; the queue is a folder beside the proofs.
    ///
    /// # Errors
    /// When the queue cannot be opened.
    pub fn new(pipeline: Pipeline, rpc: String) -> Result<Self> {
        let queue = Queue::open(&pipeline.proofs.join("queue"))?;
        Ok(Self { pipeline, queue, rpc, working: Mutex::new(None) })
    }

    /// Serves `listen` (address and port) until the process ends.
    ///
    /// # Errors
    /// When the port is taken, or the worker has ended.
    pub fn run(self, listen: &str) -> Result<()> {
        let server =
            Server::http(listen).map_err(|error| anyhow!("cannot serve {listen}: {error}"))?;
        println!("http://{}", server.server_addr());
        let (service, (wake, woken)) = (Arc::new(self), mpsc::channel());
        let worker = thread::Builder::new().name("worker".into()).spawn({
            let service = service.clone();
            move || service.work(&woken)
        })?;
        for request in server.incoming_requests() {
            if worker.is_finished() {
                bail!("the worker has ended");
            }
            // A client that went away is no error of ours.
            let _ = service.answer(request, &wake);
        }
        Ok(())
    }

    /// Tries each batch that has no proof, one after the other, again and again.
    fn work(&self, woken: &mpsc::Receiver<()>) {
        loop {
            match self.queue.all() {
                Ok(all) => all
                    .into_iter()
                    .filter(|one| one.proof.is_none())
                    .for_each(|one| self.prove(one)),
                Err(error) => eprintln!("queue: {error:#}"),
            }
            // A batch that came meanwhile has sent its message.
            let _ = woken.recv_timeout(PAUSE);
        }
    }

    /// Proves a batch and writes what became of it.
    fn prove(&self, mut batch: Batch) {
        stage::forget();
        self.set_working(Some(batch.id()));
        // plonky2 panics on a witness that it holds impossible.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let prover = address_words(&batch.prover)?;
            self.pipeline.batch(&self.rpc, batch.from, batch.to, prover)
        }))
        .unwrap_or_else(|_| Err(anyhow!("the prover panicked; its log has the place")));
        match result {
            Ok(file) => (batch.proof, batch.error) = (Some(file), None),
            Err(error) => batch.error = Some(format!("{error:#}")),
        }
        if let Some(error) = &batch.error {
            eprintln!("{}: {error}", batch.id());
        }
        if let Err(error) = self.queue.write(&batch) {
            eprintln!("queue: {error:#}");
        }
        self.set_working(None);
    }

    fn answer(&self, mut request: Request, wake: &mpsc::Sender<()>) -> std::io::Result<()> {
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
                let answer = self.call(&body, wake).to_string();
                let json =
                    Header::from_bytes("content-type", "application/json").expect("both are ASCII");
                request.respond(Response::from_string(answer).with_header(json))
            }
            _ => request.respond(text("no such page\n").with_status_code(404)),
        }
    }

    /// Answers one JSON-RPC call.
    fn call(&self, body: &[u8], wake: &mpsc::Sender<()>) -> Value {
        let Ok(call) = serde_json::from_slice::<Value>(body) else {
            return failure(&Value::Null, -32_700, "the request is not JSON");
        };
        let id = &call["id"];
        let Some(method) = call["method"].as_str() else {
            return failure(id, -32_600, "the request names no method");
        };
        match self.dispatch(method, &call["params"], wake) {
            Ok(Some(result)) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Ok(None) => failure(id, -32_601, &format!("there is no method {method}")),
            Err(error) => failure(id, -32_000, &format!("{error:#}")),
        }
    }

    /// The result of a call; nothing when there is no such method.
    fn dispatch(
        &self,
        method: &str,
        params: &Value,
        wake: &mpsc::Sender<()>,
    ) -> Result<Option<Value>> {
        let number = |index: usize| {
            params[index].as_u64().with_context(|| format!("parameter {index}: a number"))
        };
        let text = |index: usize| {
            params[index].as_str().with_context(|| format!("parameter {index}: a text"))
        };
        Ok(Some(match method {
            "prover_submitBatch" => {
                let id = self.queue.submit(&Batch::new(number(0)?, number(1)?, text(2)?)?)?;
                let _ = wake.send(());
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
        json!({"id": batch.id(), "state": state, "error": batch.error, "stages": stages})
    }

    /// The proof as the contract takes it.
    fn proof(&self, batch: &Batch) -> Result<Value> {
        let file = batch.proof.as_ref().context("the batch has no proof yet")?;
        let verifier = Verifier::load(&self.pipeline.circuits)?;
        let (statement, proof) = verifier.verify(file)?;
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
        let working = self.working.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match (&batch.proof, &*working) {
            (Some(_), _) => "proven",
            (None, Some(id)) if *id == batch.id() => "proving",
            _ => "queued",
        }
    }

    fn set_working(&self, id: Option<String>) {
        *self.working.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = id;
    }

    fn metrics(&self) -> Result<String> {
        let all = self.queue.all()?;
        let mut text = String::from("# TYPE bzk_prover_batches gauge\n");
        for state in ["queued", "proving", "proven"] {
            let count = all.iter().filter(|one| self.state(one) == state).count();
            writeln!(text, "bzk_prover_batches{{state=\"{state}\"}} {count}")?;
        }
        let failing = all.iter().filter(|one| one.error.is_some()).count();
        writeln!(text, "# TYPE bzk_prover_failing gauge\nbzk_prover_failing {failing}")?;
        let (seconds, peak) = stage::totals();
        writeln!(
            text,
            "# TYPE bzk_prover_cpu_seconds counter\nbzk_prover_cpu_seconds {seconds:.1}"
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
    use std::{env, fs, process::id};

    use super::*;

    const PROVER: &str = "0x00000000000000000000000000000000000000aa";

    fn service(name: &str, rpc: &str) -> Service {
        let proofs = env::temp_dir().join(format!("bzk-serve-{name}-{}", id()));
        let _ = fs::remove_dir_all(&proofs);
        let pipeline = Pipeline { circuits: proofs.join("circuits"), proofs };
        Service::new(pipeline, rpc.into()).unwrap()
    }

    /// Tries a batch that must fail; returns its error as a client sees it.
    fn failure_of(service: &Service) -> String {
        let batch = Batch::new(1, 2, PROVER).unwrap();
        let id = service.queue.submit(&batch).unwrap();
        service.prove(batch);
        let status = service.status(&service.queue.get(&id).unwrap());
        assert_eq!(status["state"], "queued", "{status}");
        assert!(service.metrics().unwrap().contains("bzk_prover_failing 1"));
        let again = Service::new(service.pipeline.clone(), service.rpc.clone()).unwrap();
        assert_eq!(again.queue.all().unwrap().len(), 1, "it is still there after a restart");
        status["error"].as_str().unwrap().into()
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

    #[test]
    fn batch_stays_queued_while_the_node_is_away() {
        let error = failure_of(&service("away", "http://127.0.0.1:1"));
        assert!(error.contains("cannot reach the node at http://127.0.0.1:1"), "{error}");
    }

    #[test]
    fn batch_with_a_witness_of_another_shape_stays_queued() {
        let parent = json!({"timestamp": "0x1"});
        let url = node(vec![parent, json!("0x17c18"), json!("0x2"), json!({"header": "0x"})]);
        let error = failure_of(&service("shape", &url));
        assert!(error.contains("the answer to bzk_blockWitness has another shape"), "{error}");
    }

    #[test]
    fn batch_with_a_witness_that_is_no_block_stays_queued() {
        let witness = json!({"header": "0xc0", "parentStateRoot": format!("0x{}", "00".repeat(32)),
            "blockHashes": [], "nodes": [], "codes": [], "transactions": []});
        let url = node(vec![json!({"timestamp": "0x1"}), json!("0x17c18"), json!("0x2"), witness]);
        let error = failure_of(&service("block", &url));
        assert!(error.contains("header field"), "{error}");
    }

    #[test]
    fn batch_stays_queued_when_the_queue_cannot_be_written() {
        let service = service("full", "http://127.0.0.1:1");
        let batch = Batch::new(1, 2, PROVER).unwrap();
        let id = service.queue.submit(&batch).unwrap();
        let part = service.pipeline.proofs.join(format!("queue/{id}.part"));
        // Always full.
        std::os::unix::fs::symlink("/dev/full", part).unwrap();
        service.prove(batch);
        assert_eq!(service.status(&service.queue.get(&id).unwrap())["state"], "queued");
    }

    #[test]
    fn calls_that_make_no_sense_are_answered_with_errors() {
        let service = service("calls", "http://127.0.0.1:1");
        let (wake, _woken) = mpsc::channel();
        let code = |body: &str| service.call(body.as_bytes(), &wake)["error"]["code"].as_i64();
        assert_eq!(code("{"), Some(-32_700));
        assert_eq!(code("{}"), Some(-32_600));
        assert_eq!(code(r#"{"method": "prover_nothing"}"#), Some(-32_601));
        assert_eq!(code(r#"{"method": "prover_submitBatch", "params": [2, 1, "0x"]}"#), Some(-32_000));
        assert_eq!(code(r#"{"method": "prover_status", "params": ["../x"]}"#), Some(-32_000));
    }
}
