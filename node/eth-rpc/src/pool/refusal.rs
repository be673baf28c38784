//! Why the pool refuses, in geth's words.

use crate::error::{self, internal, server, RpcResult};
use bzk_evm::tx::TxError;
use jsonrpsee::types::ErrorObjectOwned;
use sc_transaction_pool_api::error::{Error as PoolError, IntoPoolError};
use sp_runtime::transaction_validity::InvalidTransaction;

/// geth's `txpool is full`.
const POOL_FULL: &str = "txpool is full";

/// The answer for a transaction that the pool does not have.
pub(super) fn from_pool(error: impl IntoPoolError + std::fmt::Display) -> RpcResult<()> {
    match error.into_pool_error() {
        // Nobody had it a moment ago. But the pool lists it before its views take it, and the view of a block that comes
        // meanwhile takes it from that list: then the view refuses what it has.
        Ok(PoolError::AlreadyImported(_)) => Ok(()),
        Ok(error) => Err(from_pool_error(error)),
        Err(error) => Err(internal(error)),
    }
}

fn from_pool_error(error: PoolError) -> ErrorObjectOwned {
    match error {
        PoolError::InvalidTransaction(invalid) => server(invalid_text(invalid)),
        PoolError::TooLowPriority { .. } => server(TxError::ReplacementUnderpriced),
        PoolError::ImmediatelyDropped => server(POOL_FULL),
        PoolError::TemporarilyBanned => server(
            "transaction was dropped by the pool a moment ago; send it again later or with a \
             higher price",
        ),
        PoolError::Unactionable => {
            error::unavailable("this node neither authors blocks nor has peers to forward to")
        }
        other => server(other),
    }
}

/// geth's `already known`.
pub(super) fn already_known() -> ErrorObjectOwned {
    server("already known")
}

fn invalid_text(invalid: InvalidTransaction) -> String {
    match pallet_ethereum::tx_error(invalid) {
        Some(error) => error.to_string(),
        None => format!("invalid transaction: {}", <&'static str>::from(invalid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: PoolError) -> (i32, String) {
        let error = from_pool_error(error);
        (error.code(), error.message().to_string())
    }

    #[test]
    fn pool_refusals_have_geths_code_and_text() {
        let cases = [
            (PoolError::InvalidTransaction(InvalidTransaction::Stale), "nonce too low"),
            (PoolError::TooLowPriority { old: 2, new: 1 }, "replacement transaction underpriced"),
            (PoolError::ImmediatelyDropped, "txpool is full"),
            (
                PoolError::InvalidTransaction(InvalidTransaction::Payment),
                "insufficient funds for gas * price + value",
            ),
        ];
        for (error, expected) in cases {
            assert_eq!(text(error), (-32000, expected.to_string()));
        }
    }

    #[test]
    fn what_a_view_has_already_is_in_the_pool() {
        assert!(from_pool(PoolError::AlreadyImported(Box::new(()))).is_ok());
        assert!(from_pool(PoolError::ImmediatelyDropped).is_err());
    }

    #[test]
    fn every_code_of_the_profile_crosses_the_pool_with_its_text() {
        for error in TxError::ALL {
            let invalid = InvalidTransaction::Custom(error.code());
            assert_eq!(text(PoolError::InvalidTransaction(invalid)).1, error.text());
        }
    }

    #[test]
    fn unknown_code_is_still_an_answer() {
        let invalid = InvalidTransaction::Custom(u8::MAX);
        assert!(!text(PoolError::InvalidTransaction(invalid)).1.is_empty());
    }
}
