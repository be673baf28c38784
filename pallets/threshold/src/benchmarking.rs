//! Benchmarks of the calls, their authorisation and the hook.
//!
//! Only the member whose message is measured has real keys; the others are there in storage. A whole key
//! generation of 32 members takes longer than all that is measured of it.

use crate::{
    possession_message, Appointed, Call, Candidate, Ceremony, Commitments, Config, Deadlines, Duty,
    Electorate, EncryptedShares, HoldReason, Keys, LiveKey, MaxDeadlines, NextSession, OpenSession,
    Pallet, Purpose, Rotation, SessionKeys, SessionNonces, SessionShares, Sessions, Signers,
    Status,
};
use alloc::{vec, vec::Vec};
use bzk_threshold::{
    bip340::SecretKey,
    committee::{threshold, Committee, Member, MemberSet, MAX_MEMBERS},
    dkg::{
        ceremony::{Ceremony as State, Phase},
        judge,
        message::{Complaint, Message as DkgMessage, Round1, Round2},
        participant::{Action, Participant},
    },
    dleq,
    element::{Point, Scalar, Signature, XOnly},
    envelope::Envelope,
    key::{GroupKey, Polynomial},
    signing::{
        message::{Message as SigningMessage, NoncePair, Nonces, Report, Shares},
        request::{adoption, Input, Request, MAX_INPUTS},
        session::{Phase as SigningPhase, Session},
    },
    tagged_hash,
};
use frame_benchmarking::v2::*;
use frame_support::{
    traits::{
        fungible::{InspectHold, MutateHold, Unbalanced},
        tokens::Precision,
        Get,
    },
    BoundedVec,
};
use frame_system::RawOrigin;
use k256::elliptic_curve::PrimeField;
use rand_chacha::{rand_core::SeedableRng, ChaCha20Rng};
use sp_runtime::{
    traits::{Bounded, Saturating},
    transaction_validity::TransactionSource,
};

/// Epoch of everything here.
const EPOCH: u32 = 0;
/// The session of everything here.
const SESSION: u64 = 0;
/// Who sends what is measured.
const SENDER: Member = Member(0);
/// Whom it accuses.
const ACCUSED: Member = Member(1);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn secret(number: u32) -> SecretKey {
    let mut bytes = [1; 32];
    let [a, b, c, d, ..] = &mut bytes;
    [*a, *b, *c, *d] = number.to_be_bytes();
    SecretKey::from_bytes(&bytes).expect("the first byte is below that of the order")
}

/// `secret` with the tweak of BIP-341 for a script tree; none for a `root` of no bytes.
fn tweaked(secret: &SecretKey, root: &[u8]) -> SecretKey {
    let scalar = |bytes: [u8; 32]| k256::Scalar::from_repr(bytes.into()).expect("below the order");
    let tweak = tagged_hash("TapTweak", &[&secret.public().0, root]);
    let sum = scalar(*secret.to_bytes()) + scalar(tweak);
    SecretKey::from_bytes(&sum.to_repr().into()).expect("not zero")
}

/// Any points of the curve, the first one with the secret `secret(0)`.
fn polynomial(members: u32) -> Polynomial {
    let points: Vec<Point> = (0..threshold(members as u16).into())
        .map(|number| {
            let mut point = [2; 33];
            point[1..].copy_from_slice(&secret(number).public().0);
            Point(point)
        })
        .collect();
    points.try_into().expect("no more than members")
}

fn who<T: Config>(index: u32) -> T::AccountId {
    account("signer", index, 0)
}

fn fund<T: Config>(who: &T::AccountId) {
    let amount = T::Bond::get().saturating_mul(10u32.into());
    T::Currency::increase_balance(who, amount, Precision::Exact).expect("the account is new");
}

