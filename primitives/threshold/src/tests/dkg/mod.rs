//! One file per event of the ceremony.

mod complaint;
mod confirm;
mod round1;
mod round2;
mod timed_out;

use super::group::Group;
use crate::{
    bip340::recover,
    committee::Member,
    dkg::{
        ceremony::{Action, Ceremony, Event, Phase},
        message::{Round1, Round2},
        participant::Participant,
    },
    fault::{Blame, Fault},
    refusal::Refusal,
};
use alloc::vec::Vec;
use rand_chacha::ChaCha20Rng;

/// A ceremony with the machines and messages of its members.
struct Fixture {
    group: Group,
    ceremony: Ceremony,
    participants: Vec<Participant>,
    round1: Vec<Round1>,
    round2: Vec<Round2>,
}

impl Fixture {
    /// Four members, nothing sent.
    fn new(rng: &mut ChaCha20Rng) -> Self {
        let group = Group::new(4, rng);
        let (ceremony, _) = Ceremony::new(group.committee.clone()).unwrap();
        let (participants, round1) = group.begin(rng);
        Self { group, ceremony, participants, round1, round2: Vec::new() }
    }

    /// All commitments sent.
    fn committed(rng: &mut ChaCha20Rng) -> Self {
        let mut fixture = Self::new(rng);
        for index in 0..4 {
            let message = fixture.round1[index as usize].clone();
            fixture.apply(Event::Round1(Member(index), &message)).unwrap();
        }
        let participants = core::mem::take(&mut fixture.participants);
        (fixture.participants, fixture.round2) =
            fixture.group.share(participants, &fixture.round1, rng);
        fixture
    }

    /// All shares sent.
    fn shared(rng: &mut ChaCha20Rng) -> Self {
        let mut fixture = Self::committed(rng);
        fixture.share_all();
        fixture
    }

    fn share_all(&mut self) {
        for index in 0..4 {
            let message = self.round2[index as usize].clone();
            self.apply(Event::Round2(Member(index), &message)).unwrap();
        }
    }

    fn apply(&mut self, event: Event<'_>) -> Result<Vec<Action>, Refusal> {
        let (ceremony, actions) = self.ceremony.clone().apply(event, recover)?;
        self.ceremony = ceremony;
        Ok(actions)
    }

    /// Applies an event that must end the ceremony with this blame.
    fn fails(&mut self, event: Event<'_>, member: u16, fault: Fault) {
        let blame = Action::Blame(Blame { member: Member(member), fault });
        assert_eq!(self.apply(event), Ok([blame, Action::Enter(Phase::Failed)].into()));
    }
}
