//! The instruction table: Cancun's, with two opcodes fewer and each opcode metered.
//!
//! BLOBHASH and BLOBBASEFEE are invalid opcodes, because the prover's kernel has no blobs.
//! Metering is part of the instructions, not an inspector, so plain execution pays one addition and
//! one comparison per opcode, and tracing meters the same.

use crate::{
    crypto,
    execute::BzkContext,
    meter::{cost, EXHAUSTED},
    profile::SPEC,
};
use core::marker::PhantomData;
use revm::{
    bytecode::opcode as op,
    context::journal::JournalEntry,
    context_interface::{context::ContextError, Cfg, ContextTr},
    handler::instructions::InstructionProvider,
    interpreter::{
        instructions::{gas_table_spec, instruction_table, GasTable, InstructionTable},
        interpreter::{resize_memory, EthInterpreter},
        interpreter_types::{Jumps, LegacyBytecode, LoopControl},
        Instruction, InstructionContext, InstructionExecResult, InstructionResult, Interpreter,
        InterpreterAction,
    },
    primitives::{hints_util::cold_path, KECCAK_EMPTY, U256},
    Database,
};

type Table<DB> = InstructionTable<EthInterpreter, BzkContext<DB>>;
type Frame<'a, DB> = InstructionContext<'a, BzkContext<DB>, EthInterpreter>;

/// Gas that each opcode costs whatever its operands are.
static GAS: GasTable = gas_table_spec(SPEC);

/// The instructions of the profile, for inspectors; without one [`run`] executes them.
#[derive(Clone, Copy, Debug)]
pub struct ProfileInstructions<DB>(PhantomData<fn() -> DB>);

impl<DB> Default for ProfileInstructions<DB> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<DB: Database> InstructionProvider for ProfileInstructions<DB> {
    type Context = BzkContext<DB>;
    type InterpreterTypes = EthInterpreter;

    fn instruction_table(&self) -> &Table<DB> {
        const { &Tables::<DB>::METERED }
    }

    fn gas_table(&self) -> &GasTable {
        &GAS
    }
}

/// Tables that are computed at compile time for each database type.
struct Tables<DB>(PhantomData<DB>);

#[allow(clippy::indexing_slicing, reason = "each opcode has its place in a table of 256")]
impl<DB: Database> Tables<DB> {
    /// What each opcode does.
    const BASE: Table<DB> = {
        let mut table = instruction_table::<EthInterpreter, BzkContext<DB>>();
        table[op::KECCAK256 as usize] = Instruction::new(keccak256::<DB>);
        table
    };

    /// What each opcode does, and charges.
    const METERED: Table<DB> = metered_table::<DB>();
}

/// Hands the opcodes of the profile to a macro, by what they are wrapped in. Others are invalid and halt the frame with
/// all its gas.
macro_rules! opcodes {
    ($take:ident) => {
        $take! {
            fixed:
                STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD SIGNEXTEND
                LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR
                ADDRESS ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE
                BLOCKHASH COINBASE TIMESTAMP NUMBER DIFFICULTY GASLIMIT CHAINID SELFBALANCE BASEFEE
                POP MLOAD MSTORE MSTORE8 PC MSIZE GAS JUMPDEST INVALID RETURN REVERT CREATE CREATE2
                PUSH0 PUSH1 PUSH2 PUSH3 PUSH4 PUSH5 PUSH6 PUSH7 PUSH8 PUSH9 PUSH10 PUSH11 PUSH12 PUSH13
                PUSH14 PUSH15 PUSH16 PUSH17 PUSH18 PUSH19 PUSH20 PUSH21 PUSH22 PUSH23 PUSH24 PUSH25 PUSH26
                PUSH27 PUSH28 PUSH29 PUSH30 PUSH31 PUSH32
                DUP1 DUP2 DUP3 DUP4 DUP5 DUP6 DUP7 DUP8 DUP9 DUP10 DUP11 DUP12 DUP13 DUP14 DUP15 DUP16
                SWAP1 SWAP2 SWAP3 SWAP4 SWAP5 SWAP6 SWAP7 SWAP8 SWAP9 SWAP10 SWAP11 SWAP12 SWAP13 SWAP14
                SWAP15 SWAP16;
            sized: EXP KECCAK256 CALLDATACOPY CODECOPY RETURNDATACOPY MCOPY LOG0 LOG1 LOG2 LOG3 LOG4;
            accessing:
                BALANCE EXTCODEHASH SLOAD SSTORE SELFDESTRUCT
                CALL CALLCODE DELEGATECALL STATICCALL;
            reading_code: EXTCODESIZE EXTCODECOPY;
            jumping: JUMP JUMPI;
            transient: TLOAD TSTORE;
        }
    };
}

