//! Threshold signatures on secp256k1 (FROST, BIP-340, BIP-341) as pure state machines.
//!
//! A chain is the coordinator: it orders the signed messages of the members, steps the public
//! machines ([`dkg::ceremony`], [`signing::session`]) and names whoever breaks the protocol. Each
//! member runs the secret machines ([`dkg::participant`], [`signing::signer`]) next to it. All of
//! them are functions of state and event that return actions; none does input or output.
//!
//! The cryptography of keys and shares is frost-secp256k1-tr's. Its audit leaves the `-tr` variant
//! out; what the crate gets wrong or leaves open is closed here: messages are bound to their
//! context ([`committee`], [`envelope`]), shares are encrypted and can be disputed ([`encryption`],
//! [`dkg::judge`]), nonces cannot be used twice ([`signing::signer`]).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod bip340;
pub mod committee;
pub mod dkg;
pub mod dleq;
pub mod element;
pub mod encryption;
pub mod envelope;
pub mod fault;
pub mod fee;
mod hash;
pub mod key;
pub mod refresh;
pub mod refusal;
pub mod repair;
pub mod sealed;
pub mod service;
pub mod signing;
pub mod view;

#[cfg(test)]
mod tests;

pub use hash::tagged_hash;
