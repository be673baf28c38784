//! Stops a traced run before what it records outgrows memory, or when time is up.

use super::{Quota, TIMEOUT};
use alloy_primitives::{
    map::{HashMap, HashSet},
    Address, Log, U256,
};
use revm::{
    bytecode::opcode,
    context_interface::{context::ContextError, ContextTr},
    interpreter::{
        interpreter_types::{InputsTr, Jumps, MemoryTr},
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
    },
    Inspector,
};
use std::time::Instant;

/// Bytes that one recorded step takes beside its snapshots.
const STEP_BYTES: usize = 256;

/// Bytes that a step of a parity VM trace takes, with what it pushed and wrote.
pub(super) const VM_STEP_BYTES: usize = 448;

/// Bytes that one recorded call takes beside its data.
const CALL_BYTES: usize = 1_024;

/// Bytes that one log takes beside its data.
const LOG_BYTES: usize = 256;

/// Bytes of one slot in a storage snapshot.
const SLOT_BYTES: usize = 64;

/// Steps between two looks at the clock.
const STEPS_PER_LOOK: u32 = 512;

/// What a tracer records of each step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    /// Bytes of each step without snapshots.
    pub(super) bytes: usize,
    /// The whole stack.
    pub(super) stack: bool,
    /// The whole memory.
    pub(super) memory: bool,
    /// All slots seen so far, at each `SLOAD` and `SSTORE`.
    pub(super) storage: bool,
    /// Steps after which nothing more is recorded.
    pub(super) limit: Option<u64>,
}

impl Default for Steps {
    fn default() -> Self {
        Self { bytes: STEP_BYTES, stack: false, memory: false, storage: false, limit: None }
    }
}

/// Counts what a tracer beside it records and stops the run at the quota.
#[derive(Debug)]
pub(super) struct Guard {
    quota: Quota,
    steps: Option<Steps>,
    recorded_steps: u64,
    until_look: u32,
    slots: HashMap<Address, HashSet<U256>>,
    stopped: Option<String>,
}

impl Guard {
    /// Guards a tracer that records these steps, and calls.
    pub(super) fn new(quota: Quota, steps: Option<Steps>) -> Self {
        Self {
            quota,
            steps,
            recorded_steps: 0,
            until_look: 0,
            slots: HashMap::default(),
            stopped: None,
        }
    }

    /// What is left for the next transaction.
    pub(super) fn left(&self) -> Quota {
        self.quota
    }

    fn charge(&mut self, bytes: usize) {
        match self.quota.bytes.checked_sub(bytes) {
            Some(left) => self.quota.bytes = left,
            None if self.stopped.is_none() => {
                self.stopped = Some(
                    "trace is too large: narrow it with limit, disableStack, disableStorage or \
                     another tracer"
                        .into(),
                );
            }
            None => {}
        }
    }

    fn look_at_clock(&mut self) {
        self.until_look = match self.until_look.checked_sub(1) {
            Some(left) => left,
            None => {
                if Instant::now() >= self.quota.deadline && self.stopped.is_none() {
                    self.stopped = Some(TIMEOUT.into());
                }
                STEPS_PER_LOOK
            }
        };
    }

    fn step_bytes(&mut self, steps: Steps, interpreter: &Interpreter) -> usize {
        let mut bytes = steps.bytes;
        if steps.stack {
            bytes = bytes.saturating_add(interpreter.stack.len().saturating_mul(32));
        }
        if steps.memory {
            bytes = bytes.saturating_add(interpreter.memory.size());
        }
        let opcode = interpreter.bytecode.opcode();
        if steps.storage && matches!(opcode, opcode::SLOAD | opcode::SSTORE) {
            if let Some(slot) = interpreter.stack.data().last() {
                let slots = self.slots.entry(interpreter.input.target_address()).or_default();
                slots.insert(*slot);
                bytes = bytes.saturating_add(slots.len().saturating_mul(SLOT_BYTES));
            }
        }
        bytes
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Guard {
    fn step(&mut self, interpreter: &mut Interpreter, context: &mut CTX) {
        self.look_at_clock();
        if let Some(steps) = self.steps {
            if steps.limit.is_none_or(|limit| self.recorded_steps < limit) {
                self.recorded_steps = self.recorded_steps.saturating_add(1);
                let bytes = self.step_bytes(steps, interpreter);
                self.charge(bytes);
            }
        }
        if let Some(cause) = &self.stopped {
            *context.error() = Err(ContextError::Custom(cause.clone()));
            interpreter.halt_fatal();
        }
    }

    fn log(&mut self, _: &mut CTX, log: Log) {
        self.charge(LOG_BYTES.saturating_add(log.data.data.len()));
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.charge(CALL_BYTES.saturating_add(inputs.input.len()));
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.charge(outcome.result.output.len());
    }

    fn create(&mut self, _: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.charge(CALL_BYTES.saturating_add(inputs.init_code().len()));
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.charge(outcome.result.output.len());
    }
}
