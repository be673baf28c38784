//! Traces of go-ethereum, from `tests/debug_trace*` of ethereum/execution-apis.

use super::{debug, Quota};
use crate::exec::fixture::{self, code, CALLER, TARGET};
use alloy_primitives::{hex, Bytes};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use revm::{context::TxEnv, primitives::TxKind};
use serde_json::{json, Value};
use std::time::Duration;

fn trace(tx: TxEnv, target: Bytes, number: u64, options: Value) -> Value {
    let mut sandbox = fixture::sandbox([(TARGET, target)]);
    (sandbox.block.number, sandbox.block.base_fee) = (number, 0);
    let options: GethDebugTracingOptions = serde_json::from_value(options).unwrap();
    let tx = TxEnv { caller: CALLER, chain_id: Some(fixture::CHAIN_ID), ..tx };
    let mut quota = Quota::new(100_000_000, Duration::from_secs(60));
    let trace = debug::trace(&mut sandbox, tx, Default::default(), &options, &mut quota);
    serde_json::to_value(trace.unwrap().0).unwrap()
}

/// One line for each step, of the fields that geth always has.
fn lines(trace: &Value) -> String {
    let logs = trace["structLogs"].as_array().unwrap();
    let line = |log: &Value| {
        let stack = log["stack"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let stack = stack.collect::<Vec<_>>().join(",");
        let op = log["op"].as_str().unwrap();
        let number = |field: &str| log[field].as_u64().unwrap();
        let (pc, gas, cost, depth) =
            (number("pc"), number("gas"), number("gasCost"), number("depth"));
        format!("{pc} {op} {gas} {cost} {depth} {stack}\n")
    };
    logs.iter().map(line).collect()
}

#[test]
fn creation_is_traced_as_geth_does() {
    let runtime = "600043815260200146815260200141815260200148815260200144815260200132815260200134\
                   81526020016000f3";
    let init = code(&format!("600d380380600d6000396000f3{runtime}"));
    let zeros = init.iter().filter(|byte| **byte == 0).count() as u64;
    let data_gas = 4 * zeros + 16 * (init.len() as u64 - zeros);
    let init_gas = 2 * (init.len() as u64).div_ceil(32);
    let tx = TxEnv {
        kind: TxKind::Create,
        gas_limit: 53_000 + data_gas + init_gas + 23_644,
        data: init,
        ..Default::default()
    };
    let trace = trace(tx, Bytes::new(), 1, json!({ "enableMemory": true }));
    assert_eq!(
        lines(&trace),
        "0 PUSH1 23644 3 1 \n\
         2 CODESIZE 23641 2 1 0xd\n\
         3 SUB 23639 3 1 0xd,0x3c\n\
         4 DUP1 23636 3 1 0x2f\n\
         5 PUSH1 23633 3 1 0x2f,0x2f\n\
         7 PUSH1 23630 3 1 0x2f,0x2f,0xd\n\
         9 CODECOPY 23627 15 1 0x2f,0x2f,0xd,0x0\n\
         10 PUSH1 23612 3 1 0x2f\n\
         12 RETURN 23609 0 1 0x2f,0x0\n"
    );
    let memory = json!([
        "0x6000438152602001468152602001418152602001488152602001448152602001",
        "0x3281526020013481526020016000f30000000000000000000000000000000000",
    ]);
    assert_eq!(trace["structLogs"][8]["memory"], memory);
    assert_eq!(trace["returnValue"], format!("0x{runtime}"));
    assert_eq!(trace["failed"], false);
}

#[test]
fn loop_with_logs_and_hashes_is_traced_as_geth_does() {
    let looping = "4360005260006020525b604060002060208051600101905260206020a15a6127101060095700";
    let tx = TxEnv { kind: TxKind::Call(TARGET), gas_limit: 41_000, ..Default::default() };
    let trace = trace(tx, code(looping), 2, json!({}));
    let lines = lines(&trace);
    assert_eq!(lines.lines().count(), 197);
    // The digest of geth's steps in this form.
    let digest = sp_io::hashing::sha2_256(lines.as_bytes());
    assert_eq!(
        hex::encode(digest),
        "557cd26c2e112fedcc976facec492be0ea0cc8c98540293ac1e7d15abf8ce4ec"
    );
}
