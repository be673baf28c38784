//! A signer that is killed at every point: no nonce is used twice, and it still signs.

use super::{group::Group, network::request, rng};
use crate::{
    bip340::recover,
    committee::Member,
    element::{Point, Scalar},
    key::GroupKey,
    signing::{
        aggregate::aggregate,
        message::{Message, NoncePair, Nonces, Shares, SignerNonces},
        request::Request,
        signer::{Action, Event, Record, Signer, Step},
        SecretNonces,
    },
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use rand_chacha::{rand_core::RngCore, ChaCha20Rng};

const ME: Member = Member(0);
const PEER: Member = Member(1);

/// Every share that ever left, by the commitment of the nonce it spent.
#[derive(Default)]
struct Ledger(BTreeMap<[u8; 33], (Vec<u8>, Shares)>);

impl Ledger {
    /// Notes a release. False when the nonce was spent before for anything.
    fn release(&mut self, ours: &NoncePair, package: Vec<u8>, shares: Shares) -> bool {
        self.0.insert(ours.hiding.0, (package, shares)).is_none()
    }
}

/// What survives a kill: the disk and what has left the machine.
struct World {
    disk: Vec<Record>,
    ledger: Ledger,
    /// Commitments that left, by session and attempt, newest last.
    published: BTreeMap<(u64, u16), Vec<Nonces>>,
}

struct Killed;

impl World {
    /// Does what the signer asks, killed before action `kill` if there is one.
    fn execute(
        &mut self,
        actions: Vec<Action>,
        request: &Request,
        attempt: u16,
        nonces: Option<&SignerNonces>,
        kill: Option<usize>,
    ) -> Result<(), Killed> {
        for (index, action) in actions.into_iter().enumerate() {
            if kill == Some(index) {
                return Err(Killed);
            }
            let on_disk = |disk: &[Record], step| {
                let (group, session) = (request.group, request.session);
                disk.contains(&Record { group, session, attempt, step })
            };
            match action {
                Action::Persist(record) => self.disk.push(record),
                Action::Publish(context, Message::Nonces(nonces)) => {
                    assert_eq!(context, request.digest(attempt));
                    assert!(on_disk(&self.disk, Step::Started), "commitments before the log");
                    self.published.entry((request.session, attempt)).or_default().push(nonces);
                }
                Action::Publish(_, Message::Shares(shares)) => {
                    assert!(on_disk(&self.disk, Step::Released), "shares before the log");
                    let nonces = nonces.expect("shares need selected nonces");
                    let ours = &nonces.iter().find(|(member, _)| *member == ME).unwrap().1;
                    let package = codec::Encode::encode(&(request, nonces));
                    assert!(
                        self.ledger.release(&ours[0], package, shares),
                        "a nonce was used twice in session {} attempt {attempt}",
                        request.session
                    );
                }
                Action::CheckPolicy(_) => {}
                Action::Publish(_, Message::Report(_)) => unreachable!("signers do not report"),
            }
        }
        Ok(())
    }
}

fn kill(rng: &mut ChaCha20Rng) -> Option<usize> {
    // Before the first or the second action; after both is before the first of the next event.
    Some(rng.next_u32() as usize % 4).filter(|point| *point < 3)
}

/// Runs `cycles` lives of a signer, each ended by a kill at a random point. The node lies as it
/// likes: it repeats events, shows attempts again after a restart, and selects the same attempt with
/// different nonces. Every 16th life begins with a disk that has lost its tail.
fn live(cycles: u32, seed: u64) -> (World, u32) {
    let mut rng = rng(seed);
    let group = Group::new(2, &mut rng);
    let (key, shares, transcript): (GroupKey, _, _) = group.key(&mut rng);
    let peer_key = shares[PEER.index()].package(&key).unwrap();
    let public = key.public_package([ME, PEER]).unwrap();
    let mut world =
        World { disk: Vec::new(), ledger: Ledger::default(), published: BTreeMap::new() };
    let (mut session, mut attempt, mut signed) = (0u64, 0u16, 0u32);

    for cycle in 0..cycles {
        if cycle % 16 == 15 {
            let lost = rng.next_u32() as usize % 4;
            world.disk.truncate(world.disk.len().saturating_sub(lost));
        }
        let share = &shares[ME.index()];
        let mut signer = Signer::new(transcript, &key, share, world.disk.clone()).unwrap();
        // A life: a few attempts, until killed.
        'life: for _ in 0..4 {
            let request = request(transcript, session, 2, 1);
            for _ in 0..=(rng.next_u32() % 2) {
                let (next, actions) =
                    signer.apply(Event::Opened(request.clone(), attempt), &mut rng);
                signer = next;
                let kill = kill(&mut rng);
                if world.execute(actions, &request, attempt, None, kill).is_err() {
                    break 'life;
                }
            }
            // The node selects twice, with commitments of ours that left at any time.
            let ours = world.published.get(&(session, attempt)).cloned().unwrap_or_default();
            let mut accepted = None;
            for _ in 0..2 {
                let Some(ours) = ours.iter().rev().nth(rng.next_u32() as usize % 2) else { break };
                let (peer_secret, peer) = SecretNonces::draw(1, &peer_key, &mut rng).unwrap();
                let nonces = vec![(ME, ours.clone()), (PEER, peer)];
                let event = Event::Selected { session, attempt, nonces: nonces.clone() };
                let (next, actions) = signer.apply(event, &mut rng);
                signer = next;
                if !actions.is_empty() {
                    assert!(accepted.is_none(), "one set of signers per attempt");
                    accepted = Some((nonces, peer_secret));
                }
            }
            for _ in 0..2 {
                let (next, actions) = signer.apply(Event::Approved { session, attempt }, &mut rng);
                signer = next;
                let (nonces, kill) = (accepted.as_ref().map(|(nonces, _)| nonces), kill(&mut rng));
                if world.execute(actions, &request, attempt, nonces, kill).is_err() {
                    break 'life;
                }
            }
            if let Some((nonces, peer)) = accepted {
                let Some((_, ours)) = world.ledger.0.get(&nonces[0].1[0].hiding.0) else {
                    continue 'life;
                };
                let theirs = peer.sign(&request, &peer_key, &nonces).unwrap();
                let shares = [(ME, ours.clone()), (PEER, theirs)].into();
                let nonces = nonces.into_iter().collect();
                let signatures = aggregate(&request, &public, &nonces, &shares).unwrap();
                assert!(request.verify(recover, &key.key, &signatures));
                signed += 1;
            }
            if rng.next_u32().is_multiple_of(8) {
                (session, attempt) = (session + 1, 0);
            } else {
                attempt += 1;
            }
        }
        // Whoever is killed comes back to the same attempt or to a later one.
        attempt += (rng.next_u32() % 2) as u16;
        if attempt > 500 {
            (session, attempt) = (session + 1, 0);
        }
    }
    (world, signed)
}

