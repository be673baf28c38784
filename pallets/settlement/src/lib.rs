//! # Settlement
//!
//! Cuts the chain of Ethereum blocks into batches and keeps what became of each: closed, certified, proven, settled.
//!
//! | transition | by whom | what shows it |
//! |---|---|---|
//! | closed | the chain, by [`Limits`] | |
//! | certified | [`Config::CertifyOrigin`] | that a committee stores the batch's data |
//! | proven | an authority, [`Pallet::record_proof`] | a proof's public inputs, equal to the batch's own numbers and roots |
//! | settled | [`Config::SettleOrigin`] | that the contract on the layer 1 accepted it |
//!
//! The chain verifies no proof. A record says that an authority's prover has one; a wrong record stops nobody, because
//! the contract judges the proof itself, the other authorities' provers go on until it has, and
//! [`Config::AdminOrigin`] can have the record forgotten.
//! The accumulators in a record are the prover's word too: `bzk_batch` says why.
//!
//! On nodes with a prover an off-chain worker ([`worker`]) hands it each batch that is final, and records the proof if no
//! other authority has.
//!
//! When [`Config::MaxBatches`] wait to be settled the open batch grows until there is room: nothing is lost, blocks go
//! on, and one proof covers any number of blocks.
//!
//! ## Invariants
//! 1. The batches `oldest..next` of [`BatchIds`] are kept, no others, at most [`Config::MaxBatches`].
//! 2. Each begins with the block after its predecessor's last, from the state that one ended with; so does [`Open`].
//! 3. Exactly those before `unsettled` are settled, and each of these has a certificate and a proof.
//! 4. A recorded proof is about its batch.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;

mod authorize;
#[cfg(feature = "runtime-benchmarks")]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "never in a block"
)]
mod benchmarking;
mod close;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
#[cfg(test)]
mod mock;
mod prover;
#[cfg(test)]
mod tests;
mod types;
pub mod weights;
pub mod worker;

pub use authorize::Authorities;
pub use pallet::*;
pub use types::{Batch, BatchId, Claim, Ids, Limits, OpenBatch, ProofRecord, Stage, MAX_BLOCKS};
pub use weights::WeightInfo;

/// The pallet's storage, configuration and calls.
#[frame_support::pallet]
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "FRAME generates code that trips over them"
)]
pub mod pallet {
    use super::*;
    use bzk_batch::Span;
    use frame_support::{dispatch::Pays, pallet_prelude::*, traits::EnsureOriginWithArg};
    use frame_system::{
        ensure_authorized, offchain::CreateAuthorizedTransaction, pallet_prelude::*,
    };
    use sp_core::H256;
    use sp_runtime::RuntimeAppPublic;

    /// A signature of [`Config::AuthorityId`].
    pub type SignatureOf<T> = <<T as Config>::AuthorityId as RuntimeAppPublic>::Signature;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config: frame_system::Config + CreateAuthorizedTransaction<Call<Self>> {
        /// Chain id of Ethereum transactions.
        #[pallet::constant]
        type ChainId: Get<u64>;
        /// Key of an authority.
        type AuthorityId: Member + Parameter + RuntimeAppPublic<Signature: Parameter>;
        /// The authorities, whose records of proofs count.
        type Authorities: Authorities<Self::AuthorityId>;
        /// Who may certify a batch, given the certificate's name.
        type CertifyOrigin: EnsureOriginWithArg<Self::RuntimeOrigin, Claim>;
        /// Who may settle a batch, given the name of the layer 1's transaction.
        type SettleOrigin: EnsureOriginWithArg<Self::RuntimeOrigin, Claim>;
        /// Sets the limits and forgets proofs.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Most batches that are kept, settled ones too.
        #[pallet::constant]
        type MaxBatches: Get<u32>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// Batches and their lives.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Where batches end.
    #[pallet::storage]
    pub type BatchLimits<T: Config> = StorageValue<_, Limits, ValueQuery>;

    /// The batch that the next block joins; none until it has its first block.
    #[pallet::storage]
    pub type Open<T: Config> = StorageValue<_, OpenBatch>;

    /// Which batches there are.
    #[pallet::storage]
    pub type BatchIds<T: Config> = StorageValue<_, Ids, ValueQuery>;

    /// The closed batches.
    // Twox: the chain counts them, nobody can choose a key.
    #[pallet::storage]
    pub type Batches<T: Config> = StorageMap<_, Twox64Concat, BatchId, Batch<BlockNumberFor<T>>>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// A batch is complete.
        Closed {
            /// The batch.
            batch: BatchId,
            /// Its blocks.
            span: Span,
            /// How many transactions it has.
            transactions: u64,
            /// Its proving cost, in kernel cycles.
            cycles: u64,
        },
        /// A batch's data is stored by a committee.
        Certified {
            /// The batch.
            batch: BatchId,
            /// Names the certificate.
            certificate: H256,
        },
        /// There is a proof of a batch.
        Proven {
            /// The batch.
            batch: BatchId,
            /// keccak-256 of the proof as the contract takes it.
            proof_hash: H256,
            /// Who says so.
            authority: T::AuthorityId,
        },
        /// A recorded proof does not count any more.
        ProofForgotten {
            /// The batch.
            batch: BatchId,
        },
        /// The contract on the layer 1 accepted a batch.
        Settled {
            /// The batch.
            batch: BatchId,
            /// Names the transaction.
            transaction: H256,
        },
        /// Batches end elsewhere, from the next block on.
        LimitsSet {
            /// Where.
            limits: Limits,
        },
    }