/// Registers an account with its bond, as `register` would, and one miss before it is jailed.
fn register<T: Config>(index: u32) -> XOnly {
    let account = who::<T>(index);
    fund::<T>(&account);
    T::Currency::hold(&HoldReason::Bond.into(), &account, T::Bond::get()).expect("it has more");
    let key = match index {
        0 => secret(0).public(),
        other => XOnly(tagged_hash("key", &[&other.to_be_bytes()])),
    };
    SessionKeys::<T>::insert(key, &account);
    let misses = T::MaxMisses::get();
    Signers::<T>::insert(&account, Candidate { key, misses, status: Status::Ready });
    key
}

fn committee<T: Config>(n: u32) -> Committee {
    let members: Vec<XOnly> = (0..n).map(register::<T>).collect();
    let members = members.try_into().expect("no more than the most");
    Committee { genesis: Pallet::<T>::genesis(), epoch: EPOCH, attempt: 0, members }
}

fn round1(n: u32) -> Round1 {
    Round1 { commitment: polynomial(n), proof: Signature([1; 64]) }
}

fn ephemeral() -> SecretKey {
    secret(1_000)
}

/// Encrypted shares that do not fit.
fn round2(committee: &Committee, sender: Member) -> Round2 {
    let ephemeral = ephemeral();
    let digest = Round2::possession_digest(&committee.digest(), sender, &ephemeral.public());
    let shares = vec![Scalar([3; 32]); committee.members.len() - 1];
    Round2 {
        ephemeral: ephemeral.public(),
        possession: ephemeral.sign(&digest, &mut rng()).expect("signs"),
        shares: shares.try_into().expect("fewer than members"),
    }
}

/// A ceremony of `n` members in `phase`, in which all but the sender have done their part.
fn ceremony<T: Config>(n: u32, phase: Phase) -> State {
    let committee = committee::<T>(n);
    let (mut state, _) = State::new(committee).expect("two members or more");
    state.phase = phase;
    state.polynomial = polynomial(n);
    let all = MemberSet::all(n as u16);
    let sender: MemberSet = [SENDER].into_iter().collect();
    state.posted = all.without(sender);
    let stored = |at: Phase| match (phase == at, phase) {
        (true, _) => state.posted,
        (false, Phase::Commitments) => MemberSet::default(),
        (false, _) => all,
    };
    let (first, second) = (round1(n), round2(&state.committee, ACCUSED));
    stored(Phase::Commitments).iter().for_each(|m| Commitments::<T>::insert(m, &first));
    stored(Phase::Shares).iter().for_each(|m| EncryptedShares::<T>::insert(m, &second));
    Ceremony::<T>::put(Rotation { ceremony: state.clone(), elected: n as u16 });
    state
}

/// A ceremony whose phase has a deadline.
fn timed_ceremony<T: Config>(n: u32, phase: Phase) -> State {
    let state = ceremony::<T>(n, phase);
    Pallet::<T>::set_deadline(Duty::Ceremony, T::DkgBlocks::get()).expect("there is room");
    state
}

fn phase<T: Config>() -> Option<Phase> {
    Pallet::<T>::ceremony().map(|state| state.phase)
}

/// A key of `n` members whose secret is `secret(0)`.
fn live_key<T: Config>(epoch: u32, committee: Committee) -> LiveKey {
    let n = committee.members.len() as u32;
    let polynomial = polynomial(n);
    let key = GroupKey { key: secret(0).public(), polynomial, members: n as u16 };
    let live = LiveKey { key, committee, transcript: [9; 32], jailed: MemberSet::default() };
    Keys::<T>::insert(epoch, &live);
    live
}

/// Makes a key of the largest committee that can sign in `epoch`, for the benchmarks of others.
pub fn make_key<T: Config>(epoch: u32) -> XOnly {
    let members: Vec<XOnly> = (0..u32::from(T::MaxCommittee::get()))
        .map(|member| match member {
            0 => secret(0).public(),
            other => XOnly(tagged_hash("key", &[&other.to_be_bytes()])),
        })
        .collect();
    let members = members.try_into().expect("no more than the most");
    let genesis = Pallet::<T>::genesis();
    let live = live_key::<T>(epoch, Committee { genesis, epoch, attempt: 0, members });
    crate::Active::<T>::put(epoch);
    live.key.key
}

