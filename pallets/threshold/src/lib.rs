//! # Threshold
//!
//! The committee that holds the Bitcoin keys: who is in it and what it stakes, the making of its
//! keys, its signing sessions, and who pays when a member breaks the protocol.
//!
//! The chain is the coordinator of FROST. This pallet stores the members' messages and steps the
//! public machines of `bzk_threshold` with them; every rule of the protocol is there.
//!
//! ## Messages
//! Messages of members are feeless general transactions that carry their own signature, by the
//! member's session key ([`Call::dkg`], [`Call::sign`]). They are not sent from the member's account
//! with `Pays::No`: that account holds the bond, so its key belongs in a cold place; its nonce would
//! chain messages of independent sessions to each other; and anybody could send failing calls for
//! free. Here a message is refused by the pool, and never in a block, unless it comes from a member
//! that owes it now: at most one per member, phase and attempt.
//!
//! ## Blame
//! What signed messages prove is slashed and jails the member. Silence proves nothing: it excludes
//! from the attempt, and too much of it jails without a slash; in a key generation, which takes all
//! members, it counts for more. Until the next rotation a jailed member still has a share: it is asked
//! when the others are too few. A request that honest members stay away from fails and costs nobody
//! anything: they refuse it, because Bitcoin has settled it for instance.
//!
//! ## Invariants
//! 1. [`SessionKeys`] is the inverse of the keys in [`Signers`].
//! 2. The owner of each session key in the ceremony or in [`Keys`] is in [`Signers`].
//! 3. At most [`MAX_LIVE_KEYS`] keys live, and [`Active`] is the newest.
//! 4. Everything with a deadline, and nothing else, is in [`Deadlines`], each once.
//! 5. Messages are stored of the ceremony and of open sessions only, of the members that the
//!    machines say have sent them.
//! 6. A session of a key that lives signs with it; one test session exists while the ceremony tests.
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
pub mod benchmarking;
mod blame;
mod ceremony;
mod charge;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod invariants;
mod refresh;
mod registry;
mod service;
mod session;
mod types;
mod view;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub(crate) use bzk_threshold::bip340::recover_on_host as recover;
pub use bzk_threshold::refresh::Confirmations;
pub use pallet::*;
pub use registry::possession_message;
pub use types::{
    Candidate, Duty, Electorate, LiveKey, MaxDeadlines, OpenSession, Purpose, Rotation, Status,
};
pub use weights::WeightInfo;

/// Keys that can sign at a time: the newest, and the one whose coins are being swept to it. No new
/// rotation begins before the old key is retired.
pub const MAX_LIVE_KEYS: u32 = 2;