#[allow(clippy::indexing_slicing, reason = "each opcode has its place in a table of 256")]
const fn metered_table<DB: Database>() -> Table<DB> {
    let mut table: Table<DB> = [Instruction::unknown(); 256];
    macro_rules! enter {
        ($($wrapper:ident: $($opcode:ident)*;)*) => {
            $($(table[op::$opcode as usize] = Instruction::new($wrapper::<{ op::$opcode }, DB>);)*)*
        };
    }
    opcodes!(enter);
    table
}

/// Runs the frame of `interpreter` until it ends or calls another one.
///
/// As revm's `run_plain`, but with a branch to each opcode where that calls through a table: in wasm an indirect call
/// costs more than most opcodes.
#[allow(clippy::indexing_slicing, reason = "each opcode has its place in a table of 256")]
pub(crate) fn run<DB: Database>(
    interpreter: &mut Interpreter<EthInterpreter>,
    host: &mut BzkContext<DB>,
) -> InterpreterAction {
    /// Charges what the opcode costs whatever its operands are, and runs it.
    macro_rules! step {
        ($opcode:expr, $run:expr) => {
            if interpreter.gas.record_cost_unsafe(u64::from(GAS[$opcode as usize])) {
                cold_path();
                Err(InstructionResult::OutOfGas)
            } else {
                $run
            }
        };
    }
    let end = loop {
        let opcode = interpreter.bytecode.opcode();
        // The analysis has padded the code, so that a STOP follows its last instruction.
        interpreter.bytecode.relative_jump(1);
        macro_rules! branch {
            ($($wrapper:ident: $($opcode:ident)*;)*) => {
                match opcode {
                    $($(op::$opcode => step!(op::$opcode, $wrapper::<{ op::$opcode }, DB>(
                        InstructionContext { interpreter: &mut *interpreter, host: &mut *host },
                    )),)*)*
                    _ => step!(opcode, Err(InstructionResult::OpcodeNotFound)),
                }
            };
        }
        if let Err(end) = opcodes!(branch) {
            cold_path();
            break end;
        }
    };
    if interpreter.bytecode.action().is_none() {
        interpreter.halt(end);
    }
    interpreter.take_next_action()
}

/// Stops the transaction: the error that the host keeps ends every frame above too.
#[cold]
#[inline(never)]
fn exhausted<DB: Database>(host: &mut BzkContext<DB>) -> InstructionExecResult {
    host.error = Err(ContextError::Custom(EXHAUSTED.into()));
    Err(InstructionResult::FatalExternalError)
}

#[inline(always)]
fn charge<DB: Database>(host: &mut BzkContext<DB>, cycles: u64) -> InstructionExecResult {
    if host.chain.charge(cycles) {
        return Ok(());
    }
    cold_path();
    exhausted(host)
}

/// What revm does for the opcode, called directly.
#[inline(always)]
#[allow(clippy::indexing_slicing, reason = "each opcode has its place in a table of 256")]
fn base<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    const { Tables::<DB>::BASE[OP as usize] }.execute(frame)
}

#[inline(always)]
const fn fixed_cost<const OP: u8>() -> u64 {
    const { cost::opcode(OP) }
}

/// An opcode whose cost is the same each time.
#[inline(always)]
fn fixed<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    charge(frame.host, fixed_cost::<OP>())?;
    base::<OP, DB>(frame)
}

/// An opcode that works on as many bytes as an operand says. It is charged once it has paid its
/// gas, since an operand that nobody paid for costs the kernel nothing.
#[inline(never)]
fn sized<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    charge(host, fixed_cost::<OP>())?;
    let operand = interpreter.stack.peek(const { cost::size_operand(OP) }).unwrap_or_default();
    let result =
        base::<OP, DB>(InstructionContext { interpreter: &mut *interpreter, host: &mut *host });
    result?;
    if matches!(OP, op::LOG0..=op::LOG4)
        && !host.chain.log(u64::try_from(operand).unwrap_or(u64::MAX))
    {
        cold_path();
        return exhausted(host);
    }
    charge(host, cost::sized(OP, operand))
}

