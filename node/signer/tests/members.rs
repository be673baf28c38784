//! Four members with stores on disk, on a chain in memory: they make a key and sign, and go on after
//! being stopped and started between any two steps. Shares are repaired and refreshed.

use bzk_signer::{
    exchange::{Exchange, ExchangeError, Progress},
    executor::Policy,
    member::{MemberNode, Outgoing},
    refresh::refresh,
    repair::repair,
    store::KeyStore,
};
use bzk_threshold::{
    bip340::recover,
    committee::{Committee, Member, MemberSet},
    dkg::{
        ceremony::{Action, Ceremony, Event, Phase},
        message::Message as DkgMessage,
    },
    element::Signature,
    refresh::accepted,
    repair::Failure,
    signing::{
        message::Message as SigningMessage,
        request::{adoption, Input, Request},
        session::{Event as SessionEvent, Phase as SessionPhase, Session},
    },
    view::{CeremonyView, KeyView, SessionView, View},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

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
            Outgoing::Refresh(proposal) => {
                assert!(self.view.sessions.is_empty(), "not while the key signs");
                let keys = &mut self.view.keys;
                let live = keys.iter_mut().find(|key| key.epoch == proposal.epoch).unwrap();
                let (committee, transcript) = (&live.committee, &live.transcript);
                let (polynomial, signatures) = (&proposal.polynomial, &proposal.signatures);
                let key = &live.key;
                assert!(accepted(recover, committee, transcript, key, polynomial, signatures));
                live.key.polynomial = proposal.polynomial;
            }
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

/// Doubts nothing.
struct Trusting;

impl Policy for Trusting {
    fn allows(&mut self, _: &Request) -> bool {
        true
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
        let outgoing = member.step(&view, &mut Trusting).unwrap();
        assert_eq!(
            outgoing,
            member.step(&view, &mut Trusting).unwrap(),
            "looking twice changes nothing"
        );
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

/// Members that have made a key.
fn with_key() -> (tempfile::TempDir, Vec<PathBuf>, Chain) {
    let (directory, paths, mut chain) = setup();
    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    for _ in 0..8 {
        round(&mut members, &mut chain);
    }
    assert_eq!((chain.view.keys.len(), chain.view.sessions.len()), (1, 0));
    (directory, paths, chain)
}

/// The members of these numbers sign a payout.
fn sign(chain: &mut Chain, paths: &[PathBuf], signers: &[usize], session: u64) {
    let mut members: Vec<MemberNode> = signers.iter().map(|index| start(&paths[*index])).collect();
    let request = payout(chain, session);
    chain.open(request.clone());
    for _ in 0..3 {
        round(&mut members, chain);
    }
    assert!(chain.view.sessions.is_empty());
    assert!(request.verify(recover, &chain.view.keys[0].key.key, &chain.signatures));
    assert_eq!(chain.signatures.len(), 25);
}

#[test]
fn members_make_a_key_and_sign_a_payout() {
    let (_directory, paths, mut chain) = with_key();
    sign(&mut chain, &paths, &[0, 1, 2, 3], 1);
}

/// What the policy does not allow is neither committed to nor signed, and asked for again.
#[test]
fn member_with_a_doubt_waits_and_does_not_commit() {
    struct Doubting(u32);
    impl Policy for Doubting {
        fn allows(&mut self, _: &Request) -> bool {
            self.0 += 1;
            self.0 == 3 || self.0 > 5
        }
    }
    let (_directory, paths, mut chain) = with_key();
    chain.open(payout(&chain, 1));
    let mut member = start(&paths[0]);
    let mut policy = Doubting(0);
    let mut look = |chain: &Chain| member.step(&chain.view, &mut policy).unwrap();
    assert_eq!(look(&chain), []);
    assert_eq!(look(&chain), []);
    let nonces = look(&chain);
    assert_eq!(nonces.len(), 1, "allowed: it commits");
    assert_eq!(look(&chain), nonces, "asked once");
    chain.take(nonces[0].clone());
    let mut others: Vec<MemberNode> = paths[1..].iter().map(|path| start(path)).collect();
    round(&mut others, &mut chain);
    assert_eq!(chain.view.sessions[0].session.phase, SessionPhase::Sharing);
    // The fourth and fifth answer is no; its nonces are kept for the sixth.
    assert_eq!(look(&chain), []);
    assert_eq!(look(&chain), []);
    assert!(matches!(look(&chain)[..], [Outgoing::Sign(1, _)]));
}

/// One command of member `index`: opens the store, goes a step on, closes it.
fn command(
    chain: &Chain,
    (path, folder): (&Path, &Path),
    step: impl FnOnce(&Exchange<'_>) -> Result<Progress, ExchangeError>,
) -> Result<Progress, ExchangeError> {
    let store = KeyStore::open(path, b"test").unwrap();
    step(&Exchange::new(&store, &chain.view.keys[0], folder)?)
}

/// A store with the session key of another one and nothing else: what a backup from the beginning gives.
fn wipe(path: &Path) {
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        if !["session-key", "salt"].contains(&entry.file_name().to_str().unwrap()) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

const HELPERS: [u16; 3] = [0, 1, 3];

fn helpers() -> MemberSet {
    HELPERS.map(Member).into_iter().collect()
}

#[test]
fn member_with_a_wiped_store_repairs_its_share_and_signs() {
    let (directory, paths, mut chain) = with_key();
    let folder = directory.path().join("folder");
    let at = |index: u16| (paths[usize::from(index)].as_path(), folder.as_path());
    let before = KeyStore::open(&paths[2], b"test").unwrap();
    let transcript = chain.view.keys[0].transcript;
    let (group, share) = before.share(&transcript).unwrap().unwrap();
    drop(before);
    let has = command(&chain, at(2), |exchange| repair(exchange, Some(helpers()), None));
    assert!(matches!(has, Err(ExchangeError::HasShare(0))), "{has:?}");
    wipe(&paths[2]);
    let mut lost = start(&paths[2]);
    chain.open(payout(&chain, 1));
    assert_eq!(lost.step(&chain.view, &mut Trusting).unwrap(), []);
    assert_eq!(lost.lacking(), 1);
    drop(lost);
    chain.view.sessions.clear();

    // Nobody has asked, then the member asks, helpers wait for their operators' word.
    let idle = command(&chain, at(0), |exchange| repair(exchange, None, None)).unwrap();
    assert_eq!(idle, Progress::Waiting(vec!["repair-request".into()]));
    let ask = || command(&chain, at(2), |exchange| repair(exchange, Some(helpers()), None));
    assert!(matches!(ask().unwrap(), Progress::Waiting(files) if files.len() == 3));
    let Progress::Approve { lost, id } =
        command(&chain, at(0), |exchange| repair(exchange, None, None)).unwrap()
    else {
        panic!("helped without being told to")
    };
    assert_eq!(lost, Member(2));
    let wrong = command(&chain, at(0), |exchange| repair(exchange, None, Some([0; 32]))).unwrap();
    assert!(matches!(wrong, Progress::Approve { .. }));
    // Each command is repeated, by processes that were started anew: the files stay as they are.
    for _ in 0..2 {
        for helper in HELPERS {
            command(&chain, at(helper), |exchange| repair(exchange, None, Some(id))).unwrap();
        }
    }
    let files = || -> Vec<Vec<u8>> {
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names.iter().map(|name| fs::read(name).unwrap()).collect()
    };
    let written = files();
    for helper in HELPERS {
        let again = command(&chain, at(helper), |exchange| repair(exchange, None, None)).unwrap();
        assert_eq!(again, Progress::Repaired);
    }
    assert_eq!(files(), written);
    assert_eq!(written.len(), 1 + 2 * HELPERS.len());
    // The folder shows nothing of the share.
    assert!(!written.iter().any(|file| file.windows(32).any(|part| part == share.secret())));

    assert_eq!(ask().unwrap_or(Progress::Repaired), Progress::Repaired);
    let store = KeyStore::open(&paths[2], b"test").unwrap();
    assert_eq!(store.share(&transcript).unwrap().unwrap(), (group, share));
    drop(store);
    sign(&mut chain, &paths, &[0, 2, 3], 2);
}

#[test]
fn attack_lying_helper_of_a_repair_is_named() {
    let (directory, paths, chain) = with_key();
    let folder = directory.path().join("folder");
    let at = |index: u16| (paths[usize::from(index)].as_path(), folder.as_path());
    let repaired =
        |index: u16, id| command(&chain, at(index), |exchange| repair(exchange, None, id));
    wipe(&paths[2]);
    command(&chain, at(2), |exchange| repair(exchange, Some(helpers()), None)).unwrap();
    let Progress::Approve { id, .. } = repaired(0, None).unwrap() else { panic!("no request") };
    for helper in HELPERS {
        repaired(helper, Some(id)).unwrap();
    }
    // Member 3 sends another sum than the one it has: its file is signed, so it is its lie.
    let deals = fs::read(folder.join("repair-deal-3")).unwrap();
    for _ in 0..2 {
        for helper in HELPERS {
            repaired(helper, Some(id)).unwrap();
        }
    }
    forge::<bzk_threshold::repair::Sum>(
        &paths[3],
        &folder.join("repair-sum-3"),
        id_context(&folder),
        |sum| {
            sum.sealed.scalars[0].1 .0[31] ^= 1;
        },
    );
    let lied = repaired(2, None);
    assert!(matches!(lied, Err(ExchangeError::Repair(Failure::Lied(Member(3))))), "{lied:?}");
    // A deal that is not of its share is refused by every helper, before anything is summed.
    assert_eq!(fs::read(folder.join("repair-deal-3")).unwrap(), deals);
    forge::<bzk_threshold::repair::Deal>(
        &paths[3],
        &folder.join("repair-deal-3"),
        id_context(&folder),
        |deal| {
            deal.commitments[0] = deal.commitments[1];
        },
    );
    let lied = repaired(2, None);
    assert!(matches!(lied, Err(ExchangeError::Repair(Failure::Lied(Member(3))))), "{lied:?}");
    // What nobody has signed is said to be so.
    let mut file = fs::read(folder.join("repair-deal-1")).unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(folder.join("repair-deal-1"), &file).unwrap();
    assert!(matches!(repaired(2, None), Err(ExchangeError::Forged(_, 1))));
    fs::write(folder.join("repair-deal-1"), vec![0; 1 << 20]).unwrap();
    assert!(matches!(repaired(2, None), Err(ExchangeError::Forged(_, 1))));
}

/// Who carries the folder puts a file into it that has no end.
#[test]
fn attack_endless_request_of_a_repair_is_refused() {
    let (directory, paths, chain) = with_key();
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("repair-request")).unwrap();
    let at = (paths[0].as_path(), folder.as_path());
    let asked = command(&chain, at, |exchange| repair(exchange, None, None));
    assert!(matches!(asked, Err(ExchangeError::Forged(..))), "{asked:?}");
}

/// What the messages of the repair in this folder are signed for.
fn id_context(folder: &Path) -> [u8; 32] {
    use bzk_threshold::{envelope::Envelope, repair::Plan};
    let bytes = fs::read(folder.join("repair-request")).unwrap();
    <Envelope<Plan> as codec::DecodeAll>::decode_all(&mut &bytes[..]).unwrap().message.context()
}

/// Changes a message and signs it anew, as its dishonest sender can.
fn forge<M: codec::Encode>(
    store: &Path,
    file: &Path,
    context: [u8; 32],
    change: impl FnOnce(&mut M),
) where
    bzk_threshold::envelope::Envelope<M>: codec::DecodeAll + codec::Encode,
{
    use bzk_threshold::envelope::Envelope;
    let bytes = fs::read(file).unwrap();
    let mut envelope = <Envelope<M> as codec::DecodeAll>::decode_all(&mut &bytes[..]).unwrap();
    change(&mut envelope.message);
    let key = KeyStore::open(store, b"test").unwrap().session_key().unwrap().unwrap();
    let Envelope { sender, message, .. } = envelope;
    let sealed = Envelope::seal(&context, sender, message, &key, &mut rand_core::OsRng).unwrap();
    fs::write(file, codec::Encode::encode(&sealed)).unwrap();
}

/// All members refresh; `before` each command something may happen to them.
fn refresh_all(chain: &Chain, paths: &[PathBuf], folder: &Path) -> Outgoing {
    let run = |path: &Path| command(chain, (path, folder), |exchange| refresh(exchange, 0));
    for _ in 0..2 {
        for path in &paths[..3] {
            assert!(matches!(run(path).unwrap(), Progress::Waiting(_)));
        }
    }
    assert!(matches!(run(&paths[3]).unwrap(), Progress::Waiting(files) if files.len() == 3));
    for path in &paths[..2] {
        assert!(matches!(run(path).unwrap(), Progress::Waiting(_)));
    }
    let Progress::Confirmed(proposal) = run(&paths[2]).unwrap() else { panic!("not confirmed") };
    let Progress::Confirmed(again) = run(&paths[0]).unwrap() else { panic!("not confirmed") };
    assert_eq!(proposal, again);
    Outgoing::Refresh(proposal)
}

fn shares_on_disk(path: &Path) -> usize {
    on_disk(path, "share-")
}

fn on_disk(path: &Path, prefix: &str) -> usize {
    let names = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_str().unwrap().starts_with(prefix)).count()
}

/// Whoever steals the store after a refresh must not find what the first share was made of.
#[test]
fn attack_polynomial_is_not_found_once_the_key_is_made() {
    let (_directory, paths, mut chain) = setup();
    let mut members: Vec<MemberNode> = paths.iter().map(|path| start(path)).collect();
    for _ in 0..3 {
        round(&mut members, &mut chain);
    }
    assert!(chain.view.keys.is_empty());
    assert!(paths.iter().all(|path| on_disk(path, "polynomial-") == 1), "a restart needs it");
    for _ in 0..5 {
        round(&mut members, &mut chain);
    }
    assert_eq!(chain.view.keys.len(), 1);
    assert!(paths.iter().all(|path| on_disk(path, "polynomial-") == 0));
    drop(members);
    sign(&mut chain, &paths, &[0, 1, 3], 1);
}

/// A session is cancelled, or signed by others: its nonces do not stay in memory, and it is not begun again.
#[test]
fn nonces_go_with_their_session() {
    let (_directory, paths, mut chain) = with_key();
    let mut member = start(&paths[0]);
    chain.open(payout(&chain, 1));
    assert_eq!(member.step(&chain.view, &mut Trusting).unwrap().len(), 1);
    assert_eq!(member.attempts(), 1);
    let open = std::mem::take(&mut chain.view.sessions);
    assert_eq!(member.step(&chain.view, &mut Trusting).unwrap(), []);
    assert_eq!(member.attempts(), 0);
    // A node that lags shows it once more.
    chain.view.sessions = open;
    assert_eq!(member.step(&chain.view, &mut Trusting).unwrap(), []);
    assert_eq!(member.attempts(), 0);
}

#[test]
fn refreshed_members_sign_and_old_shares_are_gone() {
    let (directory, paths, mut chain) = with_key();
    let folder = directory.path().join("folder");
    let (key, old) = (chain.view.keys[0].key.clone(), directory.path().join("old"));
    let transcript = chain.view.keys[0].transcript;
    // A thief has a copy of a store.
    fs::create_dir(&old).unwrap();
    for entry in fs::read_dir(&paths[0]).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), old.join(entry.file_name())).unwrap();
    }
    let told = refresh_all(&chain, &paths, &folder);
    // Until the chain has it, the old shares sign, and are there.
    sign(&mut chain, &paths, &[0, 1, 2], 1);
    assert!(paths.iter().all(|path| shares_on_disk(path) == 2));
    chain.take(told);
    assert_eq!(chain.view.keys[0].key.key, key.key, "the key is the same");
    sign(&mut chain, &paths, &[1, 2, 3], 2);
    let mut first = start(&paths[0]);
    first.step(&chain.view, &mut Trusting).unwrap();
    drop(first);
    for path in &paths {
        assert_eq!(shares_on_disk(path), 1, "the old share is destroyed");
        let store = KeyStore::open(path, b"test").unwrap();
        let (group, share) = store.share(&transcript).unwrap().unwrap();
        assert_eq!(group, chain.view.keys[0].key);
        assert!(share.package(&key).is_none());
        let done = Exchange::new(&store, &chain.view.keys[0], &folder).unwrap();
        assert_eq!(refresh(&done, 0).unwrap(), Progress::Refreshed);
    }
    // The copy signs nothing, and knows why.
    let mut thief = start(&old);
    chain.open(payout(&chain, 3));
    assert_eq!(thief.step(&chain.view, &mut Trusting).unwrap(), []);
    assert_eq!(thief.lacking(), 1);
    chain.view.sessions.clear();
    drop(thief);
    // A member that was away meanwhile repairs.
    fs::remove_dir_all(&paths[0]).unwrap();
    fs::rename(&old, &paths[0]).unwrap();
    let folder = directory.path().join("repair");
    let at = |index: u16| (paths[usize::from(index)].as_path(), folder.as_path());
    let others: MemberSet = [1, 2, 3].map(Member).into_iter().collect();
    command(&chain, at(0), |exchange| repair(exchange, Some(others), None)).unwrap();
    let id = match command(&chain, at(1), |exchange| repair(exchange, None, None)).unwrap() {
        Progress::Approve { id, .. } => id,
        other => panic!("{other:?}"),
    };
    for helper in [1, 2, 3, 1, 2] {
        command(&chain, at(helper), |exchange| repair(exchange, None, Some(id))).unwrap();
    }
    let done = command(&chain, at(0), |exchange| repair(exchange, None, None)).unwrap();
    assert_eq!(done, Progress::Repaired);
    sign(&mut chain, &paths, &[0, 1, 3], 4);
}

