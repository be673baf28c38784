//! revm's machine with the profile's instructions, precompiles, meter and creation rule.

use crate::{
    account, crypto,
    instructions::{self, ProfileInstructions},
    meter::{cost, memory, Meter, EXHAUSTED},
    precompiles::ProfilePrecompiles,
    primitives::Bytes,
};
use core::ops::{Deref, DerefMut};
use revm::{
    context::{
        result::{EVMError, ExecResultAndState, ExecutionResult, HaltReason, InvalidTransaction},
        BlockEnv, CfgEnv, ContextSetters, ContextTr, Evm, FrameStack, JournalTr, TxEnv,
    },
    context_interface::{
        context::ContextError,
        journaled_state::account::JournaledAccountTr,
        transaction::{Transaction, TransactionType},
    },
    handler::{
        evm::{ContextDbError, FrameInitResult, FrameTr},
        EthFrame, EvmTr, FrameInitOrResult, FrameResult, Handler, ItemOrResult, MainnetHandler,
    },
    inspector::{InspectorEvmTr, InspectorHandler},
    interpreter::{
        interpreter::EthInterpreter, interpreter_action::FrameInit, CallInput, CreateOutcome,
        FrameInput, Gas, InstructionResult, InterpreterResult, SharedMemory,
    },
    primitives::constants::CALL_STACK_LIMIT,
    state::EvmState,
    Context, Database, ExecuteEvm, InspectEvm, Inspector, Journal,
};

/// revm's context with the proving-cost meter as its chain part.
pub type BzkContext<DB> = Context<BlockEnv, TxEnv, CfgEnv, DB, Journal<DB>, Meter>;

type Frame = EthFrame<EthInterpreter>;
type Inner<DB, INSP> =
    Evm<BzkContext<DB>, INSP, ProfileInstructions<DB>, ProfilePrecompiles, Frame>;
type Error<DB> = EVMError<<DB as Database>::Error, InvalidTransaction>;

/// The EVM of the profile.
///
/// Dereferences to revm's `Evm`: `ctx` and `inspector` are its fields. [`ExecuteEvm`] and
/// [`InspectEvm`] run transactions.
#[derive(Debug)]
pub struct BzkEvm<DB: Database, INSP = ()>(Inner<DB, INSP>);

impl<DB: Database, INSP> BzkEvm<DB, INSP> {
    pub(super) fn new(db: DB, block: BlockEnv, cfg: CfgEnv, inspector: INSP) -> Self {
        crypto::install();
        let context: BzkContext<DB> = Context::new(db, cfg.spec);
        Self(Evm::new_with_inspector(
            context.with_block(block).with_cfg(cfg),
            inspector,
            ProfileInstructions::default(),
            ProfilePrecompiles,
        ))
    }

    /// Gives the inspector back.
    pub fn into_inspector(self) -> INSP {
        self.0.inspector
    }

    /// Takes a transaction into the context and charges what it costs before any code runs.
    fn begin(&mut self, tx: TxEnv) -> Result<(), Error<DB>> {
        match tx.tx_type() {
            kind if kind == TransactionType::Eip4844 as u8 => {
                return Err(InvalidTransaction::Eip4844NotSupported.into())
            }
            kind if kind == TransactionType::Eip7702 as u8 => {
                return Err(InvalidTransaction::Eip7702NotSupported.into())
            }
            _ => {}
        }
        self.ctx.chain.reset();
        let affordable = self.ctx.chain.charge(cost::transaction(&tx));
        let keys: u64 = tx.access_list.iter().map(|item| item.storage_keys.len() as u64).sum();
        let items = tx.access_list.len() as u64;
        let bytes = (tx.data.len() as u64)
            .saturating_add(memory::LIST_KEY.saturating_mul(keys))
            .saturating_add(memory::LIST_ITEM.saturating_mul(items));
        self.ctx.chain.keep(bytes, keys.saturating_add(items));
        self.ctx.set_tx(tx);
        if affordable {
            Ok(())
        } else {
            Err(EVMError::Custom(EXHAUSTED.into()))
        }
    }