/// An opcode that may touch a cold account or slot. The journal tells which it warmed.
#[inline(never)]
fn accessing<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    charge(host, fixed_cost::<OP>())?;
    if OP == op::SELFDESTRUCT {
        let accounts = host.journaled_state.state.len() as u64;
        charge(host, cost::searched(accounts))?;
    }
    let before = host.journaled_state.journal.len();
    let result = base::<OP, DB>(InstructionContext { interpreter, host: &mut *host });
    let entries = host.journaled_state.journal.get(before..).unwrap_or_default().iter();
    let (cycles, accesses) = entries.fold((0u64, 0u64), |(cycles, accesses), entry| match entry {
        JournalEntry::AccountWarmed { .. } => {
            (cycles.saturating_add(cost::COLD_ACCOUNT), accesses.saturating_add(1))
        }
        JournalEntry::StorageWarmed { .. } => {
            (cycles.saturating_add(cost::COLD_SLOT), accesses.saturating_add(1))
        }
        _ => (cycles, accesses),
    });
    host.chain.keep(0, accesses);
    charge(host, cycles)?;
    result
}

/// An opcode that makes the kernel load and hash the whole code of an account.
#[inline(never)]
fn reading_code<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    let address = interpreter.stack.peek(0).unwrap_or_default();
    let copied = if OP == op::EXTCODECOPY {
        interpreter.stack.peek(const { cost::size_operand(OP) }).unwrap_or_default()
    } else {
        U256::ZERO
    };
    accessing::<OP, DB>(InstructionContext { interpreter, host: &mut *host })?;
    let address = revm::primitives::Address::from_word(address.into());
    let loaded =
        host.journaled_state.state.get(&address).and_then(|account| account.info.code.as_ref());
    let bytes = loaded.map_or(0, |code| code.len() as u64);
    charge(host, cost::code_load(bytes).saturating_add(cost::sized(OP, copied)))
}

/// A jump. The first one to each destination in a frame needs a proof that it is no push data.
#[inline(always)]
fn jumping<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    charge(host, fixed_cost::<OP>())?;
    let taken = OP == op::JUMP || !interpreter.stack.peek(1).unwrap_or_default().is_zero();
    base::<OP, DB>(InstructionContext { interpreter: &mut *interpreter, host: &mut *host })?;
    if !taken {
        return Ok(());
    }
    let destination = interpreter.bytecode.pc();
    let code = interpreter.bytecode.bytecode_slice();
    let cycles = host.chain.jump(interpreter.input.depth, destination, code);
    charge(host, cycles)
}

/// An opcode that searches the transient storage.
#[inline(never)]
fn transient<const OP: u8, DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    let cycles = fixed_cost::<OP>().saturating_add(cost::transient(host.chain.transient_slots()));
    charge(host, cycles)?;
    let slot = interpreter.stack.peek(0).unwrap_or_default();
    let account = interpreter.input.target_address;
    base::<OP, DB>(InstructionContext { interpreter, host: &mut *host })?;
    if OP == op::TSTORE {
        host.chain.transient_write(account, slot);
    }
    Ok(())
}

/// KECCAK256 with the host's hash instead of one in wasm.
fn keccak256<DB: Database>(frame: Frame<'_, DB>) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = frame;
    let Some(([offset], top)) = interpreter.stack.popn_top::<1>() else {
        return Err(InstructionResult::StackUnderflow);
    };
    let length = usize::try_from(*top).map_err(|_| InstructionResult::InvalidOperandOOG)?;
    let gas = host.cfg().gas_params();
    if !interpreter.gas.record_regular_cost(gas.keccak256_cost(length)) {
        return Err(InstructionResult::OutOfGas);
    }
    let hash = if length == 0 {
        KECCAK_EMPTY
    } else {
        let from = usize::try_from(offset).map_err(|_| InstructionResult::InvalidOperandOOG)?;
        resize_memory(&mut interpreter.gas, &mut interpreter.memory, gas, from, length)?;
        crypto::keccak256(&interpreter.memory.slice_len(from, length))
    };
    *top = hash.into();
    Ok(())
}
