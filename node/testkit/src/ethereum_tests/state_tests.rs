//! GeneralStateTests: one transaction, then the state root and the hash of the logs.

use crate::ethereum_tests::{
    chain::{self, Chain, Refusal},
    exceptions::{self, Reason},
    files::{Plan, FORK},
    fixture::{self, Accounts, Data, Number},
    profile,
    report::Verdict,
    runtime::{Runtime, CHAIN_ID},
};
use alloy_primitives::{keccak256, Address, Log, B256};
use bzk_evm::{execute::BlockEnvironment, profile::KERNEL_WORD_LIMIT, tx::TxError};
use pallet_ethereum::{BlockHash, CurrentReceipts, BLOCK_HASH_WINDOW};
use serde::{de::DeserializeOwned, Deserialize};
use serde_json::Value;
use sp_core::H256;
use std::{collections::BTreeMap, sync::Arc};

/// A test of many forks; what is not of ours may have other fields and is not read.
#[derive(Deserialize)]
struct Test {
    env: Value,
    pre: Value,
    post: BTreeMap<String, Vec<Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Env {
    current_coinbase: Address,
    current_gas_limit: Number,
    current_number: Number,
    current_timestamp: Number,
    #[serde(default)]
    current_base_fee: Number,
    #[serde(default)]
    current_random: Number,
}

#[derive(Deserialize)]
struct Post {
    hash: B256,
    logs: B256,
    indexes: Indexes,
    txbytes: Data,
    #[serde(rename = "expectException")]
    expect_exception: Option<String>,
}

#[derive(Deserialize)]
struct Indexes {
    data: usize,
    gas: usize,
    value: usize,
}

/// Block and state before the transaction.
type Setting = (Env, Accounts);

/// One expectation of a test.
pub(super) struct StateCase {
    setting: Arc<Setting>,
    post: Post,
}

/// The cases of a test.
pub(super) fn plan(name: &str, test: Value) -> Plan<StateCase> {
    let mut test = match read::<Test>(test) {
        Ok(test) => test,
        Err(error) => return Plan::single(name, Err(error)),
    };
    let posts = test.post.remove(FORK).unwrap_or_default();
    let other_forks: usize = test.post.values().map(Vec::len).sum();
    let setting = read::<Setting>(Value::Array(vec![test.env, test.pre])).map(Arc::new);
    let case = |(index, post)| {
        let post = read::<Post>(post);
        let place = match &post {
            Ok(Post { indexes: Indexes { data, gas, value }, .. }) => {
                format!("d{data} g{gas} v{value}")
            }
            Err(_) => usize::to_string(&index),
        };
        let setting = setting.clone();
        let case = setting.and_then(|setting| Ok(StateCase { setting, post: post? }));
        (format!("{name}[{place}]"), case)
    };
    Plan { cases: posts.into_iter().enumerate().map(case).collect(), other_forks }
}

fn read<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Runs one case.
pub(super) fn run(case: &StateCase) -> Verdict {
    let (env, pre) = &*case.setting;
    let genesis = match fixture::genesis(pre) {
        Ok(genesis) => genesis,
        Err(verdict) => return verdict,
    };
    let Some(environment) = environment(env) else {
        return Verdict::Excused("block environment beyond 64 bits".into());
    };
    let raw = &case.post.txbytes.0;
    let mut chain = Chain::new(genesis.clone());
    let (faults, applied, closed) = chain.execute(|| {
        open(&environment);
        let refused = case.post.expect_exception.as_ref().and_then(|_| chain::recover(raw));
        let faults = refused.map(|tx| exceptions::faults(&environment, &tx));
        (faults.unwrap_or_default(), chain::apply(raw), close())
    });
    let closed = match closed {
        Ok(closed) => closed,
        // Our fault, whatever the transaction did.
        Err(why) => return Verdict::Failed(format!("the ledger is broken: {why}")),
    };
    let failure = match judge(&case.post, &faults, &applied, closed) {
        Ok(verdict) => return verdict,
        Err(failure) => failure,
    };
    let reason = match &applied {
        // Whatever it did then, it should have been refused.
        Ok(()) if case.post.expect_exception.is_some() => None,
        Err(Refusal::Rule(rule)) => profile::of_refusal(*rule, raw).map(str::to_string),
        Err(Refusal::Waits | Refusal::Other(_)) => outside_the_header(&environment).or_else(|| {
            Chain::new(genesis).execute(|| {
                open(&environment);
                profile::of_room(&environment, raw)
            })
        }),
        Ok(()) => Chain::new(genesis).execute(|| {
            open(&environment);
            let seen = profile::of_execution(&environment, &chain::recover(raw)?);
            (!seen.is_empty()).then(|| Vec::from_iter(seen).join(", "))
        }),
    };
    reason.map_or(Verdict::Failed(failure), Verdict::Excused)
}

/// What a case left.
struct Closed {
    root: B256,
    logs: B256,
}

/// Opens a block with exactly the environment of the test, whose chain has no blocks: BLOCKHASH
/// gives the hash of the decimal number, as in the tool that fills the tests.
fn open(environment: &BlockEnvironment) {
    chain::begin(environment, Default::default());
    chain::override_environment(environment);
    let window = environment.number.saturating_sub(BLOCK_HASH_WINDOW)..environment.number;
    for number in window {
        let hash = H256(keccak256(number.to_string()).0);
        BlockHash::<Runtime>::insert(number, hash);
    }
}

fn close() -> Result<Closed, String> {
    // Genesis has closed block 0 without transactions.
    chain::end()?;
    let receipts = CurrentReceipts::<Runtime>::get();
    let logs: Vec<Log> =
        receipts.iter().flat_map(|receipt| &receipt.logs).map(Into::into).collect();
    Ok(Closed { root: chain::state_root(), logs: keccak256(alloy_rlp::encode(&logs)) })
}

/// `faults` are those of a transaction that should be refused.
fn judge(
    post: &Post,
    faults: &[TxError],
    applied: &Result<(), Refusal>,
    closed: Closed,
) -> Result<Verdict, String> {
    let verdict = match (&post.expect_exception, applied) {
        (None, Ok(())) => Verdict::Passed,
        (None, Err(refusal)) => return Err(format!("refused: {refusal}")),
        (Some(expected), Ok(())) => return Err(format!("executed, but expects {expected}")),
        (Some(expected), Err(refusal)) => match exceptions::compare(expected, refusal, faults) {
            Reason::Named => Verdict::Passed,
            Reason::NotCompared => Verdict::Refused,
            Reason::Wrong => return Err(format!("refused: {refusal}, but expects {expected}")),
        },
    };
    if closed.root != post.hash {
        return Err(format!("state root {}, expected {}", closed.root, post.hash));
    }
    if closed.logs != post.logs {
        return Err(format!("logs hash {}, expected {}", closed.logs, post.logs));
    }
    Ok(verdict)
}

fn environment(env: &Env) -> Option<BlockEnvironment> {
    Some(BlockEnvironment {
        chain_id: CHAIN_ID,
        number: env.current_number.to_u64()?,
        timestamp_s: env.current_timestamp.to_u64()?,
        gas_limit: env.current_gas_limit.to_u64()?,
        base_fee: env.current_base_fee.to_u64()?,
        coinbase: env.current_coinbase,
        prev_randao: env.current_random.0.into(),
    })
}

/// A block outside the bounds of headers takes no transactions at all.
fn outside_the_header(environment: &BlockEnvironment) -> Option<String> {
    match environment.timestamp_s {
        // Timestamps rise.
        0 => Some("timestamp 0, which only a genesis block can have".into()),
        timestamp_s @ KERNEL_WORD_LIMIT.. => {
            Some(format!("timestamp {timestamp_s} of 2^32 or more"))
        }
        _ => None,
    }
}
