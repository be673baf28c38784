//! Simulated members in a signing session, honest and not.

use super::group::Group;
use crate::{
    bip340::recover,
    committee::{Member, MemberSet},
    dkg::{
        judge,
        message::{Complaint, Round2},
    },
    dleq,
    element::{Scalar, Signature},
    fault::{Blame, Fault},
    key::{GroupKey, KeyShare},
    signing::{
        aggregate::{aggregate, Failure},
        message::{Message, Nonces, Shares},
        request::{Input, Request},
        session::{self, Evidence, Phase, Session},
        signer::{self, Signer},
    },
};
use alloc::{collections::BTreeMap, vec::Vec};
use frost_secp256k1_tr::keys::PublicKeyPackage;
use rand_chacha::ChaCha20Rng;

/// How a member takes part in a session; honestly if not said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behaviour {
    /// Is not there.
    NeverCommits,
    /// Commits as early as it can and never signs.
    NeverShares,
    /// Sends wrong shares.
    Lies,
    /// Reports the first signer, whose share is right.
    ReportsFalsely,
}

/// A complaint with a valid proof, whether there is reason for it or not.
pub(super) fn accuse(
    group: &Group,
    accuser: Member,
    accused: Member,
    round2: &[Round2],
    rng: &mut ChaCha20Rng,
) -> Complaint {
    let context = judge::context(&group.committee.digest(), accuser, accused);
    let ephemeral = &round2[accused.index()].ephemeral;
    let key = &group.keys[accuser.index()];
    let (shared, proof) = dleq::prove(&context, key, ephemeral, rng).unwrap();
    Complaint { accused, shared, proof }
}

/// A request of `inputs` messages, by the internal key and by outputs with a script tree in turn.
pub(super) fn request(group: [u8; 32], session: u64, required: u16, inputs: u8) -> Request {
    let inputs = (0..inputs).map(|index| Input {
        sighash: [index; 32],
        root: (index % 2 == 1).then_some([index ^ 0xff; 32]),
    });
    let inputs: Vec<_> = inputs.collect();
    Request { group, session, required, inputs: inputs.try_into().unwrap() }
}

