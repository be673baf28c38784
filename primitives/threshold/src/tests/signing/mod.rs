//! One file per event of a session.

mod nonces;
mod report;
mod shares;
mod signatures;
mod timed_out;

use super::{group::Group, network::request, rng};
use crate::{
    bip340::recover,
    committee::{Member, MemberSet},
    fault::{Blame, Fault},
    key::{GroupKey, KeyShare},
    refusal::Refusal,
    signing::{
        message::{Message, Nonces, Shares, SignerNonces},
        session::{Action, Event, Phase, Session},
        signer::{self, Signer},
    },
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use rand_chacha::ChaCha20Rng;

/// Four members, three of whom sign two inputs.
struct Fixture {
    rng: ChaCha20Rng,
    group: Group,
    key: GroupKey,
    key_shares: Vec<KeyShare>,
    session: Session,
    signers: BTreeMap<Member, Signer>,
    nonces: BTreeMap<Member, Nonces>,
    shares: BTreeMap<Member, Shares>,
}

impl Fixture {
    fn new() -> Self {
        let mut rng = rng(1);
        let group = Group::new(4, &mut rng);
        let (key, key_shares, transcript) = group.key(&mut rng);
        let (session, _) = Session::new(request(transcript, 1, 3, 2), 4).unwrap();
        let (signers, nonces, shares) = Default::default();
        Self { rng, group, key, key_shares, session, signers, nonces, shares }
    }

    /// Members 0, 1 and 2 have committed.
    fn committed() -> Self {
        let mut fixture = Self::new();
        for index in 0..3 {
            fixture.commit(Member(index)).unwrap();
        }
        fixture
    }

    /// Members 0, 1 and 2 have sent their shares.
    fn shared() -> Self {
        let mut fixture = Self::committed();
        for index in 0..3 {
            fixture.share(Member(index)).unwrap();
        }
        fixture
    }

    fn apply(&mut self, event: Event<'_>) -> Result<Vec<Action>, Refusal> {
        let (session, actions) = self.session.clone().apply(event, recover)?;
        self.session = session;
        Ok(actions)
    }

    /// Commitments of `member` for the current attempt.
    fn draw(&mut self, member: Member) -> Nonces {
        let request = self.session.request.clone();
        let share = &self.key_shares[member.index()];
        let signer = Signer::new(request.group, &self.key, share, []).unwrap();
        let event = signer::Event::Opened(request, self.session.attempt);
        let (signer, mut actions) = signer.apply(event, &mut self.rng);
        self.signers.insert(member, signer);
        match actions.pop() {
            Some(signer::Action::Publish(_, Message::Nonces(nonces))) => nonces,
            other => panic!("{other:?}: no nonces"),
        }
    }

    fn commit(&mut self, member: Member) -> Result<Vec<Action>, Refusal> {
        let nonces = self.draw(member);
        self.nonces.insert(member, nonces.clone());
        self.apply(Event::Nonces(member, &nonces))
    }

    fn selected(&self) -> SignerNonces {
        self.nonces.iter().map(|(member, nonces)| (*member, nonces.clone())).collect()
    }

    /// Shares of `member` for the signers of the current attempt.
    fn sign(&mut self, member: Member) -> Shares {
        let (session, attempt) = (self.session.request.session, self.session.attempt);
        let nonces = self.selected();
        let signer = self.signers.remove(&member).unwrap();
        let event = signer::Event::Selected { session, attempt, nonces };
        let (signer, _) = signer.apply(event, &mut self.rng);
        let (_, mut actions) =
            signer.apply(signer::Event::Approved { session, attempt }, &mut self.rng);
        match actions.pop() {
            Some(signer::Action::Publish(_, Message::Shares(shares))) => shares,
            other => panic!("{other:?}: no shares"),
        }
    }

    fn share(&mut self, member: Member) -> Result<Vec<Action>, Refusal> {
        let shares = self.sign(member);
        self.shares.insert(member, shares.clone());
        self.apply(Event::Shares(member, &shares))
    }
}

fn blame(member: u16, fault: Fault) -> Action {
    Action::Blame(Blame { member: Member(member), fault })
}
