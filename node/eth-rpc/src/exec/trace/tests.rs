use super::{debug, parity, Quota};
use crate::exec::{
    failure::Failure,
    fixture::{self, code, State, CALLER, OTHER, TARGET},
    sandbox::Sandbox,
};
use alloy_primitives::{hex, map::HashSet, Address, Bytes, U256};
use alloy_rpc_types_trace::{
    geth::GethDebugTracingOptions,
    parity::{Delta, TraceType},
};
use jsonrpsee::types::ErrorObjectOwned;
use revm::{context::TxEnv, primitives::TxKind, Database};
use serde_json::{json, Value};
use std::time::{Duration, Instant};

/// Calls `to` with value 3 and the data 0x01020304, ignores the result and goes on with `rest`.
fn caller(to: Address, rest: &str) -> Bytes {
    // PUSH4 data, PUSH0, MSTORE; CALL(gas, to, 3, 28, 4, 0, 0); POP.
    code(&format!("63010203045f525f5f6004601c600373{}5af150{rest}", hex::encode(to)))
}

/// Logs one word without topics, then reverts with no data.
const LOG_AND_REVERT: &str = "60205fa05f5ffd";

fn sandbox() -> Sandbox<State> {
    let mut sandbox = fixture::sandbox([
        (TARGET, caller(OTHER, "60015f555f5460205fa000")),
        (OTHER, code(LOG_AND_REVERT)),
    ]);
    fixture::fund(&mut sandbox, TARGET, U256::from(100));
    fixture::fund(&mut sandbox, CALLER, U256::from(1_000));
    sandbox
}

fn tx() -> TxEnv {
    TxEnv {
        caller: CALLER,
        kind: TxKind::Call(TARGET),
        gas_limit: 200_000,
        value: U256::from(10),
        data: Bytes::from_static(&[9, 9, 9, 9, 9]),
        chain_id: Some(fixture::CHAIN_ID),
        ..Default::default()
    }
}

fn quota() -> Quota {
    Quota::new(100_000_000, Duration::from_secs(60))
}

fn run(sandbox: &mut Sandbox<State>, options: Value, quota: &mut Quota) -> Result<Value, Failure> {
    sandbox.block.base_fee = 0;
    let options: GethDebugTracingOptions = serde_json::from_value(options).unwrap();
    let (trace, _) = debug::trace(sandbox, tx(), Default::default(), &options, quota)?;
    Ok(serde_json::to_value(trace).unwrap())
}

fn trace(options: Value) -> Value {
    run(&mut sandbox(), options, &mut quota()).unwrap()
}

fn text(failure: Failure) -> String {
    ErrorObjectOwned::from(failure).message().to_string()
}

#[test]
fn call_tracer_shows_a_nested_revert_and_the_success_around_it() {
    let frame = trace(json!({ "tracer": "callTracer" }));
    assert_eq!((&frame["type"], &frame["from"]), (&json!("CALL"), &json!(CALLER)));
    assert_eq!((&frame["to"], &frame["value"]), (&json!(TARGET), &json!("0xa")));
    assert_eq!(frame["gas"], "0x30d40");
    assert!(frame.get("error").is_none());
    let inner = &frame["calls"][0];
    assert_eq!((&inner["to"], &inner["value"]), (&json!(OTHER), &json!("0x3")));
    assert_eq!(inner["input"], "0x01020304");
    assert_eq!(inner["error"], "execution reverted");
    assert!(frame.get("logs").is_none());
    assert_eq!(frame["calls"].as_array().unwrap().len(), 1);
}

#[test]
fn call_tracer_config_is_followed() {
    let config = json!({ "onlyTopCall": true });
    assert!(trace(json!({ "tracer": "callTracer", "tracerConfig": config }))
        .get("calls")
        .is_none());
    let config = json!({ "withLog": true });
    let frame = trace(json!({ "tracer": "callTracer", "tracerConfig": config }));
    assert_eq!(frame["logs"].as_array().unwrap().len(), 1);
    assert!(frame["calls"][0].get("logs").is_none(), "logs of a reverted frame never happened");
}

#[test]
fn struct_log_holds_each_step_with_stack_and_storage() {
    let frame = trace(json!({}));
    let logs = frame["structLogs"].as_array().unwrap();
    assert_eq!((&logs[0]["pc"], &logs[0]["op"]), (&json!(0), &json!("PUSH4")));
    assert_eq!((&logs[0]["depth"], &logs[0]["stack"]), (&json!(1), &json!([])));
    assert_eq!(logs[1]["stack"], json!(["0x1020304"]));
    assert!(logs.iter().any(|log| log["depth"] == 2 && log["op"] == "REVERT"));
    let store = logs.iter().find(|log| log["op"] == "SSTORE").unwrap();
    assert_eq!(store["storage"].as_object().unwrap().len(), 1);
    assert!(logs[0].get("memory").is_none());
    assert_eq!(frame["failed"], false);
}

