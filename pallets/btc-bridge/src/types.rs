//! What the pallet stores.

pub use bzk_bitcoin::payout::MAX_VERSIONS;

use alloc::vec::Vec;
use bzk_bitcoin::{
    bitcoin::{hashes::Hash, OutPoint, ScriptBuf, Txid},
    curve::Host,
    output_key, payout, size_class,
};
use bzk_threshold::element::{Signature, XOnly};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use sp_core::{H160, H256};

/// Reads the storage of contracts, as of the last Ethereum block.
pub trait ContractState {
    /// The word of `contract` at `slot`; zero if it was never set.
    fn slot(contract: H160, slot: H256) -> H256;
}

/// Most withdrawals of one payout.
pub const MAX_BATCH: u32 = 20;

/// Most inputs of one payout, as many as a signing session takes.
pub const MAX_INPUTS: u32 = bzk_threshold::signing::request::MAX_INPUTS;

/// Most bytes of a payout without its signatures: 50 inputs of 41 bytes, 29 outputs of at most 83.
pub const MAX_PAYOUT_BYTES: u32 = 5_120;

/// Most bytes of a script that is paid: P2WSH and P2TR have 34.
pub const MAX_SCRIPT_BYTES: u32 = 34;

/// A coin of the committee that no payout spends.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct StoredCoin {
    /// Id of its transaction, in internal byte order.
    pub txid: [u8; 32],
    /// Number of its output.
    pub vout: u32,
    /// Its amount.
    pub sats: u64,
    /// Root of its script tree; none for change.
    pub root: Option<[u8; 32]>,
    /// Bitcoin height by which it must be spent; none for change.
    pub spend_by: Option<u32>,
}

/// Sorts coins as payouts take them: by size class, then those whose refund path opens first, then the largest.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct CoinKey([u8; 49]);

impl CoinKey {
    /// The size class of the coin.
    pub(crate) fn class(&self) -> u8 {
        let [class, ..] = self.0;
        class
    }

    /// Before all coins of a size class.
    pub(crate) fn first_of(class: u8) -> Self {
        let mut key = [0; 49];
        let [first, ..] = &mut key;
        *first = class;
        Self(key)
    }
}

impl StoredCoin {
    /// Its place in the order; big-endian numbers sort as bytes.
    pub fn key(&self) -> CoinKey {
        let class = [size_class(self.sats)];
        let urgency = self.spend_by.unwrap_or(u32::MAX).to_be_bytes();
        let size = u64::MAX.saturating_sub(self.sats).to_be_bytes();
        let vout = self.vout.to_be_bytes();
        let mut key = [0; 49];
        let bytes = class.iter().chain(&urgency).chain(&size).chain(&self.txid).chain(&vout);
        for (to, from) in key.iter_mut().zip(bytes) {
            *to = *from;
        }
        CoinKey(key)
    }

    /// The coin as payouts are planned with; `None` when `internal` is no key.
    pub(crate) fn coin(&self, internal: &XOnly) -> Option<payout::Coin> {
        let output_key = match &self.root {
            // The internal key itself: the key generation has tweaked it already.
            None => internal.0,
            Some(root) => output_key::<Host>(&internal.0, Some(root))?.x,
        };
        Some(payout::Coin {
            outpoint: OutPoint::new(Txid::from_byte_array(self.txid), self.vout),
            sats: self.sats,
            output_key,
            root: self.root,
            spend_by: self.spend_by,
        })
    }
}

/// A withdrawal that is not settled for good.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct StoredWithdrawal {
    /// Where it goes.
    pub script: BoundedVec<u8, ConstU32<MAX_SCRIPT_BYTES>>,
    /// What was locked.
    pub sats: u64,
    /// The most that may be taken off as a fee.
    pub max_fee_sats: u64,
    /// Bitcoin height at which it was requested or reopened.
    pub height: u32,
    /// Ethereum block of the request.
    pub block: u64,
    /// The payout that pays it.
    pub batch: Option<u64>,
    /// Whether the contract has settled it, by that payout or another one, or given it back.
    pub closed: bool,
}

/// Sorts withdrawals that wait for lower fees: who offers most first, then the oldest.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct ParkedKey {
    /// What lacks to the greatest offer, big-endian.
    short: [u8; 8],
    /// The number, big-endian.
    id: [u8; 8],
}

