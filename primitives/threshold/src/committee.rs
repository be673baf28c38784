//! Who takes part in a ceremony, and what every message of it is bound to.

use crate::{element::XOnly, hash::tagged_hash};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frost_secp256k1_tr::Identifier;
use scale_info::TypeInfo;

/// Most members of a committee.
pub const MAX_MEMBERS: u32 = 100;

/// Threshold of the largest committee.
pub const MAX_THRESHOLD: u32 = 67;

/// Fewest members: with fewer a single one could sign.
pub const MIN_MEMBERS: u16 = 2;

/// Signers that a key of `members` members needs: `floor(2n/3) + 1`.
pub const fn threshold(members: u16) -> u16 {
    // At most 43,691: cannot overflow.
    ((members as u32 * 2) / 3 + 1) as u16
}

/// A member by its place in [`Committee::members`], from 0. FROST's identifier is one more.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct Member(pub u16);

impl Member {
    /// The place as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// FROST's identifier; `None` only for `u16::MAX`, which is no member of any committee.
    pub fn identifier(self) -> Option<Identifier> {
        Identifier::try_from(self.0.checked_add(1)?).ok()
    }
}

/// A set of members of a committee.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct MemberSet(u128);

impl MemberSet {
    /// The first `members` members.
    pub fn all(members: u16) -> Self {
        (0..members).map(Member).collect()
    }

    fn bit(member: Member) -> u128 {
        1u128.checked_shl(member.0.into()).unwrap_or(0)
    }

    /// Adds `member`; false when it is there already (or could never be).
    pub fn insert(&mut self, member: Member) -> bool {
        let before = self.0;
        self.0 |= Self::bit(member);
        self.0 != before
    }

    /// Whether `member` is in the set.
    pub fn contains(&self, member: Member) -> bool {
        self.0 & Self::bit(member) != 0
    }

    /// How many members it has.
    pub fn len(&self) -> u16 {
        self.0.count_ones() as u16
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The members that are here or in `other`.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members that are here and not in `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = Member> {
        (0..u128::BITS as u16).map(Member).filter(move |member| self.contains(*member))
    }

    /// The place of `member` among the members of the set; `None` when it is not in it.
    pub fn rank(self, member: Member) -> Option<usize> {
        self.iter().position(|other| other == member)
    }
}

impl FromIterator<Member> for MemberSet {
    fn from_iter<I: IntoIterator<Item = Member>>(members: I) -> Self {
        let mut set = Self::default();
        for member in members {
            set.insert(member);
        }
        set
    }
}

/// One attempt of a group to make a key. Its [`digest`](Self::digest) is in every message, proof
/// and pad, so nothing of it means anything on another chain, in another epoch or attempt, or among
/// other members. (FROST's own proof of knowledge covers no context.)
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Committee {
    /// Hash of the chain's genesis block.
    pub genesis: [u8; 32],
    /// The epoch whose key is made.
    pub epoch: u32,
    /// The attempt of that epoch, from 0.
    pub attempt: u16,
    /// Session keys of the members. All different.
    pub members: BoundedVec<XOnly, ConstU32<MAX_MEMBERS>>,
}

impl Committee {
    /// How many members there are.
    pub fn size(&self) -> u16 {
        // At most MAX_MEMBERS.
        self.members.len() as u16
    }

    /// Signers that the key will need.
    pub fn threshold(&self) -> u16 {
        threshold(self.size())
    }

    /// The session key of `member`.
    pub fn key(&self, member: Member) -> Option<&XOnly> {
        self.members.get(member.index())
    }

    /// Names this attempt of this group on this chain.
    pub fn digest(&self) -> [u8; 32] {
        tagged_hash("bzk/threshold/committee", &[&self.encode()])
    }
}
