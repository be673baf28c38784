//! Logs of the bridge's contracts, decoded; declared in `contracts/src/l2`.

use crate::types::MAX_SCRIPT_BYTES;
use alloc::vec::Vec;
use frame_support::{traits::ConstU32, BoundedVec};
use hex_literal::hex;
use sp_core::{H256, U256};

/// keccak-256 of the events' signatures.
pub(crate) mod topic {
    use super::hex;

    pub(crate) const CLAIMED: [u8; 32] =
        hex!("4af28af0479498580b1adfb632e85c83f27944184380f91b2b4280a4d7fbb267");
    pub(crate) const REQUESTED: [u8; 32] =
        hex!("d6b08b4419057b9e245838a263f17a3c4db6cc274353f990e55767e30048e676");
    pub(crate) const SETTLED: [u8; 32] =
        hex!("ff25b71921760f54c258f1ebe5ef3e1da148f998ea360a909f9e16f4f8b9b488");
    pub(crate) const REOPENED: [u8; 32] =
        hex!("5727c1ad66291234ebfcc6474c02a6b6cf288710284778a9fb86d0ce47ba401f");
    pub(crate) const UNLOCKED: [u8; 32] =
        hex!("786445a8b363b19da93b53180688b2f9145a1de2d622dc7dd831de98400c803a");
    pub(crate) const DEFICIT: [u8; 32] =
        hex!("2479d67d3dd191b3c9aa6697580bf2d71306d7dadb66db2ea4d74a9914b91653");
    pub(crate) const ROTATED: [u8; 32] =
        hex!("4ac8c07c90cce8ecea1bb4098420c92bbb7c3c597f6ea0e4d86824b0a7a364fe");
    pub(crate) const NEW_TIP: [u8; 32] =
        hex!("076648c787fcabfbbc1aa394b13f5eeffe9e85d4cc080fd0f745461042f9edd8");

    pub(crate) const CONFIRMED: [u8; 32] =
        hex!("28caf066654edb5cc09575e0536b946f58255767f131a1954d3503873c412a81");

    #[cfg(test)]
    pub(crate) const ALL: [[u8; 32]; 9] =
        [CLAIMED, REQUESTED, SETTLED, REOPENED, UNLOCKED, DEFICIT, ROTATED, NEW_TIP, CONFIRMED];
}

/// A log of the bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BridgeLog {
    Claimed { txid: [u8; 32], vout: u32, epoch: u32, sats: u64, root: [u8; 32], height: u32 },
    Requested { id: u64, sats: u64, max_fee_sats: u64, height: u32, script: Script },
    Settled { id: u64, txid: [u8; 32], height: u32 },
    Confirmed { id: u64, txid: [u8; 32], height: u32 },
    Reopened { id: u64, height: u32 },
    Unlocked { id: u64 },
    Deficit { sats: u64 },
    Rotated { epoch: u32, key: [u8; 32], previous_closes_at: u32 },
}

pub(crate) type Script = BoundedVec<u8, ConstU32<MAX_SCRIPT_BYTES>>;

impl BridgeLog {
    /// Decodes a log of the bridge; `None` for events of no concern here, and for what the contract cannot emit.
    pub(crate) fn decode(topics: &[H256], data: &[u8]) -> Option<Self> {
        let (first, indexed) = topics.split_first()?;
        let topic = |at: usize| indexed.get(at).map(|topic| topic.0);
        let id = || uint::<u64>(&topic(0)?);
        match first.0 {
            topic::CLAIMED => Some(Self::Claimed {
                txid: topic(0)?,
                vout: uint(&word(data, 0)?)?,
                epoch: uint(&topic(2)?)?,
                sats: uint(&word(data, 1)?)?,
                root: word(data, 3)?,
                height: uint(&word(data, 5)?)?,
            }),
            topic::REQUESTED => Some(Self::Requested {
                id: id()?,
                sats: uint(&word(data, 0)?)?,
                max_fee_sats: uint(&word(data, 1)?)?,
                height: uint(&word(data, 2)?)?,
                script: bytes(data, 3)?,
            }),
            topic::SETTLED => {
                Some(Self::Settled { id: id()?, txid: topic(1)?, height: uint(&word(data, 2)?)? })
            }
            topic::CONFIRMED => {
                Some(Self::Confirmed { id: id()?, txid: topic(1)?, height: uint(&word(data, 0)?)? })
            }
            topic::REOPENED => Some(Self::Reopened { id: id()?, height: uint(&word(data, 0)?)? }),
            topic::UNLOCKED => Some(Self::Unlocked { id: id()? }),
            topic::DEFICIT => Some(Self::Deficit { sats: uint(&word(data, 0)?)? }),
            topic::ROTATED => Some(Self::Rotated {
                epoch: uint(&topic(0)?)?,
                key: word(data, 0)?,
                previous_closes_at: uint(&word(data, 1)?)?,
            }),
            _ => None,
        }
    }
}

/// The height that the relay tells of with a new tip.
pub(crate) fn new_tip(topics: &[H256]) -> Option<u32> {
    match topics {
        [kind, height, ..] if kind.0 == topic::NEW_TIP => uint(&height.0),
        _ => None,
    }
}

/// Word `at` of ABI-encoded values.
fn word(data: &[u8], at: usize) -> Option<[u8; 32]> {
    let start = at.checked_mul(32)?;
    data.get(start..start.checked_add(32)?)?.try_into().ok()
}

/// A number that fits its type.
fn uint<N: TryFrom<U256>>(word: &[u8; 32]) -> Option<N> {
    U256::from_big_endian(word).try_into().ok()
}

/// The dynamic bytes whose offset is word `at`.
fn bytes(data: &[u8], at: usize) -> Option<Script> {
    let offset: u32 = uint(&word(data, at)?)?;
    let tail = data.get(usize::try_from(offset).ok()?..)?;
    let length: u32 = uint(&word(tail, 0)?)?;
    let end = usize::try_from(length).ok()?.checked_add(32)?;
    Vec::from(tail.get(32..end)?).try_into().ok()
}
