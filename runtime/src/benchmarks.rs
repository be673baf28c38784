//! The pallets that the benchmark command measures: ours, and those whose stock weights depend on
//! this runtime's sizes.

frame_benchmarking::define_benchmarks!(
    [pallet_bags_list, crate::VoterList]
    [pallet_balances, crate::Balances]
    [pallet_btc_bridge, crate::BtcBridge]
    [pallet_election_provider_multi_phase, crate::ElectionProvider]
    [pallet_ethereum, crate::Ethereum]
    [pallet_evm, crate::EVM]
    [pallet_sequencers, crate::Sequencers]
    [pallet_settlement, crate::Settlement]
    [pallet_staking, crate::Staking]
    [pallet_sudo, crate::Sudo]
    [pallet_threshold, crate::Threshold]
    [pallet_timestamp, crate::Timestamp]
);
