//! What test files call a refusal, and which of our rules that is.

use crate::ethereum_tests::{chain::Refusal, runtime::EVM};
use alloy_consensus::Transaction;
use alloy_primitives::U256;
use bzk_evm::{
    execute::BlockEnvironment,
    tx::{intrinsic_gas, max_cost, RecoveredTx, TxError},
};
use sp_core::H160;

/// How an expected refusal came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// By a rule that the file names.
    Named,
    /// Nobody can tell: the name stands for no rule of ours, or more than one rule is broken.
    NotCompared,
    /// One rule is broken, the file names it, and another one refused.
    Wrong,
}

/// The rules for which the files have names of one meaning.
const RULES: [TxError; 9] = [
    TxError::IntrinsicGas,
    TxError::FeeCapTooLow,
    TxError::BlockGasLimit,
    TxError::InsufficientFunds,
    TxError::TipAboveFeeCap,
    TxError::NonceMax,
    TxError::NonceTooLow,
    TxError::NonceTooHigh,
    TxError::SenderNotEoa,
];

/// What a name of ethereum/tests or of execution-spec-tests stands for.
fn meaning(name: &str) -> Option<&'static [TxError]> {
    let name = name.trim();
    let name = name.strip_prefix("TransactionException.").unwrap_or(name);
    let rules: &'static [TxError] = match name.strip_prefix("TR_").unwrap_or(name) {
        "IntrinsicGas" | "INTRINSIC_GAS_TOO_LOW" => &[TxError::IntrinsicGas],
        "FeeCapLessThanBlocks" | "INSUFFICIENT_MAX_FEE_PER_GAS" => &[TxError::FeeCapTooLow],
        "GasLimitReached" | "GAS_ALLOWANCE_EXCEEDED" => &[TxError::BlockGasLimit],
        "NoFunds" | "NoFundsX" | "INSUFFICIENT_ACCOUNT_FUNDS" => &[TxError::InsufficientFunds],
        "NoFundsOrGas" => &[TxError::InsufficientFunds, TxError::IntrinsicGas],
        "TipGtFeeCap" | "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS" => &[TxError::TipAboveFeeCap],
        "NonceHasMaxValue" | "NONCE_IS_MAX" => &[TxError::NonceMax],
        "NONCE_MISMATCH_TOO_LOW" => &[TxError::NonceTooLow],
        "NONCE_MISMATCH_TOO_HIGH" => &[TxError::NonceTooHigh],
        "SenderNotEOA" | "SENDER_NOT_EOA" => &[TxError::SenderNotEoa],
        _ => return None,
    };
    Some(rules)
}

/// Which of [`RULES`] a transaction breaks, on the state before it.
pub(super) fn faults(environment: &BlockEnvironment, tx: &RecoveredTx) -> Vec<TxError> {
    let sender = H160(tx.sender.into_array());
    let account = EVM::account(sender);
    let tx = &tx.envelope;
    let (gas, cap, nonce) = (tx.gas_limit(), tx.max_fee_per_gas(), tx.nonce());
    let balance = U256::from_limbs(account.balance.0);
    let is_broken = |rule: &TxError| match rule {
        TxError::IntrinsicGas => gas < intrinsic_gas(tx),
        TxError::FeeCapTooLow => cap < u128::from(environment.base_fee),
        TxError::BlockGasLimit => gas > environment.gas_limit,
        TxError::InsufficientFunds => max_cost(tx).is_none_or(|cost| cost > balance),
        TxError::TipAboveFeeCap => tx.max_priority_fee_per_gas().is_some_and(|tip| tip > cap),
        TxError::NonceMax => nonce == u64::MAX,
        TxError::NonceTooLow => nonce < account.nonce,
        TxError::NonceTooHigh => nonce > account.nonce,
        TxError::SenderNotEoa => !EVM::code(sender).is_empty(),
        _ => false,
    };
    RULES.into_iter().filter(is_broken).collect()
}

