//! Judges a proof of reserves: what a node says, by what the contract and Bitcoin say. Asks nobody.

use anyhow::{ensure, Context as _, Result};
use bzk_bitcoin::bitcoin::{hex::FromHex, Amount, OutPoint, ScriptBuf, TxOut};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A coin, as the node names it.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) outpoint: OutPoint,
    pub(crate) output: TxOut,
    /// The node says that a payout spends it.
    in_payout: bool,
}

/// What the node says.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) coins: Vec<Named>,
    /// Sats spent on moving coins.
    pub(crate) swept: u64,
    /// Sats that payouts have paid ahead of their settlement.
    pub(crate) ahead: u64,
}

/// An output in Bitcoin's chain.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) output: TxOut,
    pub(crate) spent: bool,
}

/// What the contract and Bitcoin say.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The scripts of the committee's change, by the keys that the contract has named.
    pub(crate) change: BTreeSet<ScriptBuf>,
    /// Deposits that the contract has released.
    pub(crate) released: BTreeSet<OutPoint>,
    /// What Bitcoin has of the coins that are named.
    pub(crate) outputs: BTreeMap<OutPoint, Held>,
    /// Sats that the contract owes.
    pub(crate) owed: u64,
}

/// Sats in the committee's coins, as Bitcoin has them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) found: u64,
    /// In coins that a payout has spent which the contract is about to learn of.
    pub(crate) in_payouts: u64,
}

impl Told {
    /// Reads the answer of `bridge_reserves`.
    pub(crate) fn read(answer: &Value) -> Result<Self> {
        let sum =
            |name: &str| answer[name].as_u64().with_context(|| format!("no {name}: {answer}"));
        let coins = answer["coins"].as_array().context("the node names no coins")?;
        Ok(Self {
            coins: coins.iter().map(Named::read).collect::<Result<_>>()?,
            swept: sum("sweepFees")?,
            ahead: sum("paidAhead")?,
        })
    }
}

impl Named {
    fn read(coin: &Value) -> Result<Self> {
        let text = coin["outpoint"].as_str().context("a coin without an outpoint")?;
        let script = coin["script"].as_str().and_then(|hex| hex.strip_prefix("0x"));
        let script = Vec::from_hex(script.context("a coin without a script")?)?;
        let sats = coin["sats"].as_u64().context("a coin without an amount")?;
        Ok(Self {
            outpoint: text.parse().with_context(|| text.to_owned())?,
            output: TxOut { value: Amount::from_sat(sats), script_pubkey: script.into() },
            in_payout: coin["batch"].is_number(),
        })
    }
}

impl Known {
    /// Whether a coin is the committee's, if Bitcoin has it as it is named: anybody's coins would cover anything.
    pub(crate) fn owns(&self, coin: &Named) -> bool {
        self.change.contains(&coin.output.script_pubkey) || self.released.contains(&coin.outpoint)
    }

