//! A transaction in a block, with the proof that the relay contract checks.

use crate::Error;
use bzk_bitcoin::{
    bitcoin::{block::Header, consensus::serialize, Block, Transaction, Txid},
    merkle_path, TxProof,
};

/// A confirmed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The height of its block.
    pub height: u32,
    /// The header of its block.
    pub header: Header,
    /// Proof against the header's Merkle root; both transactions in it are without witness.
    pub proof: TxProof,
}

impl Inclusion {
    /// The proof for a transaction of `block`; `None` when the block does not hold it.
    pub fn in_block(block: &Block, height: u32, txid: &Txid) -> Option<Self> {
        let txids: Vec<Txid> = block.txdata.iter().map(Transaction::compute_txid).collect();
        let position = txids.iter().position(|other| other == txid)?;
        let proof = TxProof {
            transaction: without_witness(block.txdata.get(position)?),
            path: merkle_path(&txids, position)?,
            coinbase: without_witness(block.txdata.first()?),
            coinbase_siblings: merkle_path(&txids, 0)?.siblings,
        };
        Some(Self { height, header: block.header, proof })
    }

    /// Holds the back end to its word.
    ///
    /// # Errors
    /// [`Error::Nonsense`] when the proof fails or is for another transaction.
    pub(crate) fn checked(self, txid: &Txid) -> Result<Self, Error> {
        let nonsense = |reason| Error::Nonsense { call: "inclusion", reason };
        let proven = self
            .proof
            .verify(self.header.merkle_root)
            .map_err(|error| nonsense(format!("{txid}: {error}")))?;
        match proven.compute_txid() {
            found if found == *txid => Ok(self),
            found => Err(nonsense(format!("asked for {txid}, got {found}"))),
        }
    }
}

/// The bytes that a transaction id commits to.
pub(crate) fn without_witness(transaction: &Transaction) -> Vec<u8> {
    let mut stripped = transaction.clone();
    for input in &mut stripped.input {
        input.witness.clear();
    }
    serialize(&stripped)
}
