//! A whole group whose members are killed at every persist point while payouts are asked for: each payout
//! is signed, once, and no nonce is used twice.

use super::{group::Group, network::request, rng};
use crate::{
    bip340::recover,
    committee::Member,
    key::{GroupKey, KeyShare},
    signing::{
        aggregate::aggregate,
        message::{Message, Nonces, Shares},
        session::{Event as SessionEvent, Phase, Session},
        signer::{Action, Event, Record, Signer, Step},
    },
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use rand_chacha::{rand_core::RngCore, ChaCha20Rng};

const MEMBERS: u16 = 4;
const KILLS: u32 = 10_000;

/// Looks of all members that a payout takes at most: a schedule that starves it is a fault.
const PATIENCE: u32 = 2_000;

/// Where the process of a member can die: before each action and after the last.
const POINTS: [&str; 6] = [
    "before the attempt is on disk",
    "before the nonces leave",
    "after the nonces have left",
    "before the release is on disk",
    "before the shares leave",
    "after the shares have left",
];

struct Process {
    share: KeyShare,
    disk: Vec<Record>,
    /// None while it is dead, and its nonces with it.
    signer: Option<Signer>,
}

/// The group and what has left its machines.
struct World {
    key: GroupKey,
    transcript: [u8; 32],
    processes: Vec<Process>,
    session: Session,
    /// Sessions so far.
    asked: u64,
    nonces: BTreeMap<Member, Nonces>,
    shares: BTreeMap<Member, Shares>,
    /// Nonces that signed something, by their commitment.
    spent: BTreeSet<[u8; 33]>,
    /// How often each point has killed.
    kills: [u32; POINTS.len()],
    rng: ChaCha20Rng,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = rng(seed);
        let group = Group::new(MEMBERS, &mut rng);
        let (key, shares, transcript) = group.key(&mut rng);
        let process = |share| Process { share, disk: Vec::new(), signer: None };
        let session = Session::new(request(transcript, 0, key.threshold(), 1), MEMBERS).unwrap().0;
        Self {
            key,
            transcript,
            processes: shares.into_iter().map(process).collect(),
            session,
            asked: 0,
            nonces: BTreeMap::new(),
            shares: BTreeMap::new(),
            spent: BTreeSet::new(),
            kills: [0; POINTS.len()],
            rng,
        }
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.rng.next_u32().is_multiple_of(chances)
    }

    fn step(&mut self, event: SessionEvent<'_>) {
        let before = self.session.attempt;
        let (session, _) = self.session.clone().apply(event, recover).unwrap();
        self.session = session;
        if self.session.attempt != before {
            self.nonces.clear();
            self.shares.clear();
        }
    }

    /// Does what `member` asks for, and kills it at one of the points `first..first + 3`, or at none.
    fn execute(&mut self, member: Member, actions: Vec<Action>, first: usize) {
        let kill = (0..3).find(|_| self.one_in(6));
        for (index, action) in actions.into_iter().enumerate() {
            if kill == Some(index) {
                return self.kill(member, first + index);
            }
            match action {
                Action::Persist(record) => self.processes[member.index()].disk.push(record),
                Action::Publish(context, message) => self.publish(member, context, message),
                Action::CheckPolicy(_) => unreachable!("asked for apart"),
            }
        }
        if kill == Some(2) {
            self.kill(member, first + 2);
        }
    }

    fn kill(&mut self, member: Member, point: usize) {
        self.processes[member.index()].signer = None;
        self.kills[point] += 1;
    }

    fn publish(&mut self, member: Member, context: [u8; 32], message: Message) {
        assert_eq!(context, self.session.context(), "for the payout that is asked for");
        let (group, attempt) = (self.transcript, self.session.attempt);
        let session = self.session.request.session;
        let on_disk = |process: &Process, step| {
            process.disk.contains(&Record { group, session, attempt, step })
        };
        match message {
            Message::Nonces(nonces) => {
                assert!(on_disk(&self.processes[member.index()], Step::Started));
                self.step(SessionEvent::Nonces(member, &nonces));
                self.nonces.insert(member, nonces);
            }
            Message::Shares(shares) => {
                assert!(on_disk(&self.processes[member.index()], Step::Released));
                let hiding = self.nonces[&member][0].hiding.0;
                assert!(self.spent.insert(hiding), "a nonce was used twice");
                self.step(SessionEvent::Shares(member, &shares));
                self.shares.insert(member, shares);
            }
            Message::Report(_) => unreachable!("signers do not report"),
        }
    }

    fn tell(&mut self, member: Member, event: Event) -> Vec<Action> {
        let process = &mut self.processes[member.index()];
        let signer = process.signer.take().unwrap();
        let (signer, actions) = signer.apply(event, &mut self.rng);
        process.signer = Some(signer);
        actions
    }

    /// A member looks at the chain. Returns whether anything has left it.
    fn look(&mut self, member: Member) -> bool {
        if self.processes[member.index()].signer.is_none() {
            if self.one_in(2) {
                return false;
            }
            let process = &mut self.processes[member.index()];
            let log = process.disk.iter().copied();
            process.signer = Signer::new(self.transcript, &self.key, &process.share, log);
        }
        let (phase, attempt) = (self.session.phase, self.session.attempt);
        if self.session.expects(member, phase).is_err() {
            return false;
        }
        let request = self.session.request.clone();
        let session = request.session;
        let before = (self.nonces.len(), self.shares.len());
        if phase == Phase::Committing {
            let actions = self.tell(member, Event::Opened(request, attempt));
            self.execute(member, actions, 0);
        } else {
            let nonces = self.nonces.clone().into_iter().collect();
            let asked = self.tell(member, Event::Selected { session, attempt, nonces });
            if !asked.is_empty() {
                assert_eq!(asked, [Action::CheckPolicy(request)]);
                let actions = self.tell(member, Event::Approved { session, attempt });
                self.execute(member, actions, 3);
            }
        }
        (self.nonces.len(), self.shares.len()) != before
    }

    /// Opens a session for a payout: the first, or another one because nobody came to the last.
    fn ask(&mut self) {
        self.asked += 1;
        let request = request(self.transcript, self.asked, self.key.threshold(), 1);
        self.session = Session::new(request, MEMBERS).unwrap().0;
        self.nonces.clear();
        self.shares.clear();
    }

    /// The members sign a payout; whoever looks first is left to chance.
    fn pay(&mut self) {
        self.ask();
        for _ in 0..PATIENCE {
            if self.session.phase == Phase::Failed {
                self.ask();
            }
            let first = self.rng.next_u32() as u16 % MEMBERS;
            let looks = (0..MEMBERS).map(|index| Member((first + index) % MEMBERS));
            let moved = looks.map(|member| self.look(member)).fold(false, |a, b| a | b);
            if self.session.phase == Phase::Sharing && self.session.shared == self.session.signers {
                let request = self.session.request.clone();
                let public = self.key.public_package(self.session.signers.iter()).unwrap();
                let signatures = aggregate(&request, &public, &self.nonces, &self.shares).unwrap();
                let key = self.key.clone();
                self.step(SessionEvent::Signatures(&signatures, &key));
                assert!(request.verify(recover, &key.key, &signatures));
                // Paid, and once: the session takes nothing more.
                assert_eq!(self.session.phase, Phase::Signed);
                for member in (0..MEMBERS).map(Member) {
                    assert!(!self.look(member));
                }
                return;
            }
            if !moved {
                self.step(SessionEvent::TimedOut);
            }
        }
        panic!("the payout of session {} is lost", self.asked);
    }
}

#[test]
fn crash_members_ten_thousand_times_pays_every_payout_once() {
    let mut world = World::new(1);
    let mut payouts = 0u64;
    while world.kills.iter().sum::<u32>() < KILLS {
        payouts += 1;
        world.pay();
    }
    for (point, kills) in POINTS.iter().zip(world.kills) {
        assert!(kills > 500, "{kills} kills {point}");
    }
    assert!(payouts > 150, "{payouts} payouts");
    assert!(world.spent.len() as u64 >= payouts * u64::from(world.key.threshold()));
    std::println!("{payouts} payouts, {} sessions, kills by point: {:?}", world.asked, world.kills);
}
