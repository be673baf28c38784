//! A group of members, and what it takes to make them a key.

use super::network;
use crate::{
    bip340::{recover, SecretKey},
    committee::{Committee, Member},
    dkg::{
        ceremony::{Action, Ceremony, Event, Phase},
        message::{Message, Round1, Round2},
        participant::{self, Participant},
    },
    element::{Point, Scalar},
    envelope::Envelope,
    fault::Blame,
    key::{GroupKey, KeyShare},
    signing::{request, session},
};
use alloc::{collections::BTreeMap, vec::Vec};
use rand_chacha::ChaCha20Rng;

/// How a member breaks the key generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cheat {
    /// Sends a commitment whose constant term it does not know.
    BadCommitment,
    /// Sends this member a wrong share.
    BadShare(Member),
    /// Complains about this member, whose share is right.
    FalseAccusation(Member),
    /// Sends nothing in this phase.
    Silence(Phase),
    /// Sends a wrong share of the test signature.
    BadTestShare,
}

/// A committee with the secret keys of its members.
pub(super) struct Group {
    pub(super) committee: Committee,
    pub(super) keys: Vec<SecretKey>,
}

/// How a ceremony ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All members have a share of the key.
    Adopted(GroupKey, Vec<KeyShare>, [u8; 32]),
    /// These are to blame.
    Failed(Vec<Blame>),
}

impl Group {
    /// A group of `n` members.
    pub(super) fn new(n: u16, rng: &mut ChaCha20Rng) -> Self {
        Self::of((0..n).map(|_| SecretKey::random(rng)).collect(), 0)
    }

    /// The group of `keys` in attempt `attempt`.
    pub(super) fn of(keys: Vec<SecretKey>, attempt: u16) -> Self {
        let members: Vec<_> = keys.iter().map(SecretKey::public).collect();
        let committee =
            Committee { genesis: [7; 32], epoch: 1, attempt, members: members.try_into().unwrap() };
        Self { committee, keys }
    }

    pub(super) fn members(&self) -> impl Iterator<Item = Member> {
        (0..self.committee.size()).map(Member)
    }

    /// Signs `message` as `sender` and has the signature verified, as the chain does.
    pub(super) fn send<M: codec::Encode + Clone>(
        &self,
        context: &[u8; 32],
        sender: Member,
        message: M,
        rng: &mut ChaCha20Rng,
    ) -> M {
        let key = &self.keys[sender.index()];
        let envelope = Envelope::seal(context, sender, message, key, rng).unwrap();
        assert!(envelope.verify(recover, context, self.committee.key(sender).unwrap()));
        envelope.message
    }

    /// All members begin: their machines and their commitments.
    pub(super) fn begin(&self, rng: &mut ChaCha20Rng) -> (Vec<Participant>, Vec<Round1>) {
        self.members()
            .map(|me| {
                let (participant, mut actions) =
                    Participant::begin(self.committee.clone(), me, rng).unwrap();
                let Some(participant::Action::Publish(Message::Round1(message))) = actions.pop()
                else {
                    panic!("a member begins with its commitment")
                };
                (participant, message)
            })
            .unzip()
    }

    /// All members share, given the commitments.
    pub(super) fn share(
        &self,
        participants: Vec<Participant>,
        round1: &[Round1],
        rng: &mut ChaCha20Rng,
    ) -> (Vec<Participant>, Vec<Round2>) {
        participants
            .into_iter()
            .zip(&self.keys)
            .map(|(participant, key)| {
                let event = participant::Event::Commitments(round1);
                let (participant, mut actions) = participant.apply(event, key, rng).unwrap();
                let Some(participant::Action::Publish(Message::Round2(message))) = actions.pop()
                else {
                    panic!("a member answers commitments with shares")
                };
                (participant, message)
            })
            .unzip()
    }

    /// Runs one ceremony in which the members of `cheats` cheat.
    pub(super) fn generate(
        &self,
        cheats: &BTreeMap<Member, Cheat>,
        rng: &mut ChaCha20Rng,
    ) -> Outcome {
        let context = self.committee.digest();
        let cheats_with = |member: Member, cheat: Cheat| cheats.get(&member) == Some(&cheat);
        let (mut ceremony, _) = Ceremony::new(self.committee.clone()).unwrap();
        let mut step = |event: Event<'_>| {
            let (next, actions) = ceremony.clone().apply(event, recover).unwrap();
            ceremony = next;
            let blames: Vec<Blame> = actions
                .iter()
                .filter_map(|action| match action {
                    Action::Blame(blame) => Some(*blame),
                    _ => None,
                })
                .collect();
            (ceremony.phase, blames, actions)
        };

        let (participants, mut round1) = self.begin(rng);
        for member in self.members() {
            if cheats_with(member, Cheat::Silence(Phase::Commitments)) {
                continue;
            }
            if cheats_with(member, Cheat::BadCommitment) {
                let stranger = round1[(member.index() + 1) % round1.len()].commitment[0];
                round1[member.index()].commitment[0] = stranger;
            }
            let message =
                self.send(&context, member, Message::Round1(round1[member.index()].clone()), rng);
            let Message::Round1(message) = message else { unreachable!() };
            let (phase, blames, _) = step(Event::Round1(member, &message));
            if phase == Phase::Failed {
                return Outcome::Failed(blames);
            }
        }
        if cheats.values().any(|cheat| *cheat == Cheat::Silence(Phase::Commitments)) {
            return Outcome::Failed(step(Event::TimedOut).1);
        }

