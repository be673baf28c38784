//! `eth_sendRawTransaction`: geth's checks, in geth's order, before the pool's own.

use super::{
    extrinsic,
    index::Entry,
    refusal::{already_known, from_pool},
    PoolView,
};
use crate::{
    error::{internal, server, RpcResult},
    state::StateView,
    types::{h160, Address, Bytes, Hash, B256, U256},
};
use alloy_consensus::Transaction;
use bzk_evm::{
    account::{to_evm, Account},
    tx::{self, TxEnvelope, TxError},
};
use sc_client_api::HeaderBackend;
use sc_transaction_pool_api::{TransactionPool, TransactionSource};
use std::time::{Duration, Instant};

/// Wei in one coin, for texts.
const COIN: u64 = 1_000_000_000_000_000_000;

impl PoolView {
    /// Checks `raw` as geth does, hands it to the pool and returns its Ethereum hash.
    pub async fn submit(&self, raw: Bytes) -> RpcResult<B256> {
        let envelope = tx::decode(&raw).map_err(server)?;
        check_fee(&envelope, self.0.limits.tx_fee_cap_wei)?;
        tx::check_static(&envelope, bzk_core::CHAIN_ID).map_err(server)?;
        let extrinsic = extrinsic::wrap(raw.to_vec()).ok_or_else(|| server(TxError::Oversized))?;
        let pool_hash = self.0.pool.hash_of(&extrinsic);
        let best = self.0.chain.client().info().best_hash;
        let state = self.0.chain.open(best).map_err(internal)?;
        // Before the sender is recovered, which is what a flood of known transactions would cost. The state is asked
        // all the same: the pool holds the transactions of the newest block for a moment longer.
        let known = self.0.index.lock().get(&pool_hash);
        if let Some(sender) = known.map(|entry| entry.sender).filter(|_| self.waits(pool_hash)) {
            check_state(&envelope, sender, &state)?;
            return Err(already_known());
        }
        let tx = tx::recover(envelope).map_err(server)?;
        let _turn = self.0.turns.take(tx.sender).await;
        // The same one may have come while this one waited.
        if self.waits(pool_hash) {
            return Err(already_known());
        }
        let account = check_state(&tx.envelope, tx.sender, &state)?;
        check_held(self.0.held.left(h160(tx.sender), Instant::now()))?;
        let entry = Entry::new(pool_hash, &tx);
        self.check_expenditure(&entry, account.nonce, to_evm(account.balance))?;
        self.check_replacement(&entry)?;

        let at = self.0.chain.client().info().best_hash;
        let submitted = self.0.pool.submit_one(at, TransactionSource::External, extrinsic).await;
        submitted.map(drop).or_else(from_pool)?;
        self.0.index.lock().insert(entry);
        Ok(tx.hash)
    }

    /// Whether the pool holds this transaction, ready or not.
    fn waits(&self, pool_hash: Hash) -> bool {
        if !self.0.index.lock().contains(&pool_hash) {
            return false;
        }
        self.is_ready(pool_hash) || self.is_queued(pool_hash)
    }

    fn is_queued(&self, pool_hash: Hash) -> bool {
        self.0.pool.status().future > 0
            && self
                .0
                .pool
                .futures()
                .iter()
                .any(|tx| *sc_transaction_pool_api::InPoolTransaction::hash(tx) == pool_hash)
    }

    fn check_replacement(&self, new: &Entry) -> RpcResult<()> {
        match self.occupant(new.sender, new.nonce) {
            Some(old) if !old.yields_to(new) && self.waits(old.pool_hash) => {
                Err(server(TxError::ReplacementUnderpriced))
            }
            _ => Ok(()),
        }
    }

    /// The balance has to pay all of the sender's transactions that are ready, this one with them: else the pool would
    /// drop the last ones when the first are in a block, and nobody would hear of it.
    fn check_expenditure(&self, new: &Entry, next_nonce: u64, balance: U256) -> RpcResult<()> {
        let mut waiting: Vec<_> = self.0.index.lock().following(new.sender, next_nonce).collect();
        check_overdraft(new, &waiting, balance).or_else(|_| {
            // The index remembers also what the pool has no more; to ask the pool for each is dear.
            waiting.retain(|entry| self.is_ready(entry.pool_hash));
            check_overdraft(new, &waiting, balance)
        })
    }
}

/// Whether `balance` pays `new` and the sender's `waiting` transactions, without the one whose place it takes.
fn check_overdraft(new: &Entry, waiting: &[Entry], balance: U256) -> RpcResult<()> {
    let spent = waiting.iter().fold(U256::ZERO, |sum, entry| sum.saturating_add(entry.cost));
    let replaced = waiting.iter().find(|entry| entry.nonce == new.nonce);
    let free = replaced.map_or(U256::ZERO, |old| old.cost);
    let need = spent.saturating_sub(free).saturating_add(new.cost);
    let Some(overshot) = need.checked_sub(balance).filter(|overshot| !overshot.is_zero()) else {
        return Ok(());
    };
    let more = match replaced {
        None => format!("tx cost {}", new.cost),
        Some(old) if new.cost < old.cost => format!("tx bumped -{}", old.cost - new.cost),
        Some(old) => format!("tx bumped {}", new.cost - old.cost),
    };
    Err(server(format_args!(
        "{}: balance {balance}, queued cost {spent}, {more}, overshot {overshot}",
        TxError::InsufficientFunds
    )))
}

/// Guards the sender against a fee with too many digits.
fn check_fee(tx: &TxEnvelope, cap: Option<U256>) -> RpcResult<()> {
    let fee = U256::from(tx.gas_limit()).saturating_mul(U256::from(tx.max_fee_per_gas()));
    match cap {
        Some(cap) if fee > cap => Err(server(format_args!(
            "tx fee ({} ether) exceeds the configured cap ({} ether)",
            coins(fee),
            coins(cap)
        ))),
        _ => Ok(()),
    }
}

