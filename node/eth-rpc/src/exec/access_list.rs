//! `eth_createAccessList`.

use super::{
    call::waive_base_fee,
    failure::{halt_text, Failure},
    request::{ACCESS_LIST, LEGACY},
    sandbox::Sandbox,
};
use crate::error::revert_reason;
use alloy_eips::eip2930::{AccessList, AccessListResult};
use alloy_primitives::U256;
use revm::{
    context::{result::ExecutionResult, TxEnv},
    DatabaseRef,
};
use revm_inspectors::access_list::AccessListInspector;
use std::time::Instant;

/// The list only grows from run to run, and only contracts that look at their gas make it grow
/// after the second.
const MAX_ROUNDS: usize = 32;

/// Finds what `tx` accesses, and the gas that it uses when it declares that.
pub(crate) fn create<DB: DatabaseRef>(
    sandbox: &mut Sandbox<DB>,
    mut tx: TxEnv,
    deadline: Instant,
) -> Result<AccessListResult, Failure> {
    waive_base_fee(sandbox, &tx);
    // Only a typed transaction can carry the list.
    if tx.tx_type == LEGACY {
        tx.tx_type = ACCESS_LIST;
    }
    for _ in 0..MAX_ROUNDS {
        if Instant::now() >= deadline {
            return Err(Failure::limit("access list creation timed out"));
        }
        let mut inspector = AccessListInspector::new(tx.access_list.clone());
        let done = sandbox.inspect(tx.clone(), &mut inspector).map_err(|failure| {
            failure.wrap_refusal(|text| format!("failed to apply transaction: err: {text}"))
        })?;
        let found = inspector.into_access_list();
        if same(&found, &tx.access_list) {
            return Ok(AccessListResult {
                access_list: found,
                gas_used: U256::from(done.result.tx_gas_used()),
                error: failure_text(&done.result),
            });
        }
        tx.access_list = found;
    }
    Err(Failure::server(
        "access list does not settle: what the transaction accesses depends on its gas",
    ))
}

/// Whether two lists declare the same, whatever the order.
fn same(left: &AccessList, right: &AccessList) -> bool {
    let sorted = |list: &AccessList| {
        let mut list = list.clone();
        list.sort();
        list
    };
    sorted(left) == sorted(right)
}

fn failure_text(result: &ExecutionResult) -> Option<String> {
    match result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { output, .. } => Some(match revert_reason(output) {
            Some(reason) => format!("execution reverted: {reason}"),
            None => "execution reverted".into(),
        }),
        ExecutionResult::Halt { reason, .. } => Some(halt_text(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, calling, code, State, CALLER, OTHER, TARGET};
    use super::*;
    use alloy_eips::eip2930::AccessListItem;
    use alloy_primitives::B256;
    use revm::primitives::TxKind;
    use std::time::Duration;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn tx() -> TxEnv {
        TxEnv {
            caller: CALLER,
            kind: TxKind::Call(TARGET),
            gas_limit: 1_000_000,
            chain_id: Some(fixture::CHAIN_ID),
            ..Default::default()
        }
    }

    fn settled(sandbox: &mut Sandbox<State>) -> AccessListResult {
        let result = create(sandbox, tx(), later()).unwrap();
        let again = TxEnv { access_list: result.access_list.clone(), tx_type: 1, ..tx() };
        assert_eq!(create(sandbox, again, later()).unwrap(), result, "a fixpoint stays");
        result
    }

    #[test]
    fn plain_transfer_accesses_nothing() {
        let result = settled(&mut fixture::sandbox([]));
        assert!(result.access_list.0.is_empty());
        assert_eq!(result.gas_used, U256::from(21_000));
    }

    #[test]
    fn slots_and_callees_are_listed_and_gas_includes_the_list() {
        // TARGET reads its slot 0 and calls OTHER; OTHER reads its slot 1.
        let contracts = [(TARGET, calling(OTHER, "5f545000")), (OTHER, code("6001545000"))];
        let result = settled(&mut fixture::sandbox(contracts.clone()));
        let item = |address, slot: u8| AccessListItem {
            address,
            storage_keys: vec![B256::with_last_byte(slot)],
        };
        assert_eq!(result.access_list.0, [item(OTHER, 1), item(TARGET, 0)]);
        assert_eq!(result.error, None);
        let declared = TxEnv { access_list: result.access_list, tx_type: 1, ..tx() };
        let mut sandbox = fixture::sandbox(contracts);
        sandbox.block.base_fee = 0;
        let used = sandbox.run(declared).unwrap().result.tx_gas_used();
        assert_eq!(result.gas_used, U256::from(used));
    }

    #[test]
    fn what_only_a_declared_list_reaches_is_found() {
        // Reads slot 1 only if reading slot 0 takes less than 1,000 gas, that is, if it was warm.
        let contract = code("5a5f54505a90036103e811600f57005b6001545000");
        let result = settled(&mut fixture::sandbox([(TARGET, contract)]));
        let slots = vec![B256::ZERO, B256::with_last_byte(1)];
        assert_eq!(result.access_list.0, [AccessListItem { address: TARGET, storage_keys: slots }]);
    }

    #[test]
    fn failure_is_reported_beside_the_list() {
        // Read slot 0, then revert.
        let result = settled(&mut fixture::sandbox([(TARGET, code("5f54505f5ffd"))]));
        assert_eq!(result.error.as_deref(), Some("execution reverted"));
        assert_eq!(result.access_list.0.len(), 1);
    }
}
