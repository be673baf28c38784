//! The secret machine of a member that signs.
//!
//! The rules by which no nonce is ever used twice:
//! 1. Nonces are drawn for one attempt, live in memory and are consumed by signing.
//! 2. That an attempt began is on disk before its commitments leave, and that shares are released
//!    before they leave.
//! 3. An attempt that is on disk is never begun again, whatever the chain says. After a restart the
//!    member therefore abstains from every attempt it knew and joins the next.
//!
//! The log may be cut or lost, or the disk restored from a snapshot: rule 1 alone still holds then.

use super::{
    message::{Message, SignerNonces},
    nonces::SecretNonces,
    request::Request,
};
use crate::{
    committee::Member,
    key::{GroupKey, KeyShare},
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use codec::{Decode, Encode, MaxEncodedLen};
use frost_secp256k1_tr::keys::KeyPackage;
use rand_core::{CryptoRng, RngCore};

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub struct Record {
    /// Transcript of the key's ceremony.
    pub group: [u8; 32],
    /// The session.
    pub session: u64,
    /// The attempt.
    pub attempt: u16,
    /// How far it came.
    pub step: Step,
}

/// How far a member went in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen)]
pub enum Step {
    /// Nonces are drawn; commitments may have been sent.
    Started,
    /// Shares may have been sent.
    Released,
}

/// What a member does, in this order. What is persisted must be on disk before the next action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Append to the log and sync.
    Persist(Record),
    /// Sign for the digest of the attempt and send.
    Publish([u8; 32], Message),
    /// Ask the policy whether this may be signed *now*, and tell with [`Event::Approved`] if so.
    CheckPolicy(Request),
}

/// What a member learns.
#[derive(Clone, Debug)]
pub enum Event {
    /// An attempt takes commitments, in finalised state.
    Opened(Request, u16),
    /// The signers of an attempt are known.
    Selected {
        /// The session.
        session: u64,
        /// The attempt.
        attempt: u16,
        /// What the signers published.
        nonces: SignerNonces,
    },
    /// The policy allows the release of the shares.
    Approved {
        /// The session.
        session: u64,
        /// The attempt.
        attempt: u16,
    },
    /// The session is over: it is signed, or the chain has dropped it for good.
    Closed(u64),
}

enum Open {
    /// Commitments are out.
    Committed(Request, u16, SecretNonces),
    /// The policy is asked.
    Selected(Request, u16, SecretNonces, SignerNonces),
}

/// A member with a share of one key.
pub struct Signer {
    group: [u8; 32],
    me: Member,
    key: KeyPackage,
    /// Last attempt that was begun, by session.
    known: BTreeMap<u64, u16>,
    open: BTreeMap<u64, Open>,
}

impl Signer {
    /// A signer with `share` of the key that the ceremony of transcript `group` made, and what its
    /// log holds. `None` when the share is none of this key.
    pub fn new(
        group: [u8; 32],
        key: &GroupKey,
        share: &KeyShare,
        log: impl IntoIterator<Item = Record>,
    ) -> Option<Self> {
        let mut known = BTreeMap::<u64, u16>::new();
        for record in log.into_iter().filter(|record| record.group == group) {
            let last = known.entry(record.session).or_default();
            *last = record.attempt.max(*last);
        }
        let key = share.package(key)?;
        Some(Self { group, me: share.member, key, known, open: BTreeMap::new() })
    }

    /// Sessions with an attempt that this signer can still finish.
    pub fn open_sessions(&self) -> impl Iterator<Item = u64> + '_ {
        self.open.keys().copied()
    }

    /// The next state and what to do. An event that does not fit does nothing.
    pub fn apply(
        mut self,
        event: Event,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> (Self, Vec<Action>) {
        let actions = match event {
            Event::Opened(request, attempt) => self.opened(request, attempt, rng),
            Event::Selected { session, attempt, nonces } => self.selected(session, attempt, nonces),
            Event::Approved { session, attempt } => self.approved(session, attempt),
            Event::Closed(session) => {
                self.open.remove(&session);
                None
            }
        };
        (self, actions.unwrap_or_default())
    }

    fn record(&self, session: u64, attempt: u16, step: Step) -> Action {
        Action::Persist(Record { group: self.group, session, attempt, step })
    }

    fn opened(
        &mut self,
        request: Request,
        attempt: u16,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Vec<Action>> {
        let session = request.session;
        if request.group != self.group
            || self.known.get(&session).is_some_and(|last| attempt <= *last)
        {
            return None;
        }
        self.known.insert(session, attempt);
        let (secret, nonces) = SecretNonces::draw(request.inputs.len(), &self.key, rng)?;
        let context = request.digest(attempt);
        // Drops the nonces of an earlier attempt.
        self.open.insert(session, Open::Committed(request, attempt, secret));
        Some(vec![
            self.record(session, attempt, Step::Started),
            Action::Publish(context, Message::Nonces(nonces)),
        ])
    }

    fn selected(
        &mut self,
        session: u64,
        attempt: u16,
        nonces: SignerNonces,
    ) -> Option<Vec<Action>> {
        match self.open.remove(&session)? {
            Open::Committed(request, ours, secret)
                if ours == attempt
                    && nonces.len() == usize::from(request.required)
                    && nonces.iter().any(|(member, _)| *member == self.me) =>
            {
                let action = Action::CheckPolicy(request.clone());
                self.open.insert(session, Open::Selected(request, attempt, secret, nonces));
                Some(vec![action])
            }
            // Asked once more about the same signers: the policy may have had to wait.
            Open::Selected(request, ours, secret, known) if ours == attempt && known == nonces => {
                let action = Action::CheckPolicy(request.clone());
                self.open.insert(session, Open::Selected(request, attempt, secret, known));
                Some(vec![action])
            }
            // Not selected in the current attempt: nothing more to do for it.
            Open::Committed(_, ours, _) if ours == attempt => None,
            other => {
                self.open.insert(session, other);
                None
            }
        }
    }

    fn approved(&mut self, session: u64, attempt: u16) -> Option<Vec<Action>> {
        match self.open.remove(&session)? {
            Open::Selected(request, ours, secret, nonces) if ours == attempt => {
                let shares = secret.sign(&request, &self.key, &nonces)?;
                Some(vec![
                    self.record(session, attempt, Step::Released),
                    Action::Publish(request.digest(attempt), Message::Shares(shares)),
                ])
            }
            other => {
                self.open.insert(session, other);
                None
            }
        }
    }
}
