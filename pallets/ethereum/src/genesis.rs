//! Block 0.

use crate::{
    block::HeaderFields, limits, BlockCycleLimit, BlockGasLimit, Config, GenesisConfig,
    HeartbeatMs, Pallet,
};
use alloc::vec::Vec;
use bzk_evm::execute::BlockEnvironment;
use sp_core::{Get, H256};

/// Gas of a block: what Ethereum's had in 2025.
pub(crate) const GAS_LIMIT: u64 = 36_000_000;

/// Ten minutes.
const HEARTBEAT_MS: u64 = 600_000;

impl<T: Config> Default for GenesisConfig<T> {
    fn default() -> Self {
        Self {
            timestamp_s: 0,
            base_fee: 0,
            gas_limit: GAS_LIMIT,
            cycle_limit: limits::GENESIS_BLOCK_CYCLES,
            heartbeat_ms: HEARTBEAT_MS,
            _config: Default::default(),
        }
    }
}

/// Stores the parameters and block 0. Runs after pallet-evm's genesis, whose state root it takes.
pub(crate) fn build<T: Config>(config: &GenesisConfig<T>) {
    assert!(Pallet::<T>::is_gas_limit(config.gas_limit), "gas limit out of bounds");
    // Above what governance may set is for chains that nobody proves, as to measure how fast they execute.
    assert!(config.cycle_limit >= limits::MIN_BLOCK_CYCLES, "cycle limit out of bounds");
    assert!(limits::is_heartbeat(config.heartbeat_ms), "heartbeat out of bounds");
    assert!(config.timestamp_s <= limits::MAX_HEADER_FIELD, "timestamp out of bounds");
    BlockGasLimit::<T>::put(config.gas_limit);
    BlockCycleLimit::<T>::put(config.cycle_limit);
    HeartbeatMs::<T>::put(config.heartbeat_ms);
    let environment = BlockEnvironment {
        chain_id: T::ChainId::get(),
        number: 0,
        timestamp_s: config.timestamp_s,
        gas_limit: config.gas_limit,
        base_fee: config.base_fee,
        ..Default::default()
    };
    let fields = HeaderFields {
        environment,
        parent_hash: H256::zero(),
        state_root: pallet_evm::Pallet::<T>::state_root(),
        extra_data: Vec::new(),
    };
    Pallet::<T>::store(fields, &[], Vec::new(), Vec::new());
}
