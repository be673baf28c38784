//! `bridge_*`: what relayers, users and auditors ask of the bridge. Amounts are sats; transaction ids are written as
//! Bitcoin's explorers write them.

use crate::service::FullClient;
use bzk_runtime_api::{BridgeApi, CoinView, HaltView, ReservesView, WithdrawalStatus};
use jsonrpsee::{
    types::{error::INTERNAL_ERROR_CODE, ErrorObjectOwned},
    RpcModule,
};
use serde_json::{json, Value};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

type Answer = Result<Value, ErrorObjectOwned>;

/// The methods over the state of `client`.
///
/// * `bridge_payouts`: the payouts to broadcast, of the last final block.
/// * `bridge_handover`: the message that names the next group key, of the last final block, or null.
/// * `bridge_withdrawal(id)`: where a withdrawal is, of the best block, or null.
/// * `bridge_reserves`: coins and debts of the committee, of the best block.
pub(crate) fn module(
    client: Arc<FullClient>,
) -> Result<RpcModule<Arc<FullClient>>, jsonrpsee::core::RegisterMethodError> {
    let mut module = RpcModule::new(client);
    module.register_blocking_method("bridge_payouts", |_, client, _| -> Answer {
        let payouts = client.runtime_api().payouts(client.info().finalized_hash).map_err(failed)?;
        let payouts = payouts.into_iter().map(|payout| {
            let transaction = sp_core::bytes::to_hex(&payout.transaction, false);
            json!({ "batch": payout.batch, "version": payout.version, "transaction": transaction })
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
    module.register_blocking_method("bridge_withdrawal", |params, client, _| -> Answer {
        let id: u64 = params.one()?;
        let status = client.runtime_api().withdrawal(client.info().best_hash, id);
        Ok(status.map_err(failed)?.map(status_json).unwrap_or_default())
    })?;
    module.register_blocking_method("bridge_reserves", |_, client, _| -> Answer {
        let reserves = client.runtime_api().reserves(client.info().best_hash);
        reserves.map_err(failed).map(reserves_json)
    })?;
    Ok(module)
}

fn failed(error: sp_api::ApiError) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(INTERNAL_ERROR_CODE, error.to_string(), None::<()>)
}

/// A transaction id in the order of explorers.
fn shown(mut txid: [u8; 32]) -> String {
    txid.reverse();
    txid.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn status_json(status: WithdrawalStatus) -> Value {
    match status {
        WithdrawalStatus::Waiting => json!({ "status": "waiting" }),
        WithdrawalStatus::Signing { batch } => json!({ "status": "signing", "batch": batch }),
        WithdrawalStatus::Signed { batch, txid } => {
            json!({ "status": "signed", "batch": batch, "txid": shown(txid) })
        }
        WithdrawalStatus::Settled { txid, height } => {
            json!({ "status": "settled", "txid": shown(txid), "height": height })
        }
    }
}

fn reserves_json(reserves: ReservesView) -> Value {
    let coins =
        reserves.coins.into_iter().map(|CoinView { txid, vout, sats, epoch, spend_by, batch }| {
            json!({
                "outpoint": format!("{}:{vout}", shown(txid)),
                "sats": sats, "epoch": epoch, "spendBy": spend_by, "batch": batch,
            })
        });
    json!({
        "coins": coins.collect::<Value>(),
        "backing": reserves.backing,
        "claimed": reserves.claimed,
        "settled": reserves.settled,
        "locked": reserves.locked,
        "deficit": reserves.deficit,
        "sweepFees": reserves.sweep_fees,
        "height": reserves.height,
        "halted": reserves.halted.map(|halt| match halt {
            HaltView::Deficit => "deficit",
            HaltView::Insolvent => "insolvent",
            HaltView::UnknownKey => "unknown key",
            HaltView::Ordered => "ordered",
        }),
    })
}
