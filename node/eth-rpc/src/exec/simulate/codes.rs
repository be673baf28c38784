//! Error codes that ethereum/execution-apis gives to `eth_simulateV1`.

use crate::exec::failure::{Failure, Refusal};
use jsonrpsee::types::{error::INTERNAL_ERROR_CODE, error::INVALID_PARAMS_CODE, ErrorObjectOwned};
use revm::context::result::InvalidTransaction;
use std::fmt::Display;

const NONCE_TOO_LOW: i32 = -38010;
const NONCE_TOO_HIGH: i32 = -38011;
const BASE_FEE_TOO_LOW: i32 = -38012;
const INTRINSIC_GAS: i32 = -38013;
const INSUFFICIENT_FUNDS: i32 = -38014;
const BLOCK_GAS_LIMIT: i32 = -38015;
const BLOCK_NUMBER: i32 = -38020;
const BLOCK_TIMESTAMP: i32 = -38021;
const SENDER_NOT_EOA: i32 = -38024;
const INIT_CODE_SIZE: i32 = -38025;
const CLIENT_LIMIT: i32 = -38026;

fn coded(code: i32, message: impl Display) -> Failure {
    Failure::Rpc(ErrorObjectOwned::owned(code, message.to_string(), None::<()>))
}

/// More blocks or calls than the node simulates.
pub(super) fn limit(message: impl Display) -> Failure {
    coded(CLIENT_LIMIT, message)
}

/// A call wants more gas than its block has left.
pub(super) fn block_gas(remaining: u64, required: u64) -> Failure {
    coded(
        BLOCK_GAS_LIMIT,
        format_args!("block gas limit reached: remaining: {remaining}, required: {required}"),
    )
}

/// Block numbers must rise.
pub(super) fn block_number(number: u64, previous: u64) -> Failure {
    coded(BLOCK_NUMBER, format_args!("block numbers must be in order: {number} <= {previous}"))
}

/// Timestamps must rise.
pub(super) fn block_timestamp(time: u64, previous: u64) -> Failure {
    coded(BLOCK_TIMESTAMP, format_args!("block timestamps must be in order: {time} <= {previous}"))
}

/// A failure of one call that ends the whole simulation.
pub(super) fn of_call(failure: Failure, gas: u64) -> Failure {
    match failure {
        Failure::Refused(Refusal { rule, text }) => {
            coded(of_rule(&rule), format_args!("err: {text} (supplied gas {gas})"))
        }
        other => other,
    }
}

fn of_rule(rule: &InvalidTransaction) -> i32 {
    match rule {
        InvalidTransaction::NonceTooLow { .. } => NONCE_TOO_LOW,
        InvalidTransaction::NonceTooHigh { .. } => NONCE_TOO_HIGH,
        InvalidTransaction::GasPriceLessThanBasefee => BASE_FEE_TOO_LOW,
        InvalidTransaction::CallGasCostMoreThanGasLimit { .. } => INTRINSIC_GAS,
        InvalidTransaction::LackOfFundForMaxFee { .. }
        | InvalidTransaction::OverflowPaymentInTransaction => INSUFFICIENT_FUNDS,
        InvalidTransaction::RejectCallerWithCode => SENDER_NOT_EOA,
        InvalidTransaction::CreateInitCodeSizeLimit => INIT_CODE_SIZE,
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => INVALID_PARAMS_CODE,
        _ => INTERNAL_ERROR_CODE,
    }
}