/// `message` of the first member of a committee of [`make_key`], for the benchmarks of others.
pub fn seal<M: codec::Encode>(context: &[u8; 32], message: M) -> Envelope<M> {
    Envelope::seal(context, SENDER, message, &secret(0), &mut rng()).expect("signs")
}

fn nonces(k: u32) -> Nonces {
    let points = polynomial(3);
    let pair = NoncePair { hiding: points[0], binding: points[1] };
    vec![pair; k as usize].try_into().expect("no more than the most")
}

fn shares(k: u32) -> Shares {
    vec![Scalar([3; 32]); k as usize].try_into().expect("no more than the most")
}

/// A session for `request` in `phase`, with `signers`, of which `shared` have sent their shares.
fn session<T: Config>(
    purpose: Purpose,
    request: Request,
    (phase, signers, shared): (SigningPhase, MemberSet, MemberSet),
    n: u32,
) -> Session {
    let k = request.inputs.len() as u32;
    let (mut session, _) = Session::new(request, n as u16).expect("there are enough members");
    (session.phase, session.signers, session.shared) = (phase, signers, shared);
    let (nonces, shares) = (nonces(k), shares(k));
    signers.iter().for_each(|m| SessionNonces::<T>::insert(SESSION, m, &nonces));
    shared.iter().for_each(|m| SessionShares::<T>::insert(SESSION, m, &shares));
    Sessions::<T>::insert(SESSION, OpenSession { purpose, session: session.clone() });
    NextSession::<T>::put(SESSION + 1);
    let duty = Duty::Session(SESSION);
    Pallet::<T>::set_deadline(duty, T::SigningBlocks::get()).expect("there is room");
    session
}

/// A session of a key of `n` members with `k` inputs that have script trees. Of the signers `silent` have
/// not sent what `phase` asks for.
fn requested<T: Config>(n: u32, k: u32, phase: SigningPhase, silent: u16) -> Session {
    let live = live_key::<T>(EPOCH, committee::<T>(n));
    open::<T>(Purpose::Request(EPOCH), &live, k, phase, silent)
}

/// Opens a session of a key of [`make_key`] with all the messages that it can have, for the benchmarks of
/// others.
pub fn open_session<T: Config>(epoch: u32) -> u64 {
    let live = Keys::<T>::get(epoch).expect("it was made");
    open::<T>(Purpose::Request(epoch), &live, MAX_INPUTS, SigningPhase::Sharing, 0);
    SESSION
}

fn open<T: Config>(
    purpose: Purpose,
    live: &LiveKey,
    k: u32,
    phase: SigningPhase,
    silent: u16,
) -> Session {
    let input = |at: u32| Input { sighash: [at as u8; 32], root: Some([7; 32]) };
    let inputs: Vec<Input> = (0..k).map(input).collect();
    let required = live.key.threshold();
    let request = Request {
        group: live.transcript,
        session: SESSION,
        required,
        inputs: inputs.try_into().expect("no more than the most"),
    };
    let all = MemberSet::all(required);
    let done = all.without(MemberSet::all(silent));
    let sets = match phase {
        SigningPhase::Committing => (phase, done, MemberSet::default()),
        _ => (phase, all, done),
    };
    session::<T>(purpose, request, sets, live.key.members.into())
}

type Signatures = BoundedVec<Signature, frame_support::traits::ConstU32<MAX_INPUTS>>;

fn sign(inputs: &[Input], internal: &SecretKey) -> Signatures {
    let signatures: Vec<Signature> = inputs
        .iter()
        .map(|input| {
            let sign = |key: &SecretKey| key.sign(&input.sighash, &mut rng()).expect("signs");
            match input.root {
                Some(root) => sign(&tweaked(internal, &root)),
                None => sign(internal),
            }
        })
        .collect();
    signatures.try_into().expect("no more than inputs")
}

