//! The public machine of one attempt: the runtime steps it, everybody can replay it.

use super::{
    judge::judge,
    message::{add, Complaint, Round1, Round2},
    transcript,
};
use crate::{
    bip340::Recover,
    committee::{Committee, Member, MemberSet, MAX_MEMBERS, MIN_MEMBERS},
    fault::{Blame, Fault},
    key::{GroupKey, Polynomial},
    refusal::Refusal,
};
use alloc::{vec, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What the members owe.
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
pub enum Phase {
    /// [`Round1`] of each.
    Commitments,
    /// [`Round2`] of each, since all commitments are there.
    Shares,
    /// A confirmation of each or one complaint, since all shares are there.
    Confirmation,
    /// A test signature by all, since all have confirmed.
    Testing,
    /// Nothing: the key is made.
    Adopted,
    /// Nothing: somebody was blamed.
    Failed,
}

/// One attempt to make a key. The messages are stored by the caller; this holds what follows from
/// them.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo, DecodeWithMemTracking,
)]
pub struct Ceremony {
    /// Who takes part.
    pub committee: Committee,
    /// What the members owe now.
    pub phase: Phase,
    /// Who has sent what this phase asks for.
    pub posted: MemberSet,
    /// Sum of the commitments so far. A coefficient may be none of the curve: it vanishes.
    pub polynomial: Polynomial,
    /// Digests of the messages of this phase by member.
    digests: BoundedVec<[u8; 32], ConstU32<MAX_MEMBERS>>,
    /// Digest of the phases before.
    pub transcript: [u8; 32],
}

