//! The built-in genesis configurations hold what clients and consensus rely on.

use crate::chain::genesis;
use bitcoinzk_runtime::{
    genesis::{
        bridge::{BITCOIN_RELAY, BTC_BRIDGE},
        predeploys::{predeploys, CREATE2_DEPLOYER, FEE_VAULT, MULTICALL3},
        presets::{self, DEV_EVM_ACCOUNTS},
    },
    units::GENESIS_SUPPLY,
    Babe, Balances, Grandpa, Runtime, EVM,
};

use sp_core::{H160, H256, U256};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_io::hashing::keccak_256;
use sp_keyring::Sr25519Keyring;

/// keccak-256 of the runtime code on Ethereum's main network.
fn main_network_code_hash(address: H160) -> Option<H256> {
    let hashes = [
        (CREATE2_DEPLOYER, "2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989"),
        (MULTICALL3, "d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891"),
    ];
    let (_, digits) = hashes.iter().find(|(known, _)| *known == address)?;
    Some(digits.parse().unwrap())
}

#[test]
fn both_presets_are_listed_and_no_other_exists() {
    assert_eq!(presets::names().len(), 2);
    assert!(presets::names().iter().all(|name| presets::get(name).is_some()));
    assert!(presets::get(&PresetId::from("production")).is_none());
}

#[test]
fn predeploys_are_the_contracts_of_the_main_network() {
    genesis(DEV_RUNTIME_PRESET).execute_with(|| {
        for contract in predeploys() {
            let account = EVM::account(contract.address);
            assert_eq!(account.nonce, 1, "{}", contract.name);
            assert_eq!(EVM::code(contract.address), contract.code, "{}", contract.name);
            let hash = H256(keccak_256(contract.code));
            assert_eq!(account.code_hash, hash, "{}", contract.name);
            if let Some(expected) = main_network_code_hash(contract.address) {
                assert_eq!(hash, expected, "{}", contract.name);
            }
        }
    });
}

#[test]
fn the_coinbase_exists_in_the_first_state() {
    for preset in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
        genesis(preset).execute_with(|| assert!(EVM::exists(FEE_VAULT), "{preset}"));
    }
}

#[test]
fn development_accounts_hold_ten_thousand_bitcoins_each() {
    genesis(DEV_RUNTIME_PRESET).execute_with(|| {
        let expected = U256::from(10_000) * U256::exp10(18);
        for address in DEV_EVM_ACCOUNTS {
            assert_eq!(EVM::account(address).balance, expected, "{address:?}");
        }
    });
}

#[test]
fn bridge_holds_what_does_not_circulate_of_21_million_bitcoins() {
    for preset in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
        genesis(preset).execute_with(|| {
            let supply = pallet_evm::Accounts::<Runtime>::iter()
                .fold(U256::zero(), |sum, (_, account)| sum + account.balance);
            assert_eq!(supply, U256::from(21_000_000) * U256::exp10(18), "{preset}");
            assert!(EVM::account(BTC_BRIDGE).balance > supply / 2);
            for contract in [FEE_VAULT, BITCOIN_RELAY, BTC_BRIDGE] {
                assert!(EVM::code(contract).len() > 100, "{contract:?} has code");
                assert_eq!(EVM::account(contract).nonce, 1);
            }
            EVM::check_state().expect("their storage is in the trie");
        });
    }
}

#[test]
fn all_zyra_are_handed_out() {
    for preset in [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET] {
        genesis(preset).execute_with(|| {
            assert_eq!(Balances::total_issuance(), GENESIS_SUPPLY, "{preset}");
        });
    }
}

#[test]
fn only_the_development_preset_has_a_sudo_key() {
    genesis(DEV_RUNTIME_PRESET).execute_with(|| {
        let alice = Sr25519Keyring::Alice.to_account_id();
        assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(alice));
    });
    genesis(LOCAL_TESTNET_RUNTIME_PRESET)
        .execute_with(|| assert_eq!(pallet_sudo::Key::<Runtime>::get(), None));
}

#[test]
fn authors_and_voters_are_as_many_as_the_preset_says() {
    for (preset, count) in [(DEV_RUNTIME_PRESET, 1), (LOCAL_TESTNET_RUNTIME_PRESET, 4)] {
        genesis(preset).execute_with(|| {
            assert_eq!(Babe::authorities().len(), count, "{preset}");
            assert_eq!(Grandpa::grandpa_authorities().len(), count, "{preset}");
        });
    }
}
