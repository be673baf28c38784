//! A runtime of the real pallets with the chain id of Ethereum's test files.
#![allow(missing_docs, unreachable_pub, reason = "`construct_runtime` generates it")]

use frame_support::{derive_impl, parameter_types, traits::ConstU32, weights::Weight, BoundedVec};
use frame_system::limits::BlockWeights;
use sp_core::{ConstU64, H160, H256};
use sp_runtime::{generic, testing::TestSignature, traits::BlakeTwo256};

/// Chain id of the test files.
pub(super) const CHAIN_ID: u64 = 1;

pub type Header = generic::Header<u64, BlakeTwo256>;
pub type UncheckedExtrinsic = pallet_ethereum::UncheckedExtrinsic<u64, TestSignature, (), Runtime>;
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

frame_support::construct_runtime!(
    pub enum Runtime {
        System: frame_system,
        Timestamp: pallet_timestamp,
        EVM: pallet_evm,
        Ethereum: pallet_ethereum,
    }
);

parameter_types! {
    // Thread-local; set before each block.
    pub static Coinbase: H160 = H160::zero();
    pub static Randomness: H256 = H256::zero();
    pub static ExtraData: BoundedVec<u8, ConstU32<32>> = BoundedVec::new();
}

parameter_types! {
    // The chain's blocks add up, as nothing here sets their weight back to zero.
    pub Unlimited: BlockWeights = BlockWeights::simple_max(Weight::MAX);
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
    type Block = Block;
    type BlockWeights = Unlimited;
}

impl pallet_timestamp::Config for Runtime {
    type Moment = u64;
    type OnTimestampSet = ();
    type MinimumPeriod = ConstU64<1>;
    type WeightInfo = ();
}

impl pallet_evm::Config for Runtime {
    type BlockHashes = Ethereum;
    type WeightInfo = ();
}

impl pallet_ethereum::Config for Runtime {
    type ChainId = ConstU64<CHAIN_ID>;
    type Time = Timestamp;
    type Coinbase = Coinbase;
    type Randomness = Randomness;
    type ExtraData = ExtraData;
    type OnLogs = ();
    type OnBlock = ();
    // Test blocks have up to 2^63 gas; what an extrinsic may weigh is not the subject here.
    type WeightPerGas = ConstU64<0>;
    type MaxTransactions = ConstU32<65_536>;
    type WeightInfo = ();
}
