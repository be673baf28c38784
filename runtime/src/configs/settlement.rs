//! Batches of Ethereum blocks, and the transactions with which the off-chain worker records their proofs.

use crate::{AccountId, Babe, Runtime, RuntimeCall, TxExtension, UncheckedExtrinsic};
use bzk_core::CHAIN_ID;
use frame_support::traits::{AsEnsureOriginWithArg, ConstU32, ConstU64};
use frame_system::{
    offchain::{CreateAuthorizedTransaction, CreateTransaction},
    EnsureRoot,
};
use pallet_ethereum::GenericExtrinsic;
use pallet_settlement::Authorities;
use sp_consensus_babe::AuthorityId;
use sp_runtime::generic::Era;

/// The authorities of this epoch, by the keys with which they make blocks.
pub struct BabeAuthorities;

impl Authorities<AuthorityId> for BabeAuthorities {
    fn contains(id: &AuthorityId) -> bool {
        Babe::authorities().iter().any(|(authority, _)| authority == id)
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn add(id: AuthorityId) {
        let mut authorities = Babe::authorities().into_inner();
        authorities.truncate(super::MAX_VALIDATORS.saturating_sub(1) as usize);
        authorities.push((id, 1));
        pallet_babe::Authorities::<Runtime>::put(frame_support::WeakBoundedVec::force_from(
            authorities,
            None,
        ));
    }
}

impl pallet_settlement::Config for Runtime {
    type ChainId = ConstU64<CHAIN_ID>;
    type AuthorityId = AuthorityId;
    type Authorities = BabeAuthorities;
    // Until a committee's certificates and the contract on the layer 1 can be verified here, only governance may say
    // that there are any; nothing is certified or settled by itself.
    type CertifyOrigin = AsEnsureOriginWithArg<EnsureRoot<AccountId>>;
    type SettleOrigin = AsEnsureOriginWithArg<EnsureRoot<AccountId>>;
    type AdminOrigin = EnsureRoot<AccountId>;
    type MaxBatches = ConstU32<8_192>;
    type WeightInfo = pallet_settlement::weights::SubstrateWeight<Runtime>;
}

impl<LocalCall> CreateTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    type Extension = TxExtension;

    fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
        GenericExtrinsic::<_, _, _, Self>::new_transaction(call, extension).into()
    }
}

impl<LocalCall> CreateAuthorizedTransaction<LocalCall> for Runtime
where
    RuntimeCall: From<LocalCall>,
{
    /// Nobody signs such a transaction, so it pays nothing, has no nonce, and lives as long as the call allows.
    fn create_extension() -> TxExtension {
        (
            frame_system::AuthorizeCall::new(),
            frame_system::CheckNonZeroSender::new(),
            frame_system::CheckSpecVersion::new(),
            frame_system::CheckTxVersion::new(),
            frame_system::CheckGenesis::new(),
            frame_system::CheckEra::from(Era::Immortal),
            frame_system::CheckNonce::from(0),
            frame_system::CheckWeight::new(),
            pallet_transaction_payment::ChargeTransactionPayment::from(0),
            frame_metadata_hash_extension::CheckMetadataHash::new(false),
            frame_system::WeightReclaim::new(),
        )
    }
}
