//! Accounts, code, storage and state trie of the Ethereum ledger.

use crate::{Ethereum, Runtime};

impl pallet_evm::Config for Runtime {
    type BlockHashes = Ethereum;
    type WeightInfo = pallet_evm::weights::SubstrateWeight<Runtime>;
}
