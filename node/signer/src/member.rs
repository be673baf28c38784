//! A member: from what the chain shows to the messages that it owes.
//!
//! [`MemberNode::step`] is called with each finalised view. It may be called with the same view any
//! number of times, by a process that was restarted any number of times: messages are sent again until
//! the chain has them, and what must not happen twice is guarded by the log. [`MemberNode::finish`] takes a view of
//! the best block: it only puts together what is public.

use crate::{
    executor::{execute, Outbox, Policy},
    log::LogError,
    store::{KeyStore, StoreError},
};
use bzk_threshold::{
    bip340::SecretKey,
    committee::{Committee, Member},
    dkg::{
        ceremony::Phase as DkgPhase,
        message::{Message as DkgMessage, Round1, Round2},
        participant::{Action, Event as DkgEvent, Failure, Participant},
    },
    element::{Signature, XOnly},
    envelope::Envelope,
    key::GroupKey,
    refresh::Proposal,
    signing::{
        aggregate::{aggregate, Failure as AggregateFailure},
        message::Message as SigningMessage,
        request::Request,
        session::Phase,
        signer::{Event, Signer},
    },
    view::{CeremonyView, SessionView, View},
};
use rand_core::OsRng;
use std::collections::{BTreeMap, BTreeSet};

/// What the member sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// `threshold.dkg`.
    Dkg(Envelope<DkgMessage>),
    /// `threshold.sign`.
    Sign(u64, Envelope<SigningMessage>),
    /// `threshold.complete`.
    Complete(u64, Vec<Signature>),
    /// `threshold.refresh`.
    Refresh(Proposal),
}

/// Why a member cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// The store; the process must end.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log; the process must end, and the nonces with it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store has no session key.
    #[error("no session key: run `bzk-signer keygen` first")]
    NoKey,
}

/// How many signers put the shares together without waiting for finality; the others step in where these fail.
const FINISHERS: usize = 3;

/// The member of `committee` with this session key.
pub(crate) fn place(committee: &Committee, key: &XOnly) -> Option<Member> {
    let place = committee.members.iter().position(|other| other == key)?;
    u16::try_from(place).ok().map(Member)
}

/// A member with its store.
pub struct MemberNode {
    store: KeyStore,
    key: SecretKey,
    signers: BTreeMap<[u8; 32], Signer>,
    /// Keys as the chain has them, and whether the store has a share that fits.
    keys: BTreeMap<[u8; 32], (GroupKey, bool)>,
    /// What was sent, by what it was sent for, until the chain has moved on.
    sent: BTreeMap<Slot, Outgoing>,
    /// What is due and cannot be sent, so that it is said once.
    stuck: BTreeSet<Slot>,
    /// Sessions and attempts that were put together in a block that may be taken back.
    finished: BTreeSet<(u64, u16)>,
}

/// What one message is due for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    Dkg([u8; 32], u8),
    Sign(u64, u16, u8),
}

impl MemberNode {
    /// The member of this store.
    ///
    /// # Errors
    /// [`MemberError::NoKey`], or the store cannot be read.
    pub fn new(store: KeyStore) -> Result<Self, MemberError> {
        let key = store.session_key()?.ok_or(MemberError::NoKey)?;
        let (signers, keys, sent, stuck, finished) = Default::default();
        Ok(Self { store, key, signers, keys, sent, stuck, finished })
    }

    /// Does what `view` asks for, as far as `policy` allows, and returns what is to be sent.
    ///
    /// # Errors
    /// The disk; the process must end then.
    pub fn step(
        &mut self,
        view: &View,
        policy: &mut dyn Policy,
    ) -> Result<Vec<Outgoing>, MemberError> {
        self.follow(view)?;
        self.forget(view);
        let mut due = BTreeSet::new();
        if let Some(ceremony) = &view.ceremony {
            self.generate(ceremony, &mut due)?;
        }
        for session in &view.sessions {
            self.sign(view, session, policy, &mut due)?;
        }
        self.sent.retain(|slot, _| due.contains(slot));
        self.stuck.retain(|slot| due.contains(slot));
        Ok(self.sent.values().cloned().collect())
    }

