//! Where each Ethereum block, transaction and log is.
//!
//! The entries travel in `BlockImportParams::auxiliary`, so the database commits them in one batch
//! with the block: a block that exists is indexed, also after a crash. An entry lists all forks;
//! [`crate::chain`] picks the canonical one at reading.

mod bitmap;
pub mod entry;
mod import;
pub mod keys;
pub mod logs;
mod stale;
mod start;
mod write;

pub(crate) use logs::AuxEntry as Entry;
pub(crate) use write::Closed;

pub use import::EthIndexImport;
pub use start::index_existing;
