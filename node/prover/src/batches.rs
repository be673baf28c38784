//! Where a block is divided into batches of transactions.
//!
//! What a transaction leaves in the kernel's memory stays there until its batch ends: its bytes in the trie of
//! transactions, its receipt, the tries of what it touched. The largest memory circuit takes 2^20 cells
//! (`tables.rs`); the kernel's code takes 66,000 of them, and a single transaction up to `MAX_CELLS` of the chain's
//! meter (`primitives/evm/src/meter/memory.rs`). So a batch ends when its transactions may have left more than
//! [`MOST_KEPT`].

use std::ops::Range;

use crate::witness::TransactionWitness;

/// Most cells that the transactions of a batch have left before another one is added to it.
const MOST_KEPT: u64 = 200_000;

/// A byte of a transaction: in its trie, in the buffer in which that is hashed, in what was decoded of it.
const TRANSACTION_BYTE: u64 = 4;

/// A byte of a receipt: in the list of logs, its trie, and the buffer in which that is hashed.
const RECEIPT_BYTE: u64 = 3;

/// An account or slot with the branches to it; as the chain's meter counts it.
const ACCESS: u64 = 620;

/// The batches of a block, by the positions of their transactions.
pub fn divide(transactions: &[TransactionWitness]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut first, mut kept) = (0, 0);
    for (index, transaction) in transactions.iter().enumerate() {
        if kept > MOST_KEPT {
            batches.push(first..index);
            first = index;
            kept = opened(index).map_or(0, |other| leaves(&transactions[other]));
        }
        kept += left(transaction);
    }
    batches.push(first..transactions.len());
    batches
}

/// Cells that a transaction leaves in its batch.
fn left(transaction: &TransactionWitness) -> u64 {
    let accesses: usize = transaction
        .accounts
        .values()
        .map(|access| 1 + access.storage_read.len() + access.storage_written.len())
        .sum();
    transaction.raw.0.len() as u64 * TRANSACTION_BYTE
        + transaction.receipt.0.len() as u64 * RECEIPT_BYTE
        + accesses as u64 * ACCESS
}

/// Cells of a transaction's leaves in the tries of transactions and receipts, when a batch starts with them.
fn leaves(transaction: &TransactionWitness) -> u64 {
    (transaction.raw.0.len() + transaction.receipt.0.len()) as u64
}

/// The transaction whose leaves may have to move for those of transaction `index`. Keys are RLP of the position, so
/// that is the one before it or none, but for 0x8180, whose way begins as that of 0x80: position 0.
fn opened(index: usize) -> Option<usize> {
    if index == 128 {
        Some(0)
    } else {
        index.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::witness::HexBytes;

    fn transaction(bytes: usize, accounts: usize) -> TransactionWitness {
        let address = |index: usize| ethereum_types::Address::from_low_u64_be(index as u64);
        TransactionWitness {
            raw: HexBytes(vec![0; bytes]),
            receipt: HexBytes(vec![0; 270]),
            gas_used: 21_000.into(),
            cycles: 0.into(),
            accounts: (0..accounts).map(|index| (address(index), Default::default())).collect(),
        }
    }

    fn ends(transactions: &[TransactionWitness]) -> Vec<usize> {
        divide(transactions).into_iter().map(|batch| batch.end).collect()
    }

    #[test]
    fn small_block_is_one_batch() {
        assert_eq!(ends(&[]), [0]);
        let transfers: Vec<_> = (0..50).map(|_| transaction(110, 3)).collect();
        assert_eq!(ends(&transfers), [50]);
    }

    #[test]
    fn each_transaction_of_the_largest_size_is_a_batch() {
        let large: Vec<_> = (0..5).map(|_| transaction(131_072, 3)).collect();
        assert_eq!(ends(&large), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn batches_hold_all_transactions_in_order() {
        let sizes = [100, 131_072, 2_000, 50_000, 60_000, 70_000, 1, 1, 90_000];
        let transactions: Vec<_> = sizes.map(|bytes| transaction(bytes, 40)).into();
        let batches = divide(&transactions);
        assert!(batches.len() > 2);
        let all: Vec<_> = batches.iter().cloned().flatten().collect();
        assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
        // Without its last transaction each has left little enough.
        for batch in batches {
            let before = &transactions[batch.start..batch.end - 1];
            assert!(before.iter().map(left).sum::<u64>() <= MOST_KEPT);
        }
    }

    #[test]
    fn leaves_that_move_are_those_of_the_transaction_before_or_of_the_first() {
        use mpt_trie::partial_trie::{Node, PartialTrie};
        let mut trie = evm_arithmetization::tries::TransactionTrie::new();
        for index in 0..700 {
            let mut part = trie.clone();
            part.mask([index]).unwrap();
            let known = part.as_hashed_partial_trie().items();
            let open =
                known.filter(|(_, value)| matches!(value, mpt_trie::trie_ops::ValOrHash::Val(_)));
            for (_, value) in open {
                let mpt_trie::trie_ops::ValOrHash::Val(value) = value else { continue };
                let moved = usize::from_be_bytes(value[..8].try_into().unwrap());
                assert_eq!(Some(moved), opened(index), "for {index}");
            }
            let value = [&index.to_be_bytes()[..], &[1; 100]].concat();
            trie.insert(index, value).unwrap();
            assert!(!matches!(**trie.as_hashed_partial_trie(), Node::Empty));
        }
    }
}