#[test]
fn crash_ten_thousand_times_spends_no_nonce_twice() {
    let (world, signed) = live(10_000, 1);
    // The test shows something only if attempts were cut short, repeated and finished.
    assert!(signed > 1_000, "{signed} signatures");
    assert!(world.ledger.0.len() >= signed as usize);
    let published: usize = world.published.values().map(Vec::len).sum();
    assert!(published > world.ledger.0.len(), "some nonces die with the signer");
    assert!(
        world.published.values().any(|nonces| nonces.len() > 1),
        "a disk without its tail begins an attempt again, with other nonces"
    );
}

#[test]
fn crash_detector_sees_a_second_use() {
    let mut rng = rng(2);
    let group = Group::new(2, &mut rng);
    let (_, shares, _) = group.key(&mut rng);
    let mut ledger = Ledger::default();
    let pair = NoncePair { hiding: Point([2; 33]), binding: Point([3; 33]) };
    let share: Shares = vec![Scalar(*shares[0].secret())].try_into().unwrap();
    assert!(ledger.release(&pair, vec![1], share.clone()));
    assert!(!ledger.release(&pair, vec![2], share));
}

/// After a restart the member sits the attempt out and takes part in the next.
#[test]
fn crash_after_commitment_abstains_until_the_next_attempt() {
    let mut rng = rng(3);
    let group = Group::new(2, &mut rng);
    let (key, shares, transcript) = group.key(&mut rng);
    let request = request(transcript, 5, 2, 3);
    let signer = |log: Vec<Record>| Signer::new(transcript, &key, &shares[0], log).unwrap();
    let (_, actions) = signer(vec![]).apply(Event::Opened(request.clone(), 2), &mut rng);
    let [Action::Persist(record), Action::Publish(..)] = actions[..] else {
        panic!("{actions:?}: persist, then publish")
    };
    let restarted = signer(vec![record]);
    for attempt in 0..=2 {
        let (_, actions) =
            signer(vec![record]).apply(Event::Opened(request.clone(), attempt), &mut rng);
        assert_eq!(actions, [], "attempt {attempt} is known");
    }
    let (_, actions) = restarted.apply(Event::Opened(request, 3), &mut rng);
    assert_eq!(actions.len(), 2);
}
