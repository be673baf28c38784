//! Sessions: each epoch of BABE is one, with the validators that staking elected and their keys.

use crate::{
    units::{EXISTENTIAL_DEPOSIT, ZYRA},
    AccountId, Babe, Balance, Balances, Runtime, RuntimeEvent, SessionKeys, Staking,
};
use frame_support::parameter_types;
use pallet_session::{disabling::UpToLimitWithReEnablingDisablingStrategy, historical};
use pallet_staking::UnitIdentificationOf;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

parameter_types! {
    /// Held while an account has session keys; they take about 100 bytes.
    pub const KeyDeposit: Balance = ZYRA / 10 + EXISTENTIAL_DEPOSIT;
}

impl pallet_session::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type ValidatorId = AccountId;
    type ValidatorIdOf = ConvertInto;
    type ShouldEndSession = Babe;
    type NextSessionRotation = Babe;
    type SessionManager = historical::NoteHistoricalRoot<Self, Staking>;
    type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
    type Keys = SessionKeys;
    // Offenders do not author any more, as long as they are fewer than a third.
    type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
    type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
    type Currency = Balances;
    type KeyDeposit = KeyDeposit;
}

impl historical::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type FullIdentification = ();
    type FullIdentificationOf = UnitIdentificationOf<Self>;
}