        let (participants, mut round2) = self.share(participants, &round1, rng);
        for member in self.members() {
            if cheats_with(member, Cheat::Silence(Phase::Shares)) {
                continue;
            }
            if let Some(Cheat::BadShare(victim)) = cheats.get(&member) {
                let victim = victim.index() - usize::from(victim.0 > member.0);
                round2[member.index()].shares[victim].0[31] ^= 1;
            }
            let (phase, blames, _) = step(Event::Round2(member, &round2[member.index()]));
            if phase == Phase::Failed {
                return Outcome::Failed(blames);
            }
        }
        if cheats.values().any(|cheat| *cheat == Cheat::Silence(Phase::Shares)) {
            return Outcome::Failed(step(Event::TimedOut).1);
        }

        let mut shares = Vec::new();
        let mut tested = None;
        for (member, participant) in self.members().zip(participants) {
            let secret = &self.keys[member.index()];
            if let Some(Cheat::FalseAccusation(accused)) = cheats.get(&member) {
                let complaint = network::accuse(self, member, *accused, &round2, rng);
                let evidence = (&round1[accused.index()], &round2[accused.index()]);
                let event = Event::Complaint(member, &complaint, evidence.0, evidence.1);
                return Outcome::Failed(step(event).1);
            }
            let event = participant::Event::Shares(&round2);
            let (_, actions) = participant.apply(event, secret, rng).unwrap();
            if cheats_with(member, Cheat::Silence(Phase::Confirmation)) {
                continue;
            }
            for action in actions {
                match action {
                    participant::Action::StoreShare(_, share) => shares.push(share),
                    participant::Action::Publish(Message::Confirm(digest)) => {
                        let stored = shares.last().map(|share: &KeyShare| share.member);
                        assert_eq!(stored, Some(member), "stored before confirmed");
                        tested = step(Event::Confirm(member, digest)).2.pop();
                    }
                    participant::Action::Publish(Message::Complaint(complaint)) => {
                        let accused = complaint.accused.index();
                        let evidence = (&round1[accused], &round2[accused]);
                        let event = Event::Complaint(member, &complaint, evidence.0, evidence.1);
                        return Outcome::Failed(step(event).1);
                    }
                    other => panic!("{other:?} is no answer to shares"),
                }
            }
        }
        if cheats.values().any(|cheat| *cheat == Cheat::Silence(Phase::Confirmation)) {
            return Outcome::Failed(step(Event::TimedOut).1);
        }

        let Some(Action::Test(key)) = tested else { panic!("all confirmed, no test: {tested:?}") };
        let request = request::adoption(ceremony.transcript, 0, self.committee.size());
        let behaviours = cheats
            .iter()
            .filter_map(|(member, cheat)| match cheat {
                Cheat::BadTestShare => Some((*member, network::Behaviour::Lies)),
                Cheat::Silence(Phase::Testing) => Some((*member, network::Behaviour::NeverCommits)),
                _ => None,
            })
            .collect();
        let mut run = network::Run::new(self, &key, &shares, request, behaviours, rng);
        let step = |event: Event<'_>| ceremony.clone().apply(event, recover).unwrap();
        if run.until_stuck(rng) == session::Phase::Signed {
            let (ceremony, actions) = step(Event::Tested);
            assert_eq!(ceremony.phase, Phase::Adopted);
            assert_eq!(actions.last(), Some(&Action::Adopt(key.clone())));
            return Outcome::Adopted(key, shares, ceremony.transcript);
        }
        let (ceremony, _) = step(Event::TestFailed(&run.blames));
        assert_eq!(ceremony.phase, Phase::Failed);
        Outcome::Failed(run.blames)
    }

    /// A key that a dealer has made, for groups that would take long to make one.
    pub(super) fn dealt(&self, rng: &mut ChaCha20Rng) -> (GroupKey, Vec<KeyShare>, [u8; 32]) {
        let coefficients: Vec<k256::Scalar> =
            (0..self.committee.threshold()).map(|_| *SecretKey::random(rng).scalar()).collect();
        let points: Vec<Point> = coefficients
            .iter()
            .map(|scalar| {
                Point::encode_point(&(k256::ProjectivePoint::GENERATOR * scalar)).unwrap()
            })
            .collect();
        let key = GroupKey {
            key: points[0].x_only(),
            polynomial: points.try_into().unwrap(),
            members: self.committee.size(),
        };
        let share = |member: Member| {
            let at = k256::Scalar::from(u64::from(member.0) + 1);
            let value = |sum: k256::Scalar, coefficient: &k256::Scalar| sum * at + coefficient;
            let secret = coefficients.iter().rev().fold(k256::Scalar::ZERO, value);
            KeyShare::new(member, Scalar::encode_scalar(&secret).0)
        };
        (key, self.members().map(share).collect(), [0x64; 32])
    }

    /// A key that all members hold.
    pub(super) fn key(&self, rng: &mut ChaCha20Rng) -> (GroupKey, Vec<KeyShare>, [u8; 32]) {
        match self.generate(&BTreeMap::new(), rng) {
            Outcome::Adopted(key, shares, transcript) => (key, shares, transcript),
            Outcome::Failed(blames) => panic!("honest members failed: {blames:?}"),
        }
    }
}
