//! Ethereum's JSON shapes from the node's records.

use crate::{
    chain::Record,
    types::{address, B256, U256},
};
use alloy_consensus::{
    transaction::{Recovered, TransactionInfo},
    Eip658Value, ReceiptEnvelope, ReceiptWithBloom, Sealed, Transaction as _, TxEnvelope,
};
use alloy_primitives::{LogData, TxKind};
use alloy_rlp::Encodable;
use alloy_rpc_types_eth::{
    Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt, Withdrawals,
};
use bzk_evm::{receipt, tx::RecoveredTx};

/// What `eth_getBlockBy*` returns, with whole transactions or only their hashes.
pub fn block(record: &Record, full: bool) -> Block {
    let transactions = &record.block.body.transactions;
    let transactions = if full {
        BlockTransactions::Full(self::transactions(record).collect())
    } else {
        BlockTransactions::Hashes(transactions.iter().map(|tx| *tx.tx_hash()).collect())
    };
    Block::new(header(record), transactions).with_withdrawals(Some(Withdrawals::default()))
}

/// The block's header, as `newHeads` sends it.
pub fn header(record: &Record) -> Header {
    let sealed = Sealed::new_unchecked(record.block.header.clone(), record.hash);
    Header::from_consensus(sealed, None, Some(U256::from(record.block.length())))
}

/// All transactions of the block.
pub fn transactions(record: &Record) -> impl Iterator<Item = Transaction> + '_ {
    (0..record.block.body.transactions.len()).filter_map(|index| transaction(record, index))
}

/// The transaction at `index`; `None` if the block has fewer.
pub fn transaction(record: &Record, index: usize) -> Option<Transaction> {
    let tx = record.block.body.transactions.get(index)?;
    let sender = record.senders.get(index)?;
    let header = &record.block.header;
    let info = TransactionInfo {
        hash: Some(*tx.tx_hash()),
        index: Some(index as u64),
        block_hash: Some(record.hash),
        block_number: Some(header.number),
        base_fee: header.base_fee_per_gas,
        block_timestamp: Some(header.timestamp),
    };
    Some(Transaction::from_transaction(Recovered::new_unchecked(tx.clone(), *sender), info))
}

/// A transaction that waits in the pool.
pub fn pending_transaction(tx: &RecoveredTx) -> Transaction {
    let recovered = Recovered::new_unchecked(tx.envelope.clone(), tx.sender);
    Transaction::from_transaction(recovered, TransactionInfo::default())
}

/// All receipts of the block.
pub fn receipts(record: &Record) -> Vec<TransactionReceipt> {
    let (mut gas_before, mut logs_before) = (0, 0);
    let mut receipts = Vec::with_capacity(record.receipts.len());
    for (index, stored) in record.receipts.iter().enumerate() {
        receipts.extend(receipt_after(record, index, gas_before, logs_before));
        gas_before = stored.cumulative_gas_used;
        logs_before += stored.logs.len() as u64;
    }
    receipts
}

/// The receipt at `index`; `None` if the block has fewer.
pub fn receipt(record: &Record, index: usize) -> Option<TransactionReceipt> {
    let before = record.receipts.get(..index)?;
    let gas_before = before.last().map_or(0, |receipt| receipt.cumulative_gas_used);
    receipt_after(record, index, gas_before, log_count(before))
}

fn receipt_after(
    record: &Record,
    index: usize,
    gas_before: u64,
    logs_before: u64,
) -> Option<TransactionReceipt> {
    let tx = record.block.body.transactions.get(index)?;
    let stored = record.receipts.get(index)?;
    let from = *record.senders.get(index)?;
    let (to, contract_address) = match tx.kind() {
        TxKind::Call(to) => (Some(to), None),
        TxKind::Create => (None, Some(from.create(tx.nonce()))),
    };
    Some(TransactionReceipt {
        inner: envelope(record, index, stored, logs_before),
        transaction_hash: *tx.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(record.hash),
        block_number: Some(record.block.header.number),
        gas_used: stored.cumulative_gas_used.saturating_sub(gas_before),
        effective_gas_price: tx.effective_gas_price(record.block.header.base_fee_per_gas),
        blob_gas_used: None,
        blob_gas_price: None,
        from,
        to,
        contract_address,
    })
}

