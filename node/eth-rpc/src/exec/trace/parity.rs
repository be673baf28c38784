//! Parity's traces.

use super::{
    guard::{Guard, Steps, VM_STEP_BYTES},
    Quota,
};
use crate::exec::{failure::Failure, sandbox::Sandbox};
use alloy_primitives::map::HashSet;
use alloy_rpc_types_eth::TransactionInfo;
use alloy_rpc_types_trace::parity::{LocalizedTransactionTrace, TraceResults, TraceType};
use revm::{
    context::{result::ResultAndState, TxEnv},
    state::EvmState,
    DatabaseRef,
};
use revm_inspectors::tracing::{
    TraceLimitBehavior, TraceLimits, TracingInspector, TracingInspectorConfig,
};

/// Runs `tx`; returns its calls as a flat list and its changes, not yet part of the state.
pub(crate) fn calls<DB: DatabaseRef>(
    sandbox: &mut Sandbox<DB>,
    tx: TxEnv,
    place: TransactionInfo,
    quota: &mut Quota,
) -> Result<(Vec<LocalizedTransactionTrace>, EvmState), Failure> {
    let config = TracingInspectorConfig::default_parity();
    let (tracer, done) = run(sandbox, tx, config, None, quota)?;
    Ok((tracer.into_parity_builder().into_localized_transaction_traces(place), done.state))
}

/// Runs `tx`; returns the kinds of trace that are asked for, and its changes.
pub(crate) fn results<DB: DatabaseRef>(
    sandbox: &mut Sandbox<DB>,
    tx: TxEnv,
    kinds: &HashSet<TraceType>,
    quota: &mut Quota,
) -> Result<(TraceResults, EvmState), Failure> {
    let config = TracingInspectorConfig::from_parity_config(kinds);
    let steps = kinds
        .contains(&TraceType::VmTrace)
        .then_some(Steps { bytes: VM_STEP_BYTES, ..Steps::default() });
    let (tracer, done) = run(sandbox, tx, config, steps, quota)?;
    let results = tracer
        .into_parity_builder()
        .into_trace_results_with_state(&done, kinds, &sandbox.db)
        .map_err(Failure::internal)?;
    Ok((results, done.state))
}

fn run<DB: DatabaseRef>(
    sandbox: &mut Sandbox<DB>,
    tx: TxEnv,
    config: TracingInspectorConfig,
    steps: Option<Steps>,
    quota: &mut Quota,
) -> Result<(TracingInspector, ResultAndState), Failure> {
    quota.check_time()?;
    let limits = TraceLimits::default()
        .set_max_recorded_bytes(Some(quota.bytes))
        .set_behavior(TraceLimitBehavior::Halt);
    let tracer = TracingInspector::new(config).with_limits(limits);
    let mut inspector = (Guard::new(*quota, steps), tracer);
    let done = sandbox
        .inspect(tx, &mut inspector)
        .map_err(|failure| failure.wrap_refusal(|text| format!("tracing failed: {text}")))?;
    *quota = inspector.0.left();
    Ok((inspector.1, done))
}
