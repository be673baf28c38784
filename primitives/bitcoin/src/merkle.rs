//! Proof that a transaction is in a block.
//!
//! Bitcoin's tree does not tell leaves from inner nodes. Three checks together close that: no transaction of 64
//! bytes, a coinbase at position 0, and both paths of one length.

use crate::transaction::{decode_transaction, TransactionError};
use alloc::vec::Vec;
use bitcoin::{
    hashes::{sha256d, Hash, HashEngine},
    Transaction, TxMerkleNode, Txid,
};
use core::fmt;

/// A block of 4 million weight units holds fewer than 2^16 transactions.
pub const MAX_DEPTH: usize = 16;

/// The way from a leaf to the root of a block's Merkle tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerklePath {
    /// The leaf's index in the block.
    pub position: u32,
    /// The neighbour at each level, from the leaf up, in the byte order of the hash function.
    pub siblings: Vec<[u8; 32]>,
}

/// Proof that a transaction is in the block with a given Merkle root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxProof {
    /// The transaction.
    pub transaction: Vec<u8>,
    /// Its path.
    pub path: MerklePath,
    /// The block's coinbase transaction.
    pub coinbase: Vec<u8>,
    /// Siblings of the coinbase; its position is 0.
    pub coinbase_siblings: Vec<[u8; 32]>,
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// The transaction cannot be taken.
    Transaction(TransactionError),
    /// The coinbase transaction cannot be taken.
    Coinbase(TransactionError),
    /// The transaction at position 0 is not a coinbase.
    NotCoinbase,
    /// The two paths differ in length, so one of them does not end at a leaf.
    UnequalDepths {
        /// Length of the transaction's path.
        transaction: usize,
        /// Length of the coinbase's path.
        coinbase: usize,
    },
    /// More levels than a block can have.
    TooDeep {
        /// Length of the path.
        depth: usize,
    },
    /// The position lies outside a tree of this depth.
    PositionOutside {
        /// The position that was claimed.
        position: u32,
        /// Length of the path.
        depth: usize,
    },
    /// A right child that equals its left neighbour (CVE-2012-2459).
    RepeatedNode,
    /// The transaction's path does not lead to the block's root.
    WrongRoot,
    /// The coinbase's path does not lead to the block's root.
    WrongCoinbaseRoot,
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transaction(error) => write!(f, "{error}"),
            Self::Coinbase(error) => write!(f, "coinbase: {error}"),
            Self::NotCoinbase => f.write_str("the transaction at position 0 is not a coinbase"),
            Self::UnequalDepths { transaction, coinbase } => write!(
                f,
                "the transaction's path has {transaction} levels and the coinbase's {coinbase}"
            ),
            Self::TooDeep { depth } => write!(f, "path of {depth} levels; at most {MAX_DEPTH}"),
            Self::PositionOutside { position, depth } => {
                write!(f, "position {position} is outside a tree of {depth} levels")
            }
            Self::RepeatedNode => f.write_str("a right child equals its left neighbour"),
            Self::WrongRoot => f.write_str("the path does not lead to the block's Merkle root"),
            Self::WrongCoinbaseRoot => {
                f.write_str("the coinbase's path does not lead to the block's Merkle root")
            }
        }
    }
}

impl core::error::Error for ProofError {}

impl MerklePath {
    /// The root that `leaf` leads to.
    ///
    /// # Errors
    /// [`ProofError::TooDeep`], [`ProofError::PositionOutside`], [`ProofError::RepeatedNode`].
    pub fn root(&self, leaf: [u8; 32]) -> Result<[u8; 32], ProofError> {
        let depth = self.siblings.len();
        if depth > MAX_DEPTH {
            return Err(ProofError::TooDeep { depth });
        }
        let mut rest = self.position;
        let mut node = leaf;
        for sibling in &self.siblings {
            node = if rest & 1 == 0 {
                parent(&node, sibling)
            } else if node == *sibling {
                return Err(ProofError::RepeatedNode);
            } else {
                parent(sibling, &node)
            };
            rest >>= 1;
        }
        if rest != 0 {
            return Err(ProofError::PositionOutside { position: self.position, depth });
        }
        Ok(node)
    }
}

impl TxProof {
    /// Checks the proof against the Merkle root of a block and gives the transaction.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, root: TxMerkleNode) -> Result<Transaction, ProofError> {
        let transaction = decode_transaction(&self.transaction).map_err(ProofError::Transaction)?;
        let coinbase = decode_transaction(&self.coinbase).map_err(ProofError::Coinbase)?;
        if !coinbase.is_coinbase() {
            return Err(ProofError::NotCoinbase);
        }
        if self.path.siblings.len() != self.coinbase_siblings.len() {
            return Err(ProofError::UnequalDepths {
                transaction: self.path.siblings.len(),
                coinbase: self.coinbase_siblings.len(),
            });
        }
        // Of what was decoded, never of what the prover says: witnesses do not count.
        let leaf = transaction.compute_txid().to_byte_array();
        if self.path.root(leaf)? != root.to_byte_array() {
            return Err(ProofError::WrongRoot);
        }
        let coinbase_path = MerklePath { position: 0, siblings: self.coinbase_siblings.clone() };
        if coinbase_path.root(coinbase.compute_txid().to_byte_array())? != root.to_byte_array() {
            return Err(ProofError::WrongCoinbaseRoot);
        }
        Ok(transaction)
    }
}

/// The path of the transaction at `position` in a block with these transactions; `None` outside the block.
pub fn merkle_path(txids: &[Txid], position: usize) -> Option<MerklePath> {
    txids.get(position)?;
    let mut level: Vec<[u8; 32]> = txids.iter().map(|txid| txid.to_byte_array()).collect();
    let mut siblings = Vec::new();
    let mut at = position;
    while level.len() > 1 {
        // The last node of an odd level is paired with itself.
        let sibling = level.get(at ^ 1).or(level.last()).copied()?;
        siblings.push(sibling);
        level =
            level.chunks(2).filter_map(|pair| Some(parent(pair.first()?, pair.last()?))).collect();
        at >>= 1;
    }
    Some(MerklePath { position: u32::try_from(position).ok()?, siblings })
}

fn parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(left);
    engine.input(right);
    sha256d::Hash::from_engine(engine).to_byte_array()
}
