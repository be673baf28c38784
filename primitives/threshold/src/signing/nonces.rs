//! Secret nonces: drawn, used once, gone.

use super::{
    message::{package, NoncePair, Nonces, Shares, SignerNonces},
    request::Request,
};
use crate::element::Scalar;
use alloc::vec::Vec;
use frost_secp256k1_tr::{
    keys::KeyPackage,
    round1::{commit, SigningNonces},
    round2::sign,
};
use rand_core::{CryptoRng, RngCore};

/// The secret nonces of one attempt, one pair per input.
///
/// They live in memory only: no `Clone`, no encoding, and signing consumes them. They are drawn
/// afresh and never derived from the session, because a machine restored from a snapshot would
/// derive them again.
///
/// ```compile_fail
/// fn twice<T: Clone>() {}
/// twice::<bzk_threshold::signing::SecretNonces>();
/// ```
///
/// ```compile_fail
/// fn stored<T: codec::Encode>() {}
/// stored::<bzk_threshold::signing::SecretNonces>();
/// ```
pub struct SecretNonces(Vec<SigningNonces>);

impl SecretNonces {
    /// Draws nonces for `inputs` inputs and commits to them. frost hedges them with the share, but
    /// `rng` should be the operating system's: one in this process would be restored with it.
    ///
    /// `None` with a probability of 2^-256.
    pub fn draw(
        inputs: usize,
        key: &KeyPackage,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<(Self, Nonces)> {
        let (secret, public): (Vec<_>, Vec<_>) =
            (0..inputs).map(|_| commit(key.signing_share(), rng)).unzip();
        let public: Option<Vec<_>> = public.iter().map(NoncePair::from_commitments).collect();
        Some((Self(secret), public?.try_into().ok()?))
    }

    /// Signs all inputs of `request` with the `nonces` that the signers published.
    ///
    /// `None` when ours are not among them or something is malformed; the nonces are spent all the
    /// same.
    pub fn sign(
        self,
        request: &Request,
        key: &KeyPackage,
        nonces: &SignerNonces,
    ) -> Option<Shares> {
        if self.0.len() != request.inputs.len() {
            return None;
        }
        let shares: Option<Vec<Scalar>> = self
            .0
            .into_iter()
            .zip(&request.inputs)
            .enumerate()
            .map(|(index, (secret, input))| {
                let nonces = nonces.iter().map(|(member, nonces)| (*member, nonces));
                let package = package(nonces, index, &input.sighash)?;
                // Checks that our commitment is in the package and that there are enough others.
                let share = sign(&package, &secret, &input.tweak(key.clone())).ok()?;
                Some(Scalar(share.serialize().try_into().ok()?))
            })
            .collect();
        shares?.try_into().ok()
    }
}

impl core::fmt::Debug for SecretNonces {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SecretNonces(for {} inputs)", self.0.len())
    }
}
