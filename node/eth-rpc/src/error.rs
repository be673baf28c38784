//! Errors of the Ethereum RPC, with geth's codes and texts: clients match on both.

use alloy_primitives::Bytes;
use jsonrpsee::types::{error as codes, ErrorObjectOwned};
use std::fmt::Display;

pub use jsonrpsee::core::RpcResult;

/// A contract reverted; `data` holds what it returned.
pub const REVERTED: i32 = 3;
/// Every refusal of geth that has no code of its own.
pub const SERVER: i32 = -32000;
/// A block, transaction or state that should exist does not.
pub const RESOURCE_NOT_FOUND: i32 = -32001;
/// The node is not able to answer at the moment.
pub const RESOURCE_UNAVAILABLE: i32 = -32002;
/// The method exists in Ethereum, and not in this profile.
pub const METHOD_NOT_SUPPORTED: i32 = -32004;
/// The request asks for more than [`crate::Limits`] allow.
pub const LIMIT_EXCEEDED: i32 = -32005;

fn object(code: i32, message: impl Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message.to_string(), None::<()>)
}

/// geth's family of plain refusals, code -32000.
pub fn server(message: impl Display) -> ErrorObjectOwned {
    object(SERVER, message)
}

/// The arguments do not make sense, code -32602; `cause` says which and why.
pub fn invalid_params(cause: impl Display) -> ErrorObjectOwned {
    object(codes::INVALID_PARAMS_CODE, cause)
}

/// The node itself failed, code -32603.
pub fn internal(cause: impl Display) -> ErrorObjectOwned {
    object(codes::INTERNAL_ERROR_CODE, cause)
}

/// The request is over one of [`crate::Limits`], code -32005.
pub fn limit_exceeded(cause: impl Display) -> ErrorObjectOwned {
    object(LIMIT_EXCEEDED, cause)
}

/// The method or argument is outside this chain's profile, code -32004.
pub fn not_supported(cause: impl Display) -> ErrorObjectOwned {
    object(METHOD_NOT_SUPPORTED, cause)
}

/// Something named in the request does not exist, code -32001.
pub fn not_found(what: impl Display) -> ErrorObjectOwned {
    object(RESOURCE_NOT_FOUND, what)
}

/// The node cannot serve this now, code -32002.
pub fn unavailable(cause: impl Display) -> ErrorObjectOwned {
    object(RESOURCE_UNAVAILABLE, cause)
}

/// The block of the request does not exist.
pub fn header_not_found() -> ErrorObjectOwned {
    server("header not found")
}

/// The state of this block has been pruned.
pub fn state_pruned(number: u64) -> ErrorObjectOwned {
    server(format_args!(
        "historical state of block {number} is not available: ask a node that runs with \
         --state-pruning archive"
    ))
}

/// A call reverted with `output`: code 3, the reason in the text, the bytes in `data`.
pub fn revert(output: &Bytes) -> ErrorObjectOwned {
    let message = match revert_reason(output) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".to_string(),
    };
    ErrorObjectOwned::owned(REVERTED, message, Some(output.to_string()))
}

/// The text of Solidity's `Error(string)` or `Panic(uint256)`, if `output` is one of them.
pub fn revert_reason(output: &[u8]) -> Option<String> {
    let (selector, body) = output.split_at_checked(4)?;
    match selector {
        [0x08, 0xc3, 0x79, 0xa0] => abi_string(body),
        [0x4e, 0x48, 0x7b, 0x71] => {
            let (zeros, code) = body.get(..32)?.split_at(31);
            let code = *code.first()?;
            zeros.iter().all(|byte| *byte == 0).then(|| panic_text(code))
        }
        _ => None,
    }
}

fn abi_string(body: &[u8]) -> Option<String> {
    let word = |at: usize| -> Option<usize> {
        let (high, low) = body.get(at..at.checked_add(32)?)?.split_at(24);
        if high.iter().any(|byte| *byte != 0) {
            return None;
        }
        usize::try_from(u64::from_be_bytes(low.try_into().ok()?)).ok()
    };
    let start = word(0)?;
    let length = word(start)?;
    let start = start.checked_add(32)?;
    let text = body.get(start..start.checked_add(length)?)?;
    String::from_utf8(text.to_vec()).ok()
}

fn panic_text(code: u8) -> String {
    let cause = match code {
        0x00 => "generic panic",
        0x01 => "assert(false)",
        0x11 => "arithmetic underflow or overflow",
        0x12 => "division or modulo by zero",
        0x21 => "enum overflow",
        0x22 => "invalid encoded storage byte array accessed",
        0x31 => "out-of-bounds array access; popping on an empty array",
        0x32 => "out-of-bounds access of an array or bytesN",
        0x41 => "out of memory",
        0x51 => "uninitialized function",
        _ => return format!("unknown panic code: {code:#x}"),
    };
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn error_string(text: &str) -> Vec<u8> {
        let mut output = vec![0x08, 0xc3, 0x79, 0xa0];
        output.extend([0; 31]);
        output.push(0x20);
        output.extend([0; 24]);
        output.extend((text.len() as u64).to_be_bytes());
        output.extend(text.as_bytes());
        output.resize(output.len().div_ceil(32) * 32 + 4, 0);
        output
    }

    #[test]
    fn revert_carries_code_reason_and_data() {
        let output = Bytes::from(error_string("not owner"));
        let error = revert(&output);
        assert_eq!(error.code(), 3);
        assert_eq!(error.message(), "execution reverted: not owner");
        let data: String = serde_json::from_str(error.data().unwrap().get()).unwrap();
        assert_eq!(data, output.to_string());
    }

    #[test]
    fn empty_revert_has_empty_data() {
        let error = revert(&Bytes::new());
        assert_eq!(error.message(), "execution reverted");
        assert_eq!(error.data().unwrap().get(), "\"0x\"");
    }

    #[test]
    fn panic_is_named() {
        let mut output = vec![0x4e, 0x48, 0x7b, 0x71];
        output.extend([0; 31]);
        output.push(0x11);
        assert_eq!(revert_reason(&output).unwrap(), "arithmetic underflow or overflow");
    }

    proptest! {
        #[test]
        fn prop_revert_reason_survives_any_bytes(mut output in prop::collection::vec(any::<u8>(), 0..200)) {
            revert_reason(&output);
            output.splice(0..0, [0x08, 0xc3, 0x79, 0xa0]);
            revert_reason(&output);
        }

        #[test]
        fn prop_revert_reason_reads_back(text in ".{0,80}") {
            prop_assert_eq!(revert_reason(&error_string(&text)), Some(text));
        }
    }
}