    /// Charges what a frame costs before its code runs.
    fn charge_frame(&mut self, init: &FrameInit) -> Result<(), ContextError<DB::Error>> {
        let touched = self.ctx.journaled_state.state.len() as u64;
        let (cycles, cells) = match &init.frame_input {
            FrameInput::Call(inputs) => {
                let (input, code) =
                    (inputs.input.len() as u64, inputs.known_bytecode.1.len() as u64);
                (cost::call(input, code, touched), input.saturating_add(code))
            }
            FrameInput::Create(inputs) => {
                let code = inputs.init_code().len() as u64;
                (cost::create(code, touched), code)
            }
            FrameInput::Empty => (0, 0),
        };
        self.ctx.chain.enter(init.depth, cells);
        self.charge(cycles)
    }

    /// Charges what the end of a frame costs its caller.
    fn charge_result(&mut self, result: &FrameResult) -> Result<(), ContextError<DB::Error>> {
        let output = result.interpreter_result().output.len() as u64;
        let cycles = match result {
            FrameResult::Create(outcome) if outcome.result.is_ok() => cost::deposit(output),
            _ => cost::returned(output),
        };
        if self.ctx.chain.leave(output) {
            self.charge(cycles)
        } else {
            Err(ContextError::Custom(EXHAUSTED.into()))
        }
    }

    /// Notes the memory of the frame that has run. It never shrinks before the frame ends.
    fn charge_memory(&mut self) -> Result<(), ContextError<DB::Error>> {
        let bytes = self.0.frame_stack.get().interpreter.memory.len() as u64;
        if self.ctx.chain.grow(bytes) {
            Ok(())
        } else {
            Err(ContextError::Custom(EXHAUSTED.into()))
        }
    }

    fn charge(&mut self, cycles: u64) -> Result<(), ContextError<DB::Error>> {
        if self.ctx.chain.charge(cycles) {
            Ok(())
        } else {
            Err(ContextError::Custom(EXHAUSTED.into()))
        }
    }

    /// EIP-7610: a creation collides with storage as it does with code or a nonce.
    ///
    /// revm checks the latter two. What it checks before a collision (depth, balance and nonce of
    /// the caller) is repeated here and left to revm when it fails; what it does at a collision
    /// (the nonce goes up, the address is warm, the gas is gone) is done here.
    fn storage_collision(
        &mut self,
        init: &FrameInit,
    ) -> Result<Option<FrameResult>, ContextError<DB::Error>> {
        let FrameInput::Create(inputs) = &init.frame_input else {
            return Ok(None);
        };
        if init.depth as u64 > CALL_STACK_LIMIT {
            return Ok(None);
        }
        let journal = &mut self.0.ctx.journaled_state;
        let caller = journal.load_account(inputs.caller())?.data;
        let nonce = caller.info.nonce;
        if caller.info.balance < inputs.value() || nonce == u64::MAX {
            return Ok(None);
        }
        let address = inputs.created_address(nonce);
        let collides = match journal.state.get(&address) {
            Some(loaded) => account::has_storage(&loaded.info),
            None => {
                journal.database.basic(address)?.is_some_and(|info| account::has_storage(&info))
            }
        };
        if !collides {
            return Ok(None);
        }
        journal.load_account_mut(inputs.caller())?.data.bump_nonce();
        journal.load_account(address)?;
        Ok(Some(FrameResult::Create(CreateOutcome::new(
            InterpreterResult::new(
                InstructionResult::CreateCollision,
                Bytes::new(),
                Gas::new(inputs.gas_limit()),
            ),
            None,
        ))))
    }
}

impl<DB: Database, INSP> Deref for BzkEvm<DB, INSP> {
    type Target = Inner<DB, INSP>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<DB: Database, INSP> DerefMut for BzkEvm<DB, INSP> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<DB: Database, INSP> EvmTr for BzkEvm<DB, INSP> {
    type Context = BzkContext<DB>;
    type Instructions = ProfileInstructions<DB>;
    type Precompiles = ProfilePrecompiles;
    type Frame = Frame;

    fn all(
        &self,
    ) -> (&Self::Context, &Self::Instructions, &Self::Precompiles, &FrameStack<Self::Frame>) {
        self.0.all()
    }

    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
    ) {
        self.0.all_mut()
    }

