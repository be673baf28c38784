//! Grouping of waiting transactions by sender and nonce.

use crate::pool::PoolTx;
use alloy_consensus::{Transaction, TxEnvelope};
use serde::Serialize;
use std::collections::BTreeMap;

/// Transactions of one sender.
pub(super) type ByNonce<T> = BTreeMap<u64, T>;
/// Transactions of all senders, by address with its checksum.
pub(super) type BySender<T> = BTreeMap<String, ByNonce<T>>;

/// Both parts of the pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Pool<T> {
    /// What the next block may hold.
    pub pending: T,
    /// What waits for an earlier nonce.
    pub queued: T,
}

/// `txs` by sender and nonce, each as `show` gives it.
pub(super) fn by_sender<T>(txs: &[PoolTx], show: impl Fn(&PoolTx) -> T) -> BySender<T> {
    let mut senders = BTreeMap::<_, ByNonce<T>>::new();
    for tx in txs {
        senders.entry(tx.tx.sender).or_default().insert(tx.tx.envelope.nonce(), show(tx));
    }
    senders.into_iter().map(|(sender, txs)| (sender.to_checksum(None), txs)).collect()
}

/// geth's line: `to: value wei + gas gas × price wei`.
pub(super) fn summary(tx: &TxEnvelope) -> String {
    let to = match tx.to() {
        Some(to) => to.to_checksum(None),
        None => "contract creation".to_string(),
    };
    let price = tx.max_fee_per_gas();
    format!("{to}: {} wei + {} gas × {price} wei", tx.value(), tx.gas_limit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::fixtures::{priced, recovered};
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_primitives::{Signature, TxKind, U256};
    use std::sync::Arc;

    fn waiting(sender: u8, nonce: u64) -> PoolTx {
        PoolTx { tx: Arc::new(recovered(sender, nonce)), ready: true }
    }

    #[test]
    fn transactions_are_grouped_by_sender_and_ordered_by_nonce() {
        let txs = [waiting(0xbb, 10), waiting(0xaa, 3), waiting(0xbb, 9)];
        let grouped = by_sender(&txs, |tx| tx.tx.hash);
        let nonces: Vec<Vec<u64>> =
            grouped.values().map(|txs| txs.keys().copied().collect()).collect();
        assert_eq!(nonces, [vec![3], vec![9, 10]]);
    }

    #[test]
    fn nonces_are_decimal_keys_and_empty_parts_are_objects() {
        let pending = by_sender(&[waiting(0xbb, 10)], |_| "tx");
        let sender = pending.keys().next().unwrap().clone();
        let json = serde_json::to_value(Pool { pending, queued: BTreeMap::new() }).unwrap();
        assert_eq!(json["pending"][&sender]["10"], "tx");
        assert_eq!(json["queued"], serde_json::json!({}));
    }

    #[test]
    fn sender_has_its_checksum() {
        let grouped = by_sender(&[waiting(0xab, 0)], |_| ());
        let sender = grouped.keys().next().unwrap();
        assert!(sender.chars().any(|c| c.is_ascii_uppercase()), "{sender}");
    }

    #[test]
    fn summary_is_geths_line() {
        let line = summary(&priced(0, 1_000, 10));
        let expected = "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC: 7 wei + 100000 gas × 1000 wei";
        assert_eq!(line.to_lowercase(), expected.to_lowercase());
        assert!(line.starts_with("0xCc") || line.starts_with("0xcC") || line.starts_with("0xCC"));
    }

    #[test]
    fn creation_has_no_recipient() {
        let tx = TxLegacy {
            gas_price: 5,
            gas_limit: 60_000,
            to: TxKind::Create,
            value: U256::from(1),
            ..Default::default()
        };
        let line = summary(&tx.into_signed(Signature::test_signature()).into());
        assert_eq!(line, "contract creation: 1 wei + 60000 gas × 5 wei");
    }
}
