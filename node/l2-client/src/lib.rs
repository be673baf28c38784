//! # Our chain from the outside
//! [`L2Client`] calls contracts, sends transactions and reads logs over Ethereum JSON-RPC; [`contracts`] has the
//! interfaces of the predeployed bridge contracts.

mod account;
pub mod contracts;
#[cfg(test)]
mod fake;
mod fees;
mod line;
mod rpc;

pub use account::{Account, AccountError};
pub use alloy_primitives;
pub use alloy_sol_types;
pub use fees::{Fees, Market};
pub use line::{Line, Waiting};

use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, Bytes, TxKind, B256, U256};
use alloy_sol_types::{SolCall, SolEvent};
use rpc::Rpc;
use serde_json::{json, Value};
use std::time::Duration;

/// How long a transaction may take to get into a block, if nothing else is said.
const INCLUSION_TIMEOUT: Duration = Duration::from_secs(120);

/// How often to ask for a receipt; a block comes every two seconds.
const POLL: Duration = Duration::from_millis(500);

/// Why the chain gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The node cannot be reached; try again.
    #[error("node cannot be reached: {0}")]
    Unreachable(String),
    /// The contract refused the call. Nothing was sent.
    #[error("contract refused: {message} {data}")]
    Reverted {
        /// What the node says.
        message: String,
        /// The contract's error, encoded.
        data: Bytes,
    },
    /// The node refused.
    #[error("node refused {method}: {reason}")]
    Refused {
        /// The method.
        method: &'static str,
        /// What the node says.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("node answers {method} with nonsense: {reason}")]
    Nonsense {
        /// The method.
        method: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// There is no account to send from.
    #[error("no account is set to send transactions from")]
    NoAccount,
    /// The base fee is above what may be paid. Nothing was sent.
    #[error(
        "the base fee of {base_fee} wei per gas is above the {ceiling} that may be paid: wait until it falls, or allow \
         more"
    )]
    TooDear {
        /// Wei per gas.
        base_fee: u64,
        /// Wei per gas.
        ceiling: u128,
    },
    /// The transaction did not get into a block in time; it may still.
    #[error("transaction {0} is not in a block yet")]
    Pending(B256),
    /// The transaction was included but failed.
    #[error("transaction {0} failed")]
    Failed(B256),
}

/// An event with its place.
#[derive(Clone, Debug)]
pub struct Log<E> {
    /// The event.
    pub event: E,
    /// The block's number.
    pub block: u64,
    /// Its place among the logs of the block.
    pub index: u64,
    /// The transaction's hash.
    pub transaction: B256,
}

/// A payout or sweep that the committee has signed.
#[derive(Clone, Debug)]
pub struct SignedPayout {
    /// The committee's number of it.
    pub batch: u64,
    /// The withdrawals that it pays, in the order of its outputs; none for a sweep.
    pub withdrawals: Vec<u64>,
    /// The transaction, as Bitcoin's nodes take it.
    pub transaction: Bytes,
}

/// A transaction that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its hash.
    pub hash: B256,
    /// The block's number.
    pub block: u64,
    /// Gas that it used.
    pub gas_used: u64,
}

/// A client of a node, with or without an account to send from.
#[derive(Debug)]
pub struct L2Client {
    rpc: Rpc,
    account: Option<Account>,
    /// The most that is offered, in wei per gas.
    ceiling: u128,
    /// How long a transaction is waited for.
    patience: Duration,
}

impl L2Client {
    /// Takes the URL of the node's HTTP interface; connects with the first call.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the URL makes no sense.
    pub fn new(url: &str, account: Option<Account>) -> Result<Self, Error> {
        let (ceiling, patience) = (u128::MAX, INCLUSION_TIMEOUT);
        Ok(Self { rpc: Rpc::new(url)?, account, ceiling, patience })
    }

    /// Offers no more than this for a transaction, in wei per gas.
    pub fn with_ceiling(self, ceiling: u128) -> Self {
        Self { ceiling, ..self }
    }

