//! Signing sessions: all inputs of a transaction in one session, the first members to commit are
//! the signers, an attempt ends with a signature or without those who failed it.

pub mod aggregate;
pub mod message;
mod nonces;
pub mod request;
pub mod session;
pub mod signer;

pub use nonces::SecretNonces;
