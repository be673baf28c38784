//! What is proven, outside of circuits: fields of a block proof, the accumulator, the public inputs.

use std::ops::Range;

use anyhow::{ensure, Result};
use plonky2::{
    field::types::{Field, PrimeField64},
    hash::{hash_types::NUM_HASH_OUT_ELTS, poseidon::PoseidonHash},
    plonk::config::Hasher,
};
use serde::{Deserialize, Serialize};

use crate::F;

/// Elements of a 256-bit word: 32 bits each, the lowest first.
pub const WORD: usize = 8;

/// Where the public inputs of a block's proof have what. The zkEVM's `PublicValues` in their order.
pub mod block {
    use super::*;

    /// State root before the block.
    pub const STATE_BEFORE: Range<usize> = 0..8;
    /// Transactions root before the block: that of no transactions.
    pub const TRANSACTIONS_BEFORE: Range<usize> = 8..16;
    /// Receipts root before the block: that of no receipts.
    pub const RECEIPTS_BEFORE: Range<usize> = 16..24;
    /// State, transactions and receipts roots after the block.
    pub const ROOTS_AFTER: Range<usize> = 24..48;
    /// State root after the block.
    pub const STATE_AFTER: Range<usize> = 24..32;
    /// All header fields that the kernel reads.
    pub const METADATA: Range<usize> = 48..145;
    /// Seconds since 1970.
    pub const TIMESTAMP: usize = 53;
    /// Height.
    pub const NUMBER: usize = 54;
    /// Proof-of-work difficulty; must be 0.
    pub const DIFFICULTY: usize = 55;
    /// EIP-155 chain id.
    pub const CHAIN_ID: usize = 65;
    /// Gas that the header says was used.
    pub const GAS_USED: usize = 68;
    /// Blob gas used, excess blob gas, parent beacon root; all must be 0.
    pub const BLOBS: Range<usize> = 69..81;
    /// The 256 hashes before the block, the oldest first.
    pub const PREVIOUS_HASHES: Range<usize> = 145..2193;
    /// The block's own hash.
    pub const HASH: Range<usize> = 2193..2201;
    /// Transactions of the block before the first one that is proven: none.
    pub const TRANSACTIONS_FROM: usize = 2213;
    /// Gas that those used: none.
    pub const GAS_FROM: usize = 2215;
    /// Gas that the block's transactions used.
    pub const GAS_TO: usize = 2216;
    /// Public values; behind them stands the name of the circuit that joins batches.
    pub const LEN: usize = 2371;
}

/// Root of an empty trie (keccak-256 of the RLP of nothing); words as in a block's proof.
pub const EMPTY_ROOT: [u32; WORD] = [
    0xe363_b421,
    0x0162_2fb5,
    0x996c_adc0,
    0x5b48_e01b,
    0x92c0_f86e,
    0xff83_45e6,
    0x1bcc_55a6,
    0x56e8_1f17,
];

/// A Poseidon digest.
pub type Digest = [F; NUM_HASH_OUT_ELTS];

/// What the next block is linked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// Height of the last block.
    pub number: F,
    /// Its time, in seconds.
    pub timestamp: F,
    /// State root after it.
    pub state: [F; WORD],
    /// Poseidon of the hashes of the last 256 blocks, its own the last.
    pub window: Digest,
}

/// The accumulator of all blocks up to a tip, opened: the last step is
/// `value = Poseidon(before ‖ block ‖ window ‖ number ‖ timestamp ‖ state)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accumulator {
    /// Accumulator before the tip's block; zeros where it starts.
    pub before: Digest,
    /// Digest of the tip's block; zeros where it starts.
    pub block: Digest,
    /// The tip.
    pub tip: Tip,
}

impl Accumulator {
    /// The accumulator that starts before the block with these proof inputs and knows nothing earlier: where a
    /// contract is launched. `timestamp` is the parent's, in seconds.
    ///
    /// # Errors
    /// When there are too few inputs.
    pub fn start(inputs: &[F], timestamp: F) -> Result<Self> {
        ensure!(inputs.len() >= block::LEN, "a block proof has {} inputs", inputs.len());
        let mut state = [F::ZERO; WORD];
        state.copy_from_slice(&inputs[block::STATE_BEFORE]);
        let tip = Tip {
            number: inputs[block::NUMBER] - F::ONE,
            timestamp,
            state,
            window: poseidon(&inputs[block::PREVIOUS_HASHES]),
        };
        Ok(Self { before: [F::ZERO; 4], block: [F::ZERO; 4], tip })
    }

