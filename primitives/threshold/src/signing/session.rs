//! The public machine of a session: the runtime steps it, everybody can replay it.

use super::{
    aggregate::share_is_right,
    message::{well_formed, Nonces, Report, Shares},
    request::Request,
};
use crate::{
    bip340::Recover,
    committee::{Member, MemberSet},
    element::Signature,
    fault::{Blame, Fault},
    key::GroupKey,
    refusal::Refusal,
};
use alloc::{vec, vec::Vec};
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
    /// Nonces, of whoever comes first.
    Committing,
    /// Shares of all signers, then signatures of anybody.
    Sharing,
    /// Nothing: it is signed.
    Signed,
    /// Nothing: too many members are barred, or nobody honest came.
    Failed,
}

/// A session. The messages of the current attempt are stored by the caller.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Session {
    /// What is signed.
    pub request: Request,
    /// How many members the group has.
    pub members: u16,
    /// The attempt, from 0.
    pub attempt: u16,
    /// What the members owe now.
    pub phase: Phase,
    /// Who has committed; all of them sign once there are enough.
    pub signers: MemberSet,
    /// Who has sent its shares.
    pub shared: MemberSet,
    /// Left out for being silent, here or before. They come back when there are too few without them.
    pub silent: MemberSet,
    /// Left out for a proven fault, for good.
    pub barred: MemberSet,
}

/// What happens to a session. Messages come with a verified signature.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A member offers to sign.
    Nonces(Member, &'a Nonces),
    /// A signer signs.
    Shares(Member, &'a Shares),
    /// A member reports a share, with the stored evidence.
    Report(Member, Report, Evidence<'a>),
    /// Somebody has the signatures of all inputs; with the internal key of the group.
    Signatures(&'a [Signature], &'a GroupKey),
    /// The deadline of the phase has passed.
    TimedOut,
}

/// What the accused and its fellow signers have sent.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The key.
    pub group: &'a GroupKey,
    /// Commitments of all signers.
    pub nonces: &'a [(Member, Nonces)],
    /// The shares of the accused.
    pub shares: &'a Shares,
}

/// What the caller has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Give the members time for this phase. Entering [`Phase::Committing`] begins a new attempt if
    /// the number has changed: the messages of the old one may go.
    Enter(Phase),
    /// Slash this member.
    Blame(Blame),
    /// Note that these members let a deadline pass.
    Silent(MemberSet),
}

impl Session {
    /// A session of a group of `members`; `None` when it would sign nothing or can never finish.
    pub fn new(request: Request, members: u16) -> Option<(Self, Vec<Action>)> {
        if request.inputs.is_empty() || request.required == 0 || request.required > members {
            return None;
        }
        let session = Self {
            request,
            members,
            attempt: 0,
            phase: Phase::Committing,
            signers: MemberSet::default(),
            shared: MemberSet::default(),
            silent: MemberSet::default(),
            barred: MemberSet::default(),
        };
        Some((session, vec![Action::Enter(Phase::Committing)]))
    }

    /// The session with `members` left out at first, as if they had been silent in it; with all, when the others
    /// are too few.
    pub fn asking_last(mut self, members: MemberSet) -> Self {
        if self.everybody().without(members).len() >= self.request.required {
            self.silent = members;
        }
        self
    }

    /// What the messages of this attempt are signed for.
    pub fn context(&self) -> [u8; 32] {
        self.request.digest(self.attempt)
    }

    /// Whether `sender` can still send its nonces or shares. Cheap: for the transaction pool.
    ///
    /// # Errors
    /// Why not.
    pub fn expects(&self, sender: Member, phase: Phase) -> Result<(), Refusal> {
        if sender.0 >= self.members || self.barred.contains(sender) {
            return Err(Refusal::Stranger);
        }
        if self.phase != phase {
            return Err(Refusal::OutOfPhase);
        }
        let (allowed, posted) = match phase {
            Phase::Committing => (!self.silent.contains(sender), self.signers),
            _ => (self.signers.contains(sender), self.shared),
        };
        match (allowed, posted.contains(sender)) {
            (false, _) => Err(Refusal::Stranger),
            (true, true) => Err(Refusal::Duplicate),
            (true, false) => Ok(()),
        }
    }