fn envelope(
    record: &Record,
    index: usize,
    stored: &receipt::Receipt,
    logs_before: u64,
) -> ReceiptEnvelope<Log> {
    let tx = record.block.body.transactions.get(index);
    let hash = tx.map(|tx| *tx.tx_hash()).unwrap_or_default();
    let logs: Vec<Log> = (logs_before..)
        .zip(&stored.logs)
        .map(|(log_index, log)| self::log(record, hash, index, log_index, log))
        .collect();
    let logs_bloom = logs.iter().map(|log| &log.inner).collect();
    let receipt = alloy_consensus::Receipt {
        status: Eip658Value::Eip658(stored.success),
        cumulative_gas_used: stored.cumulative_gas_used,
        logs,
    };
    let receipt = ReceiptWithBloom { receipt, logs_bloom };
    match tx {
        Some(TxEnvelope::Eip2930(_)) => ReceiptEnvelope::Eip2930(receipt),
        Some(TxEnvelope::Eip1559(_)) => ReceiptEnvelope::Eip1559(receipt),
        _ => ReceiptEnvelope::Legacy(receipt),
    }
}

/// All logs of the block in order.
pub fn logs(record: &Record) -> impl Iterator<Item = Log> + '_ {
    let logs = record
        .receipts
        .iter()
        .enumerate()
        .flat_map(|(index, receipt)| receipt.logs.iter().map(move |log| (index, log)));
    logs.zip(0..).map(|((index, log), log_index)| {
        let tx = record.block.body.transactions.get(index);
        let hash = tx.map(|tx| *tx.tx_hash()).unwrap_or_default();
        self::log(record, hash, index, log_index, log)
    })
}

/// A log of the block; `index` counts all logs of the block.
pub(crate) fn log(
    record: &Record,
    tx_hash: B256,
    tx_index: usize,
    index: u64,
    log: &receipt::Log,
) -> Log {
    let topics = log.topics.iter().map(|topic| B256::new(topic.0)).collect();
    Log {
        inner: alloy_primitives::Log {
            address: address(log.address),
            data: LogData::new_unchecked(topics, log.data.clone().into()),
        },
        block_hash: Some(record.hash),
        block_number: Some(record.block.header.number),
        block_timestamp: Some(record.block.header.timestamp),
        transaction_hash: Some(tx_hash),
        transaction_index: Some(tx_index as u64),
        log_index: Some(index),
        removed: false,
    }
}