    /// The signatures of sessions whose shares are all there in `best`, a block that may be taken back: signatures of
    /// a request hold on every branch. Of wrong shares nothing is said; a report is for the branch with the share.
    pub fn finish(&mut self, best: &View) -> Vec<Outgoing> {
        let shared = |open: &&SessionView| {
            open.session.phase == Phase::Sharing && open.session.shared == open.session.signers
        };
        let open: Vec<&SessionView> = best.sessions.iter().filter(shared).collect();
        let key = |open: &SessionView| (open.id, open.session.attempt);
        self.finished.retain(|done| open.iter().any(|open| key(open) == *done));
        let mut outgoing = Vec::new();
        for open in open {
            if self.is_finisher(best, open) && self.finished.insert(key(open)) {
                let signatures = best
                    .group(&open.session.request.group)
                    .and_then(|(group, _)| put_together(&group, open)?.ok());
                outgoing.extend(signatures.map(|all| Outgoing::Complete(open.id, all)));
            }
        }
        outgoing
    }

    fn is_finisher(&self, view: &View, open: &SessionView) -> bool {
        let committee = view.group(&open.session.request.group).map(|(_, committee)| committee);
        let me = committee.and_then(|committee| self.place(committee));
        open.session.signers.iter().take(FINISHERS).any(|signer| Some(signer) == me)
    }

    /// Live keys that we should have a share of and have none that fits: they must be repaired.
    pub fn lacking(&self) -> usize {
        self.keys.values().filter(|(_, fits)| !fits).count()
    }

    /// Attempts whose nonces are in memory.
    pub fn attempts(&self) -> usize {
        self.signers.values().map(|signer| signer.open_sessions().count()).sum()
    }

    /// Drops the nonces of sessions that are over, and the signers of keys that are gone. What they began is in the
    /// log.
    fn forget(&mut self, view: &View) {
        let over = |id: &u64| !view.sessions.iter().any(|open| open.id == *id);
        self.signers = std::mem::take(&mut self.signers)
            .into_iter()
            .filter(|(group, _)| view.group(group).is_some())
            .map(|(group, signer)| {
                let closed: Vec<u64> = signer.open_sessions().filter(over).collect();
                let close = |signer: Signer, id| signer.apply(Event::Closed(id), &mut OsRng).0;
                (group, closed.into_iter().fold(signer, close))
            })
            .collect();
    }

    /// Changes over to refreshed shares once the chain has.
    fn follow(&mut self, view: &View) -> Result<(), MemberError> {
        self.keys.retain(|transcript, _| view.keys.iter().any(|key| key.transcript == *transcript));
        for live in &view.keys {
            let known = self.keys.get(&live.transcript);
            if self.place(&live.committee).is_none()
                || known.is_some_and(|(key, _)| *key == live.key)
            {
                continue;
            }
            let fits = self.store.follow(&live.transcript, &live.key)?.is_some();
            if fits {
                // With the session key it gives the first share back, whatever is refreshed later.
                self.store.forget_polynomial(&live.committee.digest())?;
            } else {
                eprintln!("no share of the key of epoch {}: run `bzk-signer repair`", live.epoch);
            }
            // It holds the old share.
            self.signers.remove(&live.transcript);
            self.keys.insert(live.transcript, (live.key.clone(), fits));
        }
        Ok(())
    }

    fn place(&self, committee: &Committee) -> Option<Member> {
        place(committee, &self.key.public())
    }

