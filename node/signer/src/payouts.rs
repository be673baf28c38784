//! What a member signs, by its own two nodes: the final state of the L2 says what for, its bitcoind says
//! whether Bitcoin agrees.
//!
//! A payout's digests commit to the amounts and scripts of all coins that it spends (BIP-341). They are made
//! anew from the unsigned transaction on the L2 and the coins as *our* bitcoind has them. So a bridge that was
//! told of coins that do not exist, or a relayer's chain that is not Bitcoin's, gets no signature from
//! whoever runs a bitcoind of his own; and a bitcoind that lags is waited for.

use crate::{executor::Policy, node::Node};
use anyhow::Context;
use bzk_bitcoin::{
    bitcoin::{
        consensus::deserialize,
        hashes::Hash,
        sighash::{Prevouts, SighashCache, TapSighashType},
        OutPoint, Transaction, TxOut,
    },
    payout::MAX_RATE,
};
use bzk_bitcoin_client::{BitcoinClient, Coin, Tip};
use bzk_threshold::signing::request::{adoption, Request};
use codec::{Decode, Encode};
use sp_crypto_hashing::{twox_128, twox_64};
use std::collections::BTreeMap;

/// Name of pallet-btc-bridge in the runtime.
const PALLET: &[u8] = b"BtcBridge";

/// Why a member does not sign yet, or ever.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// bitcoind has not caught up.
    #[error("our bitcoind is at height {ours} and the chain knows of {chain}: waiting for it")]
    Lagging {
        /// Height of our bitcoind.
        ours: u32,
        /// Height that the relay contract has.
        chain: u32,
    },
    /// A coin is missing.
    #[error("our bitcoind knows no output {0}: it lags, or the coin does not exist")]
    Unknown(OutPoint),
    /// A coin is gone.
    #[error("{0} is spent by a confirmed transaction")]
    Spent(OutPoint),
    /// The digests are not those of the payout.
    #[error(
        "what is to be signed is not the payout on the chain with the coins that our bitcoind has"
    )]
    OtherTransaction,
    /// The fee is absurd.
    #[error("the payout's fee, {fee} sats, is above the highest rate")]
    Fee {
        /// The fee.
        fee: u64,
    },
    /// The session was open when the bridge halted.
    #[error("the bridge has halted: waiting until it goes on")]
    Halted,
    /// It is for nothing that members sign.
    #[error("it is for no payout, no hand-over and no test of a key")]
    Purpose,
    /// A node does not answer.
    #[error("{0:#}")]
    Node(#[from] anyhow::Error),
}

/// Checks that `request` asks for the signatures of `payout`, which spends `coins`, in their order.
///
/// # Errors
/// [`Doubt::OtherTransaction`], [`Doubt::Fee`].
pub fn check(request: &Request, payout: &Transaction, coins: &[TxOut]) -> Result<(), Doubt> {
    if payout.input.len() != coins.len() || request.inputs.len() != coins.len() {
        return Err(Doubt::OtherTransaction);
    }
    let mut cache = SighashCache::new(payout);
    for (index, input) in request.inputs.iter().enumerate() {
        let coins = Prevouts::All(coins);
        let digest = cache
            .taproot_key_spend_signature_hash(index, &coins, TapSighashType::Default)
            .map_err(|_| Doubt::OtherTransaction)?;
        if digest.to_byte_array() != input.sighash {
            return Err(Doubt::OtherTransaction);
        }
    }
    let sum = |outputs: &[TxOut]| {
        outputs.iter().fold(0u64, |sum, output| sum.saturating_add(output.value.to_sat()))
    };
    let fee = sum(coins).checked_sub(sum(&payout.output)).ok_or(Doubt::OtherTransaction)?;
    // Each signature adds 66 weight units.
    let weight = payout.weight().to_wu().saturating_add(66 * coins.len() as u64);
    if fee > MAX_RATE.to_sat_per_kwu().saturating_mul(weight) / 1_000 {
        return Err(Doubt::Fee { fee });
    }
    Ok(())
}

/// The policy of a member with an L2 node and a bitcoind of its own.
pub struct OwnNodes<'a, B> {
    node: &'a Node,
    bitcoin: &'a B,
    runtime: &'a tokio::runtime::Runtime,
    /// What was said of a session last, so that it is said once.
    said: BTreeMap<u64, String>,
}

