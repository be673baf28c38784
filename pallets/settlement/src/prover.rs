//! The JSON-RPC of a prover (`bzk-prover serve`) over the off-chain worker's HTTP.
//!
//! Whatever answers is not trusted: answers have a size and a deadline, and what they say is compared with the batch.

use crate::ProofRecord;
use alloc::{
    string::{String, ToString},
    vec,
    vec::Vec,
};
use bzk_batch::{Span, Statement};
use serde::{de::DeserializeOwned, Deserialize};
use serde_json::{json, Value};
use sp_core::{offchain::Duration, H160, H256};
use sp_io::{hashing::keccak_256, offchain::timestamp};
use sp_runtime::offchain::http::Request;

/// How long a call may take.
pub(crate) const DEADLINE_MS: u64 = 10_000;

/// Most bytes of an answer that holds no proof.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Most bytes of an answer that holds a proof. One has 77 KB, twice that in hex.
pub(crate) const MAX_PROOF_BYTES: usize = 1024 * 1024;

/// Why a prover did not answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProverError {
    /// It cannot be reached, or takes too long.
    Away,
    /// It answers with another HTTP status than 200.
    Status(u16),
    /// The answer is too large.
    TooLarge,
    /// The answer is not what was asked for.
    Malformed,
    /// It answers with an error.
    Refused(String),
}

/// How far the prover is with a batch.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// It waits, perhaps because the last try failed.
    Queued,
    /// It is in work.
    Proving,
    /// There is a proof.
    Proven,
}

/// `prover_status`.
#[derive(Debug, Deserialize)]
pub(crate) struct Status {
    /// How far it is.
    pub state: State,
    /// Why the last try failed.
    pub error: Option<String>,
}

/// `prover_proof`.
#[derive(Deserialize)]
struct Proof {
    inputs: Vec<String>,
    proof: String,
}

impl Proof {
    /// The proof's hash and what it says; nothing when it is no proof.
    fn record(&self) -> Option<ProofRecord> {
        let element = |text: &String| u64::from_str_radix(text.strip_prefix("0x")?, 16).ok();
        let inputs = self.inputs.iter().map(element).collect::<Option<Vec<_>>>()?;
        let statement = Statement::from_inputs(inputs.as_slice().try_into().ok()?)?;
        let proof = from_hex(&self.proof).filter(|proof| !proof.is_empty())?;
        Some(ProofRecord { proof_hash: H256(keccak_256(&proof)), statement })
    }
}

/// An answer of JSON-RPC 2.0.
#[derive(Deserialize)]
struct Answer<R> {
    result: Option<R>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    message: String,
}

/// A prover.
pub(crate) struct Prover<'a> {
    /// HTTP endpoint.
    pub url: &'a str,
}

impl Prover<'_> {
    /// Queues a batch for the account that may use the proof; the same batch is queued once. Returns its id.
    pub(crate) fn submit(&self, span: &Span, address: H160) -> Result<String, ProverError> {
        let params = json!([span.first, span.last, alloc::format!("{address:?}")]);
        self.call("prover_submitBatch", params, MAX_ANSWER_BYTES)
    }

    /// How far a batch is.
    pub(crate) fn status(&self, id: &str) -> Result<Status, ProverError> {
        self.call("prover_status", json!([id]), MAX_ANSWER_BYTES)
    }

    /// The proof of a batch.
    pub(crate) fn proof(&self, id: &str) -> Result<ProofRecord, ProverError> {
        let proof: Proof = self.call("prover_proof", json!([id]), MAX_PROOF_BYTES)?;
        proof.record().ok_or(ProverError::Malformed)
    }

    fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        params: Value,
        limit: usize,
    ) -> Result<R, ProverError> {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let deadline = timestamp().add(Duration::from_millis(DEADLINE_MS));
        let response = Request::post(self.url, vec![request.to_string()])
            .add_header("content-type", "application/json")
            .deadline(deadline)
            .send()
            .map_err(|_| ProverError::Away)?
            .try_wait(deadline)
            .map_err(|_| ProverError::Away)?
            .map_err(|_| ProverError::Away)?;
        if response.code != 200 {
            return Err(ProverError::Status(response.code));
        }
        let mut body = response.body();
        body.deadline(deadline);
        let bytes: Vec<u8> = body.by_ref().take(limit.saturating_add(1)).collect();
        if body.error().is_some() {
            return Err(ProverError::Away);
        }
        parse(&bytes, limit)
    }
}

/// The result in the answer `bytes`.
pub(crate) fn parse<R: DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<R, ProverError> {
    if bytes.len() > limit {
        return Err(ProverError::TooLarge);
    }
    match serde_json::from_slice(bytes).map_err(|_| ProverError::Malformed)? {
        Answer { error: Some(Failure { message }), .. } => Err(ProverError::Refused(message)),
        Answer { result, .. } => result.ok_or(ProverError::Malformed),
    }
}

/// The proof in the answer `bytes`, for the tests of whatever a prover may say.
#[cfg(test)]
pub(crate) fn parse_proof(bytes: &[u8]) -> Result<ProofRecord, ProverError> {
    parse::<Proof>(bytes, MAX_PROOF_BYTES)?.record().ok_or(ProverError::Malformed)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?.bytes();
    let digits: Vec<u8> = digits
        .map(|digit| u8::try_from(char::from(digit).to_digit(16)?).ok())
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    let even = pairs.remainder().is_empty();
    even.then(|| pairs.map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
