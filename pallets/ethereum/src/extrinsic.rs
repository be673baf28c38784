//! The runtime's extrinsic: Substrate's, except that `Ethereum.transact` carries its own signature.

use crate::{pool, Call, CheckedExtrinsic, Config, Pallet, RawTransaction};
use alloc::{sync::Arc, vec::Vec};
use codec::{Decode, DecodeLimit, DecodeWithMemTracking, Encode, Input};
use frame_support::{
    dispatch::{DispatchInfo, GetDispatchInfo},
    traits::{InherentBuilder, IsSubType, SignedTransactionBuilder},
};
use scale_info::{StaticTypeInfo, TypeInfo};
use sp_runtime::{
    generic,
    traits::{Checkable, ExtrinsicCall, ExtrinsicLike, ExtrinsicMetadata, LazyExtrinsic},
    transaction_validity::TransactionValidityError,
    Debug, OpaqueExtrinsic,
};

/// The runtime's calls.
pub(crate) type CallOf<T> = <T as frame_system::Config>::RuntimeCall;

/// Lists and boxes within each other that an extrinsic may have, so calls within calls: far more than
/// anybody needs. Each is a level of recursion, in decoding and in the calls themselves, and the node
/// runs this code natively, where the end of a thread's stack is the end of the node.
pub const MAX_DEPTH: u32 = 32;

/// The extrinsic that [`UncheckedExtrinsic`] wraps.
pub type GenericExtrinsic<Address, Signature, Extension, T> =
    generic::UncheckedExtrinsic<Address, CallOf<T>, Signature, Extension>;

/// [`generic::UncheckedExtrinsic`] with the same encoding and metadata, whose check recovers the
/// sender of a bare `Ethereum.transact`. Everything else is checked as usual. What nests deeper than
/// [`MAX_DEPTH`] does not decode.
#[derive(Encode, Clone, PartialEq, Eq, Debug)]
pub struct UncheckedExtrinsic<Address, Signature, Extension, T: Config>(
    /// The extrinsic as Substrate knows it.
    pub GenericExtrinsic<Address, Signature, Extension, T>,
);

impl<Address, Signature, Extension, T: Config> Decode
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: Decode,
{
    fn decode<I: Input>(input: &mut I) -> Result<Self, codec::Error> {
        <GenericExtrinsic<Address, Signature, Extension, T>>::decode_with_depth_limit(
            MAX_DEPTH, input,
        )
        .map(Self)
    }
}

impl<Address, Signature, Extension, T: Config> DecodeWithMemTracking
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: DecodeWithMemTracking,
{
}

impl<Address, Signature, Extension, T: Config>
    UncheckedExtrinsic<Address, Signature, Extension, T>
{
    /// A bare extrinsic: an inherent, or `Ethereum.transact`.
    pub fn new_bare(call: CallOf<T>) -> Self {
        Self(generic::UncheckedExtrinsic::new_bare(call))
    }

    /// An extrinsic signed by a Substrate account.
    pub fn new_signed(
        call: CallOf<T>,
        signer: Address,
        signature: Signature,
        extension: Extension,
    ) -> Self {
        Self(generic::UncheckedExtrinsic::new_signed(call, signer, signature, extension))
    }

    /// The extrinsic that carries an Ethereum transaction, an EIP-2718 envelope or a legacy list.
    /// `None` when it is longer than [`crate::MAX_TRANSACTION_BYTES`].
    pub fn from_raw_transaction(raw: Vec<u8>) -> Option<Self>
    where
        CallOf<T>: From<Call<T>>,
    {
        let raw = RawTransaction::try_from(raw).ok()?;
        Some(Self::new_bare(Call::<T>::transact { raw }.into()))
    }
}

impl<Address, Signature, Extension, T: Config> TypeInfo
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    Address: StaticTypeInfo,
    Signature: StaticTypeInfo,
    Extension: StaticTypeInfo,
    CallOf<T>: StaticTypeInfo,
{
    type Identity = GenericExtrinsic<Address, Signature, Extension, T>;

    fn type_info() -> scale_info::Type {
        GenericExtrinsic::<Address, Signature, Extension, T>::type_info()
    }
}

impl<Address, Signature, Extension, T: Config>
    From<GenericExtrinsic<Address, Signature, Extension, T>>
    for UncheckedExtrinsic<Address, Signature, Extension, T>
{
    fn from(extrinsic: GenericExtrinsic<Address, Signature, Extension, T>) -> Self {
        Self(extrinsic)
    }
}

impl<Address, Signature, Extension, T: Config> ExtrinsicLike
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    Address: TypeInfo,
    Signature: TypeInfo,
    Extension: TypeInfo,
{
    fn is_bare(&self) -> bool {
        ExtrinsicLike::is_bare(&self.0)
    }
}

