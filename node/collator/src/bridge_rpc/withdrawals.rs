//! BTC out: where a withdrawal is, what happens next, and when.

use super::{chain::Chain, failed, reserves::shown, Answer, BITCOIN_BLOCK_SECS, L2_BLOCK_SECS};
use bzk_l2_client::{alloy_primitives::B256, contracts::BtcBridge};
use bzk_runtime_api::{BridgeApi, HaltView, WithdrawalStatus};
use serde_json::{json, Value};

/// What signatures take, in seconds.
const SIGNING_SECS: u64 = 15;

/// What the contract keeps of a withdrawal that it has given back.
const UNLOCKED: B256 = B256::with_last_byte(1);

/// Where withdrawal `id` is; null when it was never requested.
pub(super) fn status(chain: &Chain<'_>, id: u64) -> Answer {
    let Some(status) = chain.runtime().withdrawal(chain.at, id).map_err(failed)? else {
        return unknown(chain, id);
    };
    if let Some(halt) = chain.runtime().reserves(chain.at).map_err(failed)?.halted {
        // These wait for no signature.
        if !matches!(status, WithdrawalStatus::Settled { .. } | WithdrawalStatus::Reopened { .. }) {
            let mut answer = described(chain, status)?;
            answer["etaSeconds"] = Value::Null;
            answer["next"] = halted(halt).into();
            return Ok(answer);
        }
    }
    described(chain, status)
}

/// Why nothing is signed, and what makes it go on.
fn halted(halt: HaltView) -> &'static str {
    match halt {
        HaltView::Deficit => "the bridge waits: claimed deposits have left Bitcoin's chain; it goes on when they are \
                              proven again or covered",
        HaltView::Insolvent => "the bridge waits: its coins do not cover what circulates; governance has to resume it",
        HaltView::UnknownKey => "the bridge waits: the contract follows a key that is not the committee's; governance \
                                 has to resume it",
        HaltView::Ordered => "the bridge waits: governance has stopped it and has to resume it",
        HaltView::Unlocked => "the bridge waits: a withdrawal was given back although its payout may be signed; \
                               governance has to resume it",
    }
}

fn described(chain: &Chain<'_>, status: WithdrawalStatus) -> Answer {
    // Of what is signed, one block on the average, and the contract wants a few more on it.
    let terms = chain.terms()?;
    let confirmed = u64::from(terms.mediumConfirmations) * BITCOIN_BLOCK_SECS;
    Ok(match status {
        WithdrawalStatus::Waiting => {
            let queue = chain.runtime().queue(chain.at).map_err(failed)?;
            let blocks = queue.due_in.unwrap_or(queue.batch_blocks);
            let next = match queue.open >= queue.most_open {
                true => "other payouts are settled first: there are as many open as there may be",
                false => "the next payout, unless its fee is above what the withdrawal allows",
            };
            let eta = u64::from(blocks) * L2_BLOCK_SECS + SIGNING_SECS + confirmed;
            json!({ "status": "waiting", "inLine": queue.waiting, "next": next, "etaSeconds": eta })
        }
        WithdrawalStatus::Signing { batch } => json!({
            "status": "signing", "batch": batch, "next": "the committee signs the payout",
            "etaSeconds": SIGNING_SECS + confirmed,
        }),
        WithdrawalStatus::Signed { batch, txid } => json!({
            "status": "signed", "batch": batch, "txid": shown(txid),
            "next": "a relayer broadcasts the payout, Bitcoin confirms it, and a relayer proves it",
            "etaSeconds": confirmed,
        }),
        WithdrawalStatus::Settled { txid, height } => json!({
            "status": "settled", "txid": shown(txid), "height": height, "next": "nothing: it is paid",
            "etaSeconds": 0,
        }),
        WithdrawalStatus::Reopened { height } => {
            let next = format!(
                "its payout's block has left Bitcoin's chain: a relayer proves the payout when it is mined again; from \
                 Bitcoin block {} on anybody can have the BTC given back (`expire` of the contract)",
                u64::from(height) + u64::from(terms.payoutDelay)
            );
            json!({ "status": "reopened", "next": next, "etaSeconds": null })
        }
    })
}

/// A withdrawal that the committee's pallet does not hold: it follows final blocks and forgets what is long settled.
fn unknown(chain: &Chain<'_>, id: u64) -> Answer {
    let call = BtcBridge::withdrawalsCall { id };
    let commitment = chain.bridge(&call)?;
    if commitment.is_zero() {
        return Ok(Value::Null);
    }
    if commitment == UNLOCKED {
        return Ok(json!({ "status": "given back", "etaSeconds": 0,
            "next": "nothing: the BTC went back to its owner on the L2" }));
    }
    Ok(match chain.finalised().bridge(&call)?.is_zero() {
        true => json!({ "status": "requested", "etaSeconds": 3 * L2_BLOCK_SECS,
            "next": "the request becomes final and enters the line" }),
        false => {
            json!({ "status": "settled", "etaSeconds": 0, "next": "nothing: it was paid long ago" })
        }
    })
}