#[test]
fn struct_log_options_are_followed() {
    let frame = trace(json!({
        "disableStack": true, "disableStorage": true, "enableMemory": true, "limit": 5
    }));
    let logs = frame["structLogs"].as_array().unwrap();
    assert_eq!(logs.len(), 5);
    assert!(logs.iter().all(|log| log.get("stack").is_none() && log.get("storage").is_none()));
    let after_mstore = logs.last().unwrap();
    let memory = after_mstore["memory"][0].as_str().unwrap();
    assert!(memory.ends_with("01020304"), "{memory}");
}

#[test]
fn prestate_holds_what_the_transaction_needs() {
    let frame = trace(json!({ "tracer": "prestateTracer" }));
    let key = |address: Address| format!("{address:#x}");
    assert_eq!(frame[key(TARGET)]["balance"], "0x64");
    assert_eq!(frame[key(CALLER)]["balance"], "0x3e8");
    assert!(frame[key(OTHER)]["code"].as_str().unwrap().ends_with(LOG_AND_REVERT));
    let slot = format!("{:#066x}", 0);
    assert_eq!(frame[key(TARGET)]["storage"][slot], format!("{:#066x}", 0));
}

#[test]
fn prestate_diff_holds_only_what_changed() {
    let config = json!({ "diffMode": true });
    let frame = trace(json!({ "tracer": "prestateTracer", "tracerConfig": config }));
    let key = |address: Address| format!("{address:#x}");
    assert_eq!(frame["pre"][key(TARGET)]["balance"], "0x64");
    assert_eq!(frame["post"][key(TARGET)]["balance"], "0x6e");
    assert_eq!(frame["post"][key(CALLER)]["nonce"], 1);
    assert_eq!(frame["post"][key(CALLER)]["balance"], "0x3de");
    let storage = frame["post"][key(TARGET)]["storage"].as_object().unwrap();
    assert_eq!(storage.values().collect::<Vec<_>>(), [&json!(format!("{:#066x}", 1))]);
    assert!(frame["post"].get(key(OTHER)).is_none());
}

#[test]
fn other_tracers_answer() {
    let frame = trace(json!({ "tracer": "4byteTracer" }));
    assert_eq!(frame, json!({ "0x01020304-0": 1, "0x09090909-1": 1 }));
    assert_eq!(trace(json!({ "tracer": "noopTracer" })), json!({}));
    let frame = trace(json!({ "tracer": "flatCallTracer" }));
    assert_eq!(frame.as_array().unwrap().len(), 2);
    assert_eq!(frame[1]["traceAddress"], json!([0]));
    let config = json!({ "callTracer": null, "4byteTracer": null });
    let frame = trace(json!({ "tracer": "muxTracer", "tracerConfig": config }));
    assert_eq!(frame["callTracer"]["to"], json!(TARGET));
}

#[test]
fn tracer_that_does_not_exist_is_named() {
    let failure = run(&mut sandbox(), json!({ "tracer": "{ js }" }), &mut quota()).unwrap_err();
    assert!(text(failure).starts_with("tracer not found"));
}

#[test]
fn tracing_changes_nothing() {
    let mut sandbox = sandbox();
    run(&mut sandbox, json!({}), &mut quota()).unwrap();
    assert_eq!(sandbox.db.storage(TARGET, U256::ZERO).unwrap(), U256::ZERO);
    assert_eq!(sandbox.nonce(CALLER).unwrap(), 0);
}

fn endless() -> Sandbox<State> {
    // Fills the stack with GAS, drops it again, forever.
    let body = format!("5b{}{}5f56", "5a".repeat(60), "50".repeat(60));
    let mut sandbox = fixture::sandbox([(TARGET, code(&body))]);
    fixture::fund(&mut sandbox, CALLER, U256::from(1_000));
    sandbox
}

#[test]
fn trace_over_its_quota_is_refused() {
    let mut small = Quota { bytes: 100_000, ..quota() };
    let failure = run(&mut endless(), json!({}), &mut small).unwrap_err();
    assert!(text(failure).starts_with("trace is too large"));
    // Steps that are not recorded cost nothing.
    let mut small = Quota { bytes: 100_000, ..quota() };
    run(&mut endless(), json!({ "limit": 10 }), &mut small).unwrap();
    assert!(small.bytes < 100_000);
}

#[test]
fn quota_is_shared_by_the_transactions_of_a_request() {
    let mut shared = quota();
    let before = shared.bytes;
    run(&mut sandbox(), json!({}), &mut shared).unwrap();
    let once = before - shared.bytes;
    run(&mut sandbox(), json!({}), &mut shared).unwrap();
    assert_eq!(before - shared.bytes, 2 * once);
}

