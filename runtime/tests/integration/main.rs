//! The real runtime with all its pallets, run natively.

mod blocks;
mod chain;
mod genesis;
mod randomness;
