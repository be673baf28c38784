//! Four members with stores on disk, on a chain in memory: they make a key and sign, and go on after
//! being stopped and started between any two steps.

use bzk_signer::{
    member::{MemberNode, Outgoing},
    store::KeyStore,
};
use bzk_threshold::{
    bip340::recover,
    committee::{Committee, Member},
    dkg::{
        ceremony::{Action, Ceremony, Event, Phase},
        message::Message as DkgMessage,
    },
    element::Signature,
    signing::{
        message::Message as SigningMessage,
        request::{adoption, Input, Request},
        session::{Event as SessionEvent, Phase as SessionPhase, Session},
    },
    view::{CeremonyView, KeyView, SessionView, View},
};
use std::path::{Path, PathBuf};

const MEMBERS: u16 = 4;

/// What the pallet does, without a runtime: verifies envelopes, steps the public machines, stores
/// messages.
#[derive(Default)]
struct Chain {
    view: View,
    signatures: Vec<Signature>,
}

impl Chain {
    fn new(committee: Committee) -> Self {
        let (ceremony, _) = Ceremony::new(committee).unwrap();
        let ceremony = Some(CeremonyView { ceremony, round1: vec![], round2: vec![] });
        Self { view: View { ceremony, ..View::default() }, signatures: vec![] }
    }

    fn open(&mut self, request: Request) {
        let id = request.session;
        let (session, _) = Session::new(request, MEMBERS).unwrap();
        self.view.sessions.push(SessionView { id, session, nonces: vec![], shares: vec![] });
    }

    /// Takes a message; one that is not due is dropped, as by the pool.
    fn take(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Dkg(envelope) => {
                let Some(view) = &mut self.view.ceremony else { return };
                let committee = &view.ceremony.committee;
                let key = committee.key(envelope.sender).unwrap();
                assert!(envelope.verify(recover, &committee.digest(), key));
                let sender = envelope.sender;
                let event = match &envelope.message {
                    DkgMessage::Round1(message) => Event::Round1(sender, message),
                    DkgMessage::Round2(message) => Event::Round2(sender, message),
                    DkgMessage::Confirm(digest) => Event::Confirm(sender, *digest),
                    DkgMessage::Complaint(_) => panic!("honest members do not complain"),
                };
                let Ok((ceremony, actions)) = view.ceremony.clone().apply(event, recover) else {
                    return;
                };
                assert_ne!(ceremony.phase, Phase::Failed);
                let transcript = ceremony.transcript;
                view.ceremony = ceremony;
                match envelope.message {
                    DkgMessage::Round1(message) => view.round1.push((sender, message)),
                    DkgMessage::Round2(message) => view.round2.push((sender, message)),
                    _ => {}
                }
                view.round1.sort_by_key(|(member, _)| *member);
                view.round2.sort_by_key(|(member, _)| *member);
                if actions.iter().any(|action| matches!(action, Action::Test(_))) {
                    self.open(adoption(transcript, 0, MEMBERS));
                }
            }
            Outgoing::Sign(id, envelope) => {
                let Some(index) = self.view.sessions.iter().position(|open| open.id == id) else {
                    return;
                };
                let group = self.view.sessions[index].session.request.group;
                let (_, committee) = self.view.group(&group).unwrap();
                let key = *committee.key(envelope.sender).unwrap();
                let open = &mut self.view.sessions[index];
                assert!(envelope.verify(recover, &open.session.context(), &key));
                let sender = envelope.sender;
                let event = match &envelope.message {
                    SigningMessage::Nonces(nonces) => SessionEvent::Nonces(sender, nonces),
                    SigningMessage::Shares(shares) => SessionEvent::Shares(sender, shares),
                    SigningMessage::Report(_) => panic!("honest members lie to nobody"),
                };
                let Ok((session, _)) = open.session.clone().apply(event, recover) else { return };
                open.session = session;
                match envelope.message {
                    SigningMessage::Nonces(nonces) => open.nonces.push((sender, nonces)),
                    SigningMessage::Shares(shares) => open.shares.push((sender, shares)),
                    SigningMessage::Report(_) => {}
                }
                open.nonces.sort_by_key(|(member, _)| *member);
                open.shares.sort_by_key(|(member, _)| *member);
            }
            Outgoing::Complete(id, signatures) => self.complete(id, signatures),
        }
    }

    fn complete(&mut self, id: u64, signatures: Vec<Signature>) {
        let Some(index) = self.view.sessions.iter().position(|open| open.id == id) else {
            return;
        };
        let open = &self.view.sessions[index];
        let (key, committee) = self.view.group(&open.session.request.group).unwrap();
        let committee = committee.clone();
        let event = SessionEvent::Signatures(&signatures, &key);
        let (session, _) = open.session.clone().apply(event, recover).unwrap();
        assert_eq!(session.phase, SessionPhase::Signed);
        let transcript = session.request.group;
        self.view.sessions.remove(index);
        self.signatures = signatures;
        if self.view.ceremony.take().is_some() {
            self.view.keys.push(KeyView { epoch: 0, key, committee, transcript });
        }
    }

    /// The deadline of a session passes.
    fn time_out(&mut self, id: u64) {
        let open = self.view.sessions.iter_mut().find(|open| open.id == id).unwrap();
        let before = open.session.attempt;
        let (session, _) = open.session.clone().apply(SessionEvent::TimedOut, recover).unwrap();
        if session.attempt != before {
            open.nonces.clear();
            open.shares.clear();
        }
        open.session = session;
    }
}

