//! A runtime with this pallet, the EVM, the timestamp and sudo, and a chain to run in it.

use crate::{self as pallet_ethereum, ChainHead, Head, OnLogs, Pallet};
use alloc::collections::BTreeMap;
use frame_support::{
    derive_impl, parameter_types,
    storage::{with_transaction, TransactionOutcome},
    traits::{ConstU64, Hooks},
};
use pallet_evm::GenesisAccount;
use sp_core::{H160, H256};
use sp_runtime::{
    generic,
    testing::TestSignature,
    traits::{BlakeTwo256, Header as _},
    transaction_validity::{TransactionSource, TransactionValidity},
    ApplyExtrinsicResult, BuildStorage,
};

pub(crate) type Header = generic::Header<u64, BlakeTwo256>;
pub(crate) type TxExtension = (frame_system::CheckNonce<Test>, frame_system::CheckWeight<Test>);
pub(crate) type UncheckedExtrinsic =
    pallet_ethereum::UncheckedExtrinsic<u64, TestSignature, TxExtension, Test>;
pub(crate) type Block = generic::Block<Header, UncheckedExtrinsic>;
pub(crate) type Executive = frame_executive::Executive<
    Test,
    Block,
    frame_system::ChainContext<Test>,
    Test,
    AllPalletsWithSystem,
>;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Timestamp: pallet_timestamp,
        EVM: pallet_evm,
        Ethereum: pallet_ethereum,
        Sudo: pallet_sudo,
    }
);

/// The chain id of the mock.
pub(crate) const CHAIN_ID: u64 = 97_304;
pub(crate) const ETHER: u128 = 1_000_000_000_000_000_000;
pub(crate) const GWEI: u64 = 1_000_000_000;
pub(crate) const COINBASE: H160 = H160::repeat_byte(0xc0);
pub(crate) const RANDOMNESS: H256 = H256::repeat_byte(0x5a);
/// Time of the genesis block of the mock.
pub(crate) const GENESIS_S: u64 = 1_700_000_000;
/// The sudo account and an account without rights.
pub(crate) const ROOT: u64 = 1;
pub(crate) const NOBODY: u64 = 2;

parameter_types! {
    pub static Author: H160 = COINBASE;
    pub static Vrf: H256 = RANDOMNESS;
    pub static MaxTransactions: u32 = 1_000;
    /// Calls that the filter lets through.
    pub static FilterOpen: bool = true;
    /// Logs heard, with the number of their block.
    pub static Heard: Vec<(u64, H160, Vec<H256>, Vec<u8>)> = Vec::new();
}

pub struct Filter;

impl frame_support::traits::Contains<RuntimeCall> for Filter {
    fn contains(call: &RuntimeCall) -> bool {
        FilterOpen::get() || !matches!(call, RuntimeCall::Ethereum(_))
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = Block;
    type BaseCallFilter = Filter;
}

impl pallet_timestamp::Config for Test {
    type Moment = u64;
    type OnTimestampSet = ();
    type MinimumPeriod = ConstU64<1>;
    type WeightInfo = ();
}

impl pallet_evm::Config for Test {
    type BlockHashes = Ethereum;
    type WeightInfo = ();
}

impl pallet_sudo::Config for Test {
    type RuntimeEvent = RuntimeEvent;
    type RuntimeCall = RuntimeCall;
    type WeightInfo = ();
}

impl pallet_ethereum::Config for Test {
    type ChainId = ConstU64<CHAIN_ID>;
    type Time = Timestamp;
    type Coinbase = Author;
    type Randomness = Vrf;
    type ExtraData = ();
    type OnLogs = (Recorder, ());
    type OnBlock = ();
    type WeightPerGas = ConstU64<4_000>;
    type MaxTransactions = MaxTransactions;
    type WeightInfo = ();
}

pub struct Recorder;

impl OnLogs for Recorder {
    fn on_log(block: &ChainHead, address: H160, topics: &[H256], data: &[u8]) {
        Heard::mutate(|heard| {
            heard.push((block.number, address, topics.to_vec(), data.to_vec()));
        });
    }
}

/// What the chain starts with.
pub(crate) struct Genesis {
    pub(crate) accounts: BTreeMap<H160, GenesisAccount>,
    pub(crate) base_fee: u64,
    pub(crate) gas_limit: u64,
    pub(crate) cycle_limit: u64,
    pub(crate) heartbeat_ms: u64,
}

impl Default for Genesis {
    /// Signers 1 to 9 have 100 coins each.
    fn default() -> Self {
        let funded = |n| (crate::tests::signer(n).address(), account(100 * ETHER));
        Self {
            accounts: (1..10).map(funded).chain([(COINBASE, account(1))]).collect(),
            base_fee: 0,
            gas_limit: 30_000_000,
            cycle_limit: 2_000_000_000,
            heartbeat_ms: 600_000,
        }
    }
}

pub(crate) fn account(balance: u128) -> GenesisAccount {
    GenesisAccount { balance: balance.into(), ..Default::default() }
}

impl Genesis {
    /// Adds a contract.
    pub(crate) fn contract(mut self, address: H160, code: &[u8]) -> Self {
        let contract = GenesisAccount { nonce: 1, code: code.to_vec(), ..Default::default() };
        self.accounts.insert(address, contract);
        self
    }

