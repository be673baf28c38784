//! Transactions from outside, decoded with limits.

use bitcoin::{consensus::deserialize, Amount, Transaction};
use bzk_core::MAX_SATS;
use core::fmt;

/// The longest transaction that is decoded, in bytes: the weight limit of what Bitcoin nodes relay.
pub const MAX_TRANSACTION_BYTES: usize = 400_000;

/// Without its witness, a transaction of this many bytes is also an inner node of a Merkle tree.
const MERKLE_NODE_BYTES: usize = 64;

/// Why bytes are not a transaction that the bridge takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionError {
    /// Longer than [`MAX_TRANSACTION_BYTES`].
    TooLong {
        /// The number of bytes.
        bytes: usize,
    },
    /// Not Bitcoin's encoding, or bytes are left over.
    Malformed,
    /// Without inputs or without outputs.
    Empty,
    /// An output or the sum of the outputs is more than can exist.
    Overflow,
    /// 64 bytes without the witness: it could be an inner node of the Merkle tree (BIP-54).
    MerkleNodeSized,
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "transaction of {bytes} bytes; at most {MAX_TRANSACTION_BYTES} are read")
            }
            Self::Malformed => f.write_str("not a Bitcoin transaction"),
            Self::Empty => f.write_str("transaction without inputs or outputs"),
            Self::Overflow => f.write_str("transaction pays more than 21 million BTC"),
            Self::MerkleNodeSized => {
                f.write_str("transaction of 64 bytes, which could be a node of the Merkle tree")
            }
        }
    }
}

impl core::error::Error for TransactionError {}

/// Decodes a whole transaction, with or without witness.
///
/// # Errors
/// [`TransactionError`]; what is returned has inputs, outputs, amounts that can exist, and is no Merkle node.
pub fn decode_transaction(bytes: &[u8]) -> Result<Transaction, TransactionError> {
    if bytes.len() > MAX_TRANSACTION_BYTES {
        return Err(TransactionError::TooLong { bytes: bytes.len() });
    }
    let transaction: Transaction = deserialize(bytes).map_err(|_| TransactionError::Malformed)?;
    if transaction.input.is_empty() || transaction.output.is_empty() {
        return Err(TransactionError::Empty);
    }
    transaction
        .output
        .iter()
        .try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))
        .filter(|sum| sum.to_sat() <= MAX_SATS)
        .ok_or(TransactionError::Overflow)?;
    if transaction.base_size() == MERKLE_NODE_BYTES {
        return Err(TransactionError::MerkleNodeSized);
    }
    Ok(transaction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::{
        absolute::LockTime, consensus::serialize, transaction::Version, OutPoint, ScriptBuf,
        Sequence, TxIn, TxOut, Witness,
    };
    use proptest::prelude::*;

    fn transaction(outputs: &[(u64, usize)]) -> Transaction {
        let input = TxIn {
            previous_output: OutPoint { vout: 7, ..OutPoint::null() },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        let output = outputs.iter().map(|(sats, script)| TxOut {
            value: Amount::from_sat(*sats),
            script_pubkey: ScriptBuf::from(vec![0x51; *script]),
        });
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input],
            output: output.collect(),
        }
    }

    #[test]
    fn transaction_survives_the_way_through_bytes() {
        let transaction = transaction(&[(5, 22), (0, 0)]);
        assert_eq!(decode_transaction(&serialize(&transaction)), Ok(transaction));
    }

    #[test]
    fn attack_sixty_four_byte_transaction() {
        let tiny = transaction(&[(1, 4)]);
        assert_eq!(serialize(&tiny).len(), 64);
        assert_eq!(decode_transaction(&serialize(&tiny)), Err(TransactionError::MerkleNodeSized));
        // A witness changes the length on the wire but not what the tree commits to.
        let mut disguised = tiny;
        disguised.input[0].witness.push([1; 5]);
        assert_eq!(
            decode_transaction(&serialize(&disguised)),
            Err(TransactionError::MerkleNodeSized)
        );
    }

    #[test]
    fn attack_overflowing_amounts() {
        for outputs in
            [&[(MAX_SATS + 1, 22)][..], &[(u64::MAX, 22), (2, 22)], &[(MAX_SATS, 22), (1, 22)]]
        {
            let bytes = serialize(&transaction(outputs));
            assert_eq!(decode_transaction(&bytes), Err(TransactionError::Overflow));
        }
        assert!(decode_transaction(&serialize(&transaction(&[(MAX_SATS, 22)]))).is_ok());
    }

    #[test]
    fn attack_bytes_after_the_transaction() {
        let mut bytes = serialize(&transaction(&[(5, 22)]));
        bytes.push(0);
        assert_eq!(decode_transaction(&bytes), Err(TransactionError::Malformed));
    }

    proptest! {
        #[test]
        fn prop_what_decodes_encodes_to_the_same_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 0usize..120,
            flip in any::<(u8, u8)>(),
        ) {
            let _ = decode_transaction(&bytes);
            let mut bytes = serialize(&transaction(&[(5, 22), (7, 34)]));
            let at = usize::from(flip.0) % bytes.len();
            bytes[at] ^= flip.1;
            bytes.truncate(bytes.len().saturating_sub(cut / 20));
            if let Ok(transaction) = decode_transaction(&bytes) {
                prop_assert_eq!(serialize(&transaction), bytes);
            }
        }
    }
}
