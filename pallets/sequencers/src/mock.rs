//! A runtime with this pallet and a chain of slots to run in it.

use crate::{self as pallet_sequencers, traits, Calendar, Pallet};
use alloc::collections::BTreeSet;
use core::ops::RangeInclusive;
use frame_support::{
    derive_impl, parameter_types,
    traits::{ConstU32, Hooks, ValidatorSet},
    weights::Weight,
};
use sp_core::H160;
use sp_runtime::BuildStorage;
use sp_staking::SessionIndex;

pub(crate) type AccountId = u64;

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Sequencers: pallet_sequencers,
    }
);

/// Gets the tips of authors without a coinbase.
pub(crate) const VAULT: H160 = H160::repeat_byte(0x0f);
/// An account of the EVM that exists.
pub(crate) const RICH: H160 = H160::repeat_byte(0x11);
/// One that does not.
pub(crate) const NOBODY: H160 = H160::repeat_byte(0x22);
/// Missed slots that make absent, in the mock.
pub(crate) const LIMIT: u32 = 3;
/// What it weighs to take a candidate out, in the mock.
pub(crate) const CHILL_WEIGHT: Weight = Weight::from_parts(1 << 40, 0);

parameter_types! {
    pub static Set: Vec<AccountId> = Vec::new();
    pub static Session: SessionIndex = 0;
    pub static Slot: u64 = 100;
    pub static Author: Option<AccountId> = None;
    pub static Bonded: BTreeSet<AccountId> = BTreeSet::new();
    pub static Candidates: BTreeSet<AccountId> = BTreeSet::new();
    pub static Existing: BTreeSet<H160> = BTreeSet::new();
}

pub struct MockValidators;

impl ValidatorSet<AccountId> for MockValidators {
    type ValidatorId = AccountId;
    type ValidatorIdOf = sp_runtime::traits::ConvertInto;

    fn session_index() -> SessionIndex {
        Session::get()
    }

    fn validators() -> Vec<AccountId> {
        Set::get()
    }
}

pub struct MockSlots;

/// The slots are the validators' in turn.
pub(crate) fn owner(slot: u64) -> AccountId {
    let set = Set::get();
    set[slot as usize % set.len()]
}

impl traits::SlotSchedule<AccountId> for MockSlots {
    fn current() -> u64 {
        Slot::get()
    }

    fn author() -> Option<AccountId> {
        Author::get()
    }

    fn owners(slots: RangeInclusive<u64>) -> Vec<AccountId> {
        slots.map(owner).collect()
    }
}

pub struct MockStake;

impl traits::Stake<AccountId> for MockStake {
    fn is_bonded(who: &AccountId) -> bool {
        Bonded::get().contains(who)
    }

    fn is_candidate(who: &AccountId) -> bool {
        Candidates::get().contains(who)
    }

    fn chill(who: &AccountId) -> Weight {
        Candidates::mutate(|candidates| candidates.remove(who));
        CHILL_WEIGHT
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn make_candidate(who: &AccountId) {
        Bonded::mutate(|bonded| bonded.insert(*who));
        Candidates::mutate(|candidates| candidates.insert(*who));
    }
}

pub struct MockAccounts;

impl traits::EvmAccounts for MockAccounts {
    fn exists(address: H160) -> bool {
        Existing::get().contains(&address)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn create(address: H160) {
        Existing::mutate(|existing| existing.insert(address));
    }
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
}

parameter_types! {
    pub const DefaultCoinbase: H160 = VAULT;
}

impl pallet_sequencers::Config for Test {
    type Validators = MockValidators;
    type Slots = MockSlots;
    type Stake = MockStake;
    type Accounts = MockAccounts;
    type DefaultCoinbase = DefaultCoinbase;
    type MaxValidators = ConstU32<100>;
    type MaxCoinbases = ConstU32<5>;
    type WeightInfo = ();
}

/// A chain with `validators` validators, 1 to n, all bonded candidates.
pub(crate) fn new_test_ext(validators: u64) -> sp_io::TestExternalities {
    let config = RuntimeGenesisConfig {
        sequencers: pallet_sequencers::GenesisConfig {
            calendar: Calendar::default(),
            missed_limit: LIMIT,
            coinbases: Vec::new(),
        },
        ..Default::default()
    };
    let mut externalities: sp_io::TestExternalities = config.build_storage().unwrap().into();
    externalities.execute_with(|| {
        System::set_block_number(1);
        Set::set((1..=validators).collect());
        Session::set(0);
        Slot::set(100);
        Author::set(None);
        Bonded::set((1..=validators).collect());
        Candidates::set((1..=validators).collect());
        Existing::set([VAULT, RICH].into());
    });
    externalities
}

/// The next block, made by the owner of its slot.
/// Slots owned by one of `away` stay empty.
pub(crate) fn next_block(away: &[AccountId]) {
    let mut slot = Slot::get() + 1;
    while away.contains(&owner(slot)) {
        slot += 1;
    }
    block_at(slot, owner(slot));
}

/// A block of `author` in `slot`; checks the invariants after it.
pub(crate) fn block_at(slot: u64, author: AccountId) {
    Slot::set(slot);
    Author::set(Some(author));
    System::set_block_number(System::block_number() + 1);
    <Sequencers as Hooks<u64>>::on_initialize(System::block_number());
    Pallet::<Test>::check_state().unwrap();
}

/// Ends the session; `set` are the validators of the next one. The next block judges.
pub(crate) fn end_session(set: Vec<AccountId>) {
    Session::mutate(|session| *session += 1);
    Set::set(set);
}

/// The events of this pallet, oldest first.
pub(crate) fn events() -> Vec<pallet_sequencers::Event<Test>> {
    System::read_events_for_pallet()
}

#[test]
fn integrity_of_the_mock_holds() {
    <Sequencers as Hooks<u64>>::integrity_test();
}