    pub(crate) fn build(self) -> sp_io::TestExternalities {
        let config = RuntimeGenesisConfig {
            evm: pallet_evm::GenesisConfig { accounts: self.accounts, ..Default::default() },
            ethereum: pallet_ethereum::GenesisConfig {
                timestamp_s: GENESIS_S,
                base_fee: self.base_fee,
                gas_limit: self.gas_limit,
                cycle_limit: self.cycle_limit,
                heartbeat_ms: self.heartbeat_ms,
                ..Default::default()
            },
            sudo: pallet_sudo::GenesisConfig { key: Some(ROOT) },
            ..Default::default()
        };
        Heard::take();
        FilterOpen::set(true);
        config.build_storage().unwrap().into()
    }
}

pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
    Genesis::default().build()
}

/// Starts the next Substrate block at `time_ms`.
pub(crate) fn begin(time_ms: u64) {
    let number = System::block_number() + 1;
    let parent = System::block_hash(number - 1);
    let header =
        Header::new(number, Default::default(), Default::default(), parent, Default::default());
    Executive::initialize_block(&header);
    let set = UncheckedExtrinsic::new_bare(pallet_timestamp::Call::set { now: time_ms }.into());
    Executive::apply_extrinsic(set).unwrap().unwrap();
}

/// Ends the Substrate block and checks the invariants of both pallets.
pub(crate) fn end() -> Header {
    let header = Executive::finalize_block();
    Pallet::<Test>::check_state().unwrap();
    pallet_evm::Pallet::<Test>::check_state().unwrap();
    header
}

/// Applies `extrinsic` as a block author does: a refused one leaves nothing behind.
pub(crate) fn apply(extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult {
    with_transaction(|| match Executive::apply_extrinsic(extrinsic) {
        Ok(outcome) => TransactionOutcome::Commit(Ok::<_, sp_runtime::DispatchError>(Ok(outcome))),
        Err(refusal) => TransactionOutcome::Rollback(Ok(Err(refusal))),
    })
    .unwrap()
}

/// Applies the Ethereum transaction `raw`.
pub(crate) fn send(raw: Vec<u8>) -> ApplyExtrinsicResult {
    apply(UncheckedExtrinsic::from_raw_transaction(raw).unwrap())
}

/// Asks the pool about the Ethereum transaction `raw`.
pub(crate) fn validate(raw: Vec<u8>) -> TransactionValidity {
    let extrinsic = UncheckedExtrinsic::from_raw_transaction(raw).unwrap();
    let parent = System::parent_hash();
    with_transaction(|| {
        let validity =
            Executive::validate_transaction(TransactionSource::External, extrinsic, parent);
        TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(validity))
    })
    .unwrap()
}

/// A Substrate block, two seconds after the Ethereum block before, with all of `transactions`.
pub(crate) fn block(transactions: Vec<Vec<u8>>) -> Header {
    begin((Head::<Test>::get().timestamp_s + 2) * 1_000);
    for raw in transactions {
        send(raw).unwrap().unwrap();
    }
    end()
}

#[test]
fn integrity_of_the_mock_holds() {
    <Ethereum as Hooks<u64>>::integrity_test();
}
