//! `eth_estimateGas`: the smallest gas limit with which a transaction succeeds.
//!
//! geth's algorithm, without its tolerance of 1.5%: the answer is exact. Most transactions need as
//! much gas as they use before refunds, so that is tried before any search; this makes the usual
//! case two runs.

use super::{
    failure::Failure,
    request::is_free,
    runner::{Done, Runner},
};
use alloy_primitives::U256;
use bzk_evm::tx::TRANSACTION_GAS;
use revm::{context::TxEnv, primitives::TxKind};
use std::time::Instant;

/// Gas that a call with value hands to its target on top of what it is given.
const CALL_STIPEND: u64 = 2_300;

/// Finds the smallest gas limit for `tx`. A `tx.gas_limit` of at least 21,000 bounds the search.
pub(crate) fn estimate(
    runner: &mut impl Runner,
    tx: TxEnv,
    gas_cap: u64,
    deadline: Instant,
) -> Result<u64, Failure> {
    let highest = allowance(runner, &tx, gas_cap)?;
    let mut search = Search { runner, tx, deadline };
    if search.is_transfer()? && highest >= TRANSACTION_GAS && search.succeeds(TRANSACTION_GAS)? {
        return Ok(TRANSACTION_GAS);
    }
    let spent = search.gas_spent(highest)?;
    if spent >= highest || search.succeeds(spent)? {
        return Ok(spent.min(highest));
    }
    search.between(spent, highest)
}

/// The highest gas limit that the block, the sender's money and the node allow.
fn allowance(runner: &mut impl Runner, tx: &TxEnv, gas_cap: u64) -> Result<u64, Failure> {
    let wanted = match tx.gas_limit {
        limit if limit >= TRANSACTION_GAS => limit,
        _ => runner.block_gas_limit(),
    };
    let highest = wanted.min(gas_cap);
    if is_free(tx) {
        return Ok(highest);
    }
    let available = match runner.balance(tx.caller)?.checked_sub(tx.value) {
        Some(available) if !available.is_zero() => available,
        _ => return Err(Failure::server("insufficient funds for transfer")),
    };
    let payable = available.checked_div(U256::from(tx.gas_price)).unwrap_or(U256::MAX);
    Ok(highest.min(payable.saturating_to()))
}

struct Search<'a, R> {
    runner: &'a mut R,
    tx: TxEnv,
    deadline: Instant,
}