/// A test of a key that all have signed, and its signatures.
fn tested<T: Config>(n: u32) -> Signatures {
    let state = ceremony::<T>(n, Phase::Testing);
    let request = adoption(state.transcript, SESSION, n as u16);
    let all = MemberSet::all(n as u16);
    let signatures = sign(&request.inputs, &tweaked(&secret(0), &[]));
    session::<T>(Purpose::Test, request, (SigningPhase::Sharing, all, all), n);
    signatures
}

fn unsigned<M>(message: M) -> Envelope<M> {
    Envelope { sender: SENDER, message, signature: Signature([1; 64]) }
}

fn due<T: Config>() -> frame_system::pallet_prelude::BlockNumberFor<T> {
    Bounded::max_value()
}

#[benchmarks]
mod benches {
    use super::*;

    #[benchmark]
    fn register() {
        let account = who::<T>(0);
        fund::<T>(&account);
        let key = secret(0);
        let message = possession_message(&Pallet::<T>::genesis(), &account);
        let possession = key.sign(&message, &mut rng()).expect("signs");

        #[extrinsic_call]
        _(RawOrigin::Signed(account.clone()), key.public(), possession);

        assert!(Signers::<T>::contains_key(account));
    }

    #[benchmark]
    fn leave() {
        super::register::<T>(0);

        #[extrinsic_call]
        _(RawOrigin::Signed(who::<T>(0)));

        let status = Signers::<T>::get(who::<T>(0)).map(|candidate| candidate.status);
        assert!(matches!(status, Some(Status::Leaving(_))));
    }