fn start(path: &Path) -> MemberNode {
    MemberNode::new(KeyStore::open(path, b"test").unwrap()).unwrap()
}

fn setup() -> (tempfile::TempDir, Vec<PathBuf>, Chain) {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<_> =
        (0..MEMBERS).map(|index| directory.path().join(index.to_string())).collect();
    let keys: Vec<_> = paths
        .iter()
        .map(|path| KeyStore::open(path, b"test").unwrap().create_session_key().unwrap().public())
        .collect();
    let members = keys.try_into().unwrap();
    let chain = Chain::new(Committee { genesis: [1; 32], epoch: 0, attempt: 0, members });
    (directory, paths, chain)
}

/// All members take a look and send what they owe.
fn round(members: &mut [MemberNode], chain: &mut Chain) {
    for member in members {
        let view = chain.view.clone();
        let outgoing = member.step(&view).unwrap();
        assert_eq!(outgoing, member.step(&view).unwrap(), "looking twice changes nothing");
        for message in outgoing {
            chain.take(message);
        }
    }
}

fn payout(chain: &Chain, session: u64) -> Request {
    let live = &chain.view.keys[0];
    let inputs: Vec<Input> =
        (0..25).map(|index| Input { sighash: [index; 32], root: None }).collect();
    let (group, required) = (live.transcript, live.key.threshold());
    Request { group, session, required, inputs: inputs.try_into().unwrap() }
}

#[test]
fn members_make_a_key_and_sign_a_payout() {
    let (_directory, paths, mut chain) = setup();
    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    for _ in 0..8 {
        round(&mut members, &mut chain);
    }
    assert_eq!((chain.view.keys.len(), chain.view.sessions.len()), (1, 0));
    let request = payout(&chain, 1);
    chain.open(request.clone());
    for _ in 0..3 {
        round(&mut members, &mut chain);
    }
    assert!(chain.view.sessions.is_empty());
    assert!(request.verify(recover, &chain.view.keys[0].key.key, &chain.signatures));
    assert_eq!(chain.signatures.len(), 25);
}

/// Every process is killed after every look: no key is lost, and nobody signs an attempt whose nonces
/// are gone.
#[test]
fn crash_of_all_members_between_any_two_steps_makes_the_key_all_the_same() {
    let (_directory, paths, mut chain) = setup();
    for _ in 0..3 {
        let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
        round(&mut members, &mut chain);
    }
    assert_eq!(chain.view.ceremony.as_ref().unwrap().ceremony.phase, Phase::Testing);
    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    for _ in 0..4 {
        round(&mut members, &mut chain);
    }
    assert_eq!(chain.view.keys.len(), 1);

    let request = payout(&chain, 1);
    chain.open(request.clone());
    round(&mut members, &mut chain);
    // Three have committed; one of them is killed, with its nonces.
    let signers: Vec<Member> = chain.view.sessions[0].session.signers.iter().collect();
    drop(members.remove(signers[0].index()));
    members.insert(signers[0].index(), start(&paths[signers[0].index()]));
    round(&mut members, &mut chain);
    assert_eq!(chain.view.sessions[0].shares.len(), 2, "the killed member abstains");
    chain.time_out(1);
    for _ in 0..4 {
        round(&mut members, &mut chain);
    }
    assert!(chain.view.sessions.is_empty());
    assert!(request.verify(recover, &chain.view.keys[0].key.key, &chain.signatures));
}

/// What is not final may be taken back, so a member neither commits nor signs nor accuses anybody for it; signatures
/// hold on every branch.
#[test]
fn attack_block_that_is_taken_back() {
    let (_directory, paths, mut chain) = setup();
    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    for _ in 0..8 {
        round(&mut members, &mut chain);
    }
    let request = payout(&chain, 1);
    chain.open(request.clone());
    let finish = |members: &mut [MemberNode], view: &View| -> Vec<Outgoing> {
        members.iter_mut().flat_map(|member| member.finish(view)).collect()
    };
    assert_eq!(finish(&mut members, &chain.view), [], "no nonces for what is not final");
    round(&mut members, &mut chain);
    assert_eq!(finish(&mut members, &chain.view), [], "no shares for what is not final");
    round(&mut members, &mut chain);
    let open = &chain.view.sessions[0];
    assert_eq!(open.session.shared, open.session.signers);

    let mut lied = chain.view.clone();
    let shares = &mut lied.sessions[0].shares;
    let (first, second) = (shares[0].1.clone(), shares[1].1.clone());
    (shares[0].1, shares[1].1) = (second, first);
    // Two shares that change places cancel out in the sum; one that is wrong does not.
    lied.sessions[0].shares[0].1[0] = lied.sessions[0].shares[2].1[0];
    let mut others: Vec<MemberNode> = Vec::new();
    drop(members);
    others.extend(paths.iter().map(|path| start(path)));
    assert_eq!(finish(&mut others, &lied), [], "no report of what is not final");
    drop(others);

    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    let outgoing = finish(&mut members, &chain.view);
    assert_eq!(finish(&mut members, &chain.view), [], "once is enough");
    assert_eq!(outgoing.len(), 3);
    for complete in outgoing {
        chain.take(complete);
    }
    assert!(chain.view.sessions.is_empty());
    assert!(request.verify(recover, &chain.view.keys[0].key.key, &chain.signatures));
}
