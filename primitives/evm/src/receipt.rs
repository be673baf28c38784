//! Receipts as they are stored, and as the receipts trie and the RPC have them.

use crate::{
    crypto,
    primitives::{Address, Bloom, BloomInput, LogData, B256},
};
use alloc::vec::Vec;
use alloy_consensus::{
    Eip658Value, Receipt as ConsensusReceipt, ReceiptEnvelope, ReceiptWithBloom, TxType,
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use revm::context_interface::result::ExecutionResult;
use scale_info::TypeInfo;
use sp_core::{H160, H256};

/// An event that a contract emitted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Log {
    /// The contract.
    pub address: H160,
    /// Zero to four indexed words.
    pub topics: Vec<H256>,
    /// The rest of the event.
    pub data: Vec<u8>,
}

impl From<&crate::primitives::Log> for Log {
    fn from(log: &crate::primitives::Log) -> Self {
        Self {
            address: H160(log.address.0 .0),
            topics: log.topics().iter().map(|topic| H256(topic.0)).collect(),
            data: log.data.data.to_vec(),
        }
    }
}

impl From<&Log> for crate::primitives::Log {
    fn from(log: &Log) -> Self {
        Self {
            address: Address::new(log.address.0),
            data: LogData::new_unchecked(
                log.topics.iter().map(|topic| B256::new(topic.0)).collect(),
                log.data.clone().into(),
            ),
        }
    }
}

/// What a transaction left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Receipt {
    /// EIP-2718 type: 0, 1 or 2.
    pub tx_type: u8,
    /// Whether it succeeded.
    pub success: bool,
    /// Gas used in the block up to and including it.
    pub cumulative_gas_used: u64,
    /// Events in order; none when it failed.
    pub logs: Vec<Log>,
}

impl Receipt {
    /// The receipt of a transaction of type `tx_type` before which the block had used `gas_before`.
    pub fn new(tx_type: u8, result: &ExecutionResult, gas_before: u64) -> Self {
        let logs = match result {
            ExecutionResult::Success { logs, .. } => logs.iter().map(Log::from).collect(),
            ExecutionResult::Revert { .. } | ExecutionResult::Halt { .. } => Vec::new(),
        };
        Self {
            tx_type,
            success: result.is_success(),
            cumulative_gas_used: gas_before.saturating_add(result.tx_gas_used()),
            logs,
        }
    }

    /// The bloom filter of the logs.
    pub fn bloom(&self) -> Bloom {
        bloom(&self.logs)
    }

    /// The receipt with its bloom, as the receipts trie holds it. An unknown type, which no
    /// transaction of the profile has, counts as a legacy one.
    pub fn to_envelope(&self) -> ReceiptEnvelope {
        let receipt = ReceiptWithBloom {
            receipt: ConsensusReceipt {
                status: Eip658Value::Eip658(self.success),
                cumulative_gas_used: self.cumulative_gas_used,
                logs: self.logs.iter().map(Into::into).collect(),
            },
            logs_bloom: self.bloom(),
        };
        let tx_type = TxType::try_from(self.tx_type).unwrap_or(TxType::Legacy);
        ReceiptEnvelope::from_typed(tx_type, receipt)
    }
}

/// The bloom filter of `logs`, hashed by the host.
pub fn bloom<'a>(logs: impl IntoIterator<Item = &'a Log>) -> Bloom {
    let mut bloom = Bloom::ZERO;
    for log in logs {
        bloom.accrue(BloomInput::Hash(crypto::keccak256(&log.address.0)));
        for topic in &log.topics {
            bloom.accrue(BloomInput::Hash(crypto::keccak256(&topic.0)));
        }
    }
    bloom
}
