//! Blocks for tests.

use crate::{
    chain::Record,
    types::{Address, B256, U256},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::Signature;
use bzk_evm::{
    block::{block, Header},
    receipt::{Log, Receipt},
    tx::RecoveredTx,
};
use sp_core::{H160, H256};

/// Gas that each transaction of [`record`] uses.
pub(crate) const GAS: u64 = 50_000;

/// A transaction; `nonce` makes it unique.
pub(crate) fn transaction(nonce: u64) -> TxEnvelope {
    priced(nonce, 1_000, 10)
}

/// A transaction with this fee cap and tip, in wei per gas.
pub(crate) fn priced(nonce: u64, fee_cap: u128, tip_cap: u128) -> TxEnvelope {
    let tx = TxEip1559 {
        chain_id: bzk_core::CHAIN_ID,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: fee_cap,
        max_priority_fee_per_gas: tip_cap,
        to: Address::repeat_byte(0xcc).into(),
        value: U256::from(7),
        ..Default::default()
    };
    tx.into_signed(Signature::test_signature()).into()
}

/// The same with a sender.
pub(crate) fn recovered(sender: u8, nonce: u64) -> RecoveredTx {
    let envelope = transaction(nonce);
    RecoveredTx { hash: *envelope.tx_hash(), envelope, sender: Address::repeat_byte(sender) }
}

/// A block whose transactions log as listed. A log `n` comes from address `nn..`, has the topics
/// `nn..` and `(n + 1)(n + 1)..`, and the data `n`. Blocks with different `fork` differ.
pub(crate) fn record(number: u64, fork: u64, logs: &[&[u8]]) -> Record {
    let transactions: Vec<_> = (0..logs.len() as u64).map(transaction).collect();
    let receipts: Vec<_> = logs
        .iter()
        .zip(1u64..)
        .map(|(logs, count)| Receipt {
            tx_type: 2,
            success: true,
            cumulative_gas_used: GAS * count,
            logs: logs.iter().map(|id| log(*id)).collect(),
        })
        .collect();
    let header = Header {
        number,
        timestamp: 1_000 + fork,
        gas_limit: 30_000_000,
        gas_used: GAS * logs.len() as u64,
        base_fee_per_gas: Some(100),
        ..Default::default()
    };
    let senders = vec![Address::repeat_byte(0xaa); logs.len()];
    let hash: B256 = header.hash_slow();
    Record { block: block(header, transactions), hash, receipts, senders }
}

fn log(id: u8) -> Log {
    Log {
        address: H160::repeat_byte(id),
        topics: vec![H256::repeat_byte(id), H256::repeat_byte(id.wrapping_add(1))],
        data: vec![id],
    }
}
