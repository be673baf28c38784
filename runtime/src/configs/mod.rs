//! How each pallet is set up; one file per pallet.

mod authorship;
mod babe;
mod bags_list;
mod balances;
mod conviction_voting;
mod election;
mod ethereum;
mod evm;
mod grandpa;
mod identity;
mod multisig;
mod nomination_pools;
mod offences;
mod origins;
mod preimage;
mod proxy;
mod referenda;
mod safe_mode;
mod scheduler;
mod sequencers;
mod session;
mod staking;
mod sudo;
mod system;
mod timestamp;
mod transaction_payment;
mod treasury;
mod tx_pause;
mod utility;

pub use babe::EPOCH_CONFIG;
pub use ethereum::PrevRandao;
pub(crate) use sequencers::calendar;
pub use sequencers::MAX_VALIDATORS;
pub use staking::{MAX_CANDIDATES, MAX_EXPOSURE_PAGE};
pub use system::{RuntimeBlockLength, RuntimeBlockWeights, MAX_BLOCK_BYTES, SS58_PREFIX};
