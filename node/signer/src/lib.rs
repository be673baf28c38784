//! What a committee member runs: the machines of `bzk_threshold` with a disk under them.
//!
//! - [`seal`]: secrets at rest, encrypted with a key from a passphrase.
//! - [`log`]: the attempts that began, on disk before anything leaves.
//! - [`store`]: both in one directory, for one process at a time.
//! - [`executor`]: does what a signing machine asks, in its order.
//! - [`member`]: from what the chain shows to the messages that the member owes.
//! - [`payouts`]: what a member signs, by its own nodes.
//! - [`exchange`]: messages of members to each other; [`repair`] and [`refresh`] of shares with them.
//! - [`daemon`] and [`arguments`]: the program.
//! - [`node`]: the chain, over the RPC of a node.
//! - [`fees`]: what the member's Bitcoin node estimates, reported to the chain.

pub mod arguments;
pub mod daemon;
pub mod exchange;
pub mod executor;
pub mod fees;
pub mod log;
pub mod member;
pub mod node;
pub mod payouts;
pub mod refresh;
pub mod repair;
pub mod seal;
pub mod store;
