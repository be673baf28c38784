//! Which records of proofs the pool takes and a block may hold.

use crate::{BatchId, Batches, Config, Error, Pallet, ProofRecord, SignatureOf};
use alloc::vec::Vec;
use codec::Encode;
use frame_support::pallet_prelude::*;
use sp_runtime::{
    traits::Zero,
    transaction_validity::{
        InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityError,
        ValidTransaction,
    },
    RuntimeAppPublic,
};

/// Prefix of the tags that make a record unique in the pool, and of what an authority signs.
const DOMAIN: &str = "bzk-settlement/proof";

/// Before everything that pays: there is at most one record for each batch.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

/// Blocks after which the pool drops a record; the worker sends it again.
const LONGEVITY_BLOCKS: u64 = 64;

/// Those who make the chain's blocks.
pub trait Authorities<Id> {
    /// Whether `id` is one of them now.
    fn contains(id: &Id) -> bool;

    /// Makes `id` one of them, for benchmarks.
    #[cfg(feature = "runtime-benchmarks")]
    fn add(id: Id);
}

impl<Id> Authorities<Id> for () {
    fn contains(_: &Id) -> bool {
        false
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn add(_: Id) {}
}

impl<T: Config> Pallet<T> {
    /// What an authority signs: bound to this chain and batch, and to how many proofs of the batch were `forgotten` so
    /// far: the transaction has no nonce and no end, so anybody could send a forgotten one again. Longer than the hash
    /// of a header, which the same key signs, so neither can stand for the other.
    pub fn proof_payload(batch: BatchId, forgotten: u32, record: &ProofRecord) -> Vec<u8> {
        let genesis = frame_system::Pallet::<T>::block_hash(
            frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
        );
        (DOMAIN, genesis, batch, forgotten, record).encode()
    }

    pub(crate) fn authorize_record_proof(
        _: TransactionSource,
        batch: &BatchId,
        record: &ProofRecord,
        authority: &T::AuthorityId,
        signature: &SignatureOf<T>,
    ) -> Result<(ValidTransaction, Weight), TransactionValidityError> {
        let found = Batches::<T>::get(batch).ok_or(InvalidTransaction::Stale)?;
        Self::check_record(&found, record).map_err(|error| match error {
            Error::AlreadyProven => InvalidTransaction::Stale,
            _ => InvalidTransaction::Call,
        })?;
        ensure!(T::Authorities::contains(authority), InvalidTransaction::BadSigner);
        let payload = Self::proof_payload(*batch, found.forgotten, record);
        ensure!(authority.verify(&payload, signature), InvalidTransaction::BadProof);
        ValidTransaction::with_tag_prefix(DOMAIN)
            .priority(PRIORITY)
            .longevity(LONGEVITY_BLOCKS)
            .and_provides(batch)
            .propagate(true)
            .build()
            .map(|valid| (valid, Weight::zero()))
    }
}
