//! Batches of Ethereum blocks, and what a proof says of one.
//!
//! A proof's public inputs are 32 elements of the Goldilocks field; `node/prover/circuits/src/chain.rs` has the list
//! of what binds each. The accumulators in them are Poseidon digests of every block: the chain does not compute them
//! (each block costs some 280 permutations, for the hashes of its last 256 ancestors alone 256), whoever certifies a
//! batch recomputes them from its data.
#![cfg_attr(not(feature = "std"), no_std)]

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{H160, H256};

/// Elements of a proof's public inputs.
pub const PUBLIC_INPUTS: usize = 32;

/// Order of the Goldilocks field, 2^64 - 2^32 + 1.
pub const FIELD_ORDER: u64 = 0xffff_ffff_0000_0001;

/// A Poseidon digest: four elements of the Goldilocks field, each below [`FIELD_ORDER`].
pub type Digest = [u64; 4];

/// The Ethereum blocks of a batch, and the state before and after them.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Span {
    /// Number of the first block.
    pub first: u64,
    /// Number of the last block.
    pub last: u64,
    /// keccak-256 of the last block's header.
    pub last_hash: H256,
    /// State root before the first block.
    pub old_state: H256,
    /// State root after the last block.
    pub new_state: H256,
}

impl Span {
    /// How many blocks it has.
    pub fn blocks(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// What a proof says: its public inputs, with names.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    TypeInfo,
    MaxEncodedLen,
)]
pub struct Statement {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Number of the first block.
    pub first: u64,
    /// Number of the last block.
    pub last: u64,
    /// State root before the first block.
    pub old_state: H256,
    /// State root after the last block.
    pub new_state: H256,
    /// Accumulator of the blocks before the first.
    pub old_accumulator: Digest,
    /// Accumulator of the blocks up to the last.
    pub new_accumulator: Digest,
    /// The account of the layer 1 that may use the proof.
    pub prover: H160,
}

impl Statement {
    /// Reads the public inputs of a proof; the lowest 32 bits of roots and addresses come first. `None` when an
    /// element is larger than what it stands for.
    pub fn from_inputs(inputs: &[u64; PUBLIC_INPUTS]) -> Option<Self> {
        let [chain_id, first, last, rest @ ..] = inputs;
        let (old_state, rest) = rest.split_first_chunk::<8>()?;
        let (new_state, rest) = rest.split_first_chunk::<8>()?;
        let (old_accumulator, rest) = rest.split_first_chunk::<4>()?;
        let (new_accumulator, prover) = rest.split_first_chunk::<4>()?;
        let statement = Self {
            chain_id: *chain_id,
            first: *first,
            last: *last,
            old_state: H256(from_words(old_state)?),
            new_state: H256(from_words(new_state)?),
            old_accumulator: *old_accumulator,
            new_accumulator: *new_accumulator,
            prover: H160(from_words(prover)?),
        };
        statement.is_canonical().then_some(statement)
    }

    /// Its public inputs, as the contract takes them.
    pub fn inputs(&self) -> [u64; PUBLIC_INPUTS] {
        let mut inputs = [0; PUBLIC_INPUTS];
        let all = [self.chain_id, self.first, self.last]
            .into_iter()
            .chain(to_words(&self.old_state.0))
            .chain(to_words(&self.new_state.0))
            .chain(self.old_accumulator)
            .chain(self.new_accumulator)
            .chain(to_words(&self.prover.0));
        inputs.iter_mut().zip(all).for_each(|(input, element)| *input = element);
        inputs
    }

    /// Whether every number fits what the circuits have for it: 32 bits, or an element of the field.
    pub fn is_canonical(&self) -> bool {
        let numbers = [self.chain_id, self.first, self.last];
        let mut elements = self.old_accumulator.iter().chain(&self.new_accumulator);
        numbers.iter().all(|number| u32::try_from(*number).is_ok())
            && elements.all(|element| *element < FIELD_ORDER)
    }

    /// Whether it is about these blocks of the chain `chain_id`, from this state to that, and about nothing else.
    pub fn is_about(&self, chain_id: u64, span: &Span) -> bool {
        self.is_canonical()
            && self.chain_id == chain_id
            && (self.first, self.last) == (span.first, span.last)
            && (self.old_state, self.new_state) == (span.old_state, span.new_state)
    }
}

/// Big-endian bytes of words of 32 bits, the lowest first.
fn from_words<const N: usize>(words: &[u64]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (chunk, word) in bytes.rchunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&u32::try_from(*word).ok()?.to_be_bytes());
    }
    Some(bytes)
}

/// The words of [`from_words`].
fn to_words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.rchunks_exact(4).map(|word| word.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prop_public_inputs_are_read_as_they_are_written(
            numbers: [u32; 3], states: [[u8; 32]; 2], digests: [[u32; 4]; 2], prover: [u8; 20],
        ) {
            let statement = Statement {
                chain_id: numbers[0].into(),
                first: numbers[1].into(),
                last: numbers[2].into(),
                old_state: H256(states[0]),
                new_state: H256(states[1]),
                old_accumulator: digests[0].map(|part| FIELD_ORDER - 1 - u64::from(part)),
                new_accumulator: digests[1].map(u64::from),
                prover: H160(prover),
            };
            prop_assert_eq!(Statement::from_inputs(&statement.inputs()), Some(statement));
        }
    }

    #[rustfmt::skip]
    #[test]
    fn public_inputs_of_a_real_proof_name_the_roots_of_its_blocks() {
        // Written by `scripts/prove.sh keccak transfer`; the roots are those in the blocks' headers.
        let inputs = [
            97304, 10, 11,
            2785689921, 2743707512, 3463735527, 2815165306, 2883278850, 4250009991, 3040914960, 2008998938,
            582552479, 1155628943, 524400824, 3553712365, 904734559, 1730509421, 1040067684, 3673890329,
            13205027106166527433, 7860877985355308700, 395072533449604163, 12096661677481799138,
            3486008236140913270, 8440779684706481184, 14431983286093016699, 6603946754758653635,
            0, 0, 0, 0, 0,
        ];
        let statement = Statement::from_inputs(&inputs).unwrap();
        let span = Span {
            first: 10,
            last: 11,
            last_hash: H256(hex!("60556c3257f89dfcd57fff3455cf07c2fbc1d0c96a3b524c4f0a11a20e12272d")),
            old_state: H256(hex!("77bee41ab540ae10fd520187abdb5802a7cc037ace7468e7a389a778a60a4141")),
            new_state: H256(hex!("dafb1e193dfe2c6467257a6d35ed275fd3d158ed1f41b8b844e17f8f22b90b9f")),
        };
        assert!(statement.is_about(97_304, &span));
        assert!(!statement.is_about(1, &span));
        assert_eq!(statement.inputs(), inputs);
    }

    #[test]
    fn attack_inputs_beyond_their_range_are_refused() {
        for index in 0..PUBLIC_INPUTS {
            let bound = if (19..27).contains(&index) { FIELD_ORDER } else { 1 << 32 };
            let mut inputs = [0; PUBLIC_INPUTS];
            inputs[index] = bound - 1;
            assert!(Statement::from_inputs(&inputs).is_some(), "input {index}");
            for value in [bound, u64::MAX] {
                inputs[index] = value;
                assert_eq!(Statement::from_inputs(&inputs), None, "input {index}");
            }
        }
    }
}
