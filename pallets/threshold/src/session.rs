//! Steps the signing sessions.

use crate::{
    pallet::{
        Config, Error, Event, Keys, NextSession, Pallet, SessionNonces, SessionShares, Sessions,
    },
    recover,
    types::{Duty, OpenSession, Purpose, MESSAGES},
};
use alloc::vec::Vec;
use bzk_threshold::{
    committee::{Committee, Member, MemberSet},
    element::Signature,
    fault::{Blame, Fault},
    key::GroupKey,
    service::OnSigning,
    signing::{
        message::{Message, Nonces},
        request::Request,
        session::{Action, Event as Input, Evidence, Phase, Session},
    },
};
use frame_support::{ensure, traits::Get};
use sp_runtime::{DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
    /// Opens a session of a group of `members` for the request with the number it gets; those of `last` are asked
    /// when the others are too few.
    pub(crate) fn open_session(
        purpose: Purpose,
        members: u16,
        last: MemberSet,
        request: impl FnOnce(u64) -> Request,
    ) -> Result<u64, DispatchError> {
        // A test needs no free place: there is one more for it.
        let free = Sessions::<T>::count() < T::MaxSessions::get() || purpose == Purpose::Test;
        ensure!(free, Error::<T>::Exhausted);
        let id = NextSession::<T>::get();
        NextSession::<T>::put(id.checked_add(1).ok_or(Error::<T>::Exhausted)?);
        let (session, actions) =
            Session::new(request(id), members).ok_or(Error::<T>::NotExpected)?;
        let session = session.asking_last(last);
        let inputs = session.request.inputs.len() as u32;
        Self::deposit_event(Event::SessionOpened { session: id, inputs });
        Self::follow_session(id, OpenSession { purpose, session }, 0, actions)?;
        Ok(id)
    }

    /// Who signs in a session, and with which key.
    pub(crate) fn group(purpose: Purpose) -> Option<(Committee, GroupKey)> {
        match purpose {
            Purpose::Test => {
                let ceremony = Self::ceremony()?;
                let key = ceremony.key()?;
                Some((ceremony.committee, key))
            }
            Purpose::Request(epoch) => Keys::<T>::get(epoch).map(|live| (live.committee, live.key)),
        }
    }

    /// Who signs in a session: cheaper than [`Self::group`], which may have to make the key.
    pub(crate) fn signing_committee(purpose: Purpose) -> Option<Committee> {
        match purpose {
            Purpose::Test => Self::ceremony().map(|ceremony| ceremony.committee),
            Purpose::Request(epoch) => Keys::<T>::get(epoch).map(|live| live.committee),
        }
    }

    /// Applies a message and returns whether somebody was blamed.
    pub(crate) fn do_sign(
        id: u64,
        sender: Member,
        message: Message,
    ) -> Result<bool, DispatchError> {
        let open = Sessions::<T>::get(id).ok_or(Error::<T>::NotExpected)?;
        let blamed = match message {
            Message::Nonces(nonces) => {
                let (kept, blamed) = Self::step_session(id, open, Input::Nonces(sender, &nonces))?;
                if kept.is_some_and(|session| session.signers.contains(sender)) {
                    SessionNonces::<T>::insert(id, sender, nonces);
                }
                blamed
            }
            Message::Shares(shares) => {
                let (kept, blamed) = Self::step_session(id, open, Input::Shares(sender, &shares))?;
                if kept.is_some_and(|session| session.shared.contains(sender)) {
                    SessionShares::<T>::insert(id, sender, shares);
                }
                blamed
            }
            Message::Report(report) => {
                let (_, group) = Self::group(open.purpose).ok_or(Error::<T>::NotExpected)?;
                let nonces: Vec<(Member, Nonces)> = open
                    .session
                    .signers
                    .iter()
                    .filter_map(|member| Some((member, SessionNonces::<T>::get(id, member)?)))
                    .collect();
                let shares =
                    SessionShares::<T>::get(id, report.accused).ok_or(Error::<T>::NotExpected)?;
                let evidence = Evidence { group: &group, nonces: &nonces, shares: &shares };
                Self::step_session(id, open, Input::Report(sender, report, evidence))?.1
            }
        };
        Ok(blamed)
    }

    pub(crate) fn do_complete(id: u64, signatures: &[Signature]) -> DispatchResult {
        let open = Sessions::<T>::get(id).ok_or(Error::<T>::NotExpected)?;
        let purpose = open.purpose;
        let (_, group) = Self::group(purpose).ok_or(Error::<T>::NotExpected)?;
        Self::step_session(id, open, Input::Signatures(signatures, &group))?;
        match purpose {
            Purpose::Test => Self::tested(None),
            Purpose::Request(_) => {
                T::OnSigning::signed(id, signatures.to_vec());
                Ok(())
            }
        }
    }

    pub(crate) fn time_out_session(id: u64) -> DispatchResult {
        let open = Sessions::<T>::get(id).ok_or(Error::<T>::NotExpected)?;
        Self::step_session(id, open, Input::TimedOut).map(|_| ())
    }

    /// Applies `event` and does what follows. Returns the session if it goes on, and whether somebody was
    /// blamed.
    fn step_session(
        id: u64,
        open: OpenSession,
        event: Input<'_>,
    ) -> Result<(Option<Session>, bool), DispatchError> {
        let before = open.session.attempt;
        let (session, actions) =
            open.session.apply(event, recover).map_err(|_| Error::<T>::NotExpected)?;
        let purpose = open.purpose;
        let blamed = actions.iter().any(|action| matches!(action, Action::Blame(_)));
        Self::follow_session(id, OpenSession { purpose, session }, before, actions)?;
        Ok((Sessions::<T>::get(id).map(|open| open.session), blamed))
    }

    fn follow_session(
        id: u64,
        open: OpenSession,
        before: u16,
        actions: Vec<Action>,
    ) -> DispatchResult {
        let (purpose, attempt) = (open.purpose, open.session.attempt);
        // So many stayed away from it that honest members did: they have reason to, and lose nothing.
        let refused = open.session.phase == Phase::Failed;
        if purpose == Purpose::Test {
            // All members must sign, so whoever does not ends the attempt to make a key.
            let blames = blames(&actions);
            if !blames.is_empty() {
                Self::end_session(id);
                return Self::tested(Some(&blames));
            }
        }
        if attempt != before {
            Self::clear_messages(id);
        }
        Sessions::<T>::insert(id, open);
        for action in actions {
            match action {
                Action::Blame(blame) => {
                    if let Some(committee) = Self::signing_committee(purpose) {
                        Self::punish(&committee, blame);
                    }
                }
                Action::Silent(_) if refused => {}
                Action::Silent(members) => {
                    if let Some(committee) = Self::signing_committee(purpose) {
                        members.iter().for_each(|member| Self::miss(&committee, member, 1));
                    }
                }
                Action::Enter(phase @ (Phase::Committing | Phase::Sharing)) => {
                    let blocks = match purpose {
                        Purpose::Test => T::DkgBlocks::get(),
                        Purpose::Request(_) => T::SigningBlocks::get(),
                    };
                    Self::set_deadline(Duty::Session(id), blocks)?;
                    Self::deposit_event(match phase {
                        Phase::Committing => Event::SigningAttempt { session: id, attempt },
                        _ => Event::SignersSelected { session: id, attempt },
                    });
                }
                Action::Enter(Phase::Signed) => {
                    Self::end_session(id);
                    Self::deposit_event(Event::Signed { session: id });
                }
                Action::Enter(Phase::Failed) => {
                    Self::end_session(id);
                    Self::deposit_event(Event::SessionEnded { session: id });
                    T::OnSigning::failed(id);
                }
            }
        }
        Ok(())
    }

    /// Forgets a session and its messages.
    pub(crate) fn end_session(id: u64) {
        Sessions::<T>::remove(id);
        Self::clear_deadline(Duty::Session(id));
        Self::clear_messages(id);
    }

    fn clear_messages(id: u64) {
        // All of them: there is at most one per member.
        let _ = SessionNonces::<T>::clear_prefix(id, MESSAGES, None);
        let _ = SessionShares::<T>::clear_prefix(id, MESSAGES, None);
    }
}

/// Who is to blame for a test that fails, the silent with the others.
fn blames(actions: &[Action]) -> Vec<Blame> {
    let mut blames = Vec::new();
    for action in actions {
        match action {
            Action::Blame(blame) => blames.push(*blame),
            Action::Silent(members) => {
                blames.extend(members.iter().map(|member| Blame { member, fault: Fault::Silence }))
            }
            Action::Enter(_) => {}
        }
    }
    blames
}
