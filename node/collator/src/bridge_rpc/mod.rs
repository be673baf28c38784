//! `bridge_*`: what users, relayers and auditors ask of the bridge. Amounts are sats; transaction ids are written as
//! Bitcoin's explorers write them. `README.md` of the collator lists the methods.

mod chain;
mod deposits;
mod fees;
mod reserves;
mod withdrawals;

use crate::service::FullClient;
use bzk_runtime_api::BridgeApi;
use chain::Chain;
use jsonrpsee::{
    types::{
        error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE},
        ErrorObjectOwned,
    },
    RpcModule,
};
use serde_json::{json, Value};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

type Answer = Result<Value, ErrorObjectOwned>;

/// The bridge is in a state in which it cannot do what was asked for; geth's code for such.
const NOT_NOW_CODE: i32 = -32_000;

/// Mean seconds between two Bitcoin blocks.
const BITCOIN_BLOCK_SECS: u64 = 600;

/// Seconds between two blocks of this chain.
const L2_BLOCK_SECS: u64 = bitcoinzk_runtime::units::SLOT_DURATION_MS / 1_000;

/// The methods over the state of `client`.
pub(crate) fn module(
    client: Arc<FullClient>,
) -> Result<RpcModule<Arc<FullClient>>, jsonrpsee::core::RegisterMethodError> {
    let mut module = RpcModule::new(client);
    // Of the best block: a payout is signed only if it was asked for in a final one, and holds on every branch.
    module.register_blocking_method("bridge_payouts", |_, client, _| -> Answer {
        let payouts = client.runtime_api().payouts(client.info().best_hash).map_err(failed)?;
        let payouts = payouts.into_iter().map(|payout| {
            let transaction = sp_core::bytes::to_hex(&payout.transaction, false);
            json!({
                "batch": payout.batch,
                "version": payout.version,
                "withdrawals": payout.withdrawals,
                "transaction": transaction,
            })
        });
        Ok(payouts.collect())
    })?;
    module.register_blocking_method("bridge_handover", |_, client, _| -> Answer {
        let handover = client.runtime_api().handover(client.info().finalized_hash);
        let handover = handover.map_err(failed)?.map(|handover| {
            json!({
                "nextKey": sp_core::bytes::to_hex(&handover.next_key, false),
                "closesAt": handover.closes_at,
                "signature": sp_core::bytes::to_hex(&handover.signature, false),
            })
        });
        Ok(handover.unwrap_or_default())
    })?;
    module.register_blocking_method("bridge_depositAddress", |params, client, _| -> Answer {
        let mut params = params.sequence();
        let (recipient, refund_key) = (params.next()?, params.next()?);
        deposits::address(&Chain::best(&client), recipient, refund_key, params.optional_next()?)
    })?;
    module.register_blocking_method("bridge_depositStatus", |params, client, _| -> Answer {
        let mut params = params.sequence();
        let outpoint: String = params.next()?;
        deposits::status(&Chain::best(&client), &outpoint, params.optional_next()?)
    })?;
    module.register_blocking_method("bridge_withdrawal", |params, client, _| -> Answer {
        withdrawals::status(&Chain::best(&client), params.one()?)
    })?;
    module.register_blocking_method("bridge_fees", |params, client, _| -> Answer {
        let mut params = params.sequence();
        let address: Option<String> = params.optional_next()?;
        fees::quote(&Chain::best(&client), address.as_deref(), params.optional_next()?)
    })?;
    module.register_blocking_method("bridge_reserves", |_, client, _| -> Answer {
        reserves::proof(&Chain::best(&client))
    })?;
    Ok(module)
}

/// The node's own failure.
fn failed(error: impl ToString) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INTERNAL_ERROR_CODE, error.to_string(), None::<()>)
}

/// A parameter that cannot be: what is wrong with it, and what is expected.
fn bad(text: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INVALID_PARAMS_CODE, text, None::<()>)
}

/// What the bridge cannot do now: why, and what to wait for.
fn not_now(text: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(NOT_NOW_CODE, text, None::<()>)
}
