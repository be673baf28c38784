//! What the pallet stores.

use crate::Config;
use alloc::vec::Vec;
use bzk_threshold::{
    committee::{Committee, MemberSet, MAX_MEMBERS},
    dkg::ceremony::Ceremony,
    element::XOnly,
    key::GroupKey,
    signing::session::Session,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::Get;
use scale_info::TypeInfo;

/// Who is elected to the committee.
pub trait Electorate<AccountId> {
    /// The elected accounts, the first ones first. Those that are not registered are passed over.
    fn elected() -> Vec<AccountId>;

    /// Has these accounts elected, for benchmarks.
    #[cfg(feature = "runtime-benchmarks")]
    fn elect(accounts: Vec<AccountId>);
}

/// An account that offers to be a member.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Candidate<BlockNumber> {
    /// Its session key.
    pub key: XOnly,
    /// Deadlines it has missed since the last rotation, by their weight.
    pub misses: u32,
    /// Whether it can be elected.
    pub status: Status<BlockNumber>,
}

/// Whether a candidate can be elected.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status<BlockNumber> {
    /// It can.
    Ready,
    /// It broke the protocol or was silent too often. It can leave.
    Jailed,
    /// It wants its bond back, and can have it from this block on.
    Leaving(BlockNumber),
}

/// A rotation: the current attempt to make a key.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rotation {
    /// The attempt.
    pub ceremony: Ceremony,
    /// How many members the first attempt had.
    pub elected: u16,
}

/// A key that can sign.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LiveKey {
    /// The key.
    pub key: GroupKey,
    /// Who has a share of it.
    pub committee: Committee,
    /// Transcript of the ceremony, confirmed by all members.
    pub transcript: [u8; 32],
    /// Members that were jailed since. They have a share and are asked last.
    pub jailed: MemberSet,
}

/// Why there is a session.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Purpose {
    /// To test the key that the ceremony has made.
    Test,
    /// To sign something with the key of this epoch.
    Request(u32),
}

/// A session that is going on.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct OpenSession {
    /// Why it is.
    pub purpose: Purpose,
    /// Its state.
    pub session: Session,
}

/// What has a deadline.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub enum Duty {
    /// The phase of the ceremony.
    Ceremony,
    /// The phase of a session.
    Session(u64),
}

/// One deadline for the ceremony, one for its test and one per session.
pub struct MaxDeadlines<T>(core::marker::PhantomData<T>);

impl<T: Config> Get<u32> for MaxDeadlines<T> {
    fn get() -> u32 {
        T::MaxSessions::get().saturating_add(2)
    }
}

/// Messages of one attempt at most.
pub(crate) const MESSAGES: u32 = MAX_MEMBERS;
