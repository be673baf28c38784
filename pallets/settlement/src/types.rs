//! What the pallet stores.

use bzk_batch::{Span, Statement};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use pallet_ethereum::limits::{GENESIS_BLOCK_CYCLES, MAX_BLOCK_CYCLES};
use scale_info::TypeInfo;
use sp_core::H256;

/// Number of a batch; the first is 0.
pub type BatchId = u64;

/// Where a batch ends: behind the first block with which it reaches one of these.
///
/// A block is never split, so a batch has up to one block more than the sums say; and its age is looked at when a
/// block is closed, so it may be older by the heartbeat.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Limits {
    /// Ethereum blocks, at most [`MAX_BLOCKS`].
    pub blocks: u32,
    /// Transactions.
    pub transactions: u32,
    /// Proving cost, in kernel cycles, at most [`MAX_BLOCK_CYCLES`].
    pub cycles: u64,
    /// Seconds between the first block and the last.
    pub age_s: u64,
}

/// Most blocks that a batch may be meant to have. One that waits for room has more, and the prover takes it.
pub const MAX_BLOCKS: u32 = 4_096;

impl Default for Limits {
    /// An hour, or as much as one full block of the genesis costs to prove.
    fn default() -> Self {
        Self { blocks: 256, transactions: 4_096, cycles: GENESIS_BLOCK_CYCLES, age_s: 3_600 }
    }
}

impl Limits {
    /// Whether batches of these limits end, not before their first block, and cost no more than two blocks may.
    pub(crate) fn are_sound(&self) -> bool {
        (1..=MAX_BLOCKS).contains(&self.blocks)
            && self.transactions > 0
            && (1..=MAX_BLOCK_CYCLES).contains(&self.cycles)
    }
}

/// The batch that the next block joins.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct OpenBatch {
    /// Its blocks so far.
    pub span: Span,
    /// Time of its first block, in seconds since 1970.
    pub opened_s: u64,
    /// Transactions so far.
    pub transactions: u64,
    /// Proving cost so far, in kernel cycles.
    pub cycles: u64,
}

impl OpenBatch {
    /// Whether it ends with its last block, which has the time `now_s`.
    pub(crate) fn is_full(&self, limits: &Limits, now_s: u64) -> bool {
        self.span.blocks() >= u64::from(limits.blocks)
            || self.transactions >= u64::from(limits.transactions)
            || self.cycles >= limits.cycles
            || now_s.saturating_sub(self.opened_s) >= limits.age_s
    }
}

/// A closed batch and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Batch<BlockNumber> {
    /// Its blocks.
    pub span: Span,
    /// The Substrate block that closed it. When that is final the batch is.
    pub closed_at: BlockNumber,
    /// Names the certificate that its data is available.
    pub certificate: Option<H256>,
    /// Its proof.
    pub proof: Option<ProofRecord>,
    /// Names the transaction of the layer 1 that accepted it.
    pub settlement: Option<H256>,
    /// How many of its proofs were forgotten. Authorities sign this too, so that none of these comes back.
    pub forgotten: u32,
}

impl<BlockNumber> Batch<BlockNumber> {
    /// How far it is.
    pub fn stage(&self) -> Stage {
        match self {
            Self { settlement: Some(_), .. } => Stage::Settled,
            Self { certificate: Some(_), proof: Some(_), .. } => Stage::Proven,
            Self { certificate: Some(_), .. } => Stage::Certified,
            _ => Stage::Closed,
        }
    }
}

/// The life of a batch. A proof may come before the certificate; the batch counts as proven when it has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No block joins it any more.
    Closed,
    /// A committee stores its data.
    Certified,
    /// There is a proof of it.
    Proven,
    /// The contract on the layer 1 accepted it, and that is final.
    Settled,
}

/// A proof as a prover gave it to an authority. The chain does not verify the proof; the contract does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct ProofRecord {
    /// keccak-256 of the proof as the contract takes it.
    pub proof_hash: H256,
    /// What it says.
    pub statement: Statement,
}

/// What [`crate::Config::CertifyOrigin`] and [`crate::Config::SettleOrigin`] judge beside the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The batch.
    pub batch: BatchId,
    /// Names what shows it: the certificate, or the transaction on the layer 1.
    pub evidence: H256,
}

/// Which batches there are: `oldest..next` are kept, those before `unsettled` are settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo, MaxEncodedLen)]
pub struct Ids {
    /// The oldest that is kept.
    pub oldest: BatchId,
    /// The oldest that is not settled.
    pub unsettled: BatchId,
    /// The one that is closed next.
    pub next: BatchId,
}