/// Tells a sender that is held back that it would wait, and why.
fn check_held(left: Option<Duration>) -> RpcResult<()> {
    let Some(left) = left else { return Ok(()) };
    let seconds = left.as_secs().saturating_add(1);
    Err(server(format_args!(
        "no block could hold an earlier transaction of this sender ({}): this node takes others of it in \
         {seconds} s; eth_estimateGas tells whether a block can",
        TxError::CyclesExceedBlock
    )))
}

/// `wei` in coins with two digits, cut off.
fn coins(wei: U256) -> String {
    let (whole, rest) = wei.div_rem(U256::from(COIN));
    format!("{whole}.{:02}", rest / U256::from(COIN / 100))
}

fn check_state(tx: &TxEnvelope, sender: Address, state: &StateView) -> RpcResult<Account> {
    let limit = state.block_gas_limit()?;
    if tx.gas_limit() > limit {
        return Err(server(TxError::BlockGasLimit));
    }
    let account = state.account(sender)?;
    check_account(tx, account.nonce, to_evm(account.balance))?;
    Ok(account)
}

fn check_account(tx: &TxEnvelope, next_nonce: u64, balance: U256) -> RpcResult<()> {
    if tx.nonce() < next_nonce {
        return Err(server(format_args!(
            "{}: next nonce {next_nonce}, tx nonce {}",
            TxError::NonceTooLow,
            tx.nonce()
        )));
    }
    let cost = tx::max_cost(tx).ok_or_else(|| server(TxError::CostOverflow))?;
    match cost.checked_sub(balance) {
        Some(overshot) if !overshot.is_zero() => Err(server(format_args!(
            "{}: balance {balance}, tx cost {cost}, overshot {overshot}",
            TxError::InsufficientFunds
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxEip1559};
    use alloy_primitives::Signature;

    fn transfer(nonce: u64, fee_cap: u128, value: u64) -> TxEnvelope {
        let tx = TxEip1559 {
            chain_id: bzk_core::CHAIN_ID,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: fee_cap,
            value: U256::from(value),
            ..Default::default()
        };
        tx.into_signed(Signature::test_signature()).into()
    }

    fn message(result: RpcResult<()>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.code(), -32000);
        error.message().to_string()
    }

    #[test]
    fn used_nonce_is_refused_with_both_numbers() {
        let result = check_account(&transfer(3, 0, 0), 5, U256::ZERO);
        assert_eq!(message(result), "nonce too low: next nonce 5, tx nonce 3");
    }

    #[test]
    fn cost_over_the_balance_is_refused_with_the_difference() {
        let result = check_account(&transfer(0, 2, 10), 0, U256::from(42_000));
        assert_eq!(
            message(result),
            "insufficient funds for gas * price + value: balance 42000, tx cost 42010, overshot 10"
        );
    }

    /// The transaction of a sender at `nonce` that costs `cost`.
    fn entry(nonce: u64, cost: u64) -> Entry {
        let (pool_hash, hash, sender) = (Hash::zero(), B256::ZERO, Address::ZERO);
        Entry { pool_hash, hash, sender, nonce, fee_cap: 1, tip_cap: 1, cost: U256::from(cost) }
    }

    #[test]
    fn balance_pays_all_that_waits_or_the_last_is_refused() {
        let waiting = [entry(5, 40), entry(6, 40)];
        assert!(check_overdraft(&entry(7, 20), &waiting, U256::from(100)).is_ok());
        assert_eq!(
            message(check_overdraft(&entry(7, 21), &waiting, U256::from(100))),
            "insufficient funds for gas * price + value: balance 100, queued cost 80, tx cost 21, overshot 1"
        );
        let huge = Entry { cost: U256::MAX, ..entry(7, 0) };
        assert!(check_overdraft(&huge, &waiting, U256::from(100)).is_err());
    }

    #[test]
    fn replacement_costs_what_it_costs_more() {
        let waiting = [entry(5, 40), entry(6, 40)];
        assert!(check_overdraft(&entry(5, 60), &waiting, U256::from(100)).is_ok());
        assert_eq!(
            message(check_overdraft(&entry(5, 61), &waiting, U256::from(100))),
            "insufficient funds for gas * price + value: balance 100, queued cost 80, tx bumped 21, overshot 1"
        );
        assert_eq!(
            message(check_overdraft(&entry(5, 35), &waiting, U256::from(70))),
            "insufficient funds for gas * price + value: balance 70, queued cost 80, tx bumped -5, overshot 5"
        );
    }

    #[test]
    fn sender_that_is_held_back_hears_why_and_until_when() {
        assert!(check_held(None).is_ok());
        let told = message(check_held(Some(Duration::from_millis(41_500))));
        assert!(told.contains("exceeds block proving limit"), "{told}");
        assert!(told.contains("in 42 s"), "{told}");
    }

    #[test]
    fn exact_balance_and_future_nonce_pass() {
        assert!(check_account(&transfer(9, 2, 10), 5, U256::from(42_010)).is_ok());
    }

    #[test]
    fn fee_over_the_cap_is_refused_and_named_in_coins() {
        let cap = Some(U256::from(COIN));
        let tx = transfer(0, 50_000_000_000_000, 0);
        assert_eq!(
            message(check_fee(&tx, cap)),
            "tx fee (1.05 ether) exceeds the configured cap (1.00 ether)"
        );
        assert!(check_fee(&tx, None).is_ok());
        assert!(check_fee(&transfer(0, 47_000_000_000_000, 0), cap).is_ok());
    }
}
