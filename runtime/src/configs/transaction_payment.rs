//! Fees of Substrate extrinsics, paid in ZYRA and burnt. Ethereum transactions pay BTC instead.

use crate::{units::MICRO_ZYRA, Balance, Balances, Runtime, RuntimeEvent};
use frame_support::{
    parameter_types,
    traits::{ConstU128, ConstU8},
    weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

parameter_types! {
    /// Fees rise while blocks are fuller than this.
    pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
    /// How fast fees move: at most about 20% an hour when blocks are full.
    pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
    /// Fees fall to a tenth at the lowest, from where they can still rise.
    pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10u128);
    /// Fees rise without limit.
    pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

/// Moves the fee level with the load of the chain.
type FeeAdjustment = TargetedFeeAdjustment<
    Runtime,
    TargetBlockFullness,
    AdjustmentVariable,
    MinimumMultiplier,
    MaximumMultiplier,
>;

impl pallet_transaction_payment::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type OnChargeTransaction = FungibleAdapter<Balances, ()>;
    // One picosecond of execution costs one unit: a plain transfer about 0.0003 ZYRA.
    type WeightToFee = IdentityFee<Balance>;
    type LengthToFee = ConstantMultiplier<Balance, ConstU128<MICRO_ZYRA>>;
    type FeeMultiplierUpdate = FeeAdjustment;
    type OperationalFeeMultiplier = ConstU8<5>;
    type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
