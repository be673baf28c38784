//! Names of accounts, confirmed by registrars.

use super::sequencers::Days;
use crate::{
    units::{MICRO_ZYRA, MILLI_ZYRA, ZYRA},
    AccountId, Balances, Runtime, RuntimeEvent, Signature, Treasury,
};
use frame_support::traits::{ConstU128, ConstU32};
use frame_system::EnsureRoot;
use pallet_identity::legacy::IdentityInfo;
use sp_runtime::traits::Verify;

impl pallet_identity::Config for Runtime {
    type RuntimeEvent = RuntimeEvent;
    type Currency = Balances;
    type BasicDeposit = ConstU128<ZYRA>;
    type ByteDeposit = ConstU128<{ 100 * MICRO_ZYRA }>;
    type UsernameDeposit = ConstU128<{ 100 * MILLI_ZYRA }>;
    type SubAccountDeposit = ConstU128<{ 500 * MILLI_ZYRA }>;
    type MaxSubAccounts = ConstU32<100>;
    type IdentityInformation = IdentityInfo<ConstU32<20>>;
    type MaxRegistrars = ConstU32<20>;
    type Slashed = Treasury;
    type ForceOrigin = EnsureRoot<AccountId>;
    type RegistrarOrigin = EnsureRoot<AccountId>;
    type OffchainSignature = Signature;
    type SigningPublicKey = <Signature as Verify>::Signer;
    type UsernameAuthorityOrigin = EnsureRoot<AccountId>;
    type PendingUsernameExpiration = Days<7>;
    type UsernameGracePeriod = Days<30>;
    type MaxSuffixLength = ConstU32<7>;
    type MaxUsernameLength = ConstU32<32>;
    #[cfg(feature = "runtime-benchmarks")]
    type BenchmarkHelper = ();
    type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}
