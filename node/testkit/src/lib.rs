//! Drives the real pallets over Ethereum's test files, and makes load for the benchmarks.

pub mod ethereum_tests;
pub mod load;
