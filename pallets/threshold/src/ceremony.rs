//! Steps the key generation.

use crate::{
    pallet::{
        Active, Ceremony, Commitments, Config, Deadlines, EncryptedShares, Error, Event, Keys,
        NextEpoch, Pallet,
    },
    recover,
    types::{Duty, LiveKey, Purpose, Rotation, MESSAGES},
    weights::WeightInfo,
    MAX_LIVE_KEYS,
};
use alloc::vec::Vec;
use bzk_threshold::{
    committee::{Committee, Member, MemberSet, MIN_MEMBERS},
    dkg::{
        ceremony::{Action, Ceremony as State, Event as Input, Phase},
        message::Message,
    },
    element::XOnly,
    fault::Blame,
    service::OnSigning,
    signing::request::adoption,
};
use frame_support::{ensure, traits::Get, weights::Weight};
use sp_runtime::{traits::Saturating, DispatchError, DispatchResult};

impl<T: Config> Pallet<T> {
    pub(crate) fn start_rotation() -> DispatchResult {
        ensure!(!Ceremony::<T>::exists(), Error::<T>::RotationRunning);
        ensure!(Keys::<T>::count() < MAX_LIVE_KEYS, Error::<T>::TooManyKeys);
        let epoch = NextEpoch::<T>::get();
        let next = epoch.checked_add(1).ok_or(Error::<T>::Exhausted)?;
        let members = Self::electable();
        let elected = u16::try_from(members.len()).map_err(|_| Error::<T>::Exhausted)?;
        Self::start_attempt(epoch, 0, members, elected)?;
        NextEpoch::<T>::put(next);
        Ok(())
    }

    fn start_attempt(
        epoch: u32,
        attempt: u16,
        members: Vec<XOnly>,
        elected: u16,
    ) -> DispatchResult {
        let members = members.try_into().map_err(|_| Error::<T>::Exhausted)?;
        let committee = Committee { genesis: Self::genesis(), epoch, attempt, members };
        let members = committee.size();
        let (ceremony, actions) = State::new(committee).ok_or(Error::<T>::TooFewMembers)?;
        Self::deposit_event(Event::AttemptStarted { epoch, attempt, members });
        Self::follow(Rotation { ceremony, elected }, actions).map(|_| ())
    }

    /// Applies a message and returns whether somebody was blamed.
    pub(crate) fn do_dkg(sender: Member, message: Message) -> Result<bool, DispatchError> {
        let blamed = match message {
            Message::Round1(message) => {
                let blamed = Self::step_ceremony(Input::Round1(sender, &message))?;
                Self::store(Phase::Commitments, sender, || {
                    Commitments::<T>::insert(sender, message)
                });
                blamed
            }
            Message::Round2(message) => {
                let blamed = Self::step_ceremony(Input::Round2(sender, &message))?;
                Self::store(Phase::Shares, sender, || {
                    EncryptedShares::<T>::insert(sender, message)
                });
                blamed
            }
            Message::Complaint(complaint) => {
                let accused = complaint.accused;
                let round1 = Commitments::<T>::get(accused).ok_or(Error::<T>::NotExpected)?;
                let round2 = EncryptedShares::<T>::get(accused).ok_or(Error::<T>::NotExpected)?;
                Self::step_ceremony(Input::Complaint(sender, &complaint, &round1, &round2))?
            }
            Message::Confirm(digest) => Self::step_ceremony(Input::Confirm(sender, digest))?,
        };
        Ok(blamed)
    }

    /// Stores a message unless it has ended the attempt: then a new one has begun, or none.
    fn store(phase: Phase, sender: Member, insert: impl FnOnce()) {
        let accepted = Self::ceremony().is_some_and(|ceremony| {
            // Either still in the phase with the message noted, or in the next phase by it.
            match ceremony.phase == phase {
                true => ceremony.posted.contains(sender),
                false => ceremony.phase != Phase::Commitments,
            }
        });
        if accepted {
            insert();
        }
    }

    /// Applies `event` to the ceremony and does what follows. Returns whether somebody was blamed.
    pub(crate) fn step_ceremony(event: Input<'_>) -> Result<bool, DispatchError> {
        let Rotation { ceremony, elected } = Ceremony::<T>::get().ok_or(Error::<T>::NotExpected)?;
        let (ceremony, actions) =
            ceremony.apply(event, recover).map_err(|_| Error::<T>::NotExpected)?;
        Self::follow(Rotation { ceremony, elected }, actions)
    }

