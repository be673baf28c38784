//! Custody of the bridged BTC.

use crate::{
    genesis::bridge::{BITCOIN_RELAY, BTC_BRIDGE},
    AccountId, Runtime, Threshold, EVM,
};
use bzk_core::CHAIN_ID;
use frame_support::{parameter_types, traits::ConstU64};
use frame_system::EnsureRoot;
use pallet_btc_bridge::ContractState;
use sp_core::{H160, H256};

/// The storage of the EVM's contracts.
pub struct EvmStorage;

impl ContractState for EvmStorage {
    fn slot(contract: H160, slot: H256) -> H256 {
        EVM::storage(contract, slot)
    }
}

parameter_types! {
    /// Holds all BTC that is not in circulation.
    pub const Bridge: H160 = BTC_BRIDGE;
    /// Follows Bitcoin's headers.
    pub const Relay: H160 = BITCOIN_RELAY;
}

impl pallet_btc_bridge::Config for Runtime {
    type Signing = Threshold;
    type Members = Threshold;
    type Contracts = EvmStorage;
    type AdminOrigin = EnsureRoot<AccountId>;
    type ChainId = ConstU64<CHAIN_ID>;
    type Bridge = Bridge;
    type Relay = Relay;
    type WeightInfo = pallet_btc_bridge::weights::SubstrateWeight<Runtime>;
    #[cfg(feature = "runtime-benchmarks")]
    type Benchmark = EvmStorage;
}

#[cfg(feature = "runtime-benchmarks")]
impl pallet_btc_bridge::benchmarking::Prepare for EvmStorage {
    fn make_key(epoch: u32) {
        pallet_threshold::benchmarking::make_key::<Runtime>(epoch);
    }
    fn seal(
        report: bzk_threshold::fee::FeeReport,
    ) -> bzk_threshold::envelope::Envelope<bzk_threshold::fee::FeeReport> {
        use bzk_threshold::{fee::FeeReport, service::Members};
        let committee = Threshold::committee().expect("a key was made");
        pallet_threshold::benchmarking::seal(&FeeReport::context(&committee), report)
    }
    fn open_session(epoch: u32) -> u64 {
        pallet_threshold::benchmarking::open_session::<Runtime>(epoch)
    }
    fn set_contract_epoch(epoch: u32) {
        // The contract's `state`: the epoch is 20 bytes from the low end.
        let slot = H256(sp_core::U256::one().to_big_endian());
        let mut word = EVM::storage(BTC_BRIDGE, slot);
        word.0[8..12].copy_from_slice(&epoch.to_be_bytes());
        pallet_evm::AccountStorages::<Runtime>::insert(BTC_BRIDGE, slot, word);
    }
}