/// Compares the rule that refused a transaction, which breaks `faults`, with what the file expects.
///
/// Clients check in different orders, so where several rules are broken any of them may be the one that refuses.
pub(super) fn compare(expected: &str, refusal: &Refusal, faults: &[TxError]) -> Reason {
    let named: Option<Vec<_>> = expected.split('|').map(meaning).collect();
    let Some(named) = named else { return Reason::NotCompared };
    let ours = match refusal {
        // More than there is.
        Refusal::Rule(TxError::CostOverflow | TxError::PriceOverflow) => TxError::InsufficientFunds,
        Refusal::Rule(rule) => *rule,
        Refusal::Waits if *faults == [TxError::FeeCapTooLow] => TxError::FeeCapTooLow,
        Refusal::Waits | Refusal::Other(_) => return Reason::NotCompared,
    };
    let is_named = |rule: &TxError| named.iter().any(|rules| rules.contains(rule));
    match faults {
        _ if is_named(&ours) => Reason::Named,
        [fault] if is_named(fault) && RULES.contains(&ours) => Reason::Wrong,
        _ => Reason::NotCompared,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_rule(expected: &str, rule: TxError, faults: &[TxError]) -> Reason {
        compare(expected, &Refusal::Rule(rule), faults)
    }

    #[test]
    fn refusal_is_the_one_that_the_file_names() {
        let funds = [TxError::InsufficientFunds];
        for name in ["TR_NoFunds", "TransactionException.INSUFFICIENT_ACCOUNT_FUNDS"] {
            for rule in [TxError::InsufficientFunds, TxError::CostOverflow, TxError::PriceOverflow]
            {
                assert_eq!(by_rule(name, rule, &funds), Reason::Named, "{name}, {rule:?}");
            }
            assert_eq!(by_rule(name, TxError::NonceTooLow, &funds), Reason::Wrong, "{name}");
        }
        let either = "TransactionException.NONCE_IS_MAX|TransactionException.INTRINSIC_GAS_TOO_LOW";
        let gas = [TxError::IntrinsicGas];
        assert_eq!(by_rule(either, TxError::IntrinsicGas, &gas), Reason::Named);
        assert_eq!(by_rule(either, TxError::FeeCapTooLow, &gas), Reason::Wrong);
    }

    #[test]
    fn what_nobody_can_tell_is_not_compared() {
        let (name, rule) = ("TR_NoFunds", TxError::NonceTooLow);
        let both = [TxError::NonceTooLow, TxError::InsufficientFunds];
        assert_eq!(by_rule(name, rule, &both), Reason::NotCompared);
        assert_eq!(by_rule(name, rule, &[TxError::NonceTooLow]), Reason::NotCompared);
        let funds = [TxError::InsufficientFunds];
        assert_eq!(by_rule("TR_RLP_WRONGVALUE", rule, &funds), Reason::NotCompared);
        assert_eq!(by_rule("TR_NoFunds|TR_RLP_WRONGVALUE", rule, &funds), Reason::NotCompared);
        // A rule of the profile alone.
        assert_eq!(by_rule(name, TxError::PrecompileRecipient, &funds), Reason::NotCompared);
        let other = Refusal::Other("no space".into());
        assert_eq!(compare(name, &other, &funds), Reason::NotCompared);
    }

    #[test]
    fn fee_cap_below_the_base_fee_waits_for_another_block() {
        let (name, fee_cap) = ("TR_FeeCapLessThanBlocks", [TxError::FeeCapTooLow]);
        assert_eq!(compare(name, &Refusal::Waits, &fee_cap), Reason::Named);
        assert_eq!(compare("TR_NoFunds", &Refusal::Waits, &fee_cap), Reason::NotCompared);
        assert_eq!(compare(name, &Refusal::Waits, &[]), Reason::NotCompared);
        assert_eq!(compare(name, &Refusal::Other("Call".into()), &fee_cap), Reason::NotCompared);
    }
}
