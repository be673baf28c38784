//! Distributed key generation (Pedersen's, with FROST's proofs of knowledge) in four rounds of
//! broadcast on a chain: commitments, encrypted shares, confirmation by all, a test signature by
//! all. Whoever breaks it is named, and the next attempt goes on without it.

pub mod ceremony;
pub mod judge;
pub mod message;
pub mod participant;
mod transcript;

pub use transcript::transcript;