    /// Holds the node to its word; gives what its coins are worth.
    ///
    /// # Errors
    /// Coins that are not as the node names them, each with what is wrong; or all of them do not cover what is owed.
    pub(crate) fn judge(&self, told: &Told) -> Result<Sums> {
        let mut sums = Sums { found: 0, in_payouts: 0 };
        let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
        for coin in &told.coins {
            let sats = coin.output.value.to_sat();
            let flaw = match self.outputs.get(&coin.outpoint) {
                _ if !self.owns(coin) => "is not the committee's",
                _ if !seen.insert(coin.outpoint) => "is named twice",
                None => "is not on Bitcoin",
                Some(held) if held.output != coin.output => "is something else on Bitcoin",
                Some(held) if !held.spent => {
                    sums.found += sats;
                    continue;
                }
                // Bitcoin has the payout that spends it; the contract is about to learn of it.
                Some(_) if coin.in_payout => {
                    sums.in_payouts += sats;
                    continue;
                }
                Some(_) => "is spent",
            };
            wrong.push(format!("{} {flaw}", coin.outpoint));
        }
        ensure!(
            wrong.is_empty(),
            "the node names coins wrongly: {}; ask another node of the L2 and another Bitcoin back end before you \
             believe it",
            wrong.join(", ")
        );
        let (Sums { found, in_payouts }, Told { swept, ahead, .. }) = (&sums, told);
        let all = [found, in_payouts, swept, ahead]
            .into_iter()
            .fold(0, |sum: u64, sats| sum.saturating_add(*sats));
        ensure!(
            all >= self.owed,
            "{found} sats in coins, {in_payouts} in payouts, {swept} spent on moving coins and {ahead} paid ahead of \
             their settlement do not cover the {} sats that the contract owes",
            self.owed
        );
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DEPOSIT: u64 = 70_000;
    const CHANGE: u64 = 20_000;
    const PAID: u64 = 10_000;
    const STRANGER: u64 = 500_000;

    /// The output 0 of a transaction that is named by one byte.
    fn outpoint(transaction: u8) -> OutPoint {
        let txid = format!("{transaction:02x}").repeat(32);
        format!("{txid}:0").parse().unwrap()
    }

    /// A P2TR script that is named by one byte.
    fn script(key: u8) -> ScriptBuf {
        let mut script = vec![0x51, 32];
        script.extend([key; 32]);
        script.into()
    }

    fn output(key: u8, sats: u64) -> TxOut {
        TxOut { value: Amount::from_sat(sats), script_pubkey: script(key) }
    }

    /// As `bridge_reserves` names a coin.
    fn coin(transaction: u8, key: u8, sats: u64, batch: Option<u64>) -> Value {
        let script = format!("0x{}", script(key).to_hex_string());
        json!({ "outpoint": outpoint(transaction).to_string(), "script": script, "sats": sats, "batch": batch })
    }

    /// A deposit (1), the committee's change (2), and a deposit that a payout has spent (3); all of it is owed. And
    /// what the committee has not: a coin of somebody else (4), one that he has spent (5).
    fn known() -> Known {
        let held = |key, sats, spent| Held { output: output(key, sats), spent };
        Known {
            change: [script(0xcc)].into(),
            released: [outpoint(1), outpoint(3)].into(),
            outputs: [
                (outpoint(1), held(0xd1, DEPOSIT, false)),
                (outpoint(2), held(0xcc, CHANGE, false)),
                (outpoint(3), held(0xd3, PAID, true)),
                (outpoint(4), held(0x44, STRANGER, false)),
                (outpoint(5), held(0x44, STRANGER, true)),
            ]
            .into(),
            owed: DEPOSIT + CHANGE + PAID,
        }
    }

    /// The coins as they are.
    fn honest() -> Vec<Value> {
        vec![
            coin(1, 0xd1, DEPOSIT, None),
            coin(2, 0xcc, CHANGE, None),
            coin(3, 0xd3, PAID, Some(7)),
        ]
    }

    fn judged(coins: Vec<Value>) -> Result<Sums> {
        let told = Told::read(&json!({ "coins": coins, "sweepFees": 0, "paidAhead": 0 }))?;
        known().judge(&told)
    }

    /// What is said of coins of which one is wrong.
    fn refused(coins: Vec<Value>) -> String {
        judged(coins).unwrap_err().to_string()
    }

    /// What is said of the honest coins and one more.
    fn refused_with(more: Value) -> String {
        refused([honest(), vec![more]].concat())
    }

    /// What is said if `other` is in the place of an honest coin.
    fn refused_for(place: usize, other: Value) -> String {
        let mut coins = honest();
        coins[place] = other;
        refused(coins)
    }

    fn says(text: &str, transaction: u8, flaw: &str) {
        assert!(text.contains(&format!(": {} {flaw};", outpoint(transaction))), "{text}");
    }

    #[test]
    fn coins_that_are_as_named_cover_the_debt() {
        let sums = Sums { found: DEPOSIT + CHANGE, in_payouts: PAID };
        assert_eq!(judged(honest()).unwrap(), sums);
    }

    #[test]
    fn what_was_spent_on_moving_coins_or_paid_ahead_is_gone_for_good_reasons() {
        let coins = honest().split_off(1);
        let told = |swept: u64, ahead: u64| {
            Told::read(&json!({ "coins": coins, "sweepFees": swept, "paidAhead": ahead })).unwrap()
        };
        assert!(known().judge(&told(DEPOSIT - 5, 5)).is_ok());
        let error = known().judge(&told(DEPOSIT - 5, 4)).unwrap_err().to_string();
        assert!(error.contains("do not cover the 100000 sats"), "{error}");
    }

    #[test]
    fn attack_coins_that_are_kept_back_are_missed() {
        for place in 0..3 {
            let mut coins = honest();
            coins.remove(place);
            let error = refused(coins);
            assert!(error.contains("do not cover the 100000 sats"), "{error}");
        }
    }

    #[test]
    fn attack_coin_of_somebody_else_does_not_count() {
        says(&refused_with(coin(4, 0x44, STRANGER, None)), 4, "is not the committee's");
        says(&refused_with(coin(4, 0x44, STRANGER, Some(7))), 4, "is not the committee's");
        says(&refused_with(coin(5, 0x44, STRANGER, Some(7))), 5, "is not the committee's");
    }

    #[test]
    fn attack_coin_of_somebody_else_under_the_committees_script_does_not_count() {
        says(&refused_with(coin(4, 0xcc, STRANGER, None)), 4, "is something else on Bitcoin");
        // Spent ones too: Bitcoin's word for what they were is asked for, not the node's.
        says(&refused_with(coin(5, 0xcc, STRANGER, Some(7))), 5, "is something else on Bitcoin");
    }

    #[test]
    fn attack_coin_that_is_named_twice_counts_once() {
        let lies = [
            coin(1, 0xd1, DEPOSIT, None),
            // With another amount, or as if a payout spent it.
            coin(1, 0xd1, DEPOSIT + 1, None),
            coin(1, 0xd1, DEPOSIT, Some(7)),
        ];
        for lie in lies {
            says(&refused_with(lie), 1, "is named twice");
        }
        says(&refused_with(coin(3, 0xd3, PAID, Some(8))), 3, "is named twice");
    }

    #[test]
    fn attack_spent_coin_does_not_count() {
        says(&refused_for(2, coin(3, 0xd3, PAID, None)), 3, "is spent");
    }

    #[test]
    fn attack_amount_that_is_not_bitcoins_does_not_count() {
        let wrong = "is something else on Bitcoin";
        for sats in [DEPOSIT - 1, DEPOSIT + 1, u64::MAX] {
            says(&refused_for(0, coin(1, 0xd1, sats, None)), 1, wrong);
        }
        says(&refused_for(1, coin(2, 0xcc, CHANGE + 1, None)), 2, wrong);
        // Of a coin that is spent the amount is Bitcoin's as well.
        says(&refused_for(2, coin(3, 0xd3, STRANGER, Some(7))), 3, wrong);
    }

    #[test]
    fn attack_coin_that_bitcoin_has_not_does_not_count() {
        says(&refused_with(coin(6, 0xcc, CHANGE, None)), 6, "is not on Bitcoin");
        says(&refused_with(coin(6, 0xcc, CHANGE, Some(7))), 6, "is not on Bitcoin");
    }

    #[test]
    fn every_coin_that_is_wrong_is_named() {
        let error = refused(vec![coin(4, 0x44, STRANGER, None), coin(6, 0xcc, CHANGE, None)]);
        assert!(error.contains("is not the committee's, 06"), "{error}");
        assert!(error.contains("is not on Bitcoin; ask another node"), "{error}");
    }

    #[test]
    fn answer_that_makes_no_sense_is_an_error() {
        let honest = json!({ "coins": honest(), "sweepFees": 0, "paidAhead": 0 });
        assert!(Told::read(&honest).is_ok());
        for name in ["coins", "sweepFees", "paidAhead"] {
            let mut answer = honest.clone();
            answer[name] = Value::Null;
            assert!(Told::read(&answer).is_err(), "{name}");
        }
        for (name, value) in
            [("outpoint", "1:0"), ("script", "51"), ("script", "0x5"), ("sats", "1")]
        {
            let mut answer = honest.clone();
            answer["coins"][0][name] = value.into();
            assert!(Told::read(&answer).is_err(), "{name}");
        }
    }
}
