//! A runtime with this pallet, and members that run the secret machines against it.

use crate::{self as pallet_threshold, possession_message, Electorate};
use bzk_threshold::{
    bip340::SecretKey,
    committee::Member,
    dkg::{
        ceremony::Phase,
        message::Message as DkgMessage,
        participant::{self, Participant},
    },
    element::{Point, Signature, XOnly},
    envelope::Envelope,
    key::{GroupKey, KeyShare},
    service::OnSigning,
    signing::{
        aggregate::{aggregate, Failure},
        message::{Message as SigningMessage, Report, SignerNonces},
        session::Phase as SigningPhase,
        signer::{self, Signer},
    },
};
use frame_support::{derive_impl, parameter_types, traits::Hooks};
use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};
use sp_runtime::{
    traits::Dispatchable,
    transaction_validity::{TransactionSource, TransactionValidityError},
    BuildStorage, Perbill,
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

frame_support::construct_runtime!(
    pub enum Test {
        System: frame_system,
        Balances: pallet_balances,
        Threshold: pallet_threshold,
    }
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
    type Block = frame_system::mocking::MockBlock<Test>;
    type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
    type AccountStore = System;
}

parameter_types! {
    pub static Elected: Vec<u64> = vec![];
    pub static Signed: Vec<(u64, Vec<Signature>)> = vec![];
    pub static FailedSessions: Vec<u64> = vec![];
    pub static Adopted: Vec<(u32, XOnly)> = vec![];
    /// Most members: as many as a test has, six at least.
    pub static MaxCommittee: u16 = 6;
    /// Deadlines that a member may miss.
    pub static MaxMisses: u32 = 2;
    pub const SlashFraction: Perbill = Perbill::from_percent(50);
    pub const MinParticipation: Perbill = Perbill::from_percent(60);
}

impl Electorate<u64> for Elected {
    fn elected() -> Vec<u64> {
        Self::get()
    }
    #[cfg(feature = "runtime-benchmarks")]
    fn elect(accounts: Vec<u64>) {
        Self::set(accounts);
    }
}

/// Writes down what it hears.
pub struct Listener;

impl OnSigning for Listener {
    fn signed(session: u64, signatures: Vec<Signature>) {
        Signed::mutate(|signed| signed.push((session, signatures)));
    }
    fn failed(session: u64) {
        FailedSessions::mutate(|failed| failed.push(session));
    }
    fn key_adopted(epoch: u32, key: XOnly) {
        Adopted::mutate(|adopted| adopted.push((epoch, key)));
    }
}

pub(crate) const BOND: u64 = 1_000;

impl pallet_threshold::Config for Test {
    type Currency = Balances;
    type RuntimeHoldReason = RuntimeHoldReason;
    type Electorate = Elected;
    type AdminOrigin = frame_system::EnsureRoot<u64>;
    type Slashed = ();
    type OnSigning = Listener;
    type MaxCommittee = MaxCommittee;
    type Bond = frame_support::traits::ConstU64<BOND>;
    type SlashFraction = SlashFraction;
    type MaxMisses = MaxMisses;
    type DkgBlocks = frame_support::traits::ConstU64<10>;
    type SigningBlocks = frame_support::traits::ConstU64<3>;
    type UnbondingBlocks = frame_support::traits::ConstU64<100>;
    type MinParticipation = MinParticipation;
    type MaxSessions = frame_support::traits::ConstU32<3>;
    type WeightInfo = ();
}

thread_local! {
    static RNG: RefCell<ChaCha20Rng> = RefCell::new(ChaCha20Rng::seed_from_u64(1));
    /// Every nonce commitment that the chain has taken.
    static NONCES: RefCell<BTreeSet<Point>> = const { RefCell::new(BTreeSet::new()) };
}

/// Something random, the same in every run of a test.
pub(crate) fn with_rng<R>(f: impl FnOnce(&mut ChaCha20Rng) -> R) -> R {
    RNG.with(|rng| f(&mut rng.borrow_mut()))
}

/// The session key of `account`.
pub(crate) fn session_key(account: u64) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[24..].copy_from_slice(&account.to_be_bytes());
    SecretKey::from_bytes(&bytes).unwrap()
}

pub(crate) fn register(account: u64) -> sp_runtime::DispatchResult {
    let key = session_key(account);
    let message = possession_message(&Threshold::genesis(), &account);
    let possession = with_rng(|rng| key.sign(&message, rng)).unwrap();
    Threshold::register(RuntimeOrigin::signed(account), key.public(), possession)
}

/// A chain on which the accounts 1 to 40 can pay bonds.
pub(crate) fn new_test_ext() -> sp_io::TestExternalities {
    let balances = (1..=40).map(|account| (account, 10 * BOND)).collect();
    let genesis = RuntimeGenesisConfig {
        system: Default::default(),
        balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
    };
    genesis.build_storage().unwrap().into()
}

