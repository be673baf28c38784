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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloy_eips::eip2718::{Decodable2718, Encodable2718};
    use proptest::prelude::*;
    use revm::context_interface::result::{HaltReason, ResultGas};

    fn log(byte: u8, topics: usize) -> Log {
        Log {
            address: H160::repeat_byte(byte),
            topics: (0..topics).map(|index| H256::repeat_byte(index as u8)).collect(),
            data: vec![byte; 40],
        }
    }

    #[test]
    fn failed_transaction_has_no_logs() {
        let halted = ExecutionResult::Halt {
            reason: HaltReason::OpcodeNotFound,
            gas: ResultGas::default(),
            logs: vec![(&log(1, 1)).into()],
        };
        let receipt = Receipt::new(2, &halted, 500);
        assert!(receipt.logs.is_empty());
        assert!(!receipt.success);
        assert_eq!(receipt.cumulative_gas_used, 500);
    }

    #[test]
    fn envelope_has_the_type_of_the_transaction() {
        for tx_type in 0..=2 {
            let receipt = Receipt { tx_type, ..Default::default() };
            assert_eq!(receipt.to_envelope().tx_type() as u8, tx_type);
        }
    }

    proptest! {
        #[test]
        fn prop_receipt_survives_both_encodings(
            tx_type in 0u8..=2,
            success: bool,
            cumulative_gas_used: u64,
            shapes in proptest::collection::vec((any::<u8>(), 0usize..=4), 0..5),
        ) {
            let logs: Vec<_> = shapes.into_iter().map(|(byte, n)| log(byte, n)).collect();
            let receipt = Receipt { tx_type, success, cumulative_gas_used, logs };
            prop_assert_eq!(&Receipt::decode(&mut &receipt.encode()[..]).unwrap(), &receipt);

            let envelope = receipt.to_envelope();
            let bytes = envelope.encoded_2718();
            prop_assert_eq!(&ReceiptEnvelope::decode_2718(&mut &bytes[..]).unwrap(), &envelope);
            let logs: Vec<crate::primitives::Log> = receipt.logs.iter().map(Into::into).collect();
            prop_assert_eq!(receipt.bloom(), alloy_primitives::logs_bloom(&logs));
            prop_assert_eq!(logs.iter().map(Log::from).collect::<Vec<_>>(), receipt.logs);
        }
    }
}
