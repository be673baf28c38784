//! What an account has sent that is in no block yet, and how it is sent again. The node's pool is the only memory of
//! it: who was killed learns it anew.

use crate::{rpc, Error, Fees, L2Client, Market};
use alloy_primitives::{Address, Bytes, B256, U256};
use serde_json::{json, Value};

/// Gas of a transaction that does nothing.
const NOTHING_GAS: u64 = 21_000;

/// A transaction that waits in the node's pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its hash.
    pub hash: B256,
    /// Its number among those of its sender.
    pub nonce: u64,
    /// What it offers.
    pub fees: Fees,
    /// The most gas that it takes.
    pub gas_limit: u64,
    /// Whom it calls.
    pub to: Address,
    /// Wei that it sends along.
    pub value: U256,
    /// What it calls.
    pub input: Bytes,
}

/// The transactions of an account that are in no block, and what blocks ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of the latest block.
    pub block: u64,
    /// Wei of the account.
    pub balance: U256,
    /// What blocks ask for now.
    pub market: Market,
    /// The transactions, by nonce; the first is the one that the next block may hold.
    pub waiting: Vec<Waiting>,
}

impl L2Client {
    /// The account's transactions that are in no block.
    ///
    /// # Errors
    /// [`Error::NoAccount`], [`Error::Unreachable`], [`Error::Nonsense`]; [`Error::Refused`] by a node without
    /// `txpool_contentFrom`, which is asked only when something waits.
    pub async fn line(&self) -> Result<Line, Error> {
        let from = self.account.as_ref().ok_or(Error::NoAccount)?.address();
        let (block, base_fee) = self.latest_block().await?;
        let mut line = Line {
            block,
            balance: self.balance(from).await?,
            market: Market { base_fee, tip: 0, ceiling: self.ceiling },
            waiting: Vec::new(),
        };
        let next = self.nonce(from, "latest").await?;
        if self.nonce(from, "pending").await? > next {
            const TIP: &str = "eth_maxPriorityFeePerGas";
            line.market.tip = price(TIP, &self.rpc.call(TIP, json!([])).await?)?;
            const POOL: &str = "txpool_contentFrom";
            let pool = self.rpc.call(POOL, json!([from])).await?;
            line.waiting = waiting(POOL, &pool)?;
            // The pool holds the transactions of the newest block for a moment longer.
            line.waiting.retain(|waiting| waiting.nonce >= next);
        }
        Ok(line)
    }

    /// Sends a waiting transaction once more with other fees, in its own place. If the contract would refuse it by now,
    /// its place is taken by a transaction that does nothing, which costs less. Returns the new hash.
    ///
    /// # Errors
    /// [`Error::Refused`] when the pool does not take it: the old one may be in a block by now, or the fees are not
    /// higher enough. [`Error::NoAccount`], [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn replace(&self, waiting: &Waiting, fees: Fees) -> Result<B256, Error> {
        let from = self.account.as_ref().ok_or(Error::NoAccount)?.address();
        let Waiting { nonce, to, value, gas_limit, .. } = *waiting;
        let input = waiting.input.clone();
        let call = json!({
            "from": from, "to": to, "input": input, "value": value, "gas": format!("{gas_limit:#x}"),
        });
        match self.rpc.call("eth_estimateGas", json!([call])).await {
            Ok(_) => {}
            Err(Error::Reverted { .. } | Error::Refused { .. }) => {
                return self.cancel(waiting, fees).await;
            }
            Err(error) => return Err(error),
        }
        self.publish(nonce, fees, gas_limit, to, value, input).await
    }

    /// Puts a transaction that does nothing in the place of a waiting one. Returns the new hash.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub async fn cancel(&self, waiting: &Waiting, fees: Fees) -> Result<B256, Error> {
        let from = self.account.as_ref().ok_or(Error::NoAccount)?.address();
        self.publish(waiting.nonce, fees, NOTHING_GAS, from, U256::ZERO, Bytes::new()).await
    }
}