    /// Why a call fails.
    #[pallet::error]
    pub enum Error<T> {
        /// There is no such batch, or it was settled long ago.
        NoSuchBatch,
        /// The batch has a certificate already.
        AlreadyCertified,
        /// The batch has a proof already.
        AlreadyProven,
        /// The proof is about other blocks, states or another chain.
        AnotherStatement,
        /// The batch has no certificate: `certify` comes first.
        NotCertified,
        /// The batch has no proof: `record_proof` comes first.
        NotProven,
        /// An older batch has to be settled first, or this one is settled.
        OutOfOrder,
        /// Batches of such limits would never end, or would be longer than a prover takes.
        UnsoundLimits,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(_: BlockNumberFor<T>) -> Weight {
            // For `on_block`, which comes when the Ethereum block is closed.
            T::WeightInfo::on_block()
        }

        fn offchain_worker(_: BlockNumberFor<T>) {
            Self::run_worker();
        }

        fn integrity_test() {
            assert!(T::MaxBatches::get() > 0, "no room for a batch");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Says that there is a proof of a batch.
        ///
        /// # Origin
        /// Authorized: a general transaction that an authority signed, see [`Pallet::proof_payload`]. It is feeless;
        /// a batch has at most one.
        ///
        /// # Parameters
        /// - `batch`: not proven yet.
        /// - `record`: public inputs equal to the batch's own numbers and roots, and the proof's hash.
        /// - `authority`, `signature`: who says so.
        ///
        /// # Errors
        /// - [`Error::NoSuchBatch`], [`Error::AlreadyProven`], [`Error::AnotherStatement`]: such a transaction is
        ///   invalid, the pool does not take it and no block holds it.
        ///
        /// # Events
        /// [`Event::Proven`]. Keeps invariant 4. O(1).
        #[pallet::call_index(0)]
        #[pallet::weight((
            <T as Config>::WeightInfo::record_proof(),
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_record_proof)]
        #[pallet::weight_of_authorize(<T as Config>::WeightInfo::authorize_record_proof())]
        pub fn record_proof(
            origin: OriginFor<T>,
            batch: BatchId,
            record: ProofRecord,
            authority: T::AuthorityId,
            _signature: SignatureOf<T>,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::do_record_proof(batch, record, authority)
        }