    /// Whether `reporter` can report `report`. Cheap: for the transaction pool.
    ///
    /// # Errors
    /// Why not.
    pub fn expects_report(&self, reporter: Member, report: Report) -> Result<(), Refusal> {
        if reporter.0 >= self.members || self.barred.contains(reporter) {
            return Err(Refusal::Stranger);
        }
        if self.phase != Phase::Sharing {
            return Err(Refusal::OutOfPhase);
        }
        let known = self.shared.contains(report.accused)
            && usize::from(report.input) < self.request.inputs.len();
        known.then_some(()).ok_or(Refusal::Mismatch)
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
            Event::Nonces(sender, nonces) => {
                self.expects(sender, Phase::Committing)?;
                if nonces.len() != self.request.inputs.len() || !well_formed(nonces) {
                    self.bar(sender, Fault::BadNonces)
                } else {
                    self.signers.insert(sender);
                    self.select()
                }
            }
            Event::Shares(sender, shares) => {
                self.expects(sender, Phase::Sharing)?;
                let well_formed = shares.len() == self.request.inputs.len()
                    && shares.iter().all(|share| share.decode_scalar().is_some());
                if well_formed {
                    self.shared.insert(sender);
                    Vec::new()
                } else {
                    self.bar(sender, Fault::BadSignatureShare)
                }
            }
            Event::Report(reporter, report, evidence) => {
                self.expects_report(reporter, report)?;
                self.report(reporter, report, evidence)?
            }
            Event::Signatures(signatures, group) => {
                if self.phase != Phase::Sharing {
                    return Err(Refusal::OutOfPhase);
                }
                if !self.request.verify(recover, &group.key, signatures) {
                    return Err(Refusal::Mismatch);
                }
                self.phase = Phase::Signed;
                vec![Action::Enter(Phase::Signed)]
            }
            Event::TimedOut => self.time_out()?,
        };
        Ok((self, actions))
    }

    fn everybody(&self) -> MemberSet {
        MemberSet::all(self.members)
    }

    /// Begins to sign when enough have committed.
    fn select(&mut self) -> Vec<Action> {
        if self.signers.len() < self.request.required {
            return Vec::new();
        }
        self.phase = Phase::Sharing;
        vec![Action::Enter(Phase::Sharing)]
    }

    fn report(
        &mut self,
        reporter: Member,
        report: Report,
        evidence: Evidence<'_>,
    ) -> Result<Vec<Action>, Refusal> {
        let share = evidence.shares.get(usize::from(report.input)).ok_or(Refusal::Mismatch)?;
        let right = share_is_right(
            &self.request,
            evidence.group,
            evidence.nonces,
            report.accused,
            report.input,
            share,
        );
        Ok(match right.ok_or(Refusal::Mismatch)? {
            false => self.bar(report.accused, Fault::BadSignatureShare),
            // Its own shares may be right: the attempt goes on with them.
            true => {
                self.barred.insert(reporter);
                vec![Action::Blame(Blame { member: reporter, fault: Fault::FalseReport })]
            }
        })
    }

    /// Leaves `member` out for good. If it was to sign, the attempt is over.
    fn bar(&mut self, member: Member, fault: Fault) -> Vec<Action> {
        self.barred.insert(member);
        let mut actions = vec![Action::Blame(Blame { member, fault })];
        if self.everybody().without(self.barred).len() < self.request.required {
            self.phase = Phase::Failed;
            actions.push(Action::Enter(Phase::Failed));
        } else if self.phase == Phase::Sharing {
            actions.extend(self.next_attempt());
        }
        actions
    }

    /// Whether so few have committed that all of them may be dishonest: whoever is honest is not there or has
    /// reason to refuse, and another attempt helps in neither case.
    fn refused(&self) -> bool {
        let spare = self.members.saturating_sub(self.request.required);
        self.signers.len() <= spare
    }

    fn time_out(&mut self) -> Result<Vec<Action>, Refusal> {
        let missing = match self.phase {
            Phase::Committing => {
                self.everybody().without(self.barred).without(self.silent).without(self.signers)
            }
            Phase::Sharing => self.signers.without(self.shared),
            Phase::Signed | Phase::Failed => return Err(Refusal::OutOfPhase),
        };
        let mut actions = vec![Action::Silent(missing)];
        match self.phase {
            Phase::Sharing if missing.is_empty() => {
                // Nobody has put the shares together: go on waiting.
                actions.push(Action::Enter(Phase::Sharing));
            }
            Phase::Sharing => {
                self.silent = self.silent.union(missing);
                actions.extend(self.next_attempt());
            }
            _ if self.refused() => {
                self.phase = Phase::Failed;
                actions.push(Action::Enter(Phase::Failed));
            }
            // Too few came. A new attempt for everybody, because those that were restarted abstain from this one.
            _ => {
                self.silent = MemberSet::default();
                actions.extend(self.next_attempt());
            }
        }
        Ok(actions)
    }

    fn next_attempt(&mut self) -> Vec<Action> {
        let Some(attempt) = self.attempt.checked_add(1) else {
            self.phase = Phase::Failed;
            return vec![Action::Enter(Phase::Failed)];
        };
        self.attempt = attempt;
        self.signers = MemberSet::default();
        self.shared = MemberSet::default();
        let left = self.everybody().without(self.barred);
        if left.len() < self.request.required {
            self.phase = Phase::Failed;
            return vec![Action::Enter(Phase::Failed)];
        }
        if left.without(self.silent).len() < self.request.required {
            self.silent = MemberSet::default();
        }
        self.phase = Phase::Committing;
        vec![Action::Enter(Phase::Committing)]
    }
}
