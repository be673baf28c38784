//! `eth_call`.

use super::{failure::Failure, request::is_free, runner::Runner, sandbox::Sandbox};
use alloy_primitives::Bytes;
use revm::context::TxEnv;

/// Runs `tx` and returns what it returns.
pub(crate) fn call(runner: &mut impl Runner, tx: TxEnv) -> Result<Bytes, Failure> {
    let gas = tx.gas_limit;
    let done = runner.attempt(tx).map_err(|failure| {
        failure.wrap_refusal(|text| format!("err: {text} (supplied gas {gas})"))
    })?;
    Ok(done.output)
}

/// A call that offers no fee runs in a block without base fee, as in geth; `BASEFEE` reads 0.
pub(crate) fn waive_base_fee<DB>(sandbox: &mut Sandbox<DB>, tx: &TxEnv) {
    if is_free(tx) {
        sandbox.block.base_fee = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, code, CALLER, TARGET};
    use super::*;
    use alloy_primitives::U256;
    use jsonrpsee::types::ErrorObjectOwned;
    use revm::primitives::TxKind;

    fn tx() -> TxEnv {
        TxEnv {
            caller: CALLER,
            kind: TxKind::Call(TARGET),
            gas_limit: 100_000,
            chain_id: Some(fixture::CHAIN_ID),
            ..Default::default()
        }
    }

    fn error(failure: Failure) -> (i32, String) {
        let error = ErrorObjectOwned::from(failure);
        (error.code(), error.message().to_string())
    }

    #[test]
    fn call_returns_the_output_and_changes_nothing() {
        // Store 1 in slot 0, then return slot 0.
        let mut sandbox = fixture::sandbox([(TARGET, code("60015f555f545f5260205ff3"))]);
        for _ in 0..2 {
            let out = call(&mut sandbox, tx()).unwrap();
            assert_eq!(U256::from_be_slice(&out), U256::from(1));
        }
        let stored = revm::Database::storage(&mut sandbox.db, TARGET, U256::ZERO).unwrap();
        assert_eq!(stored, U256::ZERO);
    }

    #[test]
    fn base_fee_is_zero_unless_a_price_is_given() {
        // Return BASEFEE.
        let contract = code("485f5260205ff3");
        let mut sandbox = fixture::sandbox([(TARGET, contract.clone())]);
        assert!(U256::from_be_slice(&call(&mut sandbox, tx()).unwrap()).is_zero());
        let mut sandbox = fixture::sandbox([(TARGET, contract)]);
        fixture::fund(&mut sandbox, CALLER, U256::MAX);
        let priced = TxEnv { gas_price: 10_000_000_000, ..tx() };
        let out = call(&mut sandbox, priced).unwrap();
        assert_eq!(U256::from_be_slice(&out), U256::from(fixture::BASE_FEE));
    }

    #[test]
    fn price_below_the_base_fee_is_refused() {
        let mut sandbox = fixture::sandbox([]);
        let (code, text) = error(call(&mut sandbox, TxEnv { gas_price: 1, ..tx() }).unwrap_err());
        assert_eq!(code, -32000);
        assert!(text.starts_with("err: max fee per gas less than block base fee: address 0x"));
        assert!(text.ends_with("(supplied gas 100000)"), "{text}");
    }

    #[test]
    fn value_needs_a_balance_even_when_gas_is_free() {
        let mut sandbox = fixture::sandbox([]);
        let failure = call(&mut sandbox, TxEnv { value: U256::from(9), ..tx() }).unwrap_err();
        let expected = format!(
            "err: insufficient funds for gas * price + value: address {CALLER} have 0 want 9 \
             (supplied gas 100000)"
        );
        assert_eq!(error(failure), (-32000, expected));
    }

    #[test]
    fn revert_and_halt_have_geths_codes() {
        let mut sandbox = fixture::sandbox([(TARGET, code("5f5ffd"))]);
        let failure = call(&mut sandbox, tx()).unwrap_err();
        assert_eq!(error(failure), (3, "execution reverted".into()));
        let mut sandbox = fixture::sandbox([(TARGET, code("5b5f56"))]);
        let failure = call(&mut sandbox, tx()).unwrap_err();
        assert_eq!(error(failure), (-32000, "out of gas".into()));
    }

    #[test]
    fn contracts_may_call() {
        let mut sandbox = fixture::sandbox([(CALLER, code("00")), (TARGET, code("00"))]);
        assert!(call(&mut sandbox, tx()).unwrap().is_empty());
    }

    #[test]
    fn blob_opcodes_are_invalid() {
        for opcode in ["5f49", "4a"] {
            let mut sandbox = fixture::sandbox([(TARGET, code(opcode))]);
            let failure = call(&mut sandbox, tx()).unwrap_err();
            assert!(error(failure).1.starts_with("invalid opcode"));
        }
    }
}