fn log_count(receipts: &[receipt::Receipt]) -> u64 {
    receipts.iter().map(|receipt| receipt.logs.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
    use alloy_primitives::{address, Address, Signature};
    use serde_json::{json, to_value, Value};
    use sp_core::{H160, H256};

    const SENDER: Address = address!("f39fd6e51aad88f6f4ce6ab8827279cfffb92266");

    fn logging(
        success: bool,
        cumulative_gas_used: u64,
        tx_type: u8,
        logs: usize,
    ) -> receipt::Receipt {
        let log = receipt::Log {
            address: H160::repeat_byte(0xaa),
            topics: vec![H256::repeat_byte(1), H256::repeat_byte(2)],
            data: vec![7, 8],
        };
        receipt::Receipt { tx_type, success, cumulative_gas_used, logs: vec![log; logs] }
    }

    /// A block with a creation (legacy), a call (1559) and a failed call.
    fn record() -> Record {
        let signature = Signature::test_signature();
        let creation = TxLegacy {
            chain_id: Some(bzk_core::CHAIN_ID),
            gas_price: 30,
            gas_limit: 100_000,
            ..Default::default()
        };
        let call = |nonce| TxEip1559 {
            chain_id: bzk_core::CHAIN_ID,
            nonce,
            gas_limit: 50_000,
            max_fee_per_gas: 25,
            max_priority_fee_per_gas: 3,
            to: TxKind::Call(Address::repeat_byte(0xaa)),
            ..Default::default()
        };
        let transactions = vec![
            creation.into_signed(signature).into(),
            call(1).into_signed(signature).into(),
            call(2).into_signed(signature).into(),
        ];
        let header = alloy_consensus::Header {
            number: 9,
            timestamp: 1_700_000_000,
            base_fee_per_gas: Some(20),
            withdrawals_root: Some(alloy_consensus::constants::EMPTY_ROOT_HASH),
            ..Default::default()
        };
        let block = bzk_evm::block::block(header, transactions);
        let receipts = vec![
            logging(true, 60_000, 0, 1),
            logging(true, 90_000, 2, 2),
            logging(false, 111_000, 2, 0),
        ];
        Record { hash: block.header.hash_slow(), block, receipts, senders: vec![SENDER; 3] }
    }

    fn receipt_json(index: usize) -> Value {
        to_value(receipt(&record(), index).unwrap()).unwrap()
    }

    #[test]
    fn receipts_count_gas_and_logs_through_the_block() {
        let record = record();
        let all = receipts(&record);
        assert_eq!(
            all.iter().map(|one| one.gas_used).collect::<Vec<_>>(),
            [60_000, 30_000, 21_000]
        );
        let indexes: Vec<_> =
            all.iter().flat_map(|one| one.inner.logs()).map(|log| log.log_index.unwrap()).collect();
        assert_eq!(indexes, [0, 1, 2]);
        for (index, one) in all.into_iter().enumerate() {
            assert_eq!(receipt(&record, index), Some(one));
        }
        assert_eq!(receipt(&record, 3), None);
    }

    #[test]
    fn receipt_of_a_creation_names_the_contract() {
        let json = receipt_json(0);
        assert_eq!(json["to"], Value::Null);
        assert_eq!(json["contractAddress"], "0x5fbdb2315678afecb367f032d93f642f64180aa3");
        assert_eq!(json["effectiveGasPrice"], "0x1e");
        assert_eq!(json["type"], "0x0");
        assert_eq!(json["status"], "0x1");
    }

    #[test]
    fn receipt_of_a_call_has_the_price_paid_and_the_bloom_of_its_logs() {
        let json = receipt_json(1);
        assert_eq!(json["effectiveGasPrice"], "0x17");
        assert_eq!(json["contractAddress"], Value::Null);
        assert_eq!(json["type"], "0x2");
        let bloom = record().receipts[1].bloom();
        assert_eq!(json["logsBloom"], bloom.to_string());
        let log = &json["logs"][1];
        assert_eq!(log["logIndex"], "0x2");
        assert_eq!(log["transactionIndex"], "0x1");
        assert_eq!(log["removed"], false);
        assert_eq!(log["data"], "0x0708");
        assert_eq!(log["blockHash"], json["blockHash"]);
        assert_eq!(log["transactionHash"], json["transactionHash"]);
    }

    #[test]
    fn failed_transaction_has_status_zero() {
        assert_eq!(receipt_json(2)["status"], "0x0");
    }

    #[test]
    fn block_has_the_fields_of_a_cancun_block() {
        let record = record();
        let json = to_value(block(&record, false)).unwrap();
        assert_eq!(json["number"], "0x9");
        assert_eq!(json["hash"], record.hash.to_string());
        assert_eq!(json["baseFeePerGas"], "0x14");
        assert_eq!(json["uncles"], json!([]));
        assert_eq!(json["withdrawals"], json!([]));
        assert_eq!(json["transactions"].as_array().unwrap().len(), 3);
        let size = bzk_evm::block::encode(&record.block).len();
        assert_eq!(json["size"], format!("{size:#x}"));
    }

    #[test]
    fn full_block_holds_whole_transactions_with_their_place() {
        let json = to_value(block(&record(), true)).unwrap();
        let tx = &json["transactions"][1];
        assert_eq!(tx["from"], "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266");
        assert_eq!(tx["transactionIndex"], "0x1");
        assert_eq!(tx["blockNumber"], "0x9");
        assert_eq!(tx["blockHash"], json["hash"]);
        assert_eq!(tx["gasPrice"], "0x17");
        assert_eq!(tx["maxFeePerGas"], "0x19");
        assert_eq!(tx["type"], "0x2");
        assert_eq!(json["transactions"][0]["gasPrice"], "0x1e");
    }

    #[test]
    fn pending_transaction_has_no_place() {
        let record = record();
        let envelope = record.block.body.transactions[1].clone();
        let hash = *envelope.tx_hash();
        let json =
            to_value(pending_transaction(&RecoveredTx { envelope, hash, sender: SENDER })).unwrap();
        for field in ["blockHash", "blockNumber", "transactionIndex"] {
            assert_eq!(json[field], Value::Null, "{field}");
        }
        assert_eq!(json["hash"], hash.to_string());
    }

    #[test]
    fn logs_of_a_block_are_those_of_its_receipts() {
        let record = record();
        let from_receipts: Vec<_> =
            receipts(&record).iter().flat_map(|one| one.inner.logs().to_vec()).collect();
        assert_eq!(logs(&record).collect::<Vec<_>>(), from_receipts);
    }
}
