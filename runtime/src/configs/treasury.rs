//! The treasury: what is left of an era's emission, slashes, lost deposits. Referenda spend it.

use super::sequencers::Days;
use crate::{
    governance::{Spender, Treasurer},
    units::ZYRA,
    AccountId, Balance, Balances, Runtime, RuntimeEvent, System,
};
use frame_support::{
    parameter_types,
    traits::{
        tokens::{PayFromAccount, UnityAssetBalanceConversion},
        ConstU32, EitherOf,
    },
    PalletId,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureWithSuccess};
use pallet_treasury::TreasuryAccountId;
use sp_runtime::{traits::IdentityLookup, Permill};

parameter_types! {
    /// The treasury's account derives from this.
    pub const TreasuryPalletId: PalletId = PalletId(*b"bzk/trsy");
    /// Nothing is burnt.
    pub const Burn: Permill = Permill::zero();
    /// What root and the track `treasurer` may spend at once.
    pub const LargeSpend: Balance = Balance::MAX;
    /// What the track `spender` may spend at once.
    pub const SmallSpend: Balance = 10_000 * ZYRA;
}

impl pallet_treasury::Config for Runtime {
    type Currency = Balances;
    type RejectOrigin = EitherOf<EnsureRoot<AccountId>, Treasurer>;
    type RuntimeEvent = RuntimeEvent;
    type SpendPeriod = Days<6>;
    type Burn = Burn;
    type PalletId = TreasuryPalletId;
    type BurnDestination = ();
    type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
    type SpendFunds = ();
    type MaxApprovals = ConstU32<100>;
    type SpendOrigin = EitherOf<
        EnsureRootWithSuccess<AccountId, LargeSpend>,
        EitherOf<
            EnsureWithSuccess<Treasurer, AccountId, LargeSpend>,
            EnsureWithSuccess<Spender, AccountId, SmallSpend>,
        >,
    >;
    // There is one asset, ZYRA.
    type AssetKind = ();
    type Beneficiary = AccountId;
    type BeneficiaryLookup = IdentityLookup<AccountId>;
    type Paymaster = PayFromAccount<Balances, TreasuryAccountId<Runtime>>;
    type BalanceConverter = UnityAssetBalanceConversion;
    type PayoutPeriod = Days<30>;
    type BlockNumberProvider = System;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
}
