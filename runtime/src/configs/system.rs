//! The base: accounts, block limits, events.

use crate::{
    weights::{BareExtrinsicWeight, BlockExecutionWeight, ParityDbWeight, SignedExtensionsWeight},
    AccountData, AccountId, Balance, Block, Hash, Nonce, PalletInfo, Runtime, RuntimeCall,
    RuntimeEvent, RuntimeOrigin, RuntimeTask, SafeMode, TxPause, Version,
};
use bzk_evm::revm::primitives::OnceLock;
use frame_support::{
    derive_impl,
    dispatch::DispatchClass,
    parameter_types,
    traits::{ConstU16, ConstU32, Get, InsideBoth},
    weights::{constants::WEIGHT_REF_TIME_PER_SECOND, Weight},
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::Perbill;

/// Address format of the Substrate accounts: the generic one, until ours is registered.
pub const SS58_PREFIX: u16 = 42;

/// Most bytes of extrinsics in a block: 26,000 plain transfers fit into the share of ordinary
/// transactions, which is more than the weight limit lets through.
pub const MAX_BLOCK_BYTES: u32 = 5 * 1024 * 1024;

/// The share of a block's bytes that ordinary transactions may fill; the rest is kept for operational and
/// mandatory ones, so that governance and inherents get in when the chain is full.
const NORMAL_BYTES: Perbill = Perbill::from_percent(75);

/// The same of its time: a block full of transactions is imported within half of its slot, also where each of them
/// changes an account of a large ledger, which costs what it weighs (`scripts/bench/README.md`).
const NORMAL_TIME: Perbill = Perbill::from_percent(50);

/// The share of a block that hooks are expected to use.
const HOOKS_SHARE: Perbill = Perbill::from_percent(5);

/// A full block may take the reference machine one whole slot (2 s). There is no proof of validity
/// to size here, so the second dimension of the weight is unlimited.
const MAX_BLOCK_WEIGHT: Weight =
    Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2), u64::MAX);

/// Limits of execution time.
pub struct RuntimeBlockWeights;

impl RuntimeBlockWeights {
    /// The limits, computed once: each extrinsic asks for them several times.
    pub fn get() -> BlockWeights {
        static LIMITS: OnceLock<BlockWeights> = OnceLock::new();
        LIMITS.get_or_init(block_weights).clone()
    }
}

impl Get<BlockWeights> for RuntimeBlockWeights {
    fn get() -> BlockWeights {
        Self::get()
    }
}

fn block_weights() -> BlockWeights {
    BlockWeights::builder()
        .base_block(BlockExecutionWeight::get())
        .for_class(DispatchClass::all(), |weights| {
            weights.base_extrinsic = BareExtrinsicWeight::get();
        })
        .for_class(DispatchClass::Normal, |weights| {
            weights.max_total = Some(NORMAL_TIME * MAX_BLOCK_WEIGHT);
        })
        .for_class(DispatchClass::Operational, |weights| {
            weights.max_total = Some(MAX_BLOCK_WEIGHT);
            weights.reserved = Some(MAX_BLOCK_WEIGHT - NORMAL_TIME * MAX_BLOCK_WEIGHT);
        })
        .avg_block_initialization(HOOKS_SHARE)
        .build_or_panic()
}

parameter_types! {
    /// Limits of size in bytes.
    pub RuntimeBlockLength: BlockLength = BlockLength::builder()
        .max_length(MAX_BLOCK_BYTES)
        .modify_max_length_for_class(DispatchClass::Normal, |length| {
            *length = NORMAL_BYTES * *length;
        })
        .build();
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    // What governance has stopped for a while.
    type BaseCallFilter = InsideBoth<SafeMode, TxPause>;
    type BlockWeights = RuntimeBlockWeights;
    type BlockLength = RuntimeBlockLength;
    type AccountId = AccountId;
    type AccountData = AccountData<Balance>;
    type Nonce = Nonce;
    type Hash = Hash;
    // Long enough for the longest mortal era, 4,096 blocks.
    type BlockHashCount = ConstU32<4_096>;
    type DbWeight = ParityDbWeight;
    type Version = Version;
    type SS58Prefix = ConstU16<SS58_PREFIX>;
    type MaxConsumers = ConstU32<16>;
    type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
    type ExtensionsWeightInfo = SignedExtensionsWeight<Runtime>;
}
