//! What a transaction does that its outcome does not show, because a revert undid it.

use alloy_primitives::{Address, U256};
use revm::{
    bytecode::opcode::SSTORE,
    interpreter::{
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, Jumps},
        Interpreter,
    },
    Inspector,
};
use std::collections::BTreeSet;

/// Collects deletions in any frame.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Slots that were set to zero.
    pub(crate) zeroed: BTreeSet<(Address, U256)>,
    /// Accounts that executed SELFDESTRUCT.
    pub(crate) destroyed: BTreeSet<Address>,
}

impl<CTX> Inspector<CTX, EthInterpreter> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        if interpreter.bytecode.opcode() != SSTORE {
            return;
        }
        if let (Ok(slot), Ok(U256::ZERO)) = (interpreter.stack.peek(0), interpreter.stack.peek(1)) {
            self.zeroed.insert((interpreter.input.target_address(), slot));
        }
    }

    fn selfdestruct(&mut self, contract: Address, _: Address, _: U256) {
        self.destroyed.insert(contract);
    }
}
