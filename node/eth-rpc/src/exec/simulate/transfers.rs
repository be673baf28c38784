//! Transfers of value as logs, beside the logs of contracts.

use alloy_primitives::{address, b256, Address, Bytes, Log, B256, U256};
use revm::{
    context::JournalTr,
    context_interface::ContextTr,
    interpreter::{CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome},
    Inspector,
};

/// Who seems to emit the logs of transfers (ERC-7528).
const EMITTER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");

/// `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Collects logs in order, and what frames that failed have logged is gone.
#[derive(Debug, Default)]
pub(super) struct TransferLogs {
    /// Logs of the frames that are open, outermost first.
    open: Vec<Vec<Log>>,
    done: Vec<Log>,
}

impl TransferLogs {
    /// What the transaction has logged.
    pub(super) fn into_logs(self) -> Vec<Log> {
        self.done
    }

    fn push(&mut self, log: Log) {
        if let Some(frame) = self.open.last_mut() {
            frame.push(log);
        }
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = Bytes::from(value.to_be_bytes::<32>());
            self.push(Log::new_unchecked(EMITTER, topics, data));
        }
    }

    fn close(&mut self, success: bool) {
        let logs = self.open.pop().unwrap_or_default();
        if success {
            self.open.last_mut().unwrap_or(&mut self.done).extend(logs);
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for TransferLogs {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.open.push(Vec::new());
        // CALLCODE names a value that stays where it is.
        if matches!(inputs.scheme, CallScheme::Call) {
            let value = inputs.transfer_value().unwrap_or_default();
            self.transfer(inputs.transfer_from(), inputs.transfer_to(), value);
        }
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.close(outcome.result.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.open.push(Vec::new());
        let caller = context.journal_mut().load_account(inputs.caller());
        if let Ok(nonce) = caller.map(|caller| caller.data.info.nonce) {
            self.transfer(inputs.caller(), inputs.created_address(nonce), inputs.value());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.close(outcome.result.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
