//! What a transaction does that its outcome does not show: a revert undid it, or the gas ran out.

use alloy_primitives::{Address, B256, U256};
use revm::{
    bytecode::opcode::{CALL, SELFDESTRUCT, SSTORE},
    interpreter::{
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, Jumps},
        Interpreter,
    },
    Inspector,
};
use std::collections::{BTreeMap, BTreeSet};

/// Collects deletions in any frame, and what the kernel reads before it charges for it.
///
/// The EVM touches nothing for an instruction that cannot be paid. The kernel reads the slot of an SSTORE, and
/// whether the account behind a CALL with value or a SELFDESTRUCT exists, to know what to charge.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Accounts that were looked up, with their slots.
    pub(crate) looked_up: BTreeMap<Address, BTreeSet<U256>>,
    /// Slots that were set to zero.
    pub(crate) zeroed: BTreeSet<(Address, U256)>,
    /// Accounts that executed SELFDESTRUCT.
    pub(crate) destroyed: BTreeSet<Address>,
}

impl<CTX> Inspector<CTX, EthInterpreter> for Watch {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, _: &mut CTX) {
        let peek = |index| interpreter.stack.peek(index).ok();
        let account = |word: U256| Address::from_word(B256::from(word));
        match interpreter.bytecode.opcode() {
            SSTORE => {
                let (Some(slot), Some(value)) = (peek(0), peek(1)) else { return };
                let address = interpreter.input.target_address();
                self.looked_up.entry(address).or_default().insert(slot);
                if value.is_zero() {
                    self.zeroed.insert((address, slot));
                }
            }
            SELFDESTRUCT => {
                if let Some(heir) = peek(0) {
                    self.looked_up.entry(account(heir)).or_default();
                }
            }
            CALL => {
                let (Some(callee), Some(value)) = (peek(1), peek(2)) else { return };
                if !value.is_zero() {
                    self.looked_up.entry(account(callee)).or_default();
                }
            }
            _ => {}
        }
    }

    fn selfdestruct(&mut self, contract: Address, _: Address, _: U256) {
        self.destroyed.insert(contract);
    }
}