/// Deadlines handled in one block; the others wait for the next.
pub const MAX_TIMEOUTS: usize = 2;

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
    use bzk_threshold::{
        committee::{Member, MAX_MEMBERS},
        dkg::{
            ceremony::Ceremony as CeremonyState,
            message::{Message as DkgMessage, Round1, Round2},
        },
        element::{Signature, XOnly},
        envelope::Envelope,
        fault::Fault,
        key::Polynomial,
        service::OnSigning,
        signing::{
            message::{Message as SigningMessage, Nonces, Shares},
            request::MAX_INPUTS,
        },
    };
    use frame_support::{
        pallet_prelude::*,
        traits::{
            fungible::{BalancedHold, Credit, Inspect, MutateHold},
            OnUnbalanced,
        },
    };
    use frame_system::{ensure_authorized, pallet_prelude::*};
    use sp_runtime::Perbill;

    /// Balance of the bonds.
    pub type BalanceOf<T> =
        <<T as Config>::Currency as Inspect<<T as frame_system::Config>::AccountId>>::Balance;

    /// What a slash leaves to be handled.
    pub type CreditOf<T> = Credit<<T as frame_system::Config>::AccountId, <T as Config>::Currency>;

    /// What the runtime supplies.
    #[pallet::config]
    pub trait Config: frame_system::Config {
        /// Holds the bonds.
        type Currency: MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>
            + BalancedHold<Self::AccountId>;
        /// The hold reason of the runtime.
        type RuntimeHoldReason: From<HoldReason>;
        /// Who is elected to the committee, the first ones first.
        type Electorate: Electorate<Self::AccountId>;
        /// Starts rotations.
        type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;
        /// Takes what is slashed.
        type Slashed: OnUnbalanced<CreditOf<Self>>;
        /// Hears of signatures and keys.
        type OnSigning: OnSigning;
        /// Most members of a committee, at most `bzk_threshold::committee::MAX_MEMBERS`.
        #[pallet::constant]
        type MaxCommittee: Get<u16>;
        /// Bond of a member, beside what it stakes elsewhere.
        #[pallet::constant]
        type Bond: Get<BalanceOf<Self>>;
        /// Part of the bond that a proven fault costs.
        #[pallet::constant]
        type SlashFraction: Get<Perbill>;
        /// Deadlines that a member may miss between two rotations before it is jailed. One of a key generation
        /// counts as half of them.
        #[pallet::constant]
        type MaxMisses: Get<u32>;
        /// Blocks that a phase of the key generation lasts at most.
        #[pallet::constant]
        type DkgBlocks: Get<BlockNumberFor<Self>>;
        /// Blocks that a phase of a signing attempt lasts at most.
        #[pallet::constant]
        type SigningBlocks: Get<BlockNumberFor<Self>>;
        /// Blocks between the wish to leave and the return of the bond.
        #[pallet::constant]
        type UnbondingBlocks: Get<BlockNumberFor<Self>>;
        /// Part of the first attempt's members without whom no key is made.
        #[pallet::constant]
        type MinParticipation: Get<Perbill>;
        /// Most signing sessions at a time.
        #[pallet::constant]
        type MaxSessions: Get<u32>;
        /// Weights of the calls and hooks.
        type WeightInfo: WeightInfo;
    }

    /// Why balance is on hold.
    #[pallet::composite_enum]
    pub enum HoldReason {
        /// The bond of a signer.
        Bond,
    }

    /// The committee and its keys.
    #[pallet::pallet]
    pub struct Pallet<T>(_);

    /// Accounts that have a session key and a bond.
    // Blake2: anybody can choose accounts.
    #[pallet::storage]
    pub type Signers<T: Config> =
        StorageMap<_, Blake2_128Concat, T::AccountId, Candidate<BlockNumberFor<T>>>;

    /// Accounts that governance has appointed; they come before those that are elected. A young chain whose
    /// few validators must not be the whole committee begins with them, and empties the list later.
    #[pallet::storage]
    pub type Appointed<T: Config> =
        StorageValue<_, BoundedVec<T::AccountId, ConstU32<MAX_MEMBERS>>, ValueQuery>;

    /// Owner of each session key.
    // Blake2: anybody can choose keys.
    #[pallet::storage]
    pub type SessionKeys<T: Config> = StorageMap<_, Blake2_128Concat, XOnly, T::AccountId>;

    /// The key generation that is going on.
    #[pallet::storage]
    pub type Ceremony<T: Config> = StorageValue<_, Rotation>;

    /// Commitments of [`Ceremony`].
    // Twox: places are below MAX_MEMBERS.
    #[pallet::storage]
    pub type Commitments<T: Config> = StorageMap<_, Twox64Concat, Member, Round1>;

    /// Encrypted shares of [`Ceremony`].
    // Twox: places are below MAX_MEMBERS.
    #[pallet::storage]
    pub type EncryptedShares<T: Config> = StorageMap<_, Twox64Concat, Member, Round2>;

    /// Epoch of the next rotation.
    #[pallet::storage]
    pub type NextEpoch<T: Config> = StorageValue<_, u32, ValueQuery>;

    /// Epoch of the newest key.
    #[pallet::storage]
    pub type Active<T: Config> = StorageValue<_, u32>;

    /// Keys that can sign, by epoch.
    // Twox: the chain counts the epochs.
    #[pallet::storage]
    pub type Keys<T: Config> = CountedStorageMap<_, Twox64Concat, u32, LiveKey>;

    /// Number of the next session.
    #[pallet::storage]
    pub type NextSession<T: Config> = StorageValue<_, u64, ValueQuery>;

    /// Signing sessions that are going on.
    // Twox: the chain counts the sessions.
    #[pallet::storage]
    pub type Sessions<T: Config> = CountedStorageMap<_, Twox64Concat, u64, OpenSession>;

    /// Nonce commitments of the current attempt of each session.
    // Twox: numbers of the chain and places below MAX_MEMBERS.
    #[pallet::storage]
    pub type SessionNonces<T: Config> =
        StorageDoubleMap<_, Twox64Concat, u64, Twox64Concat, Member, Nonces>;

    /// Signature shares of the current attempt of each session.
    // Twox: as above.
    #[pallet::storage]
    pub type SessionShares<T: Config> =
        StorageDoubleMap<_, Twox64Concat, u64, Twox64Concat, Member, Shares>;

    /// What ends when. One short list instead of a map by block: it is read in every block anyway.
    #[pallet::storage]
    pub type Deadlines<T: Config> =
        StorageValue<_, BoundedVec<(Duty, BlockNumberFor<T>), MaxDeadlines<T>>, ValueQuery>;

    /// What happened.
    #[pallet::event]
    #[pallet::generate_deposit(pub(super) fn deposit_event)]
    pub enum Event<T: Config> {
        /// An account offers to be a member.
        Registered {
            /// The account.
            who: T::AccountId,
            /// Its session key.
            key: XOnly,
        },
        /// The next committees begin with these accounts, as far as they are registered.
        Appointed {
            /// How many there are.
            accounts: u32,
        },
        /// An account takes its offer back.
        Leaving {
            /// The account.
            who: T::AccountId,
            /// Block from which on it can have its bond, if it is in no committee.
            at: BlockNumberFor<T>,
        },
        /// An account has its bond back.
        BondReturned {
            /// The account.
            who: T::AccountId,
        },
        /// An attempt to make a key began.
        AttemptStarted {
            /// Epoch of the key.
            epoch: u32,
            /// The attempt.
            attempt: u16,
            /// How many members take part.
            members: u16,
        },
        /// The members owe something else.
        PhaseEntered {
            /// Epoch of the key.
            epoch: u32,
            /// The phase.
            phase: bzk_threshold::dkg::ceremony::Phase,
        },
        /// A key is the committee's.
        KeyAdopted {
            /// Its epoch.
            epoch: u32,
            /// The internal key.
            key: XOnly,
        },
        /// Too few members are left to make a key. The old one stays.
        RotationFailed {
            /// Epoch of the key.
            epoch: u32,
        },
        /// A key cannot sign any more.
        KeyRetired {
            /// Its epoch.
            epoch: u32,
        },
        /// The members of a key have new shares of it.
        SharesRefreshed {
            /// Epoch of the key.
            epoch: u32,
        },
        /// A member broke the protocol and is jailed.
        Slashed {
            /// The member.
            who: T::AccountId,
            /// What it did.
            fault: Fault,
            /// What it lost.
            amount: BalanceOf<T>,
        },
        /// A member let a deadline pass.
        Missed {
            /// The member.
            who: T::AccountId,
            /// What it has missed since the last rotation, out of [`Config::MaxMisses`].
            misses: u32,
        },
        /// A member is not elected any more.
        Jailed {
            /// The member.
            who: T::AccountId,
        },
        /// Members are asked to sign.
        SessionOpened {
            /// The session.
            session: u64,
            /// How many inputs it has.
            inputs: u32,
        },
        /// The session takes nonce commitments for an attempt.
        SigningAttempt {
            /// The session.
            session: u64,
            /// The attempt.
            attempt: u16,
        },
        /// The signers of the attempt are known.
        SignersSelected {
            /// The session.
            session: u64,
            /// The attempt.
            attempt: u16,
        },
        /// All inputs are signed.
        Signed {
            /// The session.
            session: u64,
        },
        /// The session can never finish, or was cancelled.
        SessionEnded {
            /// The session.
            session: u64,
        },
    }

    /// Why a call fails.
    #[pallet::error]
    pub enum Error<T> {
        /// The account or the key is registered: leave first, or use another key.
        AlreadyRegistered,
        /// The account is not registered.
        NotRegistered,
        /// The signature is not by the session key: sign [`possession_message`] of the account.
        BadPossession,
        /// Leave first, and wait.
        NotLeaving,
        /// The bond answers for a key that can still sign: wait until it is retired.
        StillMember,
        /// A rotation is going on: wait for its end.
        RotationRunning,
        /// The old key is not retired: sweep its coins first.
        TooManyKeys,
        /// Fewer than two elected accounts are registered.
        TooFewMembers,
        /// The message is not expected now. Such a message is never included.
        NotExpected,
        /// A counter would overflow.
        Exhausted,
    }

    #[pallet::hooks]
    impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
        fn on_initialize(now: BlockNumberFor<T>) -> Weight {
            Self::handle_deadlines(now)
        }

        fn integrity_test() {
            let most = T::MaxCommittee::get();
            assert!(u32::from(most) <= bzk_threshold::committee::MAX_MEMBERS, "{most} members");
            assert!(most >= bzk_threshold::committee::MIN_MEMBERS, "{most} members");
            assert!(T::MaxSessions::get() > 0, "no sessions, not even tests of keys");
        }

        #[cfg(feature = "try-runtime")]
        fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
            Self::check_state()
        }
    }

    #[pallet::call]
    impl<T: Config> Pallet<T> {
        /// Offers the caller as a member and puts the bond on hold.
        ///
        /// # Origin
        /// Signed by the account that pays the bond.
        ///
        /// # Parameters
        /// - `key`: the session key: signs messages, receives shares. Used by no other account.
        /// - `possession`: BIP-340 signature of [`possession_message`] by it.
        ///
        /// # Errors
        /// [`Error::AlreadyRegistered`], [`Error::BadPossession`], or the bond cannot be paid.
        ///
        /// # Events
        /// [`Event::Registered`].
        #[pallet::call_index(0)]
        #[pallet::weight(<T as Config>::WeightInfo::register())]
        pub fn register(origin: OriginFor<T>, key: XOnly, possession: Signature) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_register(who, key, possession)
        }

        /// Takes the offer back: the caller is elected no more, and can have the bond after
        /// [`Config::UnbondingBlocks`].
        ///
        /// # Origin
        /// Signed.
        ///
        /// # Errors
        /// [`Error::NotRegistered`].
        ///
        /// # Events
        /// [`Event::Leaving`].
        #[pallet::call_index(1)]
        #[pallet::weight(<T as Config>::WeightInfo::leave())]
        pub fn leave(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_leave(who)
        }

        /// Gives the bond back and forgets the session key.
        ///
        /// # Origin
        /// Signed.
        ///
        /// # Errors
        /// [`Error::NotLeaving`], [`Error::StillMember`].
        ///
        /// # Events
        /// [`Event::BondReturned`].
        #[pallet::call_index(2)]
        #[pallet::weight(<T as Config>::WeightInfo::return_bond())]
        pub fn return_bond(origin: OriginFor<T>) -> DispatchResult {
            let who = ensure_signed(origin)?;
            Self::do_return_bond(who)
        }

        /// Starts to make the next key, with those elected now. The old key signs on.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Errors
        /// [`Error::RotationRunning`], [`Error::TooManyKeys`], [`Error::TooFewMembers`].
        ///
        /// # Events
        /// [`Event::AttemptStarted`].
        #[pallet::call_index(3)]
        #[pallet::weight(<T as Config>::WeightInfo::rotate())]
        pub fn rotate(origin: OriginFor<T>) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            Self::start_rotation()
        }

        /// A message of the key generation.
        ///
        /// # Origin
        /// Authorised by the signature of the envelope: send the call as a general transaction.
        ///
        /// # Parameters
        /// - `envelope`: signed for the digest of the committee of the current attempt.
        ///
        /// # Errors
        /// None: what is not expected is never included.
        ///
        /// # Events
        /// [`Event::PhaseEntered`] after the last message of a phase, [`Event::Slashed`] and
        /// [`Event::AttemptStarted`] when the message or a complaint shows a fault.
        #[pallet::call_index(4)]
        #[pallet::weight((
            Pallet::<T>::charge_of_dkg(&envelope.message).worst,
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_dkg)]
        #[pallet::weight_of_authorize(
            <T as Config>::WeightInfo::authorize_dkg(T::MaxCommittee::get().into())
        )]
        pub fn dkg(
            origin: OriginFor<T>,
            envelope: Envelope<DkgMessage>,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let charge = Self::charge_of_dkg(&envelope.message);
            let blamed = Self::do_dkg(envelope.sender, envelope.message)?;
            Ok(charge.spent(blamed).into())
        }

        /// A message of a signing session.
        ///
        /// # Origin
        /// Authorised by the signature of the envelope: send the call as a general transaction.
        ///
        /// # Parameters
        /// - `session`: the session.
        /// - `envelope`: signed for the digest of its request and attempt.
        ///
        /// # Errors
        /// None: what is not expected is never included.
        ///
        /// # Events
        /// [`Event::SignersSelected`] after the last nonces that are needed; [`Event::Slashed`] and
        /// [`Event::SigningAttempt`] when the message or a report shows a fault.
        #[pallet::call_index(5)]
        #[pallet::weight((
            Pallet::<T>::charge_of_sign(&envelope.message).worst,
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_sign)]
        #[pallet::weight_of_authorize(<T as Config>::WeightInfo::authorize_sign())]
        pub fn sign(
            origin: OriginFor<T>,
            session: u64,
            envelope: Envelope<SigningMessage>,
        ) -> DispatchResultWithPostInfo {
            ensure_authorized(origin)?;
            let charge = Self::charge_of_sign(&envelope.message);
            let blamed = Self::do_sign(session, envelope.sender, envelope.message)?;
            Ok(charge.spent(blamed).into())
        }

        /// The signatures of a session, put together by anybody.
        ///
        /// # Origin
        /// Authorised by the signatures themselves: send the call as a general transaction.
        ///
        /// # Parameters
        /// - `session`: the session.
        /// - `signatures`: one per input, in their order.
        ///
        /// # Errors
        /// None: wrong signatures are never included.
        ///
        /// # Events
        /// [`Event::Signed`].
        #[pallet::call_index(6)]
        #[pallet::weight((
            Pallet::<T>::weight_of_complete(signatures.len() as u32),
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_complete)]
        #[pallet::weight_of_authorize(
            Pallet::<T>::weight_of_authorize_complete(signatures.len() as u32)
        )]
        pub fn complete(
            origin: OriginFor<T>,
            session: u64,
            signatures: BoundedVec<Signature, ConstU32<MAX_INPUTS>>,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            Self::do_complete(session, &signatures)
        }

        /// Sets who comes before the elected accounts when a committee is made.
        ///
        /// # Origin
        /// [`Config::AdminOrigin`].
        ///
        /// # Events
        /// [`Event::Appointed`].
        #[pallet::call_index(7)]
        #[pallet::weight(<T as Config>::WeightInfo::appoint(accounts.len() as u32))]
        pub fn appoint(
            origin: OriginFor<T>,
            accounts: BoundedVec<T::AccountId, ConstU32<MAX_MEMBERS>>,
        ) -> DispatchResult {
            T::AdminOrigin::ensure_origin(origin)?;
            let count = accounts.len() as u32;
            Appointed::<T>::put(accounts);
            Self::deposit_event(Event::Appointed { accounts: count });
            Ok(())
        }

        /// Replaces the polynomial of a key by that of a refresh of its shares; the key stays.
        ///
        /// # Origin
        /// Authorised by the signatures of all members: send the call as a general transaction, while the
        /// key signs nothing.
        ///
        /// # Parameters
        /// - `epoch`: that of the key.
        /// - `polynomial`: commitment to the new polynomial, with the same key and threshold.
        /// - `confirmations`: of all members, in their order, each that it has stored its new share:
        ///   `bzk_threshold::refresh::confirmation_message`.
        ///
        /// # Errors
        /// None: what not all have confirmed is never included.
        ///
        /// # Events
        /// [`Event::SharesRefreshed`].
        // Making a key the committee's stores one, and more.
        #[pallet::call_index(12)]
        #[pallet::weight((
            <T as Config>::WeightInfo::adopt(T::MaxCommittee::get().into()),
            DispatchClass::Operational,
            Pays::No
        ))]
        #[pallet::authorize(Pallet::<T>::authorize_refresh)]
        #[pallet::weight_of_authorize(
            Pallet::<T>::weight_of_authorize_refresh(confirmations.len() as u32)
        )]
        pub fn refresh(
            origin: OriginFor<T>,
            epoch: u32,
            polynomial: Polynomial,
            confirmations: Confirmations,
        ) -> DispatchResult {
            ensure_authorized(origin)?;
            let _ = confirmations;
            Self::do_refresh(epoch, polynomial)
        }
    }

    impl<T: Config> Pallet<T> {
        /// The state of the ceremony, if one is going on.
        pub fn ceremony() -> Option<CeremonyState> {
            Ceremony::<T>::get().map(|rotation| rotation.ceremony)
        }
    }
}
