//! The pallets that the benchmark command measures.

frame_benchmarking::define_benchmarks!(
    [pallet_balances, crate::Balances]
    [pallet_ethereum, crate::Ethereum]
    [pallet_evm, crate::EVM]
    [pallet_sudo, crate::Sudo]
    [pallet_timestamp, crate::Timestamp]
);