impl<'a, B: BitcoinClient> OwnNodes<'a, B> {
    /// Asks `bitcoin` on `runtime`.
    pub fn new(node: &'a Node, bitcoin: &'a B, runtime: &'a tokio::runtime::Runtime) -> Self {
        Self { node, bitcoin, runtime, said: BTreeMap::new() }
    }

    /// The last block of our bitcoind.
    ///
    /// # Errors
    /// It does not answer.
    pub fn tip(&self) -> anyhow::Result<Tip> {
        self.runtime.block_on(self.bitcoin.tip()).context("bitcoind")
    }

    /// Sessions that are not signed for now.
    pub fn doubted(&self) -> usize {
        self.said.len()
    }

    /// Forgets sessions that are over.
    pub fn retain(&mut self, open: impl Fn(u64) -> bool) {
        self.said.retain(|session, _| open(*session));
    }

    fn judge(&self, request: &Request) -> Result<(), Doubt> {
        // Its messages are no digests of Bitcoin's.
        if adoption(request.group, request.session, request.required) == *request {
            return Ok(());
        }
        let session = request.session;
        let Some((batch, version)) = self.value::<(u64, u32)>(b"Requests", &[session.encode()])?
        else {
            return self.judge_hand_over(session);
        };
        // Of the reason, which begins with its number.
        if self.value::<u8>(b"Halted", &[])?.is_some() {
            return Err(Doubt::Halted);
        }
        let keys = [batch.encode(), version.encode()];
        // Of a version: id, fee rate and the transaction; what follows is of no interest.
        let stored = self.value::<([u8; 32], u64, Vec<u8>)>(b"Versions", &keys)?;
        let (_, _, unsigned) = stored.ok_or(Doubt::Purpose)?;
        let payout: Transaction =
            deserialize(&unsigned).context("the payout of another version").map_err(Doubt::Node)?;
        let chain = self.value::<u32>(b"BitcoinHeight", &[])?.unwrap_or_default();
        let ours = self.tip()?.height;
        if ours < chain {
            return Err(Doubt::Lagging { ours, chain });
        }
        let coins: Result<Vec<TxOut>, Doubt> =
            payout.input.iter().map(|input| self.coin(&input.previous_output)).collect();
        check(request, &payout, &coins?)
    }

    /// The message that names the next key: the chain builds it, and its digest cannot be one of Bitcoin's.
    fn judge_hand_over(&self, session: u64) -> Result<(), Doubt> {
        // Next key, last height, nonce, session.
        let pending = self.value::<([u8; 32], u32, u32, Option<u64>)>(b"PendingHandover", &[])?;
        match pending {
            Some((_, _, _, Some(asked))) if asked == session => Ok(()),
            _ => Err(Doubt::Purpose),
        }
    }

    fn coin(&self, outpoint: &OutPoint) -> Result<TxOut, Doubt> {
        match self.runtime.block_on(self.bitcoin.coin(outpoint)).context("bitcoind")? {
            Coin::Unspent(output) => Ok(output),
            Coin::Spent => Err(Doubt::Spent(*outpoint)),
            Coin::Unknown => Err(Doubt::Unknown(*outpoint)),
        }
    }

    /// A value of the pallet's storage, of a map with Twox64Concat keys. The beginning of it is decoded: an
    /// upgrade that changes that stops this member from signing, until it is upgraded too.
    fn value<V: Decode>(&self, item: &[u8], keys: &[Vec<u8>]) -> anyhow::Result<Option<V>> {
        let mut key = [twox_128(PALLET), twox_128(item)].concat();
        for part in keys {
            key.extend(twox_64(part));
            key.extend(part);
        }
        let Some(value) = self.node.storage(&key)? else { return Ok(None) };
        let decoded = V::decode(&mut &value[..]);
        decoded.map(Some).with_context(|| format!("{} of another version", item.escape_ascii()))
    }
}

