//! Built-in genesis configurations, chosen by name.
//!
//! Both presets are for machines of developers: they prefund accounts whose keys everybody knows.
//! A production chain brings its own configuration and prefunds nobody.

use super::{bridge, predeploys::predeploys};
use crate::{
    configs::{EPOCH_CONFIG, MAX_CANDIDATES},
    units::{EXISTENTIAL_DEPOSIT, GENESIS_SUPPLY, ZYRA},
    AccountId, BabeConfig, Balance, BalancesConfig, BtcBridgeConfig, EVMConfig, EthereumConfig,
    NominationPoolsConfig, RuntimeGenesisConfig, SequencersConfig, SessionConfig, SessionKeys,
    StakingConfig, SudoConfig, Treasury,
};
use alloc::{collections::BTreeMap, string::ToString, vec::Vec};
use bzk_core::{Sats, Wei};
use frame_support::build_struct_json_patch;
use pallet_evm::GenesisAccount;
use pallet_sequencers::Calendar;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_core::{H160, U256};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

/// The ten accounts of the mnemonic "test test test test test test test test test test test junk",
/// which anvil and hardhat prefund too.
pub const DEV_EVM_ACCOUNTS: [H160; 10] = [
    address(b"f39fd6e51aad88f6f4ce6ab8827279cfffb92266"),
    address(b"70997970c51812dc3a010c7d01b50e0d17dc79c8"),
    address(b"3c44cdddb6a900fa2b585dd299e03d12fa4293bc"),
    address(b"90f79bf6eb2c4f870365e785982e1f101e93b906"),
    address(b"15d34aaf54267db7d7c367839aaf71a00a2c6a65"),
    address(b"9965507d1a55bcc2695c58ba16fb37d819b0a4dc"),
    address(b"976ea74026e726554db657fa54763abd0c3a0aa9"),
    address(b"14dc79964da2c08b23698b3d3cc7ca32193d9955"),
    address(b"23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f"),
    address(b"a0ee7a142d267c1f36714e4a8f75612f20a79720"),
];

/// What each of [`DEV_EVM_ACCOUNTS`] gets, in satoshis: 10,000 BTC.
pub const DEV_EVM_BALANCE_SATS: u64 = 10_000 * 100_000_000;

/// The accounts that share the ZYRA of a development genesis, and in this order its validators. Each
/// is its own stash.
const DEV_ACCOUNTS: [Sr25519Keyring; 4] =
    [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie, Sr25519Keyring::Dave];

const DEV_VOTERS: [Ed25519Keyring; 4] =
    [Ed25519Keyring::Alice, Ed25519Keyring::Bob, Ed25519Keyring::Charlie, Ed25519Keyring::Dave];

/// What each validator of a development genesis stakes.
pub const DEV_STAKE: Balance = 10_000_000 * ZYRA;

/// Eras of two minutes and days of a minute, so that elections and votes can be watched. An offence is
/// slashed at once.
pub const DEV_CALENDAR: Calendar = Calendar {
    epoch_slots: 20,
    sessions_per_era: 3,
    bonding_eras: 4,
    slash_defer_eras: 0,
    day_blocks: 30,
};

/// With four validators about a minute of silence.
const DEV_MISSED_LIMIT: u32 = 8;

/// Seats in the set of validators.
const DEV_SEATS: u32 = 20;

/// Least stakes: of a validator, of a nominator, of a pool's founder and of its members.
const MIN_VALIDATOR_BOND: Balance = 10_000 * ZYRA;
const MIN_NOMINATOR_BOND: Balance = 100 * ZYRA;
const MIN_CREATE_BOND: Balance = 1_000 * ZYRA;
const MIN_JOIN_BOND: Balance = ZYRA;

/// Most nominators, in pools or alone.
const MAX_NOMINATORS: u32 = 50_000;

/// Ethereum's clock ticks every few seconds on a development chain, so that tools which wait for
/// blocks go on; elsewhere an empty block costs a proof and comes every ten minutes.
const DEV_HEARTBEAT_MS: u64 = 6_000;

const fn address(digits: &[u8]) -> H160 {
    H160(super::predeploys::decode(digits))
}

/// The names that [`get`] knows.
pub fn names() -> Vec<PresetId> {
    [DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET].into_iter().map(PresetId::from).collect()
}

/// The preset of that name as JSON, to be laid over the default configuration.
pub fn get(id: &PresetId) -> Option<Vec<u8>> {
    let patch = match id.as_ref() {
        DEV_RUNTIME_PRESET => development(),
        LOCAL_TESTNET_RUNTIME_PRESET => local_testnet(),
        _ => return None,
    };
    Some(patch.to_string().into_bytes())
}

