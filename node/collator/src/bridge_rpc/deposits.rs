//! BTC in: where to pay, and where a deposit is.

use super::{bad, chain::Chain, not_now, Answer, BITCOIN_BLOCK_SECS};
use bzk_bitcoin::{
    bitcoin::{hashes::Hash, Address as BitcoinAddress, BlockHash, OutPoint},
    curve::Portable,
    Deposit,
};
use bzk_l2_client::{
    alloy_primitives::{keccak256, Address, B256},
    contracts::{BitcoinRelay, BtcBridge},
};
use serde::Deserialize;
use serde_json::{json, Value};

/// The address of a deposit for `recipient` that `refund_key` can take back, with what a relayer needs to claim it.
/// `salt` tells deposits of one recipient apart; a random one when it is left out.
pub(super) fn address(
    chain: &Chain<'_>,
    recipient: Address,
    refund_key: B256,
    salt: Option<B256>,
) -> Answer {
    let state = chain.bridge(&BtcBridge::stateCall {})?;
    if state.epoch == 0 {
        return Err(not_now("the committee has no key yet: ask again when it has made one"));
    }
    if state.paused {
        return Err(not_now(
            "the bridge is paused, a deposit could not be claimed: pay when it goes on",
        ));
    }
    let epoch = chain.bridge(&BtcBridge::epochsCall { epoch: state.epoch })?;
    let (terms, caps) = (chain.terms()?, chain.bridge(&BtcBridge::capsCall {})?);
    let (height, network) = chain.bitcoin()?;
    if bzk_bitcoin::output_key::<Portable>(&refund_key.0, None).is_none() {
        return Err(bad(format!(
            "{refund_key} is no refund key: give the x coordinate of a secp256k1 key (BIP-340), 32 bytes"
        )));
    }
    let salt = salt.unwrap_or_else(|| B256::from(sp_core::H256::random().0));
    let script = Deposit::new(recipient, salt, refund_key.0, terms.refundDelay)
        .and_then(|deposit| deposit.script::<Portable>(&chain.contract(), &epoch.key.0))
        .map_err(super::failed)?;
    let address = BitcoinAddress::from_script(&script, network).map_err(super::failed)?;
    let (least, most) = (terms.lowConfirmations, terms.highConfirmations);
    Ok(json!({
        "address": address.to_string(),
        // As the relayer's file of deposits has it, a line each.
        "deposit": {
            "recipient": recipient, "salt": salt, "refund_key": refund_key,
            "refund_delay": terms.refundDelay, "epoch": state.epoch, "group_key": epoch.key,
            "from_height": height,
        },
        "feeSats": terms.claimFee + terms.relayFee,
        "minSats": caps.minDeposit,
        "maxSats": caps.maxDeposit,
        "refundAfterBlocks": terms.refundDelay,
        "next": format!(
            "keep `deposit` and the refund key; pay {} to {} sats to the address; after {least} to {most} \
             confirmations, by amount, anybody can claim it for you", caps.minDeposit, caps.maxDeposit),
        "etaSeconds": u64::from(least) * BITCOIN_BLOCK_SECS,
    }))
}

/// Where Bitcoin has a deposit: the node itself knows no more of Bitcoin than headers.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Place {
    height: u32,
    block_hash: String,
    sats: u64,
}

/// Where the deposit of an output is, `TXID:VOUT`.
pub(super) fn status(chain: &Chain<'_>, outpoint: &str, place: Option<Place>) -> Answer {
    let outpoint: OutPoint = outpoint.parse().map_err(|error| {
        bad(format!("{outpoint:?} is no outpoint ({error}): give it as TXID:VOUT"))
    })?;
    let bytes = [&outpoint.txid.to_byte_array()[..], &outpoint.vout.to_be_bytes()].concat();
    let claimed = chain.bridge(&BtcBridge::claimsCall { outpoint: keccak256(bytes) })?;
    if !claimed.is_zero() {
        let block = BlockHash::from_byte_array(claimed.0).to_string();
        return Ok(json!({ "status": "claimed", "blockHash": block, "etaSeconds": 0,
            "next": "nothing: the BTC is with its recipient" }));
    }
    let Some(Place { height, block_hash, sats }) = place else {
        return Ok(json!({ "status": "unclaimed", "etaSeconds": null,
            "next": "ask again with {height, blockHash, sats} of the output to know what is missing; \
                     `bzk-bridge status` finds them" }));
    };
    let (tip, _) = chain.bitcoin()?;
    let ours = chain.relay(&BitcoinRelay::hashAtCall { height })?;
    if height > tip {
        return Ok(waiting(
            "unknown block",
            0,
            0,
            "a relayer brings Bitcoin's headers up to this block",
            u64::from(height - tip) * 60,
        ));
    }
    if BlockHash::from_byte_array(ours.0).to_string() != block_hash {
        return Ok(json!({ "status": "not in the chain", "etaSeconds": null,
            "next": format!("block {height} of the relay is another one: look where Bitcoin has the output now") }));
    }
    let found = tip - height + 1;
    let call = BtcBridge::confirmationsNeededCall { blockHash: ours, amount: sats };
    let needed = chain.bridge(&call)?;
    let missing = needed.saturating_sub(found);
    Ok(match missing {
        0 => waiting(
            "claimable",
            found,
            needed,
            "a relayer claims it, or `bzk-bridge claim` does",
            60,
        ),
        missing => waiting(
            "confirming",
            found,
            needed,
            "more Bitcoin blocks",
            u64::from(missing) * BITCOIN_BLOCK_SECS,
        ),
    })
}

fn waiting(status: &str, confirmations: u32, needed: u32, next: &str, eta: u64) -> Value {
    json!({ "status": status, "confirmations": confirmations, "needed": needed, "next": next, "etaSeconds": eta })
}
