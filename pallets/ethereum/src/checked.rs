//! An extrinsic whose signature has been checked, and how it is validated and applied.

use crate::{extrinsic::CallOf, Call, Config, Pallet, RawOrigin};
use alloc::sync::Arc;
use alloy_consensus::Transaction;
use bzk_evm::tx::RecoveredTx;
use frame_support::{
    dispatch::{DispatchClass, DispatchInfo, GetDispatchInfo, Pays, PostDispatchInfo},
    ensure,
    traits::{Contains, IsSubType},
    weights::Weight,
};
use sp_runtime::{
    generic::{self, ExtrinsicFormat},
    traits::{Applyable, DispatchInfoOf, Dispatchable, PostDispatchInfoOf, TransactionExtension},
    transaction_validity::{
        InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError,
    },
    ApplyExtrinsicResultWithInfo, Debug,
};

/// A checked extrinsic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckedExtrinsic<AccountId, Extension, T: Config> {
    /// `Ethereum.transact` with its sender recovered.
    Ethereum {
        /// The transaction in `call`, decoded once.
        transaction: Arc<RecoveredTx>,
        /// The call to dispatch.
        call: CallOf<T>,
    },
    /// Any other extrinsic.
    Substrate(generic::CheckedExtrinsic<AccountId, CallOf<T>, Extension>),
}

impl<AccountId, Extension, T> GetDispatchInfo for CheckedExtrinsic<AccountId, Extension, T>
where
    T: Config,
    generic::CheckedExtrinsic<AccountId, CallOf<T>, Extension>: GetDispatchInfo,
{
    fn get_dispatch_info(&self) -> DispatchInfo {
        match self {
            Self::Ethereum { transaction, .. } => DispatchInfo {
                call_weight: Pallet::<T>::weight_of_gas(transaction.envelope.gas_limit()),
                extension_weight: Weight::zero(),
                class: DispatchClass::Normal,
                pays_fee: Pays::No,
            },
            Self::Substrate(extrinsic) => extrinsic.get_dispatch_info(),
        }
    }
}

#[allow(deprecated, reason = "`Applyable` still names `ValidateUnsigned`")]
impl<AccountId, Extension, T> Applyable for CheckedExtrinsic<AccountId, Extension, T>
where
    T: Config,
    AccountId: Send + Sync,
    CallOf<T>: Dispatchable<
            RuntimeOrigin = T::RuntimeOrigin,
            Info = DispatchInfo,
            PostInfo = PostDispatchInfo,
        > + IsSubType<Call<T>>
        + Send
        + Sync,
    Extension: TransactionExtension<CallOf<T>>,
    generic::CheckedExtrinsic<AccountId, CallOf<T>, Extension>: Applyable<Call = CallOf<T>>,
{
    type Call = CallOf<T>;

    fn validate<V: sp_runtime::traits::ValidateUnsigned<Call = Self::Call>>(
        &self,
        source: TransactionSource,
        info: &DispatchInfoOf<Self::Call>,
        len: usize,
    ) -> TransactionValidity {
        match self {
            Self::Ethereum { transaction, call } => {
                // While governance stops it no block takes it: better the sender knows than that the pool loses it.
                ensure!(T::BaseCallFilter::contains(call), InvalidTransaction::Call);
                let limits = Extension::bare_validate(call, info, len)?;
                Ok(limits.combine_with(Pallet::<T>::validate(transaction)?))
            }
            Self::Substrate(extrinsic) => {
                ensure_may_run::<T, _, _>(extrinsic, info)?;
                extrinsic.validate::<V>(source, info, len)
            }
        }
    }

    fn apply<V: sp_runtime::traits::ValidateUnsigned<Call = Self::Call>>(
        self,
        info: &DispatchInfoOf<Self::Call>,
        len: usize,
    ) -> ApplyExtrinsicResultWithInfo<PostDispatchInfoOf<Self::Call>> {
        match self {
            Self::Ethereum { transaction, call } => {
                Extension::bare_validate_and_prepare(&call, info, len)?;
                let origin = RawOrigin::recovered(transaction);
                let mut post_info =
                    call.dispatch(origin.into()).map_err(|e| Pallet::<T>::refusal(e.error))?;
                Extension::bare_post_dispatch(info, &mut post_info, len, &Ok(()))?;
                Ok(Ok(post_info))
            }
            Self::Substrate(extrinsic) => {
                ensure_may_run::<T, _, _>(&extrinsic, info)?;
                // Without this, a block author could fill blocks with bare calls for nothing: the
                // generic extrinsic leaves their validation to the pool.
                if matches!(extrinsic.format, ExtrinsicFormat::Bare)
                    && info.class != DispatchClass::Mandatory
                {
                    V::validate_unsigned(TransactionSource::InBlock, &extrinsic.function)?;
                }
                extrinsic.apply::<V>(info, len)
            }
        }
    }
}

/// Refuses what would fail in a block for nothing, so that nobody fills blocks with it: a signed call
/// that pays no fee, because each such call has a signature of its own and comes without another, and
/// an unsigned one that governance stops. Inherents stay; no block goes without them.
fn ensure_may_run<T: Config, AccountId, Extension>(
    extrinsic: &generic::CheckedExtrinsic<AccountId, CallOf<T>, Extension>,
    info: &DispatchInfo,
) -> Result<(), TransactionValidityError> {
    if matches!(extrinsic.format, ExtrinsicFormat::Signed(..)) {
        ensure!(info.pays_fee == Pays::Yes, InvalidTransaction::BadSigner);
    } else if info.class != DispatchClass::Mandatory {
        ensure!(T::BaseCallFilter::contains(&extrinsic.function), InvalidTransaction::Call);
    }
    Ok(())
}