#[test]
fn call_data_that_outgrows_the_quota_stops_the_call_tracer() {
    // Calls the identity precompile with 100,000 bytes, over and over.
    let body = "5b5f5f620186a05f60045afa505f56";
    let mut sandbox = fixture::sandbox([(TARGET, code(body))]);
    fixture::fund(&mut sandbox, CALLER, U256::from(1_000));
    let mut small = Quota { bytes: 250_000, ..quota() };
    let options = json!({ "tracer": "callTracer" });
    let failure = run(&mut sandbox, options, &mut small).unwrap_err();
    assert!(text(failure).starts_with("trace is too large"));
}

#[test]
fn deadline_stops_a_trace() {
    let mut late = Quota { deadline: Instant::now(), ..quota() };
    let failure = run(&mut endless(), json!({ "tracer": "noopTracer" }), &mut late).unwrap_err();
    assert_eq!(text(failure), "execution timeout");
}

#[test]
fn attack_precompiles_without_an_instruction_do_not_outlast_the_deadline() {
    let mut late = Quota { deadline: Instant::now(), ..quota() };
    let identity = TxEnv { kind: TxKind::Call(Address::with_last_byte(4)), ..tx() };
    let options = GethDebugTracingOptions::default();
    let mut sandbox = sandbox();
    sandbox.block.base_fee = 0;
    let place = Default::default();
    let traced = debug::trace(&mut sandbox, identity.clone(), place, &options, &mut late);
    assert_eq!(text(traced.unwrap_err()), "execution timeout");
    let traced = parity::calls(&mut sandbox, identity, Default::default(), &mut late);
    assert_eq!(text(traced.unwrap_err()), "execution timeout");
}

#[test]
fn attack_logs_that_outgrow_the_quota_stop_the_tracer() {
    // Logs 10,000 bytes, over and over.
    let mut sandbox = fixture::sandbox([(TARGET, code("5b6127105fa05f56"))]);
    fixture::fund(&mut sandbox, CALLER, U256::from(1_000));
    let mut small = Quota { bytes: 15_000, ..quota() };
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let failure = run(&mut sandbox, options, &mut small).unwrap_err();
    assert!(text(failure).starts_with("trace is too large"));
}

#[test]
fn timeout_of_the_request_is_at_most_that_of_the_node() {
    let options = |timeout: &str| GethDebugTracingOptions {
        timeout: Some(timeout.into()),
        ..Default::default()
    };
    let longest = Duration::from_secs(20);
    assert_eq!(debug::timeout(&options("300ms"), longest).unwrap(), Duration::from_millis(300));
    assert_eq!(debug::timeout(&options("5m"), longest).unwrap(), longest);
    assert_eq!(debug::timeout(&Default::default(), longest).unwrap(), longest);
    assert!(debug::timeout(&options("soon"), longest).is_err());
}

#[test]
fn parity_traces_are_flat_and_say_where_they_are() {
    let mut sandbox = sandbox();
    sandbox.block.base_fee = 0;
    let (traces, _) = parity::calls(&mut sandbox, tx(), Default::default(), &mut quota()).unwrap();
    let traces = serde_json::to_value(traces).unwrap();
    assert_eq!(traces.as_array().unwrap().len(), 2);
    assert_eq!((&traces[0]["traceAddress"], &traces[0]["subtraces"]), (&json!([]), &json!(1)));
    assert_eq!(traces[1]["traceAddress"], json!([0]));
    assert_eq!(traces[1]["error"], "Reverted");
    assert_eq!(traces[1]["action"]["value"], "0x3");
}

#[test]
fn parity_replay_gives_the_kinds_that_are_asked_for() {
    let mut sandbox = sandbox();
    sandbox.block.base_fee = 0;
    let kinds = HashSet::from_iter([TraceType::StateDiff]);
    let (results, _) = parity::results(&mut sandbox, tx(), &kinds, &mut quota()).unwrap();
    assert!(results.trace.is_empty() && results.vm_trace.is_none());
    let diff = results.state_diff.unwrap();
    assert!(matches!(diff[&TARGET].balance, Delta::Changed(_)));
    assert!(!diff.contains_key(&OTHER));
    let kinds = HashSet::from_iter([TraceType::VmTrace, TraceType::Trace]);
    let (results, _) = parity::results(&mut sandbox, tx(), &kinds, &mut quota()).unwrap();
    assert_eq!(results.trace.len(), 2);
    let vm = results.vm_trace.unwrap();
    assert!(vm.ops.iter().any(|op| op.sub.is_some()));
    assert!(results.state_diff.is_none());
}

#[test]
fn vm_trace_over_its_quota_is_refused() {
    let mut sandbox = endless();
    sandbox.block.base_fee = 0;
    let kinds = HashSet::from_iter([TraceType::VmTrace]);
    let mut small = Quota { bytes: 100_000, ..quota() };
    assert!(parity::results(&mut sandbox, tx(), &kinds, &mut small).is_err());
}
