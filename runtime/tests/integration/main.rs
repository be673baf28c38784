//! The real runtime with all its pallets, run natively.

mod blocks;
mod chain;
mod elections;
mod genesis;
mod governance;
mod liveness;
mod offences;
mod pausing;
mod proxies;
mod randomness;
mod settlement;
mod staking;
