//! What messages weigh: little while members keep to the protocol, more when somebody is to be blamed.

use crate::{
    pallet::{Config, Pallet},
    weights::WeightInfo,
    MAX_LIVE_KEYS,
};
use bzk_threshold::{
    dkg::message::Message as DkgMessage,
    signing::{message::Message as SigningMessage, request::adoption},
};
use frame_support::{traits::Get, weights::Weight};

/// The weight of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    /// Taken before: somebody is blamed, and the attempt is cleared away.
    pub(crate) worst: Weight,
    /// What is left of it when nobody was.
    quiet: Weight,
}

impl Charge {
    fn new(quiet: Weight, blaming: Weight) -> Self {
        Self { worst: quiet.max(blaming), quiet }
    }

    /// The weight spent, for the dispatch's result.
    pub(crate) fn spent(self, blamed: bool) -> Option<Weight> {
        (!blamed).then_some(self.quiet)
    }
}

impl<T: Config> Pallet<T> {
    fn members() -> u32 {
        T::MaxCommittee::get().into()
    }

    pub(crate) fn charge_of_dkg(message: &DkgMessage) -> Charge {
        let n = Self::members();
        // Judging takes the work of a complaint at most, whatever the fault.
        let complaint = T::WeightInfo::dkg_complaint(n).saturating_add(Self::weight_of_jailing());
        match message {
            DkgMessage::Round1(_) => Charge::new(T::WeightInfo::dkg_commitment(n), complaint),
            DkgMessage::Round2(_) => Charge::new(T::WeightInfo::dkg_shares(n), complaint),
            DkgMessage::Complaint(_) => Charge::new(complaint, complaint),
            DkgMessage::Confirm(_) => {
                let confirmation = T::WeightInfo::dkg_confirmation(n);
                Charge::new(confirmation, confirmation)
            }
        }
    }

    pub(crate) fn charge_of_sign(message: &SigningMessage) -> Charge {
        let n = Self::members();
        let report = T::WeightInfo::sign_report(n).saturating_add(Self::weight_of_jailing());
        // A lie in the test of a key ends its ceremony too, and so does a report there.
        let blaming = report.saturating_add(T::WeightInfo::time_out_ceremony(n));
        match message {
            SigningMessage::Nonces(nonces) => {
                Charge::new(T::WeightInfo::sign_nonces(nonces.len() as u32), blaming)
            }
            SigningMessage::Shares(shares) => {
                Charge::new(T::WeightInfo::sign_shares(shares.len() as u32), blaming)
            }
            SigningMessage::Report(_) => Charge::new(blaming, blaming),
        }
    }

    /// Noting in the keys that live that a member is jailed. The benchmarks have it from now on; their results not.
    pub(crate) fn weight_of_jailing() -> Weight {
        let keys = u64::from(MAX_LIVE_KEYS);
        T::DbWeight::get().reads_writes(keys.saturating_mul(2), keys)
    }

    /// Signatures of a request, or those that make a key the committee's.
    pub(crate) fn weight_of_complete(signatures: u32) -> Weight {
        // Whoever asked for the signatures stores them: in a version of a payout, or in a hand-over.
        let listener = T::DbWeight::get().reads_writes(4, 4);
        let request = T::WeightInfo::complete(signatures).saturating_add(listener);
        match Self::may_adopt(signatures) {
            true => request.max(T::WeightInfo::adopt(Self::members())),
            false => request,
        }
    }

    pub(crate) fn weight_of_authorize_complete(signatures: u32) -> Weight {
        let request = T::WeightInfo::authorize_complete(signatures);
        match Self::may_adopt(signatures) {
            true => request.max(T::WeightInfo::authorize_adoption(Self::members())),
            false => request,
        }
    }

    /// Whether that many signatures can be those of a test.
    fn may_adopt(signatures: u32) -> bool {
        adoption([0; 32], 0, 0).inputs.len() == signatures as usize
    }
}