    fn generate(
        &mut self,
        view: &CeremonyView,
        due: &mut BTreeSet<Slot>,
    ) -> Result<(), MemberError> {
        let ceremony = &view.ceremony;
        let Some(me) = self.place(&ceremony.committee) else { return Ok(()) };
        if ceremony.expects(me, ceremony.phase).is_err() {
            return Ok(());
        }
        let context = ceremony.committee.digest();
        let slot = Slot::Dkg(context, ceremony.phase as u8);
        due.insert(slot.clone());
        if self.sent.contains_key(&slot) {
            return Ok(());
        }
        let message = match self.dkg_message(view, me)? {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(()),
            // The ceremony goes on without us.
            Err(failure) => {
                if self.stuck.insert(slot) {
                    let Committee { epoch, attempt, .. } = ceremony.committee;
                    eprintln!("key of epoch {epoch}, attempt {attempt}: we stay silent: {failure}");
                }
                return Ok(());
            }
        };
        if let Some(envelope) = Envelope::seal(&context, me, message, &self.key, &mut OsRng) {
            self.sent.insert(slot, Outgoing::Dkg(envelope));
        }
        Ok(())
    }

    /// The message that the phase asks of us. The machine is built anew from the stored polynomial,
    /// so it makes no difference when the process was started.
    fn dkg_message(
        &mut self,
        view: &CeremonyView,
        me: Member,
    ) -> Result<Result<Option<DkgMessage>, Failure>, MemberError> {
        let ceremony = &view.ceremony;
        let committee = ceremony.committee.clone();
        let digest = committee.digest();
        let round1: Vec<Round1> = view.round1.iter().map(|(_, message)| message.clone()).collect();
        let round2: Vec<Round2> = view.round2.iter().map(|(_, message)| message.clone()).collect();
        let started = match (self.store.polynomial(&digest)?, ceremony.phase) {
            (Some(polynomial), _) => Participant::resume(committee, me, &polynomial, &mut OsRng),
            (None, DkgPhase::Commitments) => Participant::begin(committee, me, &mut OsRng),
            // Committed without a polynomial: another store with our key, or a lost disk.
            (None, _) => return Ok(Err(Failure::NotOurs)),
        };
        let events: &[DkgEvent<'_>] = match ceremony.phase {
            DkgPhase::Commitments => &[],
            DkgPhase::Shares => &[DkgEvent::Commitments(&round1)],
            DkgPhase::Confirmation => &[DkgEvent::Commitments(&round1), DkgEvent::Shares(&round2)],
            DkgPhase::Testing | DkgPhase::Adopted | DkgPhase::Failed => return Ok(Ok(None)),
        };
        let run = || -> Result<Vec<Action>, Failure> {
            let (mut participant, mut actions) = started?;
            for event in events {
                (participant, actions) = participant.apply(*event, &self.key, &mut OsRng)?;
            }
            Ok(actions)
        };
        let actions = match run() {
            Ok(actions) => actions,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut message = None;
        for action in actions {
            match action {
                Action::StorePolynomial(polynomial) => {
                    self.store.put_polynomial(&digest, &polynomial)?;
                }
                Action::StoreShare(group, share) => {
                    self.store.put_share(&ceremony.transcript, &group, &share)?;
                }
                Action::Publish(publish) => message = Some(publish),
            }
        }
        Ok(Ok(message))
    }

    fn sign(
        &mut self,
        view: &View,
        open: &SessionView,
        policy: &mut dyn Policy,
        due: &mut BTreeSet<Slot>,
    ) -> Result<(), MemberError> {
        let session = &open.session;
        let Some((group, committee)) = view.group(&session.request.group) else { return Ok(()) };
        let Some(me) = self.place(committee) else { return Ok(()) };
        let (id, attempt) = (open.id, session.attempt);
        let slot = |kind| Slot::Sign(id, attempt, kind);
        match session.phase {
            Phase::Committing if session.expects(me, Phase::Committing).is_ok() => {
                due.insert(slot(0));
                // Whoever commits and does not sign costs the others a deadline.
                if !self.sent.contains_key(&slot(0)) && !policy.allows(&session.request) {
                    return Ok(());
                }
                let event = Event::Opened(session.request.clone(), attempt);
                self.tell(&group, open, me, policy, (slot(0), event))
            }
            Phase::Sharing if session.expects(me, Phase::Sharing).is_ok() => {
                due.insert(slot(1));
                let nonces = open.nonces.clone();
                let event = Event::Selected { session: id, attempt, nonces };
                self.tell(&group, open, me, policy, (slot(1), event))
            }
            Phase::Sharing if session.shared == session.signers => {
                due.insert(slot(2));
                self.complete(&group, open, me, slot(2));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Has the signer of the group act on `event`, once per slot.
    fn tell(
        &mut self,
        group: &GroupKey,
        open: &SessionView,
        me: Member,
        policy: &mut dyn Policy,
        (slot, event): (Slot, Event),
    ) -> Result<(), MemberError> {
        if self.sent.contains_key(&slot) {
            return Ok(());
        }
        let transcript = open.session.request.group;
        let signer = match self.signers.remove(&transcript) {
            Some(signer) => signer,
            None => {
                let Some((_, share)) = self.store.share(&transcript)? else { return Ok(()) };
                let log = self.store.log().records().to_vec();
                let Some(signer) = Signer::new(transcript, group, &share, log) else {
                    return Ok(());
                };
                signer
            }
        };
        let mut outbox = Sealed { key: &self.key, me, id: open.id, outgoing: None };
        let mut policy = Unchanged { request: &open.session.request, policy };
        let signer = execute(signer, event, &mut self.store, &mut outbox, &mut policy)?;
        if let Some(outgoing) = outbox.outgoing {
            self.sent.insert(slot, outgoing);
        }
        self.signers.insert(transcript, signer);
        Ok(())
    }

    /// Puts the shares together, or reports the one that is wrong.
    fn complete(&mut self, group: &GroupKey, open: &SessionView, me: Member, slot: Slot) {
        if self.sent.contains_key(&slot) {
            return;
        }
        let outgoing = match put_together(group, open) {
            Some(Ok(signatures)) => Some(Outgoing::Complete(open.id, signatures)),
            Some(Err(AggregateFailure::Cheaters(reports))) => reports.first().and_then(|report| {
                let message = SigningMessage::Report(*report);
                let context = open.session.context();
                let envelope = Envelope::seal(&context, me, message, &self.key, &mut OsRng)?;
                Some(Outgoing::Sign(open.id, envelope))
            }),
            Some(Err(AggregateFailure::Malformed)) | None => None,
        };
        if let Some(outgoing) = outgoing {
            self.sent.insert(slot, outgoing);
        }
    }
}

/// The signatures of a session whose shares are all there, or who is in the way; `None` when the key is none of these
/// signers.
fn put_together(
    group: &GroupKey,
    open: &SessionView,
) -> Option<Result<Vec<Signature>, AggregateFailure>> {
    let public = group.public_package(open.session.signers.iter())?;
    let nonces = open.nonces.iter().cloned().collect();
    let shares = open.shares.iter().cloned().collect();
    Some(aggregate(&open.session.request, &public, &nonces, &shares))
}

/// Seals what the signer publishes.
struct Sealed<'a> {
    key: &'a SecretKey,
    me: Member,
    id: u64,
    outgoing: Option<Outgoing>,
}

impl Outbox for Sealed<'_> {
    fn send(&mut self, context: [u8; 32], message: SigningMessage) {
        let envelope = Envelope::seal(&context, self.me, message, self.key, &mut OsRng);
        self.outgoing = envelope.map(|envelope| Outgoing::Sign(self.id, envelope));
    }
}

/// Allows what the finalised view asks for at the moment of the release, word for word, if `policy` does.
struct Unchanged<'a> {
    request: &'a Request,
    policy: &'a mut dyn Policy,
}

impl Policy for Unchanged<'_> {
    fn allows(&mut self, request: &Request) -> bool {
        self.request == request && self.policy.allows(request)
    }
}
