//! Scalars for several members in one message, each encrypted to the session key of its receiver.
//!
//! The encryption is that of the key generation ([`encryption`](crate::encryption)). Who sent them is
//! shown by the envelope around them, and whether they are right by public commitments.

use crate::{
    bip340::SecretKey,
    committee::{Committee, Member, MAX_MEMBERS},
    element::{Scalar, XOnly},
    encryption,
};
use alloc::{collections::BTreeMap, vec::Vec};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use rand_core::{CryptoRng, RngCore};
use scale_info::TypeInfo;

/// Encrypted scalars with their receivers.
#[derive(
    Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Sealed {
    /// Key made for this message only.
    pub ephemeral: XOnly,
    /// The scalars by ascending receiver.
    pub scalars: BoundedVec<(Member, Scalar), ConstU32<MAX_MEMBERS>>,
}

impl Sealed {
    /// Encrypts the scalars that `sender` has for members of `committee`. `context` is that of the
    /// envelope, so the pads of two messages differ.
    ///
    /// `None` when a receiver is no member or a scalar is malformed.
    pub fn seal(
        context: &[u8; 32],
        committee: &Committee,
        sender: Member,
        scalars: &BTreeMap<Member, Scalar>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Option<Self> {
        let ephemeral = SecretKey::random(rng);
        let sealed: Option<Vec<(Member, Scalar)>> = scalars
            .iter()
            .map(|(receiver, scalar)| {
                let shared = encryption::agree(&ephemeral, committee.key(*receiver)?)?;
                let pair = (sender, *receiver);
                Some((
                    *receiver,
                    encryption::seal(context, &shared, pair, &scalar.decode_scalar()?),
                ))
            })
            .collect();
        Some(Self { ephemeral: ephemeral.public(), scalars: sealed?.try_into().ok()? })
    }

    /// Decrypts what `sender` has for `receiver`, whose session key is `secret`. Any ciphertext opens to
    /// some scalar: hold it against its commitment.
    ///
    /// `None` when there is none for `receiver`, or the message is malformed.
    pub fn open(
        &self,
        context: &[u8; 32],
        (sender, receiver): (Member, Member),
        secret: &SecretKey,
    ) -> Option<Scalar> {
        let (_, sealed) = self.scalars.iter().find(|(member, _)| *member == receiver)?;
        let shared = encryption::agree(secret, &self.ephemeral)?;
        let scalar = encryption::open(context, &shared, (sender, receiver), sealed)?;
        Some(Scalar::encode_scalar(&scalar))
    }
}