/// What happens to a ceremony. Messages come with a verified signature.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A member commits.
    Round1(Member, &'a Round1),
    /// A member gives its shares.
    Round2(Member, &'a Round2),
    /// A member complains; with the stored messages of the accused.
    Complaint(Member, &'a Complaint, &'a Round1, &'a Round2),
    /// A member confirms a transcript.
    Confirm(Member, [u8; 32]),
    /// The test signature of all members was verified.
    Tested,
    /// The test signature failed by the fault of these members.
    TestFailed(&'a [Blame]),
    /// The deadline of the phase has passed.
    TimedOut,
}

/// What the caller has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Give the members time for this phase.
    Enter(Phase),
    /// Slash (or, for silence, exclude) this member.
    Blame(Blame),
    /// Have all members sign with this key, in a session bound to the transcript.
    Test(GroupKey),
    /// The key is the group's.
    Adopt(GroupKey),
}

impl Ceremony {
    /// Starts an attempt of `committee`; `None` when it has too few members or one of them twice.
    pub fn new(committee: Committee) -> Option<(Self, Vec<Action>)> {
        let mut keys = committee.members.to_vec();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() != committee.members.len() || committee.size() < MIN_MEMBERS {
            return None;
        }
        let ceremony = Self {
            phase: Phase::Commitments,
            posted: MemberSet::default(),
            polynomial: Polynomial::default(),
            digests: Self::blank(&committee),
            transcript: committee.digest(),
            committee,
        };
        Some((ceremony, vec![Action::Enter(Phase::Commitments)]))
    }

    /// Whether `sender` can still send a message of `phase`. Cheap: for the transaction pool.
    ///
    /// # Errors
    /// Why not.
    pub fn expects(&self, sender: Member, phase: Phase) -> Result<(), Refusal> {
        if self.committee.key(sender).is_none() {
            return Err(Refusal::Stranger);
        }
        if self.phase != phase {
            return Err(Refusal::OutOfPhase);
        }
        if self.posted.contains(sender) {
            return Err(Refusal::Duplicate);
        }
        Ok(())
    }

    /// The next state and what is to be done.
    ///
    /// # Errors
    /// The event is not of this state, which is lost: callers keep a copy (or storage).
    pub fn apply(
        mut self,
        event: Event<'_>,
        recover: Recover,
    ) -> Result<(Self, Vec<Action>), Refusal> {
        let actions = match event {
            Event::Round1(sender, message) => {
                self.expects(sender, Phase::Commitments)?;
                let sum = message
                    .check(&self.committee, sender)
                    .and_then(|commitment| add(&self.polynomial, &commitment));
                match sum {
                    Some(sum) => {
                        self.polynomial = sum;
                        self.post(sender, transcript::digest(message), Phase::Shares)
                    }
                    None => self.fail(&[Blame { member: sender, fault: Fault::BadCommitment }]),
                }
            }
            Event::Round2(sender, message) => {
                self.expects(sender, Phase::Shares)?;
                if message.check(recover, &self.committee, sender) {
                    self.post(sender, transcript::digest(message), Phase::Confirmation)
                } else {
                    self.fail(&[Blame { member: sender, fault: Fault::BadShare }])
                }
            }
            Event::Complaint(sender, complaint, round1, round2) => {
                self.expects(sender, Phase::Confirmation)?;
                let blame = judge(&self.committee, sender, complaint, round1, round2);
                self.fail(&[blame.ok_or(Refusal::Mismatch)?])
            }
            Event::Confirm(sender, digest) => {
                self.expects(sender, Phase::Confirmation)?;
                if digest != self.transcript {
                    return Err(Refusal::Mismatch);
                }
                self.posted.insert(sender);
                let key = if self.complete() { self.key() } else { None };
                match key {
                    Some(key) => {
                        self.phase = Phase::Testing;
                        vec![Action::Enter(Phase::Testing), Action::Test(key)]
                    }
                    None => Vec::new(),
                }
            }
            Event::Tested => {
                if self.phase != Phase::Testing {
                    return Err(Refusal::OutOfPhase);
                }
                let key = self.key().ok_or(Refusal::OutOfPhase)?;
                self.phase = Phase::Adopted;
                vec![Action::Enter(Phase::Adopted), Action::Adopt(key)]
            }
            Event::TestFailed(blames) => {
                if self.phase != Phase::Testing {
                    return Err(Refusal::OutOfPhase);
                }
                self.fail(blames)
            }
            Event::TimedOut => match self.phase {
                Phase::Commitments | Phase::Shares | Phase::Confirmation => {
                    let silent: Vec<Blame> = MemberSet::all(self.committee.size())
                        .without(self.posted)
                        .iter()
                        .map(|member| Blame { member, fault: Fault::Silence })
                        .collect();
                    self.fail(&silent)
                }
                Phase::Testing | Phase::Adopted | Phase::Failed => return Err(Refusal::OutOfPhase),
            },
        };
        Ok((self, actions))
    }

    /// The key; `None` before all commitments are there, and when a coefficient of their sum vanishes.
    pub fn key(&self) -> Option<GroupKey> {
        if self.phase == Phase::Commitments {
            return None;
        }
        GroupKey::from_sum(&self.polynomial, self.committee.size())
    }

    fn blank(committee: &Committee) -> BoundedVec<[u8; 32], ConstU32<MAX_MEMBERS>> {
        BoundedVec::truncate_from(vec![[0; 32]; committee.members.len()])
    }

    fn complete(&self) -> bool {
        self.posted.len() == self.committee.size()
    }

    /// Notes the message of `sender`; when all are there, enters `next`.
    fn post(&mut self, sender: Member, digest: [u8; 32], next: Phase) -> Vec<Action> {
        self.posted.insert(sender);
        if let Some(slot) = self.digests.get_mut(sender.index()) {
            *slot = digest;
        }
        if !self.complete() {
            return Vec::new();
        }
        self.transcript = transcript::extend(&self.transcript, &self.digests);
        self.digests = Self::blank(&self.committee);
        self.posted = MemberSet::default();
        self.phase = next;
        vec![Action::Enter(next)]
    }

    fn fail(&mut self, blames: &[Blame]) -> Vec<Action> {
        self.phase = Phase::Failed;
        let blames = blames.iter().copied().map(Action::Blame);
        blames.chain([Action::Enter(Phase::Failed)]).collect()
    }
}