impl<Address, Signature, Extension, T: Config> ExtrinsicMetadata
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: ExtrinsicMetadata,
{
    const VERSIONS: &'static [u8] =
        <GenericExtrinsic<Address, Signature, Extension, T> as ExtrinsicMetadata>::VERSIONS;
    type TransactionExtensionPipelines = <GenericExtrinsic<
        Address,
        Signature,
        Extension,
        T,
    > as ExtrinsicMetadata>::TransactionExtensionPipelines;
}

impl<Address, Signature, Extension, T: Config> ExtrinsicCall
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    Address: TypeInfo,
    Signature: TypeInfo,
    Extension: TypeInfo,
{
    type Call = CallOf<T>;

    fn call(&self) -> &Self::Call {
        self.0.call()
    }

    fn into_call(self) -> Self::Call {
        self.0.into_call()
    }
}

impl<Address, Signature, Extension, T, AccountId, Lookup> Checkable<Lookup>
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    T: Config,
    CallOf<T>: IsSubType<Call<T>>,
    GenericExtrinsic<Address, Signature, Extension, T>:
        Checkable<Lookup, Checked = generic::CheckedExtrinsic<AccountId, CallOf<T>, Extension>>,
{
    type Checked = CheckedExtrinsic<AccountId, Extension, T>;

    fn check(self, lookup: &Lookup) -> Result<Self::Checked, TransactionValidityError> {
        match self.into_ethereum()? {
            Ok(checked) => Ok(checked),
            Err(other) => other.check(lookup).map(CheckedExtrinsic::Substrate),
        }
    }

    #[cfg(feature = "try-runtime")]
    fn unchecked_into_checked_i_know_what_i_am_doing(
        self,
        lookup: &Lookup,
    ) -> Result<Self::Checked, TransactionValidityError> {
        // Without the recovery there is no sender, so there is nothing to leave out.
        match self.into_ethereum()? {
            Ok(checked) => Ok(checked),
            Err(other) => other
                .unchecked_into_checked_i_know_what_i_am_doing(lookup)
                .map(CheckedExtrinsic::Substrate),
        }
    }
}

impl<Address, Signature, Extension, T> UncheckedExtrinsic<Address, Signature, Extension, T>
where
    T: Config,
    CallOf<T>: IsSubType<Call<T>>,
{
    /// The checked Ethereum transaction, or the extrinsic back if it is not a bare `transact`.
    #[allow(clippy::type_complexity, reason = "the names are the documentation")]
    fn into_ethereum<AccountId>(
        self,
    ) -> Result<
        Result<
            CheckedExtrinsic<AccountId, Extension, T>,
            GenericExtrinsic<Address, Signature, Extension, T>,
        >,
        TransactionValidityError,
    > {
        if !matches!(self.0.preamble, generic::Preamble::Bare(_)) {
            return Ok(Err(self.0));
        }
        let Some(Call::transact { raw }) = self.0.function.is_sub_type() else {
            return Ok(Err(self.0));
        };
        let transaction = Arc::new(Pallet::<T>::recover(raw).map_err(pool::refuse)?);
        Ok(Ok(CheckedExtrinsic::Ethereum { transaction, call: self.0.function }))
    }
}

impl<Address, Signature, Extension, T: Config> GetDispatchInfo
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: GetDispatchInfo,
{
    fn get_dispatch_info(&self) -> DispatchInfo {
        self.0.get_dispatch_info()
    }
}

impl<Address, Signature, Extension, T: Config> serde::Serialize
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: serde::Serialize,
{
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, Address, Signature, Extension, T: Config> serde::Deserialize<'de>
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: serde::Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(deserializer).map(Self)
    }
}

impl<Address, Signature, Extension, T: Config> SignedTransactionBuilder
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    Address: TypeInfo,
    Signature: TypeInfo,
    Extension: TypeInfo,
{
    type Address = Address;
    type Signature = Signature;
    type Extension = Extension;

    fn new_signed_transaction(
        call: Self::Call,
        signer: Address,
        signature: Signature,
        extension: Extension,
    ) -> Self {
        Self::new_signed(call, signer, signature, extension)
    }
}

impl<Address, Signature, Extension, T: Config> InherentBuilder
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    Address: TypeInfo,
    Signature: TypeInfo,
    Extension: TypeInfo,
{
    fn new_inherent(call: Self::Call) -> Self {
        Self::new_bare(call)
    }
}

impl<Address, Signature, Extension, T: Config>
    From<UncheckedExtrinsic<Address, Signature, Extension, T>> for OpaqueExtrinsic
where
    OpaqueExtrinsic: From<GenericExtrinsic<Address, Signature, Extension, T>>,
{
    fn from(extrinsic: UncheckedExtrinsic<Address, Signature, Extension, T>) -> Self {
        extrinsic.0.into()
    }
}

impl<Address, Signature, Extension, T: Config> LazyExtrinsic
    for UncheckedExtrinsic<Address, Signature, Extension, T>
where
    GenericExtrinsic<Address, Signature, Extension, T>: Decode,
{
    fn decode_unprefixed(data: &[u8]) -> Result<Self, codec::Error> {
        // The generic extrinsic decodes this form to any depth.
        Self::decode(&mut &data.encode()[..])
    }
}