#[test]
fn attack_wrong_deal_of_a_refresh_names_the_dealer_and_changes_nothing() {
    let (directory, paths, mut chain) = with_key();
    let folder = directory.path().join("folder");
    let run = |path: &Path| command(&chain, (path, &folder), |exchange| refresh(exchange, 0));
    for path in &paths {
        assert!(matches!(run(path).unwrap(), Progress::Waiting(_)));
    }
    let live = &chain.view.keys[0];
    let context = bzk_threshold::refresh::context(&live.transcript, &live.key, 0);
    let file = folder.join("refresh-deal-2");
    forge::<bzk_threshold::refresh::Deal>(&paths[2], &file, context, |deal| {
        deal.sealed.scalars[1].1 .0[31] ^= 1;
    });
    let lied = run(&paths[1]);
    assert!(matches!(lied, Err(ExchangeError::BadDeal(2))), "{lied:?}");
    assert!(matches!(run(&paths[0]).unwrap(), Progress::Waiting(_)));
    // A member that has confirmed other deals is named too: here member 0, which saw the forged one.
    let honest = folder.join("honest");
    fs::create_dir(&honest).unwrap();
    command(&chain, (&paths[2], &honest), |exchange| refresh(exchange, 0)).unwrap();
    fs::copy(honest.join("refresh-deal-2"), &file).unwrap();
    for path in &paths[1..] {
        run(path).unwrap();
    }
    assert!(
        matches!(run(&paths[1]), Ok(Progress::Confirmed(_))),
        "the deals differ in the seal only"
    );
    sign(&mut chain, &paths, &[0, 1, 2], 1);
}

