//! Real processes, really killed: the log and the lock of the store.

use bzk_signer::{
    executor::{execute, Outbox, Policy},
    store::{hex, KeyStore, StoreError},
};
use bzk_threshold::{
    bip340::SecretKey,
    committee::{Committee, Member},
    dkg::{
        message::{Message as DkgMessage, Round1, Round2},
        participant::{Action, Event as DkgEvent, Participant},
    },
    key::{GroupKey, KeyShare},
    signing::{
        message::{Message, NoncePair},
        request::{Input, Request},
        signer::{Event, Signer, Step},
        SecretNonces,
    },
};
use codec::Encode;
use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

const PASSPHRASE: &[u8] = b"test";
const ME: Member = Member(0);
const PEER: Member = Member(1);

/// How often the process is killed. Fewer by default than the 200: each takes half a second.
fn kills() -> u32 {
    env::var("BZK_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(20)
}

/// A key of two members: both shares.
fn make_key() -> ([u8; 32], GroupKey, Vec<KeyShare>) {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let keys = [SecretKey::random(&mut rng), SecretKey::random(&mut rng)];
    let members = keys.iter().map(SecretKey::public).collect::<Vec<_>>().try_into().unwrap();
    let committee = Committee { genesis: [1; 32], epoch: 0, attempt: 0, members };
    let published = |mut actions: Vec<Action>| match actions.pop() {
        Some(Action::Publish(message)) => message,
        other => panic!("{other:?} is not published"),
    };
    let mut machines = Vec::new();
    let mut round1: Vec<Round1> = Vec::new();
    for member in [ME, PEER] {
        let (machine, actions) = Participant::begin(committee.clone(), member, &mut rng).unwrap();
        machines.push(machine);
        let DkgMessage::Round1(message) = published(actions) else { panic!("no commitment") };
        round1.push(message);
    }
    let mut shared = Vec::new();
    let mut round2: Vec<Round2> = Vec::new();
    for (machine, key) in machines.into_iter().zip(&keys) {
        let event = DkgEvent::Commitments(&round1);
        let (machine, actions) = machine.apply(event, key, &mut rng).unwrap();
        shared.push(machine);
        let DkgMessage::Round2(message) = published(actions) else { panic!("no shares") };
        round2.push(message);
    }
    let mut result = None;
    let mut shares = Vec::new();
    for (machine, key) in shared.into_iter().zip(&keys) {
        let (_, mut actions) = machine.apply(DkgEvent::Shares(&round2), key, &mut rng).unwrap();
        let Some(Action::Publish(DkgMessage::Confirm(transcript))) = actions.pop() else {
            panic!("not confirmed")
        };
        let Some(Action::StoreShare(group, share)) = actions.pop() else { panic!("not stored") };
        result = Some((transcript, group));
        shares.push(share);
    }
    let (transcript, group) = result.unwrap();
    (transcript, group, shares)
}

/// What has left the process, written down like a network would: survives the kill.
struct Wire {
    file: fs::File,
    /// Our commitments of the attempt, for the selection that the test's chain makes.
    last: Option<NoncePair>,
    attempt: u16,
}

impl Outbox for Wire {
    fn send(&mut self, _: [u8; 32], message: Message) {
        let line = match message {
            Message::Nonces(nonces) => {
                self.last = nonces.first().copied();
                format!("nonces {} {}\n", self.attempt, hex(&nonces[0].hiding.0))
            }
            Message::Shares(shares) => {
                let nonce = self.last.expect("shares follow nonces");
                format!("shares {} {} {}\n", self.attempt, hex(&nonce.hiding.0), hex(&shares[0].0))
            }
            Message::Report(_) => unreachable!("signers do not report"),
        };
        // One write, so that a kill leaves a line whole or not at all.
        self.file.write_all(line.as_bytes()).unwrap();
    }
}

impl Policy for Wire {
    fn allows(&mut self, _: &Request) -> bool {
        true
    }
}

/// The process that is killed: signs attempt after attempt until it is. Attempts are those after the
/// last one that anybody has seen *or one that was seen already*, as a lying node would have it.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child() {
    let Some(directory) = env::var_os("BZK_SIGNER_TEST_STORE").map(PathBuf::from) else {
        return;
    };
    let mut store = KeyStore::open(&directory, PASSPHRASE).unwrap();
    let (transcript, group, shares) = make_key();
    let (stored_group, share) = store.share(&transcript).unwrap().unwrap();
    assert_eq!((&stored_group, &share), (&group, &shares[0]));
    let peer = shares[1].package(&group).unwrap();
    let log = store.log().records().to_vec();
    let mut signer = Signer::new(transcript, &group, &share, log.clone()).unwrap();
    let file =
        fs::OpenOptions::new().create(true).append(true).open(directory.join("wire")).unwrap();
    let first = log.last().map_or(0, |record| record.attempt.saturating_sub(2));
    let mut wire = Wire { file, last: None, attempt: first };
    let inputs = vec![Input { sighash: [9; 32], root: None }].try_into().unwrap();
    let request = Request { group: transcript, session: 1, required: 2, inputs };
    for attempt in first..u16::MAX {
        (wire.attempt, wire.last) = (attempt, None);
        let mut policy = Wire { file: wire.file.try_clone().unwrap(), last: None, attempt };
        let event = Event::Opened(request.clone(), attempt);
        signer = execute(signer, event, &mut store, &mut wire, &mut policy).unwrap();
        let Some(ours) = wire.last else { continue };
        let (_, theirs) = SecretNonces::draw(1, &peer, &mut rand_core::OsRng).unwrap();
        let nonces = vec![(ME, vec![ours].try_into().unwrap()), (PEER, theirs)];
        let event = Event::Selected { session: 1, attempt, nonces };
        signer = execute(signer, event, &mut store, &mut wire, &mut policy).unwrap();
    }
}