        /// Says that a committee stores a batch's data.
        ///
        /// # Origin
        /// [`Config::CertifyOrigin`].
        ///
        /// # Parameters
        /// - `batch`: not certified yet.
        /// - `certificate`: names the certificate, for who looks for it; the origin judges it.
        ///
        /// # Errors
        /// - [`Error::NoSuchBatch`], [`Error::AlreadyCertified`].
        ///
        /// # Events
        /// [`Event::Certified`]. O(1).
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::certify())]
        pub fn certify(origin: OriginFor<T>, batch: BatchId, certificate: H256) -> DispatchResult {
            T::CertifyOrigin::ensure_origin(origin, &Claim { batch, evidence: certificate })?;
            Self::do_certify(batch, certificate)
        }

        /// Says that the contract on the layer 1 accepted a batch, and that this is final.
        ///
        /// # Origin
        /// [`Config::SettleOrigin`].
        ///
        /// # Parameters
        /// - `batch`: the oldest that is not settled, certified and proven.
        /// - `transaction`: names the layer 1's transaction; the origin judges it.
        ///
        /// # Errors
        /// - [`Error::NoSuchBatch`], [`Error::OutOfOrder`], [`Error::NotCertified`], [`Error::NotProven`].
        ///
        /// # Events
        /// [`Event::Settled`]. Keeps invariant 3. O(1).
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::settle())]
        pub fn settle(origin: OriginFor<T>, batch: BatchId, transaction: H256) -> DispatchResult {
            T::SettleOrigin::ensure_origin(origin, &Claim { batch, evidence: transaction })?;
            Self::do_settle(batch, transaction)
        }

        /// Forgets the proof of a batch, because it is none; the batch is proven again. No record that was signed before
        /// counts any more.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Errors
        /// - [`Error::NoSuchBatch`], [`Error::NotProven`].
        /// - [`Error::OutOfOrder`]: it is settled.
        ///
        /// # Events
        /// [`Event::ProofForgotten`]. Keeps invariant 3. O(1).
        #[pallet::call_index(3)]
        #[pallet::weight(<T as Config>::WeightInfo::forget_proof())]
        pub fn forget_proof(origin: OriginFor<T>, batch: BatchId) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::do_forget_proof(batch)
        }

        /// Sets where batches end, from the next block on; the open batch too.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Errors
        /// - [`Error::UnsoundLimits`]: blocks from 1 to [`MAX_BLOCKS`], transactions at least 1, cycles from 1 to what a
        ///   block may have.
        ///
        /// # Events
        /// [`Event::LimitsSet`]. O(1).
        #[pallet::call_index(4)]
        #[pallet::weight(<T as Config>::WeightInfo::set_limits())]
        pub fn set_limits(origin: OriginFor<T>, limits: Limits) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            ensure!(limits.are_sound(), Error::<T>::UnsoundLimits);
            BatchLimits::<T>::put(limits);
            Self::deposit_event(Event::LimitsSet { limits });
            Ok(())
        }
    }

    impl<T: Config> Pallet<T> {
        fn do_record_proof(
            batch: BatchId,
            record: ProofRecord,
            authority: T::AuthorityId,
        ) -> DispatchResult {
            Self::try_mutate(batch, |found| {
                Self::check_record(found, &record)?;
                found.proof = Some(record);
                Ok(())
            })?;
            let proof_hash = record.proof_hash;
            Self::deposit_event(Event::Proven { batch, proof_hash, authority });
            Ok(())
        }

        fn do_certify(batch: BatchId, certificate: H256) -> DispatchResult {
            Self::try_mutate(batch, |found| {
                ensure!(found.certificate.is_none(), Error::<T>::AlreadyCertified);
                found.certificate = Some(certificate);
                Ok(())
            })?;
            Self::deposit_event(Event::Certified { batch, certificate });
            Ok(())
        }

        fn do_settle(batch: BatchId, transaction: H256) -> DispatchResult {
            let mut ids = BatchIds::<T>::get();
            Self::try_mutate(batch, |found| {
                ensure!(batch == ids.unsettled, Error::<T>::OutOfOrder);
                ensure!(found.certificate.is_some(), Error::<T>::NotCertified);
                ensure!(found.proof.is_some(), Error::<T>::NotProven);
                found.settlement = Some(transaction);
                Ok(())
            })?;
            ids.unsettled = ids.unsettled.saturating_add(1);
            BatchIds::<T>::put(ids);
            Self::deposit_event(Event::Settled { batch, transaction });
            Ok(())
        }

        fn do_forget_proof(batch: BatchId) -> DispatchResult {
            Self::try_mutate(batch, |found| {
                ensure!(found.settlement.is_none(), Error::<T>::OutOfOrder);
                ensure!(found.proof.take().is_some(), Error::<T>::NotProven);
                found.forgotten = found.forgotten.saturating_add(1);
                Ok(())
            })?;
            Self::deposit_event(Event::ProofForgotten { batch });
            Ok(())
        }

        fn try_mutate(
            batch: BatchId,
            change: impl FnOnce(&mut Batch<BlockNumberFor<T>>) -> Result<(), Error<T>>,
        ) -> Result<(), Error<T>> {
            Batches::<T>::try_mutate(batch, |found| {
                change(found.as_mut().ok_or(Error::<T>::NoSuchBatch)?)
            })
        }

        /// Whether `record` may become the proof of `batch`.
        pub(crate) fn check_record(
            batch: &Batch<BlockNumberFor<T>>,
            record: &ProofRecord,
        ) -> Result<(), Error<T>> {
            let is_about = record.statement.is_about(T::ChainId::get(), &batch.span);
            ensure!(is_about, Error::<T>::AnotherStatement);
            ensure!(batch.proof.is_none(), Error::<T>::AlreadyProven);
            Ok(())
        }
    }
}