/// One validator, Alice, who also holds the sudo key.
fn development() -> Value {
    let mut patch = patch(1);
    let sudo = build_struct_json_patch!(RuntimeGenesisConfig {
        sudo: SudoConfig { key: Some(Sr25519Keyring::Alice.to_account_id()) },
        ethereum: EthereumConfig { heartbeat_ms: DEV_HEARTBEAT_MS },
        // Payouts after five blocks, so that one need not wait.
        btc_bridge: BtcBridgeConfig { batch_blocks: 5, bump_blocks: 6, sats_per_vbyte: 5 },
    });
    merge(&mut patch, sudo);
    patch
}

/// Four validators, Alice to Dave, and no sudo.
fn local_testnet() -> Value {
    patch(DEV_ACCOUNTS.len())
}

/// What both presets share; the first `validators` of the development accounts run the chain.
fn patch(validators: usize) -> Value {
    let stashes = || DEV_ACCOUNTS.iter().map(|key| key.to_account_id()).take(validators);
    build_struct_json_patch!(RuntimeGenesisConfig {
        balances: BalancesConfig { balances: zyra_balances() },
        // Its authorities and GRANDPA's voters come from the session keys.
        babe: BabeConfig { epoch_config: EPOCH_CONFIG },
        sequencers: SequencersConfig { calendar: DEV_CALENDAR, missed_limit: DEV_MISSED_LIMIT },
        staking: StakingConfig {
            validator_count: DEV_SEATS,
            minimum_validator_count: 1,
            slash_reward_fraction: Perbill::from_percent(10),
            stakers: stashes()
                .map(|stash| (stash.clone(), stash, DEV_STAKE, StakerStatus::Validator))
                .collect::<Vec<_>>(),
            min_nominator_bond: MIN_NOMINATOR_BOND,
            min_validator_bond: MIN_VALIDATOR_BOND,
            max_validator_count: Some(MAX_CANDIDATES),
            max_nominator_count: Some(MAX_NOMINATORS),
        },
        session: SessionConfig {
            keys: stashes()
                .zip(session_keys())
                .map(|(stash, keys)| (stash.clone(), stash, keys))
                .collect::<Vec<_>>(),
        },
        nomination_pools: NominationPoolsConfig {
            min_join_bond: MIN_JOIN_BOND,
            min_create_bond: MIN_CREATE_BOND,
            max_pools: Some(1_000),
            max_members_per_pool: Some(10_000),
            max_members: Some(100_000),
            global_max_commission: Some(Perbill::from_percent(50)),
        },
        evm: EVMConfig { accounts: evm_accounts() },
    })
}

/// The session keys of the development accounts.
fn session_keys() -> impl Iterator<Item = SessionKeys> {
    DEV_ACCOUNTS.iter().zip(&DEV_VOTERS).map(|(author, voter)| SessionKeys {
        babe: author.public().into(),
        grandpa: voter.public().into(),
    })
}

/// All ZYRA: the treasury has what keeps its account alive, which would be minted otherwise; the rest
/// is in equal parts.
fn zyra_balances() -> Vec<(AccountId, Balance)> {
    let rest = GENESIS_SUPPLY - EXISTENTIAL_DEPOSIT;
    let shares = DEV_ACCOUNTS.len() as Balance;
    debug_assert!(rest.is_multiple_of(shares), "the supply divides evenly");
    let treasury = (Treasury::account_id(), EXISTENTIAL_DEPOSIT);
    DEV_ACCOUNTS.iter().map(|key| (key.to_account_id(), rest / shares)).chain([treasury]).collect()
}

/// The predeploys, the bridge and the prefunded accounts.
fn evm_accounts() -> BTreeMap<H160, GenesisAccount> {
    let sats = Sats::new(DEV_EVM_BALANCE_SATS).unwrap_or(Sats::ZERO);
    let balance = U256::from_little_endian(&Wei::from(sats).get().to_le_bytes::<32>());
    let funded = DEV_EVM_ACCOUNTS
        .iter()
        .map(|address| (*address, GenesisAccount { balance, ..Default::default() }));
    let contracts = predeploys().into_iter().map(|contract| {
        let account =
            GenesisAccount { nonce: 1, code: contract.code.to_vec(), ..Default::default() };
        (contract.address, account)
    });
    let bridge = bridge::regtest(balance.saturating_mul(DEV_EVM_ACCOUNTS.len().into()));
    contracts.chain(funded).chain(bridge).collect()
}

/// Lays the objects of `patch` over those of `target` (RFC 7386 without deletion).
pub fn merge(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(target.entry(key).or_insert(Value::Null), value);
            }
        }
        (target, patch) => *target = patch,
    }
}