impl<B: BitcoinClient> Policy for OwnNodes<'_, B> {
    fn allows(&mut self, request: &Request) -> bool {
        let Err(doubt) = self.judge(request) else {
            self.said.remove(&request.session);
            return true;
        };
        let text = doubt.to_string();
        if self.said.get(&request.session) != Some(&text) {
            eprintln!("session {}: not signed: {text}", request.session);
            self.said.insert(request.session, text);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bzk_bitcoin::bitcoin::{
        absolute::LockTime, transaction::Version, Amount, ScriptBuf, Sequence, TxIn, Txid, Witness,
    };
    use bzk_threshold::signing::request::Input;

    fn output(sats: u64, script: u8) -> TxOut {
        TxOut { value: Amount::from_sat(sats), script_pubkey: ScriptBuf::from(vec![script; 34]) }
    }

    /// A payout of two coins, and the request for its signatures.
    fn payout(paid: u64) -> (Request, Transaction, Vec<TxOut>) {
        let coins = vec![output(50_000, 1), output(60_000, 2)];
        let input = |vout| TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array([7; 32]), vout),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        };
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input(0), input(1)],
            output: vec![output(paid, 3)],
        };
        let mut cache = SighashCache::new(&transaction);
        let inputs: Vec<Input> = (0..2)
            .map(|index| {
                let digest = cache.taproot_key_spend_signature_hash(
                    index,
                    &Prevouts::All(&coins),
                    TapSighashType::Default,
                );
                Input { sighash: digest.unwrap().to_byte_array(), root: None }
            })
            .collect();
        let inputs = inputs.try_into().unwrap();
        (Request { group: [1; 32], session: 1, required: 3, inputs }, transaction, coins)
    }

    #[test]
    fn payout_of_coins_that_bitcoin_has_is_signed() {
        let (request, transaction, coins) = payout(105_000);
        check(&request, &transaction, &coins).unwrap();
    }

    #[test]
    fn attack_coins_that_bitcoin_has_otherwise_are_not_signed_for() {
        let (request, transaction, coins) = payout(105_000);
        let changes: [fn(&mut Vec<TxOut>); 5] = [
            |coins| coins[0].value = Amount::from_sat(49_999),
            |coins| coins[1].script_pubkey = ScriptBuf::from(vec![9; 34]),
            |coins| coins.swap(0, 1),
            |coins| drop(coins.pop()),
            |coins| coins.push(output(1, 1)),
        ];
        for change in changes {
            let mut other = coins.clone();
            change(&mut other);
            let doubt = check(&request, &transaction, &other);
            assert!(matches!(doubt, Err(Doubt::OtherTransaction)), "{doubt:?}");
        }
    }

    #[test]
    fn attack_request_for_another_transaction_is_not_signed() {
        let (request, mut transaction, coins) = payout(105_000);
        transaction.output[0].script_pubkey = ScriptBuf::from(vec![4; 34]);
        let doubt = check(&request, &transaction, &coins);
        assert!(matches!(doubt, Err(Doubt::OtherTransaction)), "{doubt:?}");
        let (mut request, transaction, coins) = payout(105_000);
        request.inputs[1].sighash[0] ^= 1;
        let doubt = check(&request, &transaction, &coins);
        assert!(matches!(doubt, Err(Doubt::OtherTransaction)), "{doubt:?}");
    }

    #[test]
    fn attack_payout_that_gives_the_coins_to_the_miner_is_not_signed() {
        let (request, transaction, coins) = payout(2_000);
        // 1,000 sats per vbyte of about 150 vbytes are more than the coins hold.
        check(&request, &transaction, &coins).unwrap();
        let scale = |coins: &[TxOut]| -> Vec<TxOut> {
            coins.iter().map(|coin| output(coin.value.to_sat() * 10, 1)).collect()
        };
        let coins = scale(&coins);
        let mut cache = SighashCache::new(&transaction);
        let mut request = request;
        for (index, input) in request.inputs.iter_mut().enumerate() {
            let coins = Prevouts::All(&coins);
            let digest =
                cache.taproot_key_spend_signature_hash(index, &coins, TapSighashType::Default);
            input.sighash = digest.unwrap().to_byte_array();
        }
        let doubt = check(&request, &transaction, &coins);
        assert!(matches!(doubt, Err(Doubt::Fee { fee: 1_098_000 })), "{doubt:?}");
    }
}
