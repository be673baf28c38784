//! How other parts of a runtime have things signed. pallet-threshold provides the service,
//! pallet-btc-bridge uses it.

use crate::{
    committee::Committee,
    element::{Signature, XOnly},
    signing::request::Input,
};
use alloc::vec::Vec;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// There is no key of this epoch.
    NoSuchKey,
    /// There are no inputs, or too many.
    BadInputs,
    /// Too many sessions are open: ask again when one has ended.
    Busy,
    /// The key is the only one.
    StillActive,
}

/// Signs with the keys of the committee.
pub trait SigningService {
    /// The newest epoch and its internal key: where deposits go.
    fn active() -> Option<(u32, XOnly)>;

    /// The internal key of `epoch`, if it can still sign.
    fn key(epoch: u32) -> Option<XOnly>;

    /// Opens a session in which the members of `epoch` sign `inputs`, and returns its number.
    ///
    /// # Errors
    /// [`ServiceError`].
    fn request(epoch: u32, inputs: Vec<Input>) -> Result<u64, ServiceError>;

    /// Ends a session: nothing more is signed in it. Shares that left cannot be taken back.
    fn cancel(session: u64);

    /// Forgets the key of an old epoch, once nothing is left to sign with it.
    ///
    /// # Errors
    /// [`ServiceError::StillActive`], [`ServiceError::NoSuchKey`].
    fn retire(epoch: u32) -> Result<(), ServiceError>;
}

/// Knows who is in the committee.
pub trait Members {
    /// The committee of the newest key.
    fn committee() -> Option<Committee>;
}

/// Hears what becomes of sessions and keys.
pub trait OnSigning {
    /// The signatures of all inputs of `session`, verified, in the order of the inputs.
    fn signed(session: u64, signatures: Vec<Signature>);

    /// `session` can never finish: too many members have been caught lying, or no honest one commits to it.
    fn failed(session: u64);

    /// `key` of `epoch` is the committee's; the one before goes on signing until it is retired.
    fn key_adopted(epoch: u32, key: XOnly);
}

impl OnSigning for () {
    fn signed(_: u64, _: Vec<Signature>) {}
    fn failed(_: u64) {}
    fn key_adopted(_: u32, _: XOnly) {}
}
