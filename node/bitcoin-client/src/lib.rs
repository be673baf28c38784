//! # Bitcoin from the outside
//! [`BitcoinClient`] is what our daemons need of Bitcoin; [`Bitcoind`] is the adapter for one's own node and the
//! default. Esplora and Electrum servers are features. A back end is trusted for being complete, not for being
//! right: whoever reads proofs and headers judges them with `bzk-bitcoin`.

mod bitcoind;
mod connect;
#[cfg(feature = "electrum")]
mod electrum;
#[cfg(feature = "esplora")]
mod esplora;
mod inclusion;
#[cfg(feature = "testing")]
pub mod random_headers;
#[cfg(feature = "testing")]
pub mod regtest;

pub use crate::bitcoind::{Auth, Bitcoind};
pub use connect::BackEnd;
#[cfg(feature = "electrum")]
pub use electrum::Electrum;
#[cfg(feature = "esplora")]
pub use esplora::Esplora;
pub use inclusion::Inclusion;

use async_trait::async_trait;
use bzk_bitcoin::bitcoin::{
    block::Header, Amount, BlockHash, FeeRate, OutPoint, Script, Transaction, TxOut, Txid,
};

/// Why Bitcoin gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The back end cannot be reached, or it refuses the login; try again.
    #[error("bitcoin back end cannot be reached: {0}")]
    Unreachable(String),
    /// The back end does not know such a call, or lacks an index for it.
    #[error("bitcoin back end cannot answer {call}: {reason}")]
    Unsupported {
        /// The call.
        call: &'static str,
        /// What the back end says, and what it needs.
        reason: String,
    },
    /// The answer makes no sense.
    #[error("bitcoin back end answers {call} with nonsense: {reason}")]
    Nonsense {
        /// The call.
        call: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The URL names no back end.
    #[error("{url:?} is no bitcoin back end: {reason}")]
    BadUrl {
        /// The URL.
        url: String,
        /// What is expected.
        reason: &'static str,
    },
    /// The transaction was not taken.
    #[error("transaction refused: {0}")]
    Refused(String),
}

/// The last block of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// A confirmed output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its amount.
    pub amount: Amount,
    /// The height of its block.
    pub height: u32,
}

/// What a back end knows of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coin {
    /// No confirmed transaction spends it. It may itself be unconfirmed, or spent in the mempool.
    Unspent(TxOut),
    /// A confirmed transaction has spent it.
    Spent,
    /// There is no such output, or the back end does not have it yet.
    Unknown,
}

/// What our daemons need of Bitcoin.
#[async_trait]
pub trait BitcoinClient: Send + Sync {
    /// The last block of the back end's chain.
    async fn tip(&self) -> Result<Tip, Error>;

    /// The chain's headers from height `from` on, at most `count`; fewer at the tip, none above it.
    async fn headers(&self, from: u32, count: u32) -> Result<Vec<Header>, Error>;

    /// A confirmed transaction with the proof that its block holds it; `None` while it is not confirmed.
    async fn inclusion(&self, txid: &Txid) -> Result<Option<Inclusion>, Error>;

    /// The confirmed outputs that pay `script`, spent or not, in blocks from height `from` on, oldest first.
    async fn outputs(&self, script: &Script, from: u32) -> Result<Vec<Output>, Error>;

    /// What became of an output.
    async fn coin(&self, outpoint: &OutPoint) -> Result<Coin, Error>;

    /// The fee rate for confirmation within `blocks`, at least what the back end relays.
    async fn fee_rate(&self, blocks: u16) -> Result<FeeRate, Error>;

    /// Hands a transaction to the network. Doing so again is no error.
    async fn broadcast(&self, transaction: &Transaction) -> Result<(), Error>;
}
