//! Which feeless messages the pool takes and a block may hold.

use crate::{
    pallet::{Ceremony, Config, Pallet, Sessions},
    recover,
};
use bzk_threshold::{
    committee::Committee,
    dkg::{ceremony::Phase as DkgPhase, message::Message as DkgMessage},
    element::Signature,
    envelope::Envelope,
    refusal::Refusal,
    signing::{
        message::Message as SigningMessage, request::MAX_INPUTS, session::Phase as SigningPhase,
    },
};
use codec::Encode;
use frame_support::{pallet_prelude::*, weights::Weight};
use sp_runtime::transaction_validity::{
    InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityError,
    ValidTransaction,
};

/// What an authorisation returns: nothing of its weight is given back.
pub(crate) type Authorized = Result<(ValidTransaction, Weight), TransactionValidityError>;

/// Prefix of the tags that make a message unique in the pool.
const TAG_PREFIX: &str = "Threshold";

/// Before everything that pays: there is at most one message per member, phase and attempt.
const PRIORITY: TransactionPriority = TransactionPriority::MAX / 2;

/// Blocks after which the pool drops a message: its attempt is over by then.
const LONGEVITY_BLOCKS: u64 = 64;

pub(crate) fn valid(tag: impl Encode) -> Authorized {
    ValidTransaction::with_tag_prefix(TAG_PREFIX)
        .priority(PRIORITY)
        .longevity(LONGEVITY_BLOCKS)
        .and_provides(tag)
        .propagate(true)
        .build()
        .map(|valid| (valid, Weight::zero()))
}

fn refuse(refusal: Refusal) -> TransactionValidityError {
    match refusal {
        Refusal::Stranger => InvalidTransaction::BadSigner,
        Refusal::OutOfPhase | Refusal::Duplicate => InvalidTransaction::Stale,
        Refusal::Mismatch => InvalidTransaction::Call,
    }
    .into()
}

fn check_signature<M: Encode>(
    envelope: &Envelope<M>,
    committee: &Committee,
    context: &[u8; 32],
) -> Result<(), TransactionValidityError> {
    let key = committee.key(envelope.sender).ok_or(InvalidTransaction::BadSigner)?;
    match envelope.verify(recover, context, key) {
        true => Ok(()),
        false => Err(InvalidTransaction::BadProof.into()),
    }
}

impl<T: Config> Pallet<T> {
    pub(crate) fn authorize_dkg(
        _: TransactionSource,
        envelope: &Envelope<DkgMessage>,
    ) -> Authorized {
        let ceremony = Ceremony::<T>::get().ok_or(InvalidTransaction::Stale)?.ceremony;
        let (committee, sender) = (&ceremony.committee, envelope.sender);
        let (phase, sensible) = match &envelope.message {
            DkgMessage::Round1(_) => (DkgPhase::Commitments, true),
            DkgMessage::Round2(_) => (DkgPhase::Shares, true),
            DkgMessage::Confirm(digest) => (DkgPhase::Confirmation, *digest == ceremony.transcript),
            DkgMessage::Complaint(complaint) => {
                let accused = complaint.accused;
                (DkgPhase::Confirmation, accused != sender && committee.key(accused).is_some())
            }
        };
        ceremony.expects(sender, phase).map_err(refuse)?;
        if !sensible {
            return Err(refuse(Refusal::Mismatch));
        }
        check_signature(envelope, committee, &committee.digest())?;
        valid(("dkg", committee.epoch, committee.attempt, phase, sender))
    }

    pub(crate) fn authorize_sign(
        _: TransactionSource,
        id: &u64,
        envelope: &Envelope<SigningMessage>,
    ) -> Authorized {
        let open = Sessions::<T>::get(id).ok_or(InvalidTransaction::Stale)?;
        let (session, sender) = (&open.session, envelope.sender);
        let (kind, accused) = match &envelope.message {
            SigningMessage::Nonces(_) => {
                session.expects(sender, SigningPhase::Committing).map_err(refuse)?;
                (0u8, None)
            }
            SigningMessage::Shares(_) => {
                session.expects(sender, SigningPhase::Sharing).map_err(refuse)?;
                (1, None)
            }
            SigningMessage::Report(report) => {
                session.expects_report(sender, *report).map_err(refuse)?;
                // The first report of a member ends the attempt or bars its reporter.
                (2, Some(report.accused))
            }
        };
        let committee = Self::signing_committee(open.purpose).ok_or(InvalidTransaction::Stale)?;
        check_signature(envelope, &committee, &session.context())?;
        match accused {
            None => valid(("sign", id, session.attempt, kind, sender)),
            Some(accused) => valid(("sign", id, session.attempt, kind, accused)),
        }
    }

    pub(crate) fn authorize_complete(
        _: TransactionSource,
        id: &u64,
        signatures: &BoundedVec<Signature, ConstU32<MAX_INPUTS>>,
    ) -> Authorized {
        let open = Sessions::<T>::get(id).ok_or(InvalidTransaction::Stale)?;
        if open.session.phase != SigningPhase::Sharing {
            return Err(InvalidTransaction::Stale.into());
        }
        let (_, group) = Self::group(open.purpose).ok_or(InvalidTransaction::Stale)?;
        match open.session.request.verify(recover, &group.key, signatures) {
            true => valid(("complete", id)),
            false => Err(InvalidTransaction::BadProof.into()),
        }
    }
}