impl ParkedKey {
    /// The place of the withdrawal `id`.
    pub(crate) fn new(id: u64, withdrawal: &StoredWithdrawal) -> Self {
        Self { short: (!withdrawal.max_fee_sats).to_be_bytes(), id: id.to_be_bytes() }
    }

    /// The contract's number of the withdrawal.
    pub(crate) fn id(&self) -> u64 {
        u64::from_be_bytes(self.id)
    }

    /// The most that may be taken off it as a fee.
    pub(crate) fn max_fee_sats(&self) -> u64 {
        !u64::from_be_bytes(self.short)
    }
}

impl StoredWithdrawal {
    pub(crate) fn payment(&self, id: u64) -> payout::Withdrawal {
        payout::Withdrawal {
            id,
            script: ScriptBuf::from(Vec::from(self.script.clone())),
            sats: self.sats,
            max_fee_sats: self.max_fee_sats,
        }
    }
}

/// A payout: its inputs and what it pays never change, however often it is replaced.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Batch {
    /// Epoch of the key that signs it.
    pub epoch: u32,
    /// Epoch of the key that gets the change.
    pub change_epoch: u32,
    /// The coins that it spends, in the order of its inputs.
    pub inputs: BoundedVec<StoredCoin, ConstU32<MAX_INPUTS>>,
    /// The withdrawals that it pays, in the order of its outputs.
    pub withdrawals: BoundedVec<u64, ConstU32<MAX_BATCH>>,
    /// How many versions there are.
    pub versions: u32,
    /// Bitcoin height at which the newest version was made.
    pub height: u32,
    /// The version that is in Bitcoin's chain, with the height of its block.
    pub settled: Option<(u32, u32)>,
    /// Versions whose block has left the chain, and which of their change was spent by then: a bit for each.
    pub gone: BoundedVec<(u32, u32), ConstU32<MAX_VERSIONS>>,
}

impl Batch {
    /// How many outputs are not change: the payments and the data output; a sweep has neither.
    pub(crate) fn payments(&self) -> usize {
        match self.is_sweep() {
            true => 0,
            false => self.withdrawals.len().saturating_add(1),
        }
    }

    /// Whether it only moves coins.
    pub(crate) fn is_sweep(&self) -> bool {
        self.withdrawals.is_empty()
    }
}

/// A version of a payout.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Version {
    /// Its id, in internal byte order.
    pub txid: [u8; 32],
    /// Its fee rate, in sats per 1,000 weight units.
    pub rate: u64,
    /// The transaction without signatures.
    pub unsigned: BoundedVec<u8, ConstU32<MAX_PAYOUT_BYTES>>,
    /// One signature per input; empty while the committee has not signed.
    pub signatures: BoundedVec<Signature, ConstU32<MAX_INPUTS>>,
}

/// Why nothing is signed.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Halt {
    /// Claimed deposits have left Bitcoin's chain.
    Deficit,
    /// The coins do not cover what circulates.
    Insolvent {
        /// What the coins hold, those in unsettled payouts included, in sats.
        backing: u64,
        /// What they must cover, in sats.
        owed: u64,
    },
    /// The contract follows a key that is not the committee's.
    UnknownKey,
    /// Governance has stopped it.
    Ordered,
    /// The contract has given a withdrawal back although its payout may be signed, so it may be paid twice.
    Unlocked {
        /// The withdrawal.
        id: u64,
        /// The payout.
        batch: u64,
    },
}

/// What governance sets.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Policy {
    /// L2 blocks that a withdrawal waits for others at most.
    pub batch_blocks: u32,
    /// Bitcoin blocks after which a payout that is not confirmed is replaced.
    pub bump_blocks: u32,
    /// Fee rate of payouts, in sats per vbyte, while too few members of the committee report one.
    pub sats_per_vbyte: u32,
}

impl Default for Policy {
    /// Ten minutes, six blocks, 10 sats per vbyte.
    fn default() -> Self {
        Self { batch_blocks: 300, bump_blocks: 6, sats_per_vbyte: 10 }
    }
}

/// The old key's word to the contract that names the next one.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Handover {
    /// The next key.
    pub next_key: XOnly,
    /// Last Bitcoin height at which a deposit to the old one counts.
    pub closes_at: u32,
    /// The contract's number of the message; with another one it is signed again.
    pub nonce: u32,
    /// The session that signs it.
    pub session: Option<u64>,
    /// The signature, once there is one.
    pub signature: Option<Signature>,
}