    /// Its value: what the committee signs and the contract stores.
    pub fn value(&self) -> Digest {
        let Tip { number, timestamp, state, window } = self.tip;
        poseidon(&[&self.before[..], &self.block, &window, &[number, timestamp], &state].concat())
    }

    /// The accumulator after one more block, given the public inputs of its proof.
    ///
    /// # Errors
    /// When there are too few of them.
    pub fn next(&self, inputs: &[F]) -> Result<Self> {
        ensure!(inputs.len() >= block::LEN, "a block proof has {} inputs", inputs.len());
        let window = [&inputs[block::PREVIOUS_HASHES][WORD..], &inputs[block::HASH]].concat();
        let mut state = [F::ZERO; WORD];
        state.copy_from_slice(&inputs[block::STATE_AFTER]);
        Ok(Self {
            before: self.value(),
            block: digest(inputs),
            tip: Tip {
                number: inputs[block::NUMBER],
                timestamp: inputs[block::TIMESTAMP],
                state,
                window: poseidon(&window),
            },
        })
    }
}

/// Digest of what a block proof says of its block: the roots after it, the header fields that the kernel
/// reads, and its hash.
fn digest(inputs: &[F]) -> Digest {
    poseidon(
        &[&inputs[block::ROOTS_AFTER], &inputs[block::METADATA], &inputs[block::HASH]].concat(),
    )
}

/// Poseidon without padding: all inputs here have a fixed length.
pub fn poseidon(elements: &[F]) -> Digest {
    PoseidonHash::hash_no_pad(elements).elements
}

/// The statement of a chain proof; the public inputs of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// EIP-155 chain id.
    pub chain_id: u32,
    /// First block.
    pub first: u32,
    /// Last block.
    pub last: u32,
    /// State root before the first block; words as in a block proof.
    pub old_state: [u32; WORD],
    /// State root after the last block.
    pub new_state: [u32; WORD],
    /// Accumulator before the first block.
    pub old_accumulator: [u64; 4],
    /// Accumulator after the last block.
    pub new_accumulator: [u64; 4],
    /// Who may use the proof: an address in five words, the lowest first.
    pub prover: [u32; 5],
}

impl Statement {
    /// Elements of a statement: four Poseidon permutations for the contract.
    pub const LEN: usize = 32;

    /// Reads the first elements of a chain proof's public inputs.
    ///
    /// # Errors
    /// When there are too few or one is larger than its type.
    pub fn from_elements(elements: &[F]) -> Result<Self> {
        ensure!(elements.len() >= Self::LEN, "a statement has 32 elements");
        let small =
            |index: usize| -> Result<u32> { Ok(elements[index].to_canonical_u64().try_into()?) };
        let words = |start: usize| -> Result<[u32; WORD]> {
            let mut words = [0; WORD];
            for (i, word) in words.iter_mut().enumerate() {
                *word = small(start + i)?;
            }
            Ok(words)
        };
        let digest =
            |start: usize| core::array::from_fn(|i| elements[start + i].to_canonical_u64());
        let mut prover = [0; 5];
        for (i, word) in prover.iter_mut().enumerate() {
            *word = small(27 + i)?;
        }
        Ok(Self {
            chain_id: small(0)?,
            first: small(1)?,
            last: small(2)?,
            old_state: words(3)?,
            new_state: words(11)?,
            old_accumulator: digest(19),
            new_accumulator: digest(23),
            prover,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the committee signs is an accumulator: it has to say all of a block that its proof says.
    #[test]
    fn accumulator_depends_on_each_element_of_a_block_and_of_its_window() {
        let inputs: Vec<F> = (0..block::LEN).map(F::from_canonical_usize).collect();
        let start = Accumulator::start(&inputs, F::ZERO).unwrap();
        let value = start.next(&inputs).unwrap().value();
        let oldest = block::PREVIOUS_HASHES.start..block::PREVIOUS_HASHES.start + WORD;
        let window = oldest.end..block::PREVIOUS_HASHES.end;
        let changed = |index: usize| {
            let mut inputs = inputs.clone();
            inputs[index] += F::ONE;
            inputs
        };
        let said = [block::ROOTS_AFTER, block::METADATA, window, block::HASH];
        for index in said.into_iter().flatten() {
            assert_ne!(start.next(&changed(index)).unwrap().value(), value, "element {index}");
        }
        // And of what was before it.
        for index in block::STATE_BEFORE.chain(oldest).chain([block::NUMBER]) {
            let start = Accumulator::start(&changed(index), F::ZERO).unwrap();
            assert_ne!(start.next(&inputs).unwrap().value(), value, "element {index}");
        }
    }
}
