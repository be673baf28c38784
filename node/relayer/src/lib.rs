//! # The relayer
//! Brings Bitcoin's headers, proofs of deposits and proofs of payouts to the bridge contract. It holds no secret but
//! the key that pays its gas, and nothing depends on one relayer: what it sends is judged by the contract before it
//! is sent, so several at once do each other no harm.

pub mod check_headers;
pub mod delivery;
pub mod depths;
mod header_file;
pub mod headers;
pub mod line;
pub mod refusals;
pub mod relayer;
pub mod run;
pub mod settlements;
