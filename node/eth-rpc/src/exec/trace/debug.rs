//! geth's tracers.

use super::{
    duration,
    guard::{Guard, Steps},
    Quota,
};
use crate::exec::{failure::Failure, sandbox::Sandbox};
use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType as BuiltIn, GethDebugTracerType, GethDebugTracingOptions, GethTrace,
};
use revm::{context::TxEnv, state::EvmState, DatabaseRef};
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError, TransactionContext};
use std::time::Duration;

/// Time that the caller allows, at most `longest`.
pub(crate) fn timeout(
    options: &GethDebugTracingOptions,
    longest: Duration,
) -> Result<Duration, Failure> {
    let Some(text) = &options.timeout else { return Ok(longest) };
    let wanted = duration::parse(text)
        .ok_or_else(|| Failure::params(format_args!("time: invalid duration {text:?}")))?;
    Ok(wanted.min(longest))
}

/// Runs `tx`; returns its trace and its changes, which are not yet part of the state.
pub(crate) fn trace<DB: DatabaseRef>(
    sandbox: &mut Sandbox<DB>,
    tx: TxEnv,
    place: TransactionContext,
    options: &GethDebugTracingOptions,
    quota: &mut Quota,
) -> Result<(GethTrace, EvmState), Failure> {
    quota.check_time()?;
    let tracer = DebugInspector::new(with_mux_defaults(options.clone())).map_err(unusable)?;
    let mut inspector = (Guard::new(*quota, steps(options)), tracer);
    let done = sandbox
        .inspect(tx.clone(), &mut inspector)
        .map_err(|failure| failure.wrap_refusal(|text| format!("tracing failed: {text}")))?;
    let (guard, mut tracer) = inspector;
    *quota = guard.left();
    let block = sandbox.block.to_env();
    let trace = tracer
        .get_result(Some(place), &tx, &block, &done, &mut sandbox.db)
        .map_err(Failure::internal)?;
    Ok((trace, done.state))
}

/// Lets the parts of a mux tracer be named without a configuration, as geth does.
fn with_mux_defaults(mut options: GethDebugTracingOptions) -> GethDebugTracingOptions {
    if options.tracer == Some(BuiltIn::MuxTracer.into()) {
        let parts = options.tracer_config.0.as_object_mut().into_iter().flatten();
        for (name, config) in parts {
            if config.is_null() && !matches!(name.as_str(), "4byteTracer" | "noopTracer") {
                *config = serde_json::Value::Object(Default::default());
            }
        }
    }
    options
}

fn unusable(error: DebugInspectorError) -> Failure {
    match error {
        DebugInspectorError::JsTracerNotEnabled | DebugInspectorError::UnsupportedTracer => {
            Failure::server(
                "tracer not found: this node has callTracer, prestateTracer, flatCallTracer, \
                 4byteTracer, muxTracer, noopTracer and the opcode logger, not JavaScript",
            )
        }
        other => Failure::params(other),
    }
}

/// What the chosen tracer records of each step.
fn steps(options: &GethDebugTracingOptions) -> Option<Steps> {
    let config = &options.config;
    match &options.tracer {
        None => {}
        Some(tracer) if tracer.as_str().is_empty() => {}
        Some(GethDebugTracerType::BuiltInTracer(BuiltIn::Erc7562Tracer)) => {
            return Some(everything())
        }
        Some(GethDebugTracerType::BuiltInTracer(BuiltIn::MuxTracer)) => {
            let names = options.tracer_config.0.as_object();
            return names?.contains_key("erc7562Tracer").then(everything);
        }
        Some(_) => return None,
    }
    Some(Steps {
        stack: !config.disable_stack.unwrap_or_default(),
        memory: config.is_memory_enabled(),
        storage: !config.disable_storage.unwrap_or_default(),
        limit: config.limit.filter(|limit| *limit > 0),
        ..Steps::default()
    })
}

fn everything() -> Steps {
    Steps { stack: true, memory: true, storage: true, ..Steps::default() }
}
