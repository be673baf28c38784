//! What a committee member runs: the machines of `bzk_threshold` with a disk under them.
//!
//! - [`seal`]: secrets at rest, encrypted with a key from a passphrase.
//! - [`log`]: the attempts that began, on disk before anything leaves.
//! - [`store`]: both in one directory, for one process at a time.
//! - [`executor`]: does what a signing machine asks, in its order.
//! - [`member`]: from what the chain shows to the messages that the member owes.
//! - [`node`]: the chain, over the RPC of a node.
//! - [`fees`]: what the member's Bitcoin node estimates, reported to the chain.

pub mod executor;
pub mod fees;
pub mod log;
pub mod member;
pub mod node;
pub mod seal;
pub mod store;