    /// Waits no longer than this until a transaction is in a block.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Who sends transactions.
    pub fn sender(&self) -> Option<Address> {
        self.account.as_ref().map(Account::address)
    }

    /// The number of the latest block that cannot be reverted.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn finalized_block(&self) -> Result<u64, Error> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block = self.rpc.call(METHOD, json!(["finalized", false])).await?;
        rpc::quantity(METHOD, &block["number"])
    }

    /// The chain's EIP-155 id.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn chain_id(&self) -> Result<u64, Error> {
        rpc::quantity("eth_chainId", &self.rpc.call("eth_chainId", json!([])).await?)
    }

    /// Runs a function of a contract on the latest state.
    ///
    /// # Errors
    /// [`Error::Reverted`], [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, Error> {
        const METHOD: &str = "eth_call";
        let transaction =
            json!({ "from": self.sender(), "to": to, "input": Bytes::from(call.abi_encode()) });
        let result = self.rpc.call(METHOD, json!([transaction, "latest"])).await?;
        C::abi_decode_returns(&rpc::bytes(METHOD, &result)?)
            .map_err(|error| Error::Nonsense { method: METHOD, reason: error.to_string() })
    }

    /// Sends a call as a transaction and waits until it is in a block. What the contract would refuse is not sent,
    /// so it costs nothing.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn send<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        value: U256,
    ) -> Result<Included, Error> {
        let hash = self.submit(to, call, value).await?;
        self.included(hash).await
    }

    /// As [`Self::send`], but does not wait: gives the transaction's hash for [`Self::included`].
    ///
    /// # Errors
    /// All of [`Error`] but [`Error::Pending`] and [`Error::Failed`].
    pub async fn submit<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        value: U256,
    ) -> Result<B256, Error> {
        self.submit_within(to, call, value, None).await
    }

    /// As [`Self::submit`], for a call that must not take more than so much gas, when it runs code of strangers.
    ///
    /// # Errors
    /// As [`Self::submit`]; [`Error::Reverted`] or [`Error::Refused`] when that is not enough gas.
    pub async fn submit_within<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        value: U256,
        gas: Option<u64>,
    ) -> Result<B256, Error> {
        let from = self.account.as_ref().ok_or(Error::NoAccount)?.address();
        let input = Bytes::from(call.abi_encode());
        let mut transaction = json!({ "from": from, "to": to, "input": input, "value": value });
        if let Some(gas) = gas {
            transaction["gas"] = format!("{gas:#x}").into();
        }
        let gas = self.rpc.call("eth_estimateGas", json!([transaction])).await?;
        let gas_limit = rpc::quantity("eth_estimateGas", &gas)?;
        let (_, base_fee) = self.latest_block().await?;
        let balance = self.balance(from).await?.saturating_sub(value);
        let fees = Fees::first(base_fee, self.ceiling, balance, gas_limit)?;
        let nonce = self.nonce(from, "pending").await?;
        self.publish(nonce, fees, gas_limit, to, value, input).await
    }

    /// Signs a transaction and hands it to the node.
    async fn publish(
        &self,
        nonce: u64,
        fees: Fees,
        gas_limit: u64,
        to: Address,
        value: U256,
        input: Bytes,
    ) -> Result<B256, Error> {
        const METHOD: &str = "eth_sendRawTransaction";
        let account = self.account.as_ref().ok_or(Error::NoAccount)?;
        let signed = account.sign(TxEip1559 {
            chain_id: self.chain_id().await?,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input,
        });
        rpc::parse(METHOD, &self.rpc.call(METHOD, json!([signed])).await?)
    }

    /// Number and base fee, in wei per gas, of the latest block.
    async fn latest_block(&self) -> Result<(u64, u64), Error> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block = self.rpc.call(METHOD, json!(["latest", false])).await?;
        Ok((
            rpc::quantity(METHOD, &block["number"])?,
            rpc::quantity(METHOD, &block["baseFeePerGas"])?,
        ))
    }

    /// Wei of an account.
    async fn balance(&self, of: Address) -> Result<U256, Error> {
        const METHOD: &str = "eth_getBalance";
        rpc::number(METHOD, &self.rpc.call(METHOD, json!([of, "latest"])).await?)
    }

    /// The number of an account's next transaction, as of a block.
    async fn nonce(&self, of: Address, block: &str) -> Result<u64, Error> {
        const METHOD: &str = "eth_getTransactionCount";
        rpc::quantity(METHOD, &self.rpc.call(METHOD, json!([of, block])).await?)
    }

    /// The signed payouts to broadcast (`bridge_payouts`).
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`] by a node without the bridge, [`Error::Nonsense`].
    pub async fn payouts(&self) -> Result<Vec<SignedPayout>, Error> {
        const METHOD: &str = "bridge_payouts";
        let payouts = self.rpc.call(METHOD, json!([])).await?;
        let payouts = payouts.as_array().ok_or_else(|| Error::Nonsense {
            method: METHOD,
            reason: format!("{payouts} is no list"),
        })?;
        let read = |payout: &Value| -> Result<SignedPayout, Error> {
            let withdrawals: Option<Vec<u64>> = payout["withdrawals"]
                .as_array()
                .and_then(|withdrawals| withdrawals.iter().map(Value::as_u64).collect());
            let (Some(batch), Some(withdrawals)) = (payout["batch"].as_u64(), withdrawals) else {
                let reason = format!("{payout} has no batch or no withdrawals");
                return Err(Error::Nonsense { method: METHOD, reason });
            };
            let transaction = rpc::bytes(METHOD, &payout["transaction"])?;
            Ok(SignedPayout { batch, withdrawals, transaction })
        };
        payouts.iter().map(read).collect()
    }

    /// The committee's message that names the next group key, if the contract does not have it yet
    /// (`bridge_handover`).
    ///
    /// # Errors
    /// As [`Self::payouts`].
    pub async fn handover(&self) -> Result<Option<contracts::BtcBridge::rotateCall>, Error> {
        const METHOD: &str = "bridge_handover";
        let handover = self.rpc.call(METHOD, json!([])).await?;
        if handover.is_null() {
            return Ok(None);
        }
        let closes_at = handover["closesAt"].as_u64().and_then(|height| height.try_into().ok());
        Ok(Some(contracts::BtcBridge::rotateCall {
            nextKey: rpc::parse(METHOD, &handover["nextKey"])?,
            closesAt: closes_at.ok_or_else(|| Error::Nonsense {
                method: METHOD,
                reason: format!("{} is no height", handover["closesAt"]),
            })?,
            signature: rpc::bytes(METHOD, &handover["signature"])?,
        }))
    }

    /// Where a withdrawal is, as the node tells it (`bridge_withdrawal`); null when it does not know it.
    ///
    /// # Errors
    /// As [`Self::payouts`].
    pub async fn withdrawal(&self, id: u64) -> Result<Value, Error> {
        self.rpc.call("bridge_withdrawal", json!([id])).await
    }

    /// Where the deposit of an output is (`bridge_depositStatus`): `outpoint` as TXID:VOUT, `place` with its `height`,
    /// `blockHash` and `sats`.
    ///
    /// # Errors
    /// As [`Self::payouts`].
    pub async fn deposit_status(
        &self,
        outpoint: &str,
        place: Option<Value>,
    ) -> Result<Value, Error> {
        self.rpc.call("bridge_depositStatus", json!([outpoint, place])).await
    }

    /// What deposits and withdrawals cost, as the node calculates it (`bridge_fees`): a withdrawal of `sats` to a
    /// Bitcoin address, or a typical one.
    ///
    /// # Errors
    /// As [`Self::payouts`].
    pub async fn fees(&self, address: Option<&str>, sats: Option<u64>) -> Result<Value, Error> {
        self.rpc.call("bridge_fees", json!([address, sats])).await
    }

    /// Coins and debts of the committee, as the node names them (`bridge_reserves`).
    ///
    /// # Errors
    /// As [`Self::payouts`].
    pub async fn reserves(&self) -> Result<Value, Error> {
        self.rpc.call("bridge_reserves", json!([])).await
    }

    /// The events of type `E` that `address` emitted in these blocks, oldest first.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`] when the range is too long for the node, [`Error::Nonsense`].
    pub async fn logs<E: SolEvent>(
        &self,
        address: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<Log<E>>, Error> {
        const METHOD: &str = "eth_getLogs";
        let filter = json!({
            "address": address,
            "topics": [E::SIGNATURE_HASH],
            "fromBlock": format!("{from:#x}"),
            "toBlock": format!("{to:#x}"),
        });
        let logs = self.rpc.call(METHOD, json!([filter])).await?;
        let nonsense = |reason: String| Error::Nonsense { method: METHOD, reason };
        let logs = logs.as_array().ok_or_else(|| nonsense(format!("{logs} is no list")))?;
        logs.iter()
            .map(|log| {
                let topics: Vec<B256> = log["topics"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|topic| rpc::parse(METHOD, topic))
                    .collect::<Result<_, _>>()?;
                let event = E::decode_raw_log(topics, &rpc::bytes(METHOD, &log["data"])?)
                    .map_err(|error| nonsense(error.to_string()))?;
                let block = rpc::quantity(METHOD, &log["blockNumber"])?;
                let index = rpc::quantity(METHOD, &log["logIndex"])?;
                let transaction = rpc::parse(METHOD, &log["transactionHash"])?;
                Ok(Log { event, block, index, transaction })
            })
            .collect()
    }

    /// The input of a transaction to a contract; `None` when it is to another one, or the node does not have it.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn input(&self, transaction: B256, to: Address) -> Result<Option<Bytes>, Error> {
        const METHOD: &str = "eth_getTransactionByHash";
        let found = self.rpc.call(METHOD, json!([transaction])).await?;
        let called = found["to"].as_str().and_then(|called| called.parse::<Address>().ok());
        match called == Some(to) {
            true => rpc::bytes(METHOD, &found["input"]).map(Some),
            false => Ok(None),
        }
    }

    /// Waits until a transaction is in a block.
    ///
    /// # Errors
    /// [`Error::Pending`] when that takes too long, [`Error::Failed`], [`Error::Unreachable`], [`Error::Nonsense`].
    pub async fn included(&self, hash: B256) -> Result<Included, Error> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let wait = async {
            loop {
                let receipt = self.rpc.call(METHOD, json!([hash])).await?;
                if receipt != Value::Null {
                    return Ok::<_, Error>(receipt);
                }
                tokio::time::sleep(POLL).await;
            }
        };
        let receipt =
            tokio::time::timeout(self.patience, wait).await.map_err(|_| Error::Pending(hash))??;
        if rpc::quantity(METHOD, &receipt["status"])? != 1 {
            return Err(Error::Failed(hash));
        }
        Ok(Included {
            hash,
            block: rpc::quantity(METHOD, &receipt["blockNumber"])?,
            gas_used: rpc::quantity(METHOD, &receipt["gasUsed"])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    /// Whoever calls the bridge from a contract of his own writes into the transaction what he likes.
    #[tokio::test]
    async fn attack_input_of_a_call_of_another_contract() {
        let (bridge, other) = (Address::repeat_byte(7), Address::repeat_byte(8));
        let fake = Fake::start(move |_, params| {
            Ok(match params[0].as_str().and_then(|hash| hash.bytes().last()) {
                Some(b'1') => json!({ "to": bridge, "input": "0x0102" }),
                Some(b'2') => json!({ "to": other, "input": "0x0102" }),
                Some(b'3') => json!({ "to": null, "input": "0x0102" }),
                _ => Value::Null,
            })
        });
        let client = L2Client::new(fake.url(), None).unwrap();
        let input = |last| client.input(B256::with_last_byte(last), bridge);
        assert_eq!(input(1).await.unwrap(), Some(Bytes::from([1u8, 2])));
        for last in 2..5 {
            assert_eq!(input(last).await.unwrap(), None);
        }
    }
}
