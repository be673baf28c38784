//! Who is to blame when a member complains about a share.

use super::message::{Complaint, Round1, Round2};
use crate::{
    committee::{Committee, Member},
    dleq, encryption,
    fault::{Blame, Fault},
    key::commitment,
};
use codec::Encode;
use frost_secp256k1_tr::{
    keys::{SecretShare, SigningShare},
    Identifier,
};

/// What the proof of a complaint is bound to.
pub fn context(committee: &[u8; 32], accuser: Member, accused: Member) -> [u8; 32] {
    crate::hash::tagged_hash("bzk/threshold/complaint", &[committee, &(accuser, accused).encode()])
}

/// Whether `share` is the value at `receiver` of the polynomial that `round1` commits to.
pub(super) fn share_fits(round1: &Round1, receiver: Identifier, share: &k256::Scalar) -> bool {
    let Some(commitment) = commitment(&round1.commitment) else { return false };
    SecretShare::new(receiver, SigningShare::new(*share), commitment).verify().is_ok()
}

/// Judges `complaint` of `accuser` by the messages of the accused. The work is bounded: two
/// multiplications for the proof, one per coefficient for the share.
///
/// Returns the culprit, the accuser or the accused; `None` when one of them is no member or they
/// are the same.
pub fn judge(
    committee: &Committee,
    accuser: Member,
    complaint: &Complaint,
    round1: &Round1,
    round2: &Round2,
) -> Option<Blame> {
    let accused = complaint.accused;
    let key = committee.key(accuser)?;
    committee.key(accused)?;
    let sealed = round2.share_for(accused, accuser)?;
    let digest = committee.digest();
    let proven = dleq::verify(
        &context(&digest, accuser, accused),
        key,
        &round2.ephemeral,
        &complaint.shared,
        &complaint.proof,
    );
    let fits = || {
        let pair = (accused, accuser);
        let share = encryption::open(&digest, &complaint.shared, pair, sealed)?;
        Some(share_fits(round1, accuser.identifier()?, &share))
    };
    Some(if proven && fits() != Some(true) {
        Blame { member: accused, fault: Fault::BadShare }
    } else {
        Blame { member: accuser, fault: Fault::FalseAccusation }
    })
}