/// Runs `test` with the accounts 1 to `n` registered and elected, then checks every invariant.
pub(crate) fn run(n: u64, test: impl FnOnce()) {
    RNG.with(|rng| *rng.borrow_mut() = ChaCha20Rng::seed_from_u64(n));
    NONCES.with(|nonces| nonces.borrow_mut().clear());
    // A test may run several chains on one thread.
    Signed::set(Vec::new());
    FailedSessions::set(Vec::new());
    Adopted::set(Vec::new());
    MaxCommittee::set(n.max(6) as u16);
    MaxMisses::set(2);
    new_test_ext().execute_with(|| {
        System::set_block_number(1);
        for account in 1..=n {
            register(account).unwrap();
        }
        Elected::set((1..=n).collect());
        test();
        Threshold::check_state().unwrap();
    });
}

/// Goes on by `blocks` blocks and checks the invariants after each.
pub(crate) fn pass(blocks: u64) {
    for _ in 0..blocks {
        Threshold::check_state().unwrap();
        let next = System::block_number() + 1;
        System::set_block_number(next);
        Threshold::on_initialize(next);
        Threshold::check_state().unwrap();
    }
}

/// Sends `call` as a general transaction: authorised, then dispatched. No nonce may come twice.
pub(crate) fn submit(call: crate::Call<Test>) -> Result<(), TransactionValidityError> {
    let nonces = match &call {
        crate::Call::sign { envelope, .. } => match &envelope.message {
            SigningMessage::Nonces(nonces) => nonces.to_vec(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    let call = RuntimeCall::Threshold(call);
    use frame_support::traits::Authorize;
    call.authorize(TransactionSource::External).expect("every message is authorised")?;
    for point in nonces.iter().flat_map(|pair| [pair.hiding, pair.binding]) {
        assert!(NONCES.with(|seen| seen.borrow_mut().insert(point)), "a nonce is used twice");
    }
    let origin = frame_system::RawOrigin::Authorized.into();
    call.dispatch(origin).expect("what is authorised can be applied");
    Threshold::check_state().unwrap();
    Ok(())
}

pub(crate) fn owner(key: &XOnly) -> u64 {
    crate::SessionKeys::<Test>::get(key).unwrap()
}

pub(crate) fn seal_dkg(member: Member, message: DkgMessage) -> Envelope<DkgMessage> {
    let committee = Threshold::ceremony().unwrap().committee;
    let key = session_key(owner(committee.key(member).unwrap()));
    with_rng(|rng| Envelope::seal(&committee.digest(), member, message, &key, rng)).unwrap()
}

pub(crate) fn send_dkg(
    member: Member,
    message: DkgMessage,
) -> Result<(), TransactionValidityError> {
    submit(crate::Call::dkg { envelope: seal_dkg(member, message) })
}

/// What a member of a ceremony does instead of the protocol: changes or drops its messages.
pub(crate) type Tamper<'a> = &'a dyn Fn(u64, DkgMessage) -> Option<DkgMessage>;

/// The shares of a key by member.
pub(crate) type Shares = BTreeMap<u32, Vec<KeyShare>>;

/// Members with their machines.
#[derive(Default)]
pub(crate) struct Members {
    participants: BTreeMap<Member, Participant>,
    fresh: BTreeMap<Member, KeyShare>,
    pub(crate) shares: Shares,
}

impl Members {
    /// The members do what the phase asks for, in their order, until it changes.
    pub(crate) fn act(&mut self, tamper: Tamper<'_>) {
        let ceremony = Threshold::ceremony().unwrap();
        let (committee, phase) = (&ceremony.committee, ceremony.phase);
        let attempt = (committee.epoch, committee.attempt);
        if phase == Phase::Commitments {
            self.fresh.clear();
        }
        let read = |member: Member| (member, session_key(owner(committee.key(member).unwrap())));
        for (member, key) in (0..committee.size()).map(Member).map(read) {
            let actions = match phase {
                Phase::Commitments => {
                    let (participant, actions) =
                        with_rng(|rng| Participant::begin(committee.clone(), member, rng)).unwrap();
                    self.participants.insert(member, participant);
                    actions
                }
                Phase::Shares => {
                    let all = (0..committee.size())
                        .map(|index| crate::Commitments::<Test>::get(Member(index)).unwrap());
                    let all: Vec<_> = all.collect();
                    self.tell(member, participant::Event::Commitments(&all), &key)
                }
                Phase::Confirmation => {
                    let all = (0..committee.size())
                        .map(|index| crate::EncryptedShares::<Test>::get(Member(index)).unwrap());
                    let all: Vec<_> = all.collect();
                    self.tell(member, participant::Event::Shares(&all), &key)
                }
                Phase::Testing => return self.test_key(),
                Phase::Adopted | Phase::Failed => unreachable!("such ceremonies are not stored"),
            };
            for action in actions {
                match action {
                    participant::Action::StorePolynomial(_) => {}
                    participant::Action::StoreShare(_, share) => {
                        self.fresh.insert(member, share);
                    }
                    participant::Action::Publish(message) => {
                        let account = owner(committee.key(member).unwrap());
                        if let Some(message) = tamper(account, message) {
                            send_dkg(member, message).unwrap();
                        }
                    }
                }
            }
            let now = Threshold::ceremony().map(|ceremony| ceremony.committee);
            if now.map(|now| (now.epoch, now.attempt)) != Some(attempt) {
                return;
            }
        }
    }

    fn tell(
        &mut self,
        member: Member,
        event: participant::Event<'_>,
        key: &SecretKey,
    ) -> Vec<participant::Action> {
        let participant = self.participants.remove(&member).unwrap();
        let (participant, actions) = with_rng(|rng| participant.apply(event, key, rng)).unwrap();
        self.participants.insert(member, participant);
        actions
    }

    fn test_key(&mut self) {
        let ceremony = Threshold::ceremony().unwrap();
        let session = crate::Sessions::<Test>::iter()
            .find(|(_, open)| open.purpose == crate::Purpose::Test)
            .unwrap()
            .0;
        let shares: Vec<KeyShare> = self.fresh.values().cloned().collect();
        sign(session, &ceremony.key().unwrap(), &shares, &[], &[]);
        if Threshold::ceremony().is_none() {
            self.shares.insert(ceremony.committee.epoch, shares);
        }
        self.fresh.clear();
    }

    /// Starts a rotation and has honest members finish it. Returns the epoch.
    pub(crate) fn make_key(&mut self) -> u32 {
        let epoch = crate::NextEpoch::<Test>::get();
        Threshold::rotate(RuntimeOrigin::root()).unwrap();
        while Threshold::ceremony().is_some() {
            self.act(&|_, message| Some(message));
        }
        assert_eq!(crate::Active::<Test>::get(), Some(epoch));
        epoch
    }
}

/// An attempt of `session` by the holders of `shares`: `absent` do not commit, `silent` commit and
/// send no shares. A liar among them is up to the caller, by a wrong share.
pub(crate) fn sign(
    session: u64,
    key: &GroupKey,
    shares: &[KeyShare],
    absent: &[Member],
    silent: &[Member],
) {
    let open = crate::Sessions::<Test>::get(session).unwrap();
    let committee = Threshold::signing_committee(open.purpose).unwrap();
    let (request, attempt) = (open.session.request, open.session.attempt);
    let mut signers = BTreeMap::new();
    let send = |member: Member, message: SigningMessage| {
        let secret = session_key(owner(committee.key(member).unwrap()));
        let context = request.digest(attempt);
        let envelope =
            with_rng(|rng| Envelope::seal(&context, member, message, &secret, rng)).unwrap();
        submit(crate::Call::sign { session, envelope })
    };
    let phase = || crate::Sessions::<Test>::get(session).map(|open| open.session.phase);

    for share in shares {
        let out = absent.contains(&share.member)
            || crate::Sessions::<Test>::get(session).is_none_or(|open| {
                open.session.expects(share.member, SigningPhase::Committing).is_err()
            });
        if out {
            continue;
        }
        let signer = Signer::new(request.group, key, share, []).unwrap();
        let event = signer::Event::Opened(request.clone(), attempt);
        let (signer, mut actions) = with_rng(|rng| signer.apply(event, rng));
        let Some(signer::Action::Publish(_, message)) = actions.pop() else { panic!("no nonces") };
        send(share.member, message).unwrap();
        signers.insert(share.member, signer);
    }
    if phase() != Some(SigningPhase::Sharing) {
        return;
    }

    let nonces: SignerNonces = signers
        .keys()
        .map(|member| (*member, crate::SessionNonces::<Test>::get(session, member).unwrap()))
        .collect();
    for (member, signer) in signers {
        if silent.contains(&member) {
            continue;
        }
        let id = request.session;
        let event = signer::Event::Selected { session: id, attempt, nonces: nonces.clone() };
        let (signer, _) = with_rng(|rng| signer.apply(event, rng));
        let event = signer::Event::Approved { session: id, attempt };
        let (_, mut actions) = with_rng(|rng| signer.apply(event, rng));
        let Some(signer::Action::Publish(_, message)) = actions.pop() else { panic!("no shares") };
        send(member, lie(member, message)).unwrap();
    }
    let sent: BTreeMap<_, _> = crate::SessionShares::<Test>::iter_prefix(session).collect();
    if sent.len() < nonces.len() {
        return;
    }
    let public = key.public_package(sent.keys().copied()).unwrap();
    match aggregate(&request, &public, &nonces.into_iter().collect(), &sent) {
        Ok(signatures) => {
            let signatures = signatures.try_into().unwrap();
            submit(crate::Call::complete { session, signatures }).unwrap();
        }
        Err(Failure::Cheaters(reports)) => {
            let report: Report = reports[0];
            let reporter = sent.keys().find(|member| **member != report.accused).unwrap();
            send(*reporter, SigningMessage::Report(report)).unwrap();
        }
        Err(Failure::Malformed) => panic!("the chain let malformed shares pass"),
    }
}

parameter_types! {
    /// A member whose signature shares are wrong.
    pub static Liar: Option<Member> = None;
}

fn lie(member: Member, message: SigningMessage) -> SigningMessage {
    match message {
        SigningMessage::Shares(mut shares) if Liar::get() == Some(member) => {
            shares[0].0[31] ^= 1;
            SigningMessage::Shares(shares)
        }
        other => other,
    }
}