/// The process of each member is killed between any two of its writes: whatever is left on disk, the
/// command is repeated and the member ends with the renewed share and no other.
#[test]
fn crash_at_every_write_of_a_change_over_is_made_up_for() {
    let (directory, paths, mut chain) = with_key();
    let folder = directory.path().join("folder");
    let transcript = chain.view.keys[0].transcript;
    let told = refresh_all(&chain, &paths, &folder);
    let before: Vec<(PathBuf, Vec<u8>)> = fs::read_dir(&paths[0])
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("share-"))
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    assert_eq!(before.len(), 2);
    chain.take(told);
    let live = chain.view.keys[0].clone();
    let follow = || {
        let store = KeyStore::open(&paths[0], b"test").unwrap();
        let share = store.follow(&live.transcript, &live.key).unwrap().unwrap();
        assert_eq!(store.share(&transcript).unwrap().unwrap(), (live.key.clone(), share));
        assert_eq!(shares_on_disk(&paths[0]), 1);
    };
    follow();
    let after = fs::read(paths[0].join(format!("share-{}", bzk_signer::store::hex(&transcript))));
    // Killed before anything; after the share was replaced; after others were destroyed too.
    for replaced in [false, true] {
        for (path, bytes) in &before {
            fs::write(path, bytes).unwrap();
        }
        if replaced {
            let name = format!("share-{}", bzk_signer::store::hex(&transcript));
            fs::write(paths[0].join(name), after.as_ref().unwrap()).unwrap();
        }
        follow();
    }
    sign(&mut chain, &paths, &[0, 1, 2], 1);
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
    // The fourth, which does not sign, would put the shares together.
    round(&mut members[..3], &mut chain);
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