/// The transactions of one sender in the pool, by nonce.
fn waiting(method: &'static str, pool: &Value) -> Result<Vec<Waiting>, Error> {
    let parts = ["pending", "queued"].map(|part| pool[part].as_object());
    let mut found = parts
        .into_iter()
        .flatten()
        .flat_map(|part| part.values())
        .map(|transaction| {
            Ok(Waiting {
                hash: rpc::parse(method, &transaction["hash"])?,
                nonce: rpc::quantity(method, &transaction["nonce"])?,
                fees: fees(method, transaction)?,
                gas_limit: rpc::quantity(method, &transaction["gas"])?,
                to: rpc::parse(method, &transaction["to"])?,
                value: rpc::number(method, &transaction["value"])?,
                input: rpc::bytes(method, &transaction["input"])?,
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    found.sort_by_key(|waiting| waiting.nonce);
    Ok(found)
}

/// A transaction of an older type has one price, which is both.
fn fees(method: &'static str, transaction: &Value) -> Result<Fees, Error> {
    let [max, tip] = ["maxFeePerGas", "maxPriorityFeePerGas"].map(|name| &transaction[name]);
    match (max, tip) {
        (Value::Null, Value::Null) => {
            let max = price(method, &transaction["gasPrice"])?;
            Ok(Fees { max, tip: max })
        }
        _ => Ok(Fees { max: price(method, max)?, tip: price(method, tip)? }),
    }
}

/// Wei per gas.
fn price(method: &'static str, value: &Value) -> Result<u128, Error> {
    rpc::number(method, value)?
        .try_into()
        .map_err(|_| Error::Nonsense { method, reason: format!("{value} is too large") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fake::Fake, Account};
    use alloy_consensus::{Transaction, TxEnvelope};
    use alloy_eips::eip2718::Decodable2718;

    const KEY: &str = "0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const GWEI: u128 = 1_000_000_000;

    fn pooled(nonce: u64, max: u128) -> Value {
        json!({
            "hash": B256::with_last_byte(nonce as u8), "nonce": format!("{nonce:#x}"), "gas": "0x30d40",
            "maxFeePerGas": format!("{max:#x}"), "maxPriorityFeePerGas": "0x0", "gasPrice": "0x1",
            "to": Address::repeat_byte(7), "value": "0x0", "input": "0x0102",
        })
    }

    /// A node at which the account's next transaction has number 9, and two wait.
    fn answer(method: &str) -> Result<Value, Value> {
        Ok(match method {
            "eth_getBlockByNumber" => json!({ "number": "0x64", "baseFeePerGas": "0xee6b2800" }),
            "eth_getBalance" => json!("0xde0b6b3a7640000"),
            "eth_maxPriorityFeePerGas" => json!("0x3"),
            "eth_chainId" => json!("0x17c18"),
            "txpool_contentFrom" => json!({
                "pending": { "10": pooled(10, GWEI), "9": pooled(9, 2 * GWEI), "8": pooled(8, 1) },
                "queued": { "12": pooled(12, GWEI) },
            }),
            "eth_estimateGas" => json!("0x30d3f"),
            "eth_sendRawTransaction" => json!(B256::repeat_byte(0xaa)),
            other => return Err(json!({ "code": -32601, "message": other })),
        })
    }

    fn node(answer: impl Fn(&str) -> Result<Value, Value> + Send + 'static) -> (Fake, L2Client) {
        let fake = Fake::start(move |method, params| match method {
            "eth_getTransactionCount" if params[1] == "latest" => Ok(json!("0x9")),
            "eth_getTransactionCount" => Ok(json!("0xb")),
            method => answer(method),
        });
        let account = Account::from_hex(KEY).unwrap();
        let client = L2Client::new(fake.url(), Some(account)).unwrap().with_ceiling(50 * GWEI);
        (fake, client)
    }

    /// What was handed to the node, and who may have.
    fn sent(fake: &Fake) -> Vec<(u64, u128, u128, u64, Option<Address>, Bytes)> {
        let raw = fake.asked("eth_sendRawTransaction");
        raw.iter()
            .map(|params| {
                let raw: Bytes = params[0].as_str().unwrap().parse().unwrap();
                let sent = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
                let (max, tip) = (sent.max_fee_per_gas(), sent.max_priority_fee_per_gas().unwrap());
                (sent.nonce(), max, tip, sent.gas_limit(), sent.to(), sent.input().clone())
            })
            .collect()
    }

    #[tokio::test]
    async fn line_is_what_the_pool_holds_by_nonce() {
        let (_fake, client) = node(answer);
        let line = client.line().await.unwrap();
        assert_eq!((line.block, line.balance), (100, U256::from(10u64.pow(18))));
        let market = Market { base_fee: 4_000_000_000, tip: 3, ceiling: 50 * GWEI };
        assert_eq!(line.market, market);
        let nonces: Vec<u64> = line.waiting.iter().map(|waiting| waiting.nonce).collect();
        assert_eq!(nonces, [9, 10, 12]);
        assert_eq!(line.waiting[0].fees, Fees { max: 2 * GWEI, tip: 0 });
        assert_eq!(line.waiting[0].gas_limit, 200_000);
    }

    /// A node without `txpool_*` serves as long as nothing waits.
    #[tokio::test]
    async fn pool_is_not_asked_when_nothing_waits() {
        let fake = Fake::start(|method, _| match method {
            "eth_getTransactionCount" => Ok(json!("0x9")),
            "txpool_contentFrom" => Err(json!({ "code": -32601, "message": "no such method" })),
            method => answer(method),
        });
        let account = Account::from_hex(KEY).unwrap();
        let client = L2Client::new(fake.url(), Some(account)).unwrap();
        assert!(client.line().await.unwrap().waiting.is_empty());
    }

    #[tokio::test]
    async fn replacement_is_the_same_call_in_the_same_place() {
        let (fake, client) = node(answer);
        let line = client.line().await.unwrap();
        let fees = line.waiting[0].fees.raised(&line.market, line.balance, 200_000).unwrap();
        assert_eq!(fees, Fees { max: 8 * GWEI + 3, tip: 3 });
        let hash = client.replace(&line.waiting[0], fees).await.unwrap();
        assert_eq!(hash, B256::repeat_byte(0xaa));
        let (to, input) = (Some(Address::repeat_byte(7)), Bytes::from(vec![1, 2]));
        assert_eq!(sent(&fake), [(9, 8 * GWEI + 3, 3, 200_000, to, input)]);
        // It must not take more gas than it did.
        assert_eq!(fake.asked("eth_estimateGas")[0][0]["gas"], "0x30d40");
    }

    #[tokio::test]
    async fn call_that_has_become_pointless_is_replaced_by_nothing() {
        for code in [3, -32000] {
            let (fake, client) = node(move |method| match method {
                "eth_estimateGas" => Err(json!({ "code": code, "message": "execution reverted" })),
                method => answer(method),
            });
            let line = client.line().await.unwrap();
            client.replace(&line.waiting[1], Fees { max: 9, tip: 1 }).await.unwrap();
            assert_eq!(sent(&fake), [(10, 9, 1, 21_000, client.sender(), Bytes::new())]);
        }
    }
}
