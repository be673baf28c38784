//! Bitcoin's light client and the bridge, with the storage they begin with.
//!
//! `contracts/script/Genesis.s.sol` writes the file, `scripts/contracts.sh genesis` checks that it is
//! that of the sources.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use pallet_evm::GenesisAccount;
use serde::Deserialize;
use sp_core::{H160, H256, U256};

/// The accounts for Bitcoin's regtest, where anybody mines.
const REGTEST: &str = include_str!("../../../contracts/genesis/regtest.json");

/// Follows Bitcoin's headers and proves inclusion.
pub const BITCOIN_RELAY: H160 =
    H160(super::predeploys::decode(b"425a4b0000000000000000000000000000000002"));

/// Holds all BTC that is not in circulation, 21,000,000 less what the others have.
pub const BTC_BRIDGE: H160 =
    H160(super::predeploys::decode(b"425a4b0000000000000000000000000000000003"));

#[derive(Deserialize)]
struct File {
    accounts: Vec<Account>,
}

#[derive(Deserialize)]
struct Account {
    address: H160,
    nonce: u64,
    /// Wei in decimal digits.
    balance: String,
    #[serde(with = "sp_core::bytes")]
    code: Vec<u8>,
    storage: BTreeMap<H256, H256>,
}

/// The contracts of a development chain that bridges to Bitcoin's regtest.
///
/// `circulating` is the balance, in wei, that the rest of the genesis hands out; the bridge holds
/// that much less, as if it had been claimed.
///
/// # Panics
/// When the file is not one of `Genesis.s.sol`, or more circulates than exists.
pub fn regtest(circulating: U256) -> BTreeMap<H160, GenesisAccount> {
    let file: File = serde_json::from_str(REGTEST).expect("a test reads the file");
    let account = |account: Account| {
        let mut balance = U256::from_dec_str(&account.balance).expect("decimal digits");
        if account.address == BTC_BRIDGE {
            balance = balance.checked_sub(circulating).expect("21,000,000 BTC exist");
        }
        let Account { nonce, code, storage, .. } = account;
        (account.address, GenesisAccount { nonce, balance, code, storage })
    };
    file.accounts.into_iter().map(account).collect()
}