    /// Two keys live and a third is being made, all without the account.
    #[benchmark]
    fn return_bond() {
        let n = u32::from(T::MaxCommittee::get());
        ceremony::<T>(n, Phase::Confirmation);
        (0..2).for_each(|epoch| {
            make_key::<T>(epoch);
        });
        let account = who::<T>(n);
        super::register::<T>(n);
        Signers::<T>::mutate(&account, |candidate| {
            if let Some(candidate) = candidate {
                candidate.status = Status::Leaving(0u32.into());
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(account.clone()));

        assert!(!Signers::<T>::contains_key(&account));
        assert_eq!(T::Currency::balance_on_hold(&HoldReason::Bond.into(), &account), 0u32.into());
    }

    /// Those appointed are leaving, and so are as many of those elected, but for the last ones.
    #[benchmark]
    fn rotate() {
        let n = u32::from(T::MaxCommittee::get());
        let accounts: Vec<T::AccountId> = (0..2 * MAX_MEMBERS).map(who::<T>).collect();
        for (account, index) in accounts.iter().zip(0..) {
            super::register::<T>(index);
            Signers::<T>::mutate(account, |candidate| {
                if let Some(candidate) = candidate.as_mut().filter(|_| index < 2 * MAX_MEMBERS - n)
                {
                    candidate.status = Status::Leaving(0u32.into());
                }
            });
        }
        let (appointed, elected) = accounts.split_at(MAX_MEMBERS as usize);
        Appointed::<T>::put(BoundedVec::truncate_from(appointed.to_vec()));
        T::Electorate::elect(elected.to_vec());

        #[extrinsic_call]
        _(RawOrigin::Root);

        let members = Pallet::<T>::ceremony().map(|state| u32::from(state.committee.size()));
        assert_eq!(members, Some(n));
    }

    #[benchmark]
    fn appoint(a: Linear<0, MAX_MEMBERS>) {
        let accounts: Vec<T::AccountId> = (0..a).map(who::<T>).collect();

        #[extrinsic_call]
        _(RawOrigin::Root, BoundedVec::truncate_from(accounts));

        assert_eq!(Appointed::<T>::get().len(), a as usize);
    }

    #[benchmark]
    fn dkg_commitment(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let state = timed_ceremony::<T>(n, Phase::Commitments);
        let (_, mut actions) =
            Participant::begin(state.committee, SENDER, &mut rng()).expect("a member");
        let Some(Action::Publish(message)) = actions.pop() else { panic!("no commitment") };

        #[extrinsic_call]
        dkg(RawOrigin::Authorized, unsigned(message));

        assert_eq!(phase::<T>(), Some(Phase::Shares));
    }

    #[benchmark]
    fn dkg_shares(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let state = timed_ceremony::<T>(n, Phase::Shares);
        let message = DkgMessage::Round2(round2(&state.committee, SENDER));

        #[extrinsic_call]
        dkg(RawOrigin::Authorized, unsigned(message));

        assert_eq!(phase::<T>(), Some(Phase::Confirmation));
    }

    #[benchmark]
    fn dkg_confirmation(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let state = timed_ceremony::<T>(n, Phase::Confirmation);

        #[extrinsic_call]
        dkg(RawOrigin::Authorized, unsigned(DkgMessage::Confirm(state.transcript)));

        assert_eq!(phase::<T>(), Some(Phase::Testing));
    }

    /// A right complaint about a share that does not fit.
    #[benchmark]
    fn dkg_complaint(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let state = timed_ceremony::<T>(n, Phase::Confirmation);
        let context = judge::context(&state.committee.digest(), SENDER, ACCUSED);
        let (shared, proof) =
            dleq::prove(&context, &secret(0), &ephemeral().public(), &mut rng()).expect("proves");
        let complaint = Complaint { accused: ACCUSED, shared, proof };

        #[extrinsic_call]
        dkg(RawOrigin::Authorized, unsigned(DkgMessage::Complaint(complaint)));

        let accused = Signers::<T>::get(who::<T>(ACCUSED.0.into()));
        assert_eq!(accused.map(|candidate| candidate.status), Some(Status::Jailed));
    }

    #[benchmark]
    fn sign_nonces(k: Linear<1, MAX_INPUTS>) {
        let n = T::MaxCommittee::get().into();
        requested::<T>(n, k, SigningPhase::Committing, 1);

        #[extrinsic_call]
        sign(RawOrigin::Authorized, SESSION, unsigned(SigningMessage::Nonces(nonces(k))));

        let phase = Sessions::<T>::get(SESSION).map(|open| open.session.phase);
        assert_eq!(phase, Some(SigningPhase::Sharing));
    }

    #[benchmark]
    fn sign_shares(k: Linear<1, MAX_INPUTS>) {
        let n = T::MaxCommittee::get().into();
        requested::<T>(n, k, SigningPhase::Sharing, 1);

        #[extrinsic_call]
        sign(RawOrigin::Authorized, SESSION, unsigned(SigningMessage::Shares(shares(k))));

        assert!(SessionShares::<T>::contains_key(SESSION, SENDER));
    }

    /// A right report about a share of a session with as many inputs as there can be.
    #[benchmark]
    fn sign_report(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        requested::<T>(n, MAX_INPUTS, SigningPhase::Sharing, 0);
        let report = Report { accused: ACCUSED, input: MAX_INPUTS as u16 - 1 };

        #[extrinsic_call]
        sign(RawOrigin::Authorized, SESSION, unsigned(SigningMessage::Report(report)));

        let accused = Signers::<T>::get(who::<T>(ACCUSED.0.into()));
        assert_eq!(accused.map(|candidate| candidate.status), Some(Status::Jailed));
    }

    #[benchmark]
    fn authorize_dkg(
        n: Linear<2, { T::MaxCommittee::get().into() }>,
    ) -> Result<(), BenchmarkError> {
        let state = ceremony::<T>(n, Phase::Shares);
        let message = DkgMessage::Round2(round2(&state.committee, SENDER));
        let context = state.committee.digest();
        let envelope =
            Envelope::seal(&context, SENDER, message, &secret(0), &mut rng()).expect("signs");

        #[block]
        {
            Pallet::<T>::authorize_dkg(TransactionSource::External, &envelope)
                .map_err(|_| "refused")?;
        }
        Ok(())
    }

    #[benchmark]
    fn authorize_sign() -> Result<(), BenchmarkError> {
        let n = T::MaxCommittee::get().into();
        let session = requested::<T>(n, MAX_INPUTS, SigningPhase::Committing, 1);
        let message = SigningMessage::Nonces(nonces(MAX_INPUTS));
        let context = session.context();
        let envelope =
            Envelope::seal(&context, SENDER, message, &secret(0), &mut rng()).expect("signs");

        #[block]
        {
            Pallet::<T>::authorize_sign(TransactionSource::External, &SESSION, &envelope)
                .map_err(|_| "refused")?;
        }
        Ok(())
    }

    #[benchmark]
    fn complete(k: Linear<1, MAX_INPUTS>) {
        let n = T::MaxCommittee::get().into();
        let session = requested::<T>(n, k, SigningPhase::Sharing, 0);
        let signatures = super::sign(&session.request.inputs, &secret(0));

        #[extrinsic_call]
        _(RawOrigin::Authorized, SESSION, signatures);

        assert!(!Sessions::<T>::contains_key(SESSION));
    }

    #[benchmark]
    fn adopt(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let signatures = tested::<T>(n);

        #[extrinsic_call]
        complete(RawOrigin::Authorized, SESSION, signatures);

        assert!(Keys::<T>::contains_key(EPOCH) && !Ceremony::<T>::exists());
    }

    #[benchmark]
    fn authorize_complete(k: Linear<1, MAX_INPUTS>) -> Result<(), BenchmarkError> {
        let n = T::MaxCommittee::get().into();
        let session = requested::<T>(n, k, SigningPhase::Sharing, 0);
        let signatures = super::sign(&session.request.inputs, &secret(0));

        #[block]
        {
            Pallet::<T>::authorize_complete(TransactionSource::External, &SESSION, &signatures)
                .map_err(|_| "refused")?;
        }
        Ok(())
    }

    #[benchmark]
    fn authorize_adoption(
        n: Linear<2, { T::MaxCommittee::get().into() }>,
    ) -> Result<(), BenchmarkError> {
        let signatures = tested::<T>(n);

        #[block]
        {
            Pallet::<T>::authorize_complete(TransactionSource::External, &SESSION, &signatures)
                .map_err(|_| "refused")?;
        }
        Ok(())
    }

    #[benchmark]
    fn idle() {
        let later = due::<T>();
        let duties = (0..MaxDeadlines::<T>::get()).map(|id| (Duty::Session(id.into()), later));
        Deadlines::<T>::put(BoundedVec::truncate_from(duties.collect()));

        #[block]
        {
            Pallet::<T>::handle_deadlines(0u32.into());
        }

        assert_eq!(Deadlines::<T>::get().len(), MaxDeadlines::<T>::get() as usize);
    }

    #[benchmark]
    fn time_out_ceremony(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        let mut state = timed_ceremony::<T>(n, Phase::Confirmation);
        state.posted = MemberSet::default();
        Ceremony::<T>::put(Rotation { ceremony: state, elected: n as u16 });

        #[block]
        {
            Pallet::<T>::handle_deadlines(due::<T>());
        }

        assert!(!Ceremony::<T>::exists());
    }

    #[benchmark]
    fn time_out_session(n: Linear<2, { T::MaxCommittee::get().into() }>) {
        requested::<T>(n, MAX_INPUTS, SigningPhase::Sharing, u16::MAX);

        #[block]
        {
            Pallet::<T>::handle_deadlines(due::<T>());
        }

        let attempt = Sessions::<T>::get(SESSION).map(|open| open.session.attempt);
        assert_eq!(attempt, Some(1));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
