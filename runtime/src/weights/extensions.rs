//! Weights of what signed extrinsics carry.

use super::{BareExtrinsicWeight, ExtrinsicBaseWeight};
use core::marker::PhantomData;
use frame_support::weights::Weight;
use frame_system::{ExtensionsWeightInfo, SubstrateExtensionsWeight};

/// Parity's weights of FRAME's extensions, with that of the signature added to one that all signed extrinsics have: what
/// Parity's [`ExtrinsicBaseWeight`] has more than [`BareExtrinsicWeight`].
pub struct SignedExtensionsWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> ExtensionsWeightInfo for SignedExtensionsWeight<T> {
    fn check_genesis() -> Weight {
        let signature = ExtrinsicBaseWeight::get().saturating_sub(BareExtrinsicWeight::get());
        SubstrateExtensionsWeight::<T>::check_genesis().saturating_add(signature)
    }

    fn check_mortality_mortal_transaction() -> Weight {
        SubstrateExtensionsWeight::<T>::check_mortality_mortal_transaction()
    }

    fn check_mortality_immortal_transaction() -> Weight {
        SubstrateExtensionsWeight::<T>::check_mortality_immortal_transaction()
    }

    fn check_non_zero_sender() -> Weight {
        SubstrateExtensionsWeight::<T>::check_non_zero_sender()
    }

    fn check_nonce() -> Weight {
        SubstrateExtensionsWeight::<T>::check_nonce()
    }

    fn check_spec_version() -> Weight {
        SubstrateExtensionsWeight::<T>::check_spec_version()
    }

    fn check_tx_version() -> Weight {
        SubstrateExtensionsWeight::<T>::check_tx_version()
    }

    fn check_weight() -> Weight {
        SubstrateExtensionsWeight::<T>::check_weight()
    }

    fn weight_reclaim() -> Weight {
        SubstrateExtensionsWeight::<T>::weight_reclaim()
    }
}
