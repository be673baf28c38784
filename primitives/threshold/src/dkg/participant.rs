//! The secret machine of one member in one attempt.
//!
//! Only the secret polynomial is stored before the commitment is sent; all else follows from it
//! and from the chain, so a restarted member goes on. A share of the key is stored before it is
//! confirmed: what all have confirmed, all can sign with.

use super::{
    judge,
    message::{Complaint, Message, Round1, Round2},
    transcript::transcript,
};
use crate::{
    bip340::SecretKey,
    committee::{Committee, Member},
    dleq,
    element::{Point, Scalar},
    encryption,
    key::{commitment, GroupKey, KeyShare},
};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use frost_core::keys::dkg::compute_proof_of_knowledge;
use frost_secp256k1_tr::{
    keys::{
        dkg::{self, round1, round2},
        SigningShare,
    },
    Error as FrostError, Identifier,
};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// The coefficients of the secret polynomial, for the encrypted key store.
pub type SecretPolynomial = Zeroizing<Vec<[u8; 32]>>;

/// What a member does, in this order. What is stored must be on disk before the next action.
#[derive(Debug)]
pub enum Action {
    /// Store the polynomial under the digest of the committee; [`Participant::resume`] takes it.
    StorePolynomial(SecretPolynomial),
    /// Store the share of the key; the polynomial may go once the key is adopted.
    StoreShare(GroupKey, KeyShare),
    /// Sign and send.
    Publish(Message),
}

/// What a member learns from the chain.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// All commitments, in the order of the members, its own with them.
    Commitments(&'a [Round1]),
    /// All shares likewise.
    Shares(&'a [Round2]),
}

/// Why a member cannot go on. It stays silent then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The member is not in the committee, or the stored polynomial is of another size.
    NotOurs,
    /// The chain holds messages that its own rules refuse, or another commitment than ours: the
    /// node lies or the key store is that of another machine.
    BadChain,
    /// The event is not the next one.
    OutOfPhase,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotOurs => {
                "no member of this committee, or not the key store that began: run with that one"
            }
            Self::BadChain => "messages that the chain must have refused: check the node",
            Self::OutOfPhase => "not the next event: restart the ceremony from the chain",
        })
    }
}

enum Stage {
    Committed(round1::SecretPackage),
    Shared(round2::SecretPackage, Vec<Round1>),
    Done,
}

/// A member in an attempt.
pub struct Participant {
    committee: Committee,
    me: Member,
    stage: Stage,
}

impl Participant {
    /// Draws a polynomial and commits to it.
    ///
    /// # Errors
    /// [`Failure::NotOurs`].
    pub fn begin(
        committee: Committee,
        me: Member,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Vec<Action>), Failure> {
        let identifier = me.identifier().ok_or(Failure::NotOurs)?;
        let (n, t) = (committee.size(), committee.threshold());
        let (secret, _) = dkg::part1(identifier, n, t, &mut *rng).map_err(|_| Failure::NotOurs)?;
        let polynomial: SecretPolynomial = Zeroizing::new(
            secret.coefficients().iter().map(|scalar| Scalar::encode_scalar(scalar).0).collect(),
        );
        let (participant, mut actions) = Self::resume(committee, me, &polynomial, rng)?;
        actions.insert(0, Action::StorePolynomial(polynomial));
        Ok((participant, actions))
    }

    /// Goes on with a stored polynomial. The commitment is sent again, which the chain refuses if it
    /// has it.
    ///
    /// # Errors
    /// [`Failure::NotOurs`].
    pub fn resume(
        committee: Committee,
        me: Member,
        polynomial: &SecretPolynomial,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Vec<Action>), Failure> {
        let (n, t) = (committee.size(), committee.threshold());
        if polynomial.len() != usize::from(t) || committee.key(me).is_none() {
            return Err(Failure::NotOurs);
        }
        let build = || {
            let identifier = me.identifier()?;
            let coefficients: Option<Vec<_>> =
                polynomial.iter().map(|bytes| Scalar(*bytes).decode_scalar()).collect();
            let coefficients = coefficients?;
            let points: Option<Vec<Point>> = coefficients
                .iter()
                .map(|scalar| Point::encode_point(&(k256::ProjectivePoint::GENERATOR * scalar)))
                .collect();
            let commitment = commitment(&points?)?;
            let proof =
                compute_proof_of_knowledge(identifier, &coefficients, &commitment, rng).ok()?;
            let package = round1::Package::new(commitment.clone(), proof);
            let secret = round1::SecretPackage::new(identifier, coefficients, commitment, t, n);
            Some((secret, Round1::from_package(&package)?))
        };
        let (secret, message) = build().ok_or(Failure::NotOurs)?;
        let participant = Self { committee, me, stage: Stage::Committed(secret) };
        Ok((participant, vec![Action::Publish(Message::Round1(message))]))
    }

