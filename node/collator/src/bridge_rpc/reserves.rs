//! Proof of reserves: every coin with its outpoint and script, for anybody with a Bitcoin node to check.

use super::{chain::Chain, failed, Answer};
use bzk_bitcoin::bitcoin::{Address, ScriptBuf};
use bzk_runtime_api::{BridgeApi, CoinView, HaltView, ReservesView};
use serde_json::{json, Value};

/// A transaction id in the order of explorers.
pub(super) fn shown(mut txid: [u8; 32]) -> String {
    txid.reverse();
    txid.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Coins and debts of the committee.
pub(super) fn proof(chain: &Chain<'_>) -> Answer {
    let reserves = chain.runtime().reserves(chain.at).map_err(failed)?;
    let owed = reserves.owed();
    let (_, network) = chain.bitcoin()?;
    let ReservesView { coins, backing, claimed, settled, locked, deficit, .. } = reserves;
    let coins = coins.into_iter().map(|coin| {
        let CoinView { txid, vout, sats, script, epoch, spend_by, batch } = coin;
        let script = ScriptBuf::from(script);
        let address = Address::from_script(&script, network).ok().map(|address| address.to_string());
        json!({
            "outpoint": format!("{}:{vout}", shown(txid)),
            "sats": sats, "script": sp_core::bytes::to_hex(script.as_bytes(), false), "address": address,
            "epoch": epoch, "spendBy": spend_by, "batch": batch,
        })
    });
    Ok(json!({
        "coins": coins.collect::<Value>(),
        "backing": backing,
        "claimed": claimed,
        "settled": settled,
        "locked": locked,
        "deficit": deficit,
        "owed": owed,
        "sweepFees": reserves.sweep_fees,
        "paidAhead": reserves.paid_ahead,
        "height": reserves.height,
        "halted": reserves.halted.map(|halt| match halt {
            HaltView::Deficit => "deficit",
            HaltView::Insolvent => "insolvent",
            HaltView::UnknownKey => "unknown key",
            HaltView::Ordered => "ordered",
            HaltView::Unlocked => "unlocked",
        }),
        "check": "ask a Bitcoin node of your own for each outpoint (gettxout): amount and script must be these; \
                  coins with a batch may be spent by that payout (bridge_payouts). backing must cover owed",
    }))
}