    fn frame_init(
        &mut self,
        init: <Self::Frame as FrameTr>::FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<Self::Context>> {
        self.charge_frame(&init)?;
        if let Some(collision) = self.storage_collision(&init)? {
            return Ok(ItemOrResult::Result(collision));
        }
        self.0.frame_init(init)
    }

    fn frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        let frame = self.0.frame_stack.get();
        let action = instructions::run(&mut frame.interpreter, &mut self.0.ctx);
        let next = frame
            .process_next_action::<_, ContextDbError<Self::Context>>(&mut self.0.ctx, action)?;
        if next.is_result() {
            frame.set_finished(true);
        }
        self.charge_memory()?;
        Ok(with_own_memory(next))
    }

    fn frame_return_result(
        &mut self,
        result: <Self::Frame as FrameTr>::FrameResult,
    ) -> Result<Option<<Self::Frame as FrameTr>::FrameResult>, ContextDbError<Self::Context>> {
        self.charge_result(&result)?;
        self.0.frame_return_result(result)
    }
}

impl<DB, INSP> InspectorEvmTr for BzkEvm<DB, INSP>
where
    DB: Database,
    INSP: Inspector<BzkContext<DB>, EthInterpreter>,
{
    type Inspector = INSP;

    fn all_inspector(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
        &Self::Inspector,
    ) {
        self.0.all_inspector()
    }

    fn all_mut_inspector(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
        &mut Self::Inspector,
    ) {
        self.0.all_mut_inspector()
    }

    fn inspect_frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        let next = self.0.inspect_frame_run()?;
        self.charge_memory()?;
        Ok(with_own_memory(next))
    }
}

/// Gives the frame that is about to start a memory of its own.
///
/// In revm all frames share one buffer. In wasm no allocation is larger than 32 MiB, and a chain of
/// calls that each expand their memory needs more at 60 million gas, while a single frame cannot.
fn with_own_memory(next: FrameInitOrResult<Frame>) -> FrameInitOrResult<Frame> {
    next.map_item(|mut init| {
        if let FrameInput::Call(inputs) = &mut init.frame_input {
            if let CallInput::SharedBuffer(range) = &inputs.input {
                let input = Bytes::copy_from_slice(&init.memory.global_slice_range(range.clone()));
                inputs.input = CallInput::Bytes(input);
            }
        }
        init.memory = SharedMemory::with_capacity(0);
        init
    })
}

impl<DB: Database, INSP> ExecuteEvm for BzkEvm<DB, INSP> {
    type ExecutionResult = ExecutionResult<HaltReason>;
    type State = EvmState;
    type Error = Error<DB>;
    type Tx = TxEnv;
    type Block = BlockEnv;

    fn set_block(&mut self, block: Self::Block) {
        self.ctx.set_block(block);
    }

    fn transact_one(&mut self, tx: Self::Tx) -> Result<Self::ExecutionResult, Self::Error> {
        self.begin(tx)?;
        MainnetHandler::default().run(self)
    }

    fn finalize(&mut self) -> Self::State {
        self.ctx.journal_mut().finalize()
    }

    fn replay(
        &mut self,
    ) -> Result<ExecResultAndState<Self::ExecutionResult, Self::State>, Self::Error> {
        let tx = self.ctx.tx.clone();
        self.transact(tx)
    }
}

impl<DB, INSP> InspectEvm for BzkEvm<DB, INSP>
where
    DB: Database,
    INSP: Inspector<BzkContext<DB>, EthInterpreter>,
{
    type Inspector = INSP;

    fn set_inspector(&mut self, inspector: Self::Inspector) {
        self.inspector = inspector;
    }

    fn inspect_one_tx(&mut self, tx: Self::Tx) -> Result<Self::ExecutionResult, Self::Error> {
        self.begin(tx)?;
        MainnetHandler::default().inspect_run(self)
    }
}
