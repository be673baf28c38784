//! What a deposit and a withdrawal cost, before anybody signs anything.

use super::{bad, chain::Chain, failed, not_now, Answer, L2_BLOCK_SECS};
use bzk_bitcoin::{
    bitcoin::{FeeRate, OutPoint, ScriptBuf, Txid},
    dust_sats,
    payout::{Batch, Coin, Limits, Payout, PayoutError, Withdrawal},
    payout_script,
};
use bzk_l2_client::contracts::BtcBridge;
use bzk_runtime_api::{BridgeApi, CoinView, QueueView};
use serde_json::{json, Value};

/// What a withdrawal is quoted for when no amount is given, in sats.
const TYPICAL_SATS: u64 = 1_000_000;

/// Inputs of one payout.
const MAX_INPUTS: usize = 50;

/// The fees of a deposit, and of a withdrawal of `sats` to `address`; without them those of a typical one.
pub(super) fn quote(chain: &Chain<'_>, address: Option<&str>, sats: Option<u64>) -> Answer {
    let (terms, caps) = (chain.terms()?, chain.bridge(&BtcBridge::capsCall {})?);
    let deposit = json!({
        "claimFeeSats": terms.claimFee,
        "relayFeeSats": terms.relayFee,
        "minSats": caps.minDeposit,
        "maxSats": caps.maxDeposit,
        "confirmations": [
            { "upToSats": terms.lowLimit, "blocks": terms.lowConfirmations },
            { "upToSats": terms.mediumLimit, "blocks": terms.mediumConfirmations },
            { "upToSats": caps.maxDeposit, "blocks": terms.highConfirmations },
        ],
    });
    Ok(json!({ "deposit": deposit, "withdrawal": withdrawal(chain, address, sats)? }))
}

fn withdrawal(chain: &Chain<'_>, address: Option<&str>, sats: Option<u64>) -> Answer {
    let script = match address {
        Some(text) => {
            let script = chain.address(text)?.script_pubkey();
            payout_script(script.as_bytes())
                .map_err(|error| bad(format!("{text}: {error}: give an address of such a type")))?
        }
        None => ScriptBuf::from([&[0x51, 32][..], &[1; 32]].concat()),
    };
    let sats = sats.unwrap_or(TYPICAL_SATS);
    let dust = dust_sats(&script);
    if sats < dust {
        return Err(bad(format!(
            "{sats} sats are dust: Bitcoin relays {dust} or more to this address"
        )));
    }
    let queue = chain.runtime().queue(chain.at).map_err(failed)?;
    let coins = chain.runtime().reserves(chain.at).map_err(failed)?.coins;
    let share = |count| share(&coins, &queue, (&script, sats), count, chain);
    let alone = share(1);
    let shared = share(queue.batch_size.into());
    let mut answer = json!({
        "satsPerVbyte": queue.sats_per_vbyte,
        "chargedSatsPerVbyte": queue.charged_sats_per_vbyte,
        "dustSats": dust,
        "sats": sats,
        "feeSatsShared": shared.as_ref().ok(),
        "inLine": queue.waiting,
        "waitSeconds": u64::from(queue.due_in.unwrap_or(queue.batch_blocks)) * L2_BLOCK_SECS,
        "replacedAfterBlocks": queue.bump_blocks,
    });
    match (alone, address) {
        (Ok(alone), _) => {
            // What is left must not be dust, and twice the fee outlasts a doubling of the rate.
            let allowed = alone.saturating_mul(2).min(sats - dust);
            answer["feeSatsAlone"] = alone.into();
            answer["suggestedMaxFeeSats"] = allowed.into();
            answer["next"] = match allowed < alone {
                true => format!("the withdrawal would wait for lower fees or for company: withdraw {} sats or more",
                    alone + dust).into(),
                false => Value::from("withdraw with suggestedMaxFeeSats: what is not needed of it is paid out"),
            };
        }
        (Err(error), Some(_)) => {
            return Err(not_now(format!(
                "no payout can be planned now: {error}: ask again when coins are free, or for less"
            )));
        }
        (Err(error), None) => {
            answer["next"] = format!("no payout can be planned now: {error}").into()
        }
    }
    Ok(answer)
}

/// What one of `count` equal withdrawals would pay if the payout were planned now, with the coins that are free: the
/// calculation of the runtime itself.
fn share(
    coins: &[CoinView],
    queue: &QueueView,
    (script, sats): (&ScriptBuf, u64),
    count: u64,
    chain: &Chain<'_>,
) -> Result<u64, PayoutError> {
    let free = coins.iter().filter(|coin| coin.batch.is_none());
    let oldest = free.clone().map(|coin| coin.epoch).min();
    let pool: Vec<Coin> = free.filter(|coin| Some(coin.epoch) == oldest).map(coin).collect();
    let rate = FeeRate::from_sat_per_vb_u32(queue.charged_sats_per_vbyte);
    let limits = Limits { inputs: MAX_INPUTS, ..Limits::default() };
    let plan = |sats: u64| {
        let withdrawals: Vec<Withdrawal> = (0..count)
            .map(|id| Withdrawal { id, script: script.clone(), sats, max_fee_sats: u64::MAX })
            .collect();
        let batch = Batch {
            bridge: chain.contract(),
            withdrawals: &withdrawals,
            anchor: Default::default(),
            change_key: [1; 32],
            sweep_before: 0,
        };
        let outputs = Payout::plan(&pool, &batch, rate, &limits)?.version(rate)?.output;
        let paid = outputs.first().map_or(0, |output| output.value.to_sat());
        Ok(sats.saturating_sub(paid))
    };
    match plan(sats) {
        // The fee would leave dust, but it is known.
        Err(PayoutError::Dust { .. }) => plan(TYPICAL_SATS),
        known => known,
    }
}

fn coin(view: &CoinView) -> Coin {
    use bzk_bitcoin::bitcoin::hashes::Hash;
    Coin {
        outpoint: OutPoint::new(Txid::from_byte_array(view.txid), view.vout),
        sats: view.sats,
        // Fees do not depend on keys.
        output_key: [1; 32],
        root: None,
        spend_by: view.spend_by,
    }
}
