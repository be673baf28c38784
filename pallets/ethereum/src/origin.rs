//! The origin of Ethereum transactions.

use alloc::sync::Arc;
use bzk_evm::tx::RecoveredTx;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::{Debug, TypeInfo};
use sp_core::H160;

/// A sender that the extrinsic wrapper recovered from an Ethereum signature.
///
/// It carries the decoded transaction in memory, so nothing is decoded or recovered twice. The
/// encoding leaves the transaction out: an origin that was made up from bytes (by `dispatch_as`, by
/// a scheduler) names a sender but authorises nothing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct RecoveredSender {
    address: H160,
    #[codec(skip)]
    transaction: Option<Arc<RecoveredTx>>,
}

impl MaxEncodedLen for RecoveredSender {
    fn max_encoded_len() -> usize {
        H160::max_encoded_len()
    }
}

/// Origins of this pallet.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo, MaxEncodedLen,
)]
pub enum RawOrigin {
    /// The signer of the Ethereum transaction that is being applied.
    EthereumTransaction(RecoveredSender),
}

impl RawOrigin {
    /// The origin of `transaction`. [`bzk_evm::tx::recover`] is the only source of its argument,
    /// so whoever has the origin has checked the signature.
    pub fn recovered(transaction: Arc<RecoveredTx>) -> Self {
        Self::EthereumTransaction(RecoveredSender {
            address: H160(transaction.sender.0 .0),
            transaction: Some(transaction),
        })
    }

    /// The transaction that the origin authorises; `None` for an origin decoded from bytes.
    pub fn into_transaction(self) -> Option<Arc<RecoveredTx>> {
        let Self::EthereumTransaction(sender) = self;
        sender.transaction
    }

    /// The sender.
    pub fn address(&self) -> H160 {
        let Self::EthereumTransaction(sender) = self;
        sender.address
    }
}
