//! Why a call gave no result, in geth's words: clients match on text and code.

use crate::error;
use alloy_primitives::Bytes;
use bzk_evm::execute::BlockEnvironment;
use jsonrpsee::types::ErrorObjectOwned;
use revm::{
    context::{
        result::{HaltReason, InvalidTransaction},
        TxEnv,
    },
    primitives::TxKind,
};
use std::fmt::Display;

/// A transaction that could not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The rule it broke.
    pub(crate) rule: InvalidTransaction,
    /// geth's text, with the values that broke the rule.
    pub(crate) text: String,
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The contract reverted with this output.
    Reverted(Bytes),
    /// The EVM stopped the execution.
    Halted(HaltReason),
    /// The chain's own code stopped the execution; it does not say why.
    Stopped,
    /// The transaction could not start.
    Refused(Refusal),
    /// An error that already has its code.
    Rpc(ErrorObjectOwned),
}

impl Failure {
    /// A refusal without a code of its own.
    pub(crate) fn server(message: impl Display) -> Self {
        Self::Rpc(error::server(message))
    }

    /// The arguments do not make sense.
    pub(crate) fn params(cause: impl Display) -> Self {
        Self::Rpc(error::invalid_params(cause))
    }

    /// The request is over a limit of the node.
    pub(crate) fn limit(cause: impl Display) -> Self {
        Self::Rpc(error::limit_exceeded(cause))
    }

    /// The node itself failed.
    pub(crate) fn internal(cause: impl Display) -> Self {
        Self::Rpc(error::internal(cause))
    }

    /// Whether there was too little gas for sure.
    pub(crate) fn lacks_gas(&self) -> bool {
        match self {
            Self::Halted(reason) => matches!(reason, HaltReason::OutOfGas(_)),
            Self::Refused(refusal) => {
                matches!(refusal.rule, InvalidTransaction::CallGasCostMoreThanGasLimit { .. })
            }
            _ => false,
        }
    }

    /// Whether the execution failed, so that another gas limit may let it succeed.
    pub(crate) fn is_of_run(&self) -> bool {
        matches!(self, Self::Reverted(_) | Self::Halted(_) | Self::Stopped) || self.lacks_gas()
    }

    /// Puts `wrap` around the text of a refusal; other failures stay as they are.
    pub(crate) fn wrap_refusal(mut self, wrap: impl FnOnce(&str) -> String) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.text = wrap(&refusal.text);
        }
        self
    }
}

impl From<ErrorObjectOwned> for Failure {
    fn from(error: ErrorObjectOwned) -> Self {
        Self::Rpc(error)
    }
}

impl From<Failure> for ErrorObjectOwned {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Reverted(output) => error::revert(&output),
            Failure::Halted(reason) => error::server(halt_text(&reason)),
            Failure::Stopped => {
                error::server("execution halted: out of gas or an invalid operation")
            }
            Failure::Refused(refusal) => error::server(refusal.text),
            Failure::Rpc(error) => error,
        }
    }
}

/// geth's text for an execution that the EVM stopped.
pub(crate) fn halt_text(reason: &HaltReason) -> String {
    let text = match reason {
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::OpcodeNotFound | HaltReason::NotActivated => "invalid opcode",
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID",
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => "stack underflow",
        HaltReason::StackOverflow => "stack limit reached 1024",
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::OverflowPayment | HaltReason::OutOfFunds => "insufficient balance for transfer",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection"
        }
        HaltReason::CallTooDeep => "max call depth exceeded",
        HaltReason::PrecompileError => "precompile failed",
        HaltReason::PrecompileErrorWithContext(cause) => cause,
    };
    text.to_string()
}

/// Names the rule that `tx` broke as geth does.
pub(crate) fn refusal(
    rule: InvalidTransaction,
    tx: &TxEnv,
    block: &BlockEnvironment,
    max_initcode_bytes: usize,
) -> Refusal {
    let (from, nonce) = (tx.caller, tx.nonce);
    let text = match &rule {
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => format!(
            "max priority fee per gas higher than max fee per gas: address {from}, \
             maxPriorityFeePerGas: {}, maxFeePerGas: {}",
            tx.gas_priority_fee.unwrap_or_default(),
            tx.gas_price
        ),
        InvalidTransaction::GasPriceLessThanBasefee => format!(
            "max fee per gas less than block base fee: address {from}, maxFeePerGas: {}, \
             baseFee: {}",
            tx.gas_price, block.base_fee
        ),
        InvalidTransaction::CallerGasLimitMoreThanBlock => "gas limit reached".into(),
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            format!("intrinsic gas too low: have {gas_limit}, want {initial_gas}")
        }
        InvalidTransaction::RejectCallerWithCode => {
            format!("sender not an eoa: address {from}")
        }
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => format!(
            "insufficient funds for gas * price + value: address {from} have {balance} want {fee}"
        ),
        InvalidTransaction::OverflowPaymentInTransaction => {
            format!("insufficient funds for gas * price + value: address {from} required balance exceeds 256 bits")
        }
        InvalidTransaction::NonceOverflowInTransaction => {
            format!("nonce has max value: address {from}, nonce: {nonce}")
        }
        InvalidTransaction::NonceTooHigh { tx, state } => {
            format!("nonce too high: address {from}, tx: {tx} state: {state}")
        }
        InvalidTransaction::NonceTooLow { tx, state } => {
            format!("nonce too low: address {from}, tx: {tx} state: {state}")
        }
        InvalidTransaction::CreateInitCodeSizeLimit => format!(
            "max initcode size exceeded: code size {} limit {max_initcode_bytes}",
            if tx.kind == TxKind::Create { tx.data.len() } else { 0 }
        ),
        InvalidTransaction::InvalidChainId | InvalidTransaction::MissingChainId => {
            "invalid chain id for signer".into()
        }
        InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => {
            format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})")
        }
        other => other.to_string(),
    };
    Refusal { rule, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Address, U256};

    #[test]
    fn refusal_names_address_and_amounts_as_geth_does() {
        let tx = TxEnv { caller: Address::repeat_byte(0xc0), ..Default::default() };
        let rule = InvalidTransaction::LackOfFundForMaxFee {
            fee: Box::new(U256::from(1_000)),
            balance: Box::new(U256::ZERO),
        };
        let refusal = refusal(rule, &tx, &BlockEnvironment::default(), 0);
        let expected = "insufficient funds for gas * price + value: address \
                        0xC0C0C0c0c0C0C0c0c0c0c0C0c0C0C0C0C0C0C0C0 have 0 want 1000";
        assert!(refusal.text.eq_ignore_ascii_case(expected), "{}", refusal.text);
    }

    #[test]
    fn wrapping_changes_refusals_only() {
        let refused = Failure::Refused(Refusal {
            rule: InvalidTransaction::InvalidChainId,
            text: "cause".into(),
        });
        let wrapped: ErrorObjectOwned = refused.wrap_refusal(|text| format!("err: {text}")).into();
        assert_eq!(wrapped.message(), "err: cause");
        let halted = Failure::Halted(HaltReason::InvalidJump).wrap_refusal(|_| "other".into());
        assert_eq!(ErrorObjectOwned::from(halted).message(), "invalid jump destination");
    }

    #[test]
    fn revert_has_code_3_and_its_output_as_data() {
        let error: ErrorObjectOwned = Failure::Reverted(Bytes::from_static(&[1, 2])).into();
        assert_eq!((error.code(), error.message()), (3, "execution reverted"));
        assert_eq!(error.data().unwrap().get(), "\"0x0102\"");
    }
}
