//! From shares to signatures, and from a bad signature to the liar.

use super::{
    message::{package, signature_share, Nonces, Report, Shares},
    request::Request,
};
use crate::{
    committee::Member,
    element::{Scalar, Signature},
    key::GroupKey,
};
use alloc::{collections::BTreeMap, vec::Vec};
use frost_core::CheaterDetection;
use frost_secp256k1_tr::{keys::PublicKeyPackage, Error as FrostError};

/// Why shares make no signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// These shares are wrong: all of the first input that fails.
    Cheaters(Vec<Report>),
    /// Shares or commitments are missing or malformed; the chain refuses such.
    Malformed,
}

/// Signatures of all inputs of `request` from the shares of all signers. `public` has the shares of
/// at least the signers ([`GroupKey::public_package`]).
///
/// That they verify says nothing about the single shares: two wrong ones may cancel out.
///
/// # Errors
/// See [`Failure`].
pub fn aggregate(
    request: &Request,
    public: &PublicKeyPackage,
    nonces_by: &BTreeMap<Member, Nonces>,
    shares_by: &BTreeMap<Member, Shares>,
) -> Result<Vec<Signature>, Failure> {
    let mut signatures = Vec::new();
    for (index, input) in request.inputs.iter().enumerate() {
        let nonces = nonces_by.iter().map(|(member, nonces)| (*member, nonces));
        let package = package(nonces, index, &input.sighash).ok_or(Failure::Malformed)?;
        let shares: Option<BTreeMap<_, _>> = shares_by
            .iter()
            .map(|(member, shares)| {
                Some((member.identifier()?, signature_share(shares.get(index)?)?))
            })
            .collect();
        let result = frost_core::aggregate_custom(
            &package,
            &shares.ok_or(Failure::Malformed)?,
            &input.tweak(public.clone()),
            CheaterDetection::AllCheaters,
        );
        let signature = match result {
            Ok(signature) => signature.serialize().ok().and_then(|bytes| bytes.try_into().ok()),
            Err(FrostError::InvalidSignatureShare { culprits }) => {
                let accused = nonces_by.keys().copied().filter(|member| {
                    member.identifier().is_some_and(|identifier| culprits.contains(&identifier))
                });
                let input = index as u16; // below MAX_INPUTS
                return Err(Failure::Cheaters(
                    accused.map(|accused| Report { accused, input }).collect(),
                ));
            }
            Err(_) => None,
        };
        signatures.push(Signature(signature.ok_or(Failure::Malformed)?));
    }
    Ok(signatures)
}

/// Whether the share of `member` for the input of index `input` is right. The work is bounded: one
/// multiplication per signer and one per coefficient of the key. Runs in the runtime.
///
/// `None` when there is no such input or signer, or the stored commitments are malformed.
pub fn share_is_right(
    request: &Request,
    group: &GroupKey,
    nonces: &[(Member, Nonces)],
    member: Member,
    input: u16,
    share: &Scalar,
) -> Option<bool> {
    let index = usize::from(input);
    let input = request.inputs.get(index)?;
    let nonces = nonces.iter().map(|(member, nonces)| (*member, nonces));
    let package = package(nonces, index, &input.sighash)?;
    let identifier = member.identifier()?;
    package.signing_commitment(&identifier)?;
    let public = input.tweak(group.public_package([member])?);
    let Some(share) = signature_share(share) else { return Some(false) };
    let verdict = frost_core::verify_signature_share(
        identifier,
        public.verifying_shares().get(&identifier)?,
        &share,
        &package,
        public.verifying_key(),
    );
    Some(verdict.is_ok())
}
