//! Call requests, made concrete.

use super::failure::Failure;
use alloy_rpc_types_eth::TransactionRequest;
use revm::{context::TxEnv, primitives::TxKind};

/// Type byte of a legacy transaction.
pub(crate) const LEGACY: u8 = 0;
/// Type byte of a transaction with an access list (EIP-2930).
pub(crate) const ACCESS_LIST: u8 = 1;
/// Type byte of a transaction with a fee cap and a tip (EIP-1559).
pub(crate) const DYNAMIC_FEE: u8 = 2;

/// Fills what `request` leaves out as geth does for calls: no fee, no value, nonce 0, all the gas
/// that `gas_cap` allows.
pub(crate) fn message(
    request: TransactionRequest,
    chain_id: u64,
    gas_cap: u64,
) -> Result<TxEnv, Failure> {
    check_profile(&request)?;
    check_fields(&request, chain_id)?;
    let gas_limit = request.gas.unwrap_or(gas_cap).min(gas_cap);
    let access_list = request.access_list.unwrap_or_default();
    let (tx_type, gas_price, gas_priority_fee) = match request.gas_price {
        Some(price) if access_list.0.is_empty() => (LEGACY, price, None),
        Some(price) => (ACCESS_LIST, price, None),
        None => (
            DYNAMIC_FEE,
            request.max_fee_per_gas.unwrap_or_default(),
            Some(request.max_priority_fee_per_gas.unwrap_or_default()),
        ),
    };
    Ok(TxEnv {
        tx_type,
        caller: request.from.unwrap_or_default(),
        gas_limit,
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: request.input.into_input().unwrap_or_default(),
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list,
        gas_priority_fee,
        ..Default::default()
    })
}

/// Refuses what this chain does not have: blobs and code delegations.
fn check_profile(request: &TransactionRequest) -> Result<(), Failure> {
    let blobs = request.blob_versioned_hashes.is_some()
        || request.max_fee_per_blob_gas.is_some()
        || request.sidecar.is_some()
        || request.transaction_type == Some(3);
    if blobs {
        return Err(Failure::server("transaction type not supported: blobs (EIP-4844)"));
    }
    if request.authorization_list.is_some() || request.transaction_type == Some(4) {
        return Err(Failure::server("transaction type not supported: set code (EIP-7702)"));
    }
    Ok(())
}

fn check_fields(request: &TransactionRequest, chain_id: u64) -> Result<(), Failure> {
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        return Err(Failure::server(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    match request.chain_id {
        Some(have) if have != chain_id => Err(Failure::server(format_args!(
            "chainId does not match node's (have={have}, want={chain_id})"
        ))),
        _ => Ok(()),
    }
}

/// Whether nobody pays for gas, so that the base fee has to be zero too.
pub(crate) fn is_free(tx: &TxEnv) -> bool {
    tx.gas_price == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::types::ErrorObjectOwned;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_any_request_is_a_message_or_an_error(
            numbers in prop::collection::btree_map(
                "type|gas|gasPrice|max(Priority)?FeePerGas|value|nonce|chainId|maxFeePerBlobGas",
                "0x[0-9a-f]{0,66}",
                0..5,
            ),
            bytes in prop::collection::btree_map("from|to|data|input", "0x([0-9a-f]{2}){0,22}", 0..4),
        ) {
            let fields = numbers.into_iter().chain(bytes).map(|(name, text)| (name, text.into()));
            let object = serde_json::Value::Object(fields.collect());
            if let Ok(request) = serde_json::from_value(object) {
                if let Ok(tx) = message(request, 7, 1_000) {
                    prop_assert!(tx.gas_limit <= 1_000 && tx.chain_id == Some(7));
                }
            }
        }
    }

    fn refused(request: serde_json::Value) -> String {
        let request = serde_json::from_value(request).unwrap();
        ErrorObjectOwned::from(message(request, 1, 100).unwrap_err()).message().to_string()
    }

    #[test]
    fn empty_request_is_a_free_creation_with_all_gas() {
        let tx = message(TransactionRequest::default(), 7, 100).unwrap();
        assert!(is_free(&tx));
        assert_eq!((tx.gas_limit, tx.kind, tx.chain_id), (100, TxKind::Create, Some(7)));
    }

    #[test]
    fn gas_is_capped() {
        let request = TransactionRequest::default().gas_limit(101);
        assert_eq!(message(request, 1, 100).unwrap().gas_limit, 100);
    }

    #[test]
    fn type_follows_the_fee_fields() {
        let of = |json| message(serde_json::from_value(json).unwrap(), 1, 1).unwrap().tx_type;
        assert_eq!(of(serde_json::json!({})), DYNAMIC_FEE);
        assert_eq!(of(serde_json::json!({ "gasPrice": "0x1" })), LEGACY);
        let list = serde_json::json!([{
            "address": "0x0000000000000000000000000000000000000001", "storageKeys": []
        }]);
        assert_eq!(of(serde_json::json!({ "gasPrice": "0x1", "accessList": list })), ACCESS_LIST);
    }

    // geth refuses two that differ only where it fills or signs a transaction, not in calls.
    #[test]
    fn input_wins_over_data() {
        let json = serde_json::json!({ "input": "0x01", "data": "0x02" });
        let tx = message(serde_json::from_value(json).unwrap(), 1, 1).unwrap();
        assert_eq!(tx.data.as_ref(), [1]);
    }

    #[test]
    fn contradicting_fields_are_refused() {
        assert_eq!(
            refused(serde_json::json!({ "gasPrice": "0x1", "maxFeePerGas": "0x1" })),
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified"
        );
        assert_eq!(
            refused(serde_json::json!({ "chainId": "0x5" })),
            "chainId does not match node's (have=5, want=1)"
        );
    }

    #[test]
    fn blobs_and_delegations_are_refused() {
        assert!(refused(serde_json::json!({ "type": "0x3" })).contains("EIP-4844"));
        assert!(refused(serde_json::json!({ "authorizationList": [] })).contains("EIP-7702"));
    }
}
