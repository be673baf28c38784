//! What a member reads of the chain, at one finalised block.

use crate::{
    committee::{Committee, Member},
    dkg::{
        ceremony::Ceremony,
        message::{Round1, Round2},
    },
    key::GroupKey,
    signing::{
        message::{Nonces, Shares},
        session::Session,
    },
};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;

/// The ceremony, the keys and the sessions with all their messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct View {
    /// The key generation that is going on.
    pub ceremony: Option<CeremonyView>,
    /// Keys that can sign.
    pub keys: Vec<KeyView>,
    /// Sessions that are going on.
    pub sessions: Vec<SessionView>,
}

/// A ceremony and its messages, by ascending member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct CeremonyView {
    /// The state of the public machine.
    pub ceremony: Ceremony,
    /// Commitments so far.
    pub round1: Vec<(Member, Round1)>,
    /// Encrypted shares so far.
    pub round2: Vec<(Member, Round2)>,
}

/// A key and who signs with it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct KeyView {
    /// Its epoch.
    pub epoch: u32,
    /// The key.
    pub key: GroupKey,
    /// The members.
    pub committee: Committee,
    /// Names the key in requests.
    pub transcript: [u8; 32],
}

/// A session and the messages of its attempt, by ascending member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub struct SessionView {
    /// Its number.
    pub id: u64,
    /// The state of the public machine.
    pub session: Session,
    /// Nonce commitments so far.
    pub nonces: Vec<(Member, Nonces)>,
    /// Signature shares so far.
    pub shares: Vec<(Member, Shares)>,
}

impl View {
    /// The key and committee that a session with this transcript is of: a live key, or the one that
    /// is being tested.
    pub fn group(&self, transcript: &[u8; 32]) -> Option<(GroupKey, &Committee)> {
        let live = self.keys.iter().find(|key| key.transcript == *transcript);
        if let Some(live) = live {
            return Some((live.key.clone(), &live.committee));
        }
        let ceremony = &self.ceremony.as_ref()?.ceremony;
        (ceremony.transcript == *transcript)
            .then(|| Some((ceremony.key()?, &ceremony.committee)))?
    }
}