impl<R: Runner> Search<'_, R> {
    /// Whether nothing runs: no data, to an account without code.
    fn is_transfer(&mut self) -> Result<bool, Failure> {
        match self.tx.kind {
            TxKind::Call(to) if self.tx.data.is_empty() => Ok(!self.runner.has_code(to)?),
            _ => Ok(false),
        }
    }

    fn run(&mut self, gas: u64) -> Result<Done, Failure> {
        if Instant::now() >= self.deadline {
            return Err(Failure::limit("gas estimation timed out"));
        }
        let tx = TxEnv { gas_limit: gas, ..self.tx.clone() };
        self.runner.attempt(tx).map_err(|failure| {
            failure.wrap_refusal(|text| format!("failed with {gas} gas: {text}"))
        })
    }

    fn succeeds(&mut self, gas: u64) -> Result<bool, Failure> {
        match self.run(gas) {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_of_run() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Gas spent with all the gas there is; fails if even that is not enough.
    fn gas_spent(&mut self, highest: u64) -> Result<u64, Failure> {
        match self.run(highest) {
            Ok(done) => Ok(done.gas_spent),
            Err(failure) if failure.lacks_gas() => {
                Err(Failure::server(format_args!("gas required exceeds allowance ({highest})")))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The smallest limit that succeeds, given that `low` fails and `high` succeeds.
    fn between(&mut self, mut low: u64, mut high: u64) -> Result<u64, Failure> {
        // What is missing is nearly always what calls must leave to their caller: one part in 64,
        // and the stipend.
        let likely = low.saturating_add(CALL_STIPEND).saturating_mul(64) / 63;
        let mut middle = likely;
        while high.saturating_sub(low) > 1 {
            if middle <= low || middle >= high {
                // Limits are rarely far above what is used, so the search leans to the low side.
                let half = low.saturating_add(high.saturating_sub(low) / 2);
                middle = half.min(low.saturating_mul(2).max(low.saturating_add(1)));
            }
            if self.succeeds(middle)? {
                high = middle;
            } else {
                low = middle;
            }
            middle = low;
        }
        Ok(high)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        fixture::{self, calling, code, State, CALLER, OTHER, TARGET},
        sandbox::Sandbox,
    };
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;
    use std::time::Duration;

    const CAP: u64 = 50_000_000;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn tx() -> TxEnv {
        TxEnv {
            caller: CALLER,
            kind: TxKind::Call(TARGET),
            gas_limit: 0,
            chain_id: Some(fixture::CHAIN_ID),
            ..Default::default()
        }
    }

    fn message(failure: Failure) -> String {
        ErrorObjectOwned::from(failure).message().to_string()
    }

    /// Checks by trial that the answer is the smallest limit that succeeds.
    fn exact(sandbox: &mut Sandbox<State>, tx: TxEnv) -> u64 {
        let gas = estimate(sandbox, tx.clone(), CAP, later()).unwrap();
        let mut search = Search { runner: sandbox, tx, deadline: later() };
        assert!(search.succeeds(gas).unwrap());
        assert!(!search.succeeds(gas - 1).unwrap());
        gas
    }

    #[test]
    fn transfer_takes_21000() {
        assert_eq!(exact(&mut fixture::sandbox([]), tx()), 21_000);
    }

    #[test]
    fn transfer_with_access_list_takes_more_than_21000() {
        let mut tx = TxEnv { tx_type: 1, ..tx() };
        tx.access_list.0.push(Default::default());
        assert_eq!(exact(&mut fixture::sandbox([]), tx), 21_000 + 2_400);
    }

    #[test]
    fn refund_is_not_counted_since_it_comes_after_the_work() {
        // Clear slot 0, which holds 1: refunds 4,800.
        let mut state = fixture::state([(TARGET, code("5f5f5500"))]);
        state.insert_account_storage(TARGET, U256::ZERO, U256::from(1)).unwrap();
        let mut sandbox = Sandbox::relaxed(state, fixture::block());
        let gas = exact(&mut sandbox, tx());
        let used = {
            let done = sandbox.run(TxEnv { gas_limit: CAP, ..tx() }).unwrap();
            done.result.tx_gas_used()
        };
        assert_eq!(gas, used + 4_800);
    }

    #[test]
    fn nested_calls_get_the_64th_part_that_stays_with_the_caller() {
        // OTHER needs much gas; TARGET calls it and reverts if that fails.
        let spender = format!("{}00", "60015f555f5f55".repeat(20));
        let contracts = [(TARGET, calling(OTHER, "00")), (OTHER, code(&spender))];
        let mut sandbox = fixture::sandbox(contracts);
        let gas = exact(&mut sandbox, tx());
        let spent = sandbox.run(TxEnv { gas_limit: CAP, ..tx() }).unwrap();
        assert!(gas > spent.result.gas().total_gas_spent());
    }

    #[test]
    fn revert_gives_its_reason_and_not_a_number() {
        let mut sandbox = fixture::sandbox([(TARGET, code("5f5ffd"))]);
        let failure = estimate(&mut sandbox, tx(), CAP, later()).unwrap_err();
        let error = ErrorObjectOwned::from(failure);
        assert_eq!((error.code(), error.message()), (3, "execution reverted"));
    }

    #[test]
    fn endless_loop_exceeds_the_allowance() {
        let mut sandbox = fixture::sandbox([(TARGET, code("5b5f56"))]);
        let failure = estimate(&mut sandbox, tx(), 1_000_000, later()).unwrap_err();
        assert_eq!(message(failure), "gas required exceeds allowance (1000000)");
    }

    #[test]
    fn allowance_is_bounded_by_block_transaction_cap_and_money() {
        let mut sandbox = fixture::sandbox([]);
        assert_eq!(allowance(&mut sandbox, &tx(), CAP).unwrap(), fixture::block().gas_limit);
        let high = TxEnv { gas_limit: u64::MAX, ..tx() };
        assert_eq!(allowance(&mut sandbox, &high, CAP).unwrap(), CAP);
        fixture::fund(&mut sandbox, CALLER, U256::from(30_000 * 7 + 5));
        let priced = TxEnv { gas_price: 7, value: U256::from(5), ..tx() };
        assert_eq!(allowance(&mut sandbox, &priced, CAP).unwrap(), 30_000);
    }

    #[test]
    fn value_over_the_balance_is_refused_before_any_run() {
        let mut sandbox = fixture::sandbox([]);
        let tx = TxEnv { gas_price: 7, value: U256::from(5), ..tx() };
        let failure = estimate(&mut sandbox, tx, CAP, later()).unwrap_err();
        assert_eq!(message(failure), "insufficient funds for transfer");
    }

    #[test]
    fn unpayable_value_of_a_free_call_is_named() {
        let mut sandbox = fixture::sandbox([]);
        let tx = TxEnv { value: U256::from(5), ..tx() };
        let text = message(estimate(&mut sandbox, tx, CAP, later()).unwrap_err());
        assert!(text.starts_with("failed with 21000 gas: insufficient funds"), "{text}");
    }

    #[test]
    fn deadline_ends_the_search() {
        let mut sandbox = fixture::sandbox([(TARGET, code("00"))]);
        let failure = estimate(&mut sandbox, tx(), CAP, Instant::now()).unwrap_err();
        assert_eq!(message(failure), "gas estimation timed out");
    }
}