fn start(directory: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored"])
        .env("BZK_SIGNER_TEST_STORE", directory)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn wire(directory: &Path) -> String {
    fs::read_to_string(directory.join("wire")).unwrap_or_default()
}

#[test]
fn crash_of_real_processes_spends_no_nonce_twice() {
    let directory = tempfile::tempdir().unwrap();
    let (transcript, group, shares) = make_key();
    KeyStore::open(directory.path(), PASSPHRASE)
        .unwrap()
        .put_share(&transcript, &group, &shares[0])
        .unwrap();

    for kill in 0..kills() {
        let lines = || wire(directory.path()).lines().count();
        // Killed some way into the messages of its life: the point within one is arbitrary.
        let enough = lines() + 1 + kill as usize % 5;
        let mut child = start(directory.path());
        let deadline = Instant::now() + Duration::from_secs(120);
        while lines() < enough {
            assert!(Instant::now() < deadline, "the signer does nothing");
            assert!(child.try_wait().unwrap().is_none(), "the signer has stopped");
            sleep(Duration::from_micros(u64::from(kill) * 377 % 2_000));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    let mut store = KeyStore::open(directory.path(), PASSPHRASE).unwrap();
    let records: BTreeSet<_> = store.log().records().iter().map(Encode::encode).collect();
    let on_disk = |attempt: u16, step| {
        let record =
            bzk_threshold::signing::signer::Record { group: transcript, session: 1, attempt, step };
        records.contains(&record.encode())
    };
    let (mut published, mut released) = (BTreeMap::new(), BTreeSet::new());
    for line in wire(directory.path()).lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let attempt: u16 = fields[1].parse().unwrap();
        match fields[0] {
            "nonces" => {
                assert!(on_disk(attempt, Step::Started));
                let again = published.insert(attempt, fields[2].to_owned());
                assert_eq!(again, None, "attempt {attempt} began twice");
            }
            _ => {
                assert!(on_disk(attempt, Step::Released));
                assert_eq!(published[&attempt], fields[2]);
                assert!(released.insert(fields[2].to_owned()), "a nonce was used twice");
            }
        }
    }
    let nonces: BTreeSet<_> = published.values().collect();
    assert_eq!(nonces.len(), published.len(), "nonces are never drawn twice");
    assert!(released.len() as u32 >= kills() / 2, "{} shares released", released.len());
}

#[test]
fn attack_second_process_on_a_store_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (transcript, group, shares) = make_key();
    let store = KeyStore::open(directory.path(), PASSPHRASE).unwrap();
    store.put_share(&transcript, &group, &shares[0]).unwrap();
    // In one process.
    let second = KeyStore::open(directory.path(), PASSPHRASE).err();
    assert!(matches!(second, Some(StoreError::Locked(_))), "{second:?}");
    // In another one.
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored"])
        .env("BZK_SIGNER_TEST_STORE", directory.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Locked"), "{output:?}");
    assert_eq!(wire(directory.path()), "");
    // A kill ends the lock: no stale file stops the next start.
    drop(store);
    let mut child = start(directory.path());
    let deadline = Instant::now() + Duration::from_secs(60);
    while wire(directory.path()).is_empty() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(1));
    }
    assert!(KeyStore::open(directory.path(), PASSPHRASE).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(KeyStore::open(directory.path(), PASSPHRASE).is_ok());
}

#[test]
fn secrets_survive_and_need_the_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    let (transcript, group, shares) = make_key();
    let public = {
        let store = KeyStore::open(directory.path(), PASSPHRASE).unwrap();
        assert!(store.session_key().unwrap().is_none());
        store.put_share(&transcript, &group, &shares[0]).unwrap();
        let public = store.create_session_key().unwrap().public();
        assert!(matches!(store.create_session_key(), Err(StoreError::HasKey)));
        public
    };
    {
        let store = KeyStore::open(directory.path(), PASSPHRASE).unwrap();
        assert_eq!(store.session_key().unwrap().unwrap().public(), public);
        assert_eq!(store.share(&transcript).unwrap().unwrap(), (group, shares[0].clone()));
        assert!(store.share(&[0; 32]).unwrap().is_none());
        assert!(store.polynomial(&[0; 32]).unwrap().is_none());
    }
    let other = KeyStore::open(directory.path(), b"guess").unwrap();
    assert!(matches!(other.session_key(), Err(StoreError::Seal(_))));
    // Nobody else can try passphrases.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let made = directory.path().join("made");
    KeyStore::open(&made, PASSPHRASE).unwrap().create_session_key().unwrap();
    assert_eq!((mode(&made), mode(&made.join("session-key"))), (0o700, 0o600));
    fs::remove_dir_all(&made).unwrap();
    // Nothing in the directory shows the share.
    for entry in fs::read_dir(directory.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(32).any(|window| window == shares[0].secret()));
    }
}