    /// The next state and what to do. `secret` is the session key of the member.
    ///
    /// # Errors
    /// See [`Failure`]; the member takes no further part.
    pub fn apply(
        mut self,
        event: Event<'_>,
        secret: &SecretKey,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Vec<Action>), Failure> {
        let (stage, actions) = match (self.stage, event) {
            (Stage::Committed(package), Event::Commitments(round1)) => {
                let (package, message) = share(&self.committee, self.me, package, round1, rng)
                    .ok_or(Failure::BadChain)?;
                let actions = vec![Action::Publish(Message::Round2(message))];
                (Stage::Shared(package, round1.to_vec()), actions)
            }
            (Stage::Shared(package, round1), Event::Shares(round2)) => {
                let actions =
                    finish(&self.committee, self.me, &package, &round1, round2, secret, rng)
                        .ok_or(Failure::BadChain)?;
                (Stage::Done, actions)
            }
            _ => return Err(Failure::OutOfPhase),
        };
        self.stage = stage;
        Ok((self, actions))
    }
}

/// The other members' packages by identifier.
fn packages(
    committee: &Committee,
    me: Member,
    round1: &[Round1],
) -> Option<BTreeMap<Identifier, round1::Package>> {
    if round1.len() != committee.members.len() {
        return None;
    }
    (0..committee.size())
        .map(Member)
        .zip(round1)
        .filter(|(member, _)| *member != me)
        .map(|(member, message)| Some((member.identifier()?, message.package()?)))
        .collect()
}

fn share(
    committee: &Committee,
    me: Member,
    package: round1::SecretPackage,
    round1: &[Round1],
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<(round2::SecretPackage, Round2)> {
    let others = packages(committee, me, round1)?;
    // Another commitment of ours: shares of this polynomial would be "bad shares" to everybody.
    let ours = commitment(&round1.get(me.index())?.commitment)?;
    if package.commitment() != &ours {
        return None;
    }
    let (package, shares) = dkg::part2(package, &others).ok()?;

    let context = committee.digest();
    let ephemeral = SecretKey::random(rng);
    let public = ephemeral.public();
    let digest = Round2::possession_digest(&context, me, &public);
    let sealed: Option<Vec<Scalar>> = (0..committee.size())
        .map(Member)
        .filter(|receiver| *receiver != me)
        .map(|receiver| {
            let share = shares.get(&receiver.identifier()?)?.signing_share().to_scalar();
            let shared = encryption::agree(&ephemeral, committee.key(receiver)?)?;
            Some(encryption::seal(&context, &shared, (me, receiver), &share))
        })
        .collect();
    let message = Round2 {
        ephemeral: public,
        possession: ephemeral.sign(&digest, rng)?,
        shares: sealed?.try_into().ok()?,
    };
    Some((package, message))
}

fn finish(
    committee: &Committee,
    me: Member,
    package: &round2::SecretPackage,
    round1: &[Round1],
    round2: &[Round2],
    secret: &SecretKey,
    rng: &mut (impl RngCore + CryptoRng),
) -> Option<Vec<Action>> {
    if round2.len() != committee.members.len() {
        return None;
    }
    let context = committee.digest();
    let shares: Option<BTreeMap<Identifier, round2::Package>> = (0..committee.size())
        .map(Member)
        .zip(round2)
        .filter(|(sender, _)| *sender != me)
        .map(|(sender, message)| {
            let shared = encryption::agree(secret, &message.ephemeral)?;
            let sealed = message.share_for(sender, me)?;
            let share = encryption::open(&context, &shared, (sender, me), sealed)?;
            Some((sender.identifier()?, round2::Package::new(SigningShare::new(share))))
        })
        .collect();
    let others = packages(committee, me, round1)?;
    match dkg::part3(package, &others, &shares?) {
        Ok((key_package, _)) => {
            let sum = round1.iter().try_fold(Default::default(), |sum, message| {
                super::message::add(&sum, &commitment(&message.commitment)?)
            })?;
            let group = GroupKey::from_sum(&sum, committee.size())?;
            let share = KeyShare::from_package(me, &key_package)?;
            share.package(&group)?;
            let digest = transcript(committee, round1, round2);
            Some(vec![Action::StoreShare(group, share), Action::Publish(Message::Confirm(digest))])
        }
        Err(FrostError::InvalidSecretShare { culprit: Some(culprit) }) => {
            let accused = (0..committee.size())
                .map(Member)
                .find(|member| member.identifier() == Some(culprit))?;
            let ephemeral = &round2.get(accused.index())?.ephemeral;
            let context = judge::context(&context, me, accused);
            let (shared, proof) = dleq::prove(&context, secret, ephemeral, rng)?;
            let complaint = Complaint { accused, shared, proof };
            Some(vec![Action::Publish(Message::Complaint(complaint))])
        }
        Err(_) => None,
    }
}