    fn follow(rotation: Rotation, actions: Vec<Action>) -> Result<bool, DispatchError> {
        let committee = rotation.ceremony.committee.clone();
        let epoch = committee.epoch;
        let mut culprits = Vec::new();
        Ceremony::<T>::put(&rotation);
        for action in actions {
            match action {
                Action::Blame(blame) => {
                    Self::punish(&committee, blame);
                    culprits.push(blame.member);
                }
                Action::Enter(phase) => {
                    Self::deposit_event(Event::PhaseEntered { epoch, phase });
                    match phase {
                        Phase::Commitments | Phase::Shares | Phase::Confirmation => {
                            Self::set_deadline(Duty::Ceremony, T::DkgBlocks::get())?;
                        }
                        Phase::Testing | Phase::Adopted => Self::clear_deadline(Duty::Ceremony),
                        Phase::Failed => {
                            Self::end_ceremony();
                            Self::retry(&rotation, &culprits);
                        }
                    }
                }
                Action::Test(_) => {
                    let (transcript, members) = (rotation.ceremony.transcript, committee.size());
                    let nobody = MemberSet::default();
                    Self::open_session(Purpose::Test, members, nobody, |session| {
                        adoption(transcript, session, members)
                    })?;
                }
                Action::Adopt(key) => {
                    let public = key.key;
                    let transcript = rotation.ceremony.transcript;
                    Self::end_ceremony();
                    Self::forget_misses(&committee);
                    let committee = committee.clone();
                    let jailed = MemberSet::default();
                    Keys::<T>::insert(epoch, LiveKey { key, committee, transcript, jailed });
                    Active::<T>::put(epoch);
                    Self::deposit_event(Event::KeyAdopted { epoch, key: public });
                    T::OnSigning::key_adopted(epoch, public);
                }
            }
        }
        Ok(!culprits.is_empty())
    }

    /// The next attempt, without the culprits, if enough members are left.
    fn retry(rotation: &Rotation, culprits: &[Member]) {
        let committee = &rotation.ceremony.committee;
        let rest: Vec<XOnly> = (0..committee.size())
            .map(Member)
            .filter(|member| !culprits.contains(member))
            .filter_map(|member| committee.key(member).copied())
            .collect();
        let least = T::MinParticipation::get()
            .mul_ceil(u32::from(rotation.elected))
            .max(MIN_MEMBERS.into());
        let started = committee
            .attempt
            .checked_add(1)
            .filter(|_| rest.len() as u32 >= least && !culprits.is_empty())
            .ok_or(DispatchError::from(Error::<T>::TooFewMembers))
            .and_then(|attempt| {
                Self::start_attempt(committee.epoch, attempt, rest, rotation.elected)
            });
        if started.is_err() {
            Self::end_ceremony();
            Self::deposit_event(Event::RotationFailed { epoch: committee.epoch });
        }
    }

    fn end_ceremony() {
        Ceremony::<T>::kill();
        Self::clear_deadline(Duty::Ceremony);
        // All of them: there is at most one per member.
        let _ = Commitments::<T>::clear(MESSAGES, None);
        let _ = EncryptedShares::<T>::clear(MESSAGES, None);
    }

    /// The outcome of the test of the new key.
    pub(crate) fn tested(blames: Option<&[Blame]>) -> DispatchResult {
        Self::step_ceremony(match blames {
            None => Input::Tested,
            Some(blames) => Input::TestFailed(blames),
        })
        .map(|_| ())
    }

    /// Gives `duty` this many blocks from now on.
    pub(crate) fn set_deadline(
        duty: Duty,
        blocks: frame_system::pallet_prelude::BlockNumberFor<T>,
    ) -> DispatchResult {
        let at = frame_system::Pallet::<T>::block_number().saturating_add(blocks);
        Deadlines::<T>::try_mutate(|deadlines| {
            deadlines.retain(|(other, _)| *other != duty);
            deadlines.try_push((duty, at)).map_err(|_| Error::<T>::Exhausted.into())
        })
    }

    pub(crate) fn clear_deadline(duty: Duty) {
        Deadlines::<T>::mutate(|deadlines| deadlines.retain(|(other, _)| *other != duty));
    }

    /// Handles the deadlines that are due, the oldest first, and returns what that weighs.
    pub(crate) fn handle_deadlines(now: frame_system::pallet_prelude::BlockNumberFor<T>) -> Weight {
        let mut due: Vec<_> =
            Deadlines::<T>::get().into_iter().filter(|(_, at)| *at <= now).collect();
        due.sort_by_key(|(_, at)| *at);
        due.truncate(crate::MAX_TIMEOUTS);
        let n = u32::from(T::MaxCommittee::get());
        let mut weight = T::WeightInfo::idle();
        for (duty, _) in due {
            // An error leaves the storage as it was; the deadline goes, so that it is not tried again.
            let result = frame_support::storage::with_storage_layer(|| match duty {
                Duty::Ceremony => Self::step_ceremony(Input::TimedOut).map(|_| ()),
                Duty::Session(session) => Self::time_out_session(session),
            });
            // The test of a key takes its ceremony with it, which is more than who asked for a request does when
            // it fails.
            let marking = Self::weight_of_jailing().saturating_mul(n.into());
            weight =
                weight.saturating_add(T::WeightInfo::time_out_ceremony(n)).saturating_add(marking);
            if duty != Duty::Ceremony {
                weight = weight.saturating_add(T::WeightInfo::time_out_session(n));
            }
            if result.is_err() {
                Self::clear_deadline(duty);
            }
        }
        weight
    }
}