/// A session with all its members.
pub(super) struct Run<'a> {
    group: &'a Group,
    key: &'a GroupKey,
    public: PublicKeyPackage,
    signers: Vec<Option<Signer>>,
    behaviours: BTreeMap<Member, Behaviour>,
    /// The public machine.
    pub(super) session: Session,
    /// Who was blamed, the silent of a test session with them.
    pub(super) blames: Vec<Blame>,
    /// The signatures, in the end.
    pub(super) signatures: Vec<Signature>,
    /// How many deadlines passed.
    pub(super) timeouts: u32,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        group: &'a Group,
        key: &'a GroupKey,
        shares: &[KeyShare],
        request: Request,
        behaviours: BTreeMap<Member, Behaviour>,
        _rng: &mut ChaCha20Rng,
    ) -> Self {
        let signers = shares
            .iter()
            .map(|share| Some(Signer::new(request.group, key, share, []).unwrap()))
            .collect();
        Self {
            group,
            key,
            public: key.public_package(group.members()).unwrap(),
            signers,
            behaviours,
            session: Session::new(request, key.members).unwrap().0,
            blames: Vec::new(),
            signatures: Vec::new(),
            timeouts: 0,
        }
    }

    fn behaves(&self, member: Member, behaviour: Behaviour) -> bool {
        self.behaviours.get(&member) == Some(&behaviour)
    }

    fn step(&mut self, event: session::Event<'_>) -> MemberSet {
        let (session, actions) = self.session.clone().apply(event, recover).unwrap();
        self.session = session;
        let mut missing = MemberSet::default();
        for action in actions {
            match action {
                session::Action::Blame(blame) => self.blames.push(blame),
                session::Action::Silent(silent) => missing = silent,
                session::Action::Enter(_) => {}
            }
        }
        missing
    }

    fn tell(
        &mut self,
        member: Member,
        event: signer::Event,
        rng: &mut ChaCha20Rng,
    ) -> Vec<signer::Action> {
        let signer = self.signers[member.index()].take().unwrap();
        let (signer, actions) = signer.apply(event, rng);
        self.signers[member.index()] = Some(signer);
        actions
    }

    /// One attempt.
    fn attempt(&mut self, rng: &mut ChaCha20Rng) {
        let attempt = self.session.attempt;
        let context = self.session.context();
        let request = self.session.request.clone();
        let mut nonces = BTreeMap::<Member, Nonces>::new();
        // The worst come first, so that they are always selected.
        let mut order: Vec<Member> = self.group.members().collect();
        order.sort_by_key(|member| !self.behaviours.contains_key(member));
        for member in order {
            let left_out = self.session.expects(member, Phase::Committing).is_err();
            if left_out || self.behaves(member, Behaviour::NeverCommits) {
                continue;
            }
            let event = signer::Event::Opened(request.clone(), attempt);
            let actions = self.tell(member, event, rng);
            let Some(signer::Action::Publish(published, message)) = actions.last() else {
                panic!("{actions:?} is no answer to an open attempt")
            };
            assert_eq!(*published, context);
            let message = self.group.send(&context, member, message.clone(), rng);
            let Message::Nonces(message) = message else { panic!("no nonces") };
            self.step(session::Event::Nonces(member, &message));
            nonces.insert(member, message);
        }
        if self.session.phase == Phase::Committing {
            self.time_out();
            return;
        }

        let selected: Vec<_> =
            nonces.iter().map(|(member, nonces)| (*member, nonces.clone())).collect();
        let session = request.session;
        let mut shares = BTreeMap::<Member, Shares>::new();
        for member in nonces.keys().copied() {
            if self.behaves(member, Behaviour::NeverShares) {
                continue;
            }
            let nonces = selected.clone();
            let event = signer::Event::Selected { session, attempt, nonces };
            let actions = self.tell(member, event, rng);
            assert_eq!(actions, [signer::Action::CheckPolicy(request.clone())]);
            let actions = self.tell(member, signer::Event::Approved { session, attempt }, rng);
            let Some(signer::Action::Publish(_, Message::Shares(message))) = actions.last() else {
                panic!("{actions:?} is no answer to an approval")
            };
            let mut message = message.clone();
            if self.behaves(member, Behaviour::Lies) {
                let right = message[0].decode_scalar().unwrap();
                message[0] = Scalar::encode_scalar(&(right + k256::Scalar::ONE));
            }
            self.step(session::Event::Shares(member, &message));
            shares.insert(member, message);
        }
        if shares.len() < nonces.len() {
            self.time_out();
            return;
        }
        self.finish(&selected, nonces, shares);
    }

    fn finish(
        &mut self,
        selected: &[(Member, Nonces)],
        nonces: BTreeMap<Member, Nonces>,
        shares: BTreeMap<Member, Shares>,
    ) {
        let false_reporter = self
            .group
            .members()
            .find(|member| self.behaves(*member, Behaviour::ReportsFalsely))
            .filter(|member| !self.session.barred.contains(*member));
        if let Some(reporter) = false_reporter {
            let accused = *shares.keys().find(|member| **member != reporter).unwrap();
            let report = crate::signing::message::Report { accused, input: 0 };
            let evidence =
                Evidence { group: self.key, nonces: selected, shares: &shares[&accused] };
            self.step(session::Event::Report(reporter, report, evidence));
        }
        match aggregate(&self.session.request, &self.public, &nonces, &shares) {
            Ok(signatures) => {
                self.step(session::Event::Signatures(&signatures, self.key));
                self.signatures = signatures;
            }
            Err(Failure::Cheaters(reports)) => {
                let honest = self
                    .group
                    .members()
                    .find(|member| !self.behaviours.contains_key(member))
                    .unwrap();
                for report in reports {
                    // Each report ends the attempt; the chain refuses the rest.
                    if self.session.expects_report(honest, report).is_err() {
                        break;
                    }
                    let evidence = Evidence {
                        group: self.key,
                        nonces: selected,
                        shares: &shares[&report.accused],
                    };
                    self.step(session::Event::Report(honest, report, evidence));
                }
            }
            Err(Failure::Malformed) => panic!("the chain let malformed shares pass"),
        }
    }

    fn time_out(&mut self) {
        self.timeouts += 1;
        let missing = self.step(session::Event::TimedOut);
        // Nobody can be left out of a test of a new key: the ceremony fails.
        if self.session.request.required == self.session.members {
            let silent = missing.iter().map(|member| Blame { member, fault: Fault::Silence });
            self.blames.extend(silent);
        }
    }

    /// Goes on until the session ends, or an attempt of all members has failed.
    pub(super) fn until_stuck(&mut self, rng: &mut ChaCha20Rng) -> Phase {
        let all_needed = self.session.request.required == self.session.members;
        loop {
            match self.session.phase {
                Phase::Signed | Phase::Failed => return self.session.phase,
                Phase::Committing | Phase::Sharing if all_needed && !self.blames.is_empty() => {
                    return self.session.phase
                }
                Phase::Committing | Phase::Sharing => self.attempt(rng),
            }
            assert!(self.session.attempt <= self.session.members, "more attempts than members");
        }
    }
}
