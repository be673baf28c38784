//! How each pallet is set up; one file per pallet.

mod authorship;
mod babe;
mod balances;
mod ethereum;
mod evm;
mod grandpa;
mod sudo;
mod system;
mod timestamp;
mod transaction_payment;

pub use babe::EPOCH_CONFIG;
pub use ethereum::PrevRandao;
pub use system::{RuntimeBlockLength, RuntimeBlockWeights, MAX_BLOCK_BYTES, SS58_PREFIX};
