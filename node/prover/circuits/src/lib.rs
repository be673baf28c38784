//! What stands above the block proofs of the zkEVM: the circuit `chain` that joins blocks, the circuit
//! `wrap` whose proof a contract verifies, and the generator of that contract.

pub mod chain;
pub mod solidity;
pub mod statement;
pub mod wrap;

use plonky2::{
    field::goldilocks_field::GoldilocksField,
    plonk::config::{KeccakGoldilocksConfig, PoseidonGoldilocksConfig},
};

/// The field.
pub type F = GoldilocksField;
/// Degree of the extension in which challenges live.
pub const D: usize = 2;
/// All circuits but the last.
pub type PoseidonC = PoseidonGoldilocksConfig;
/// The last circuit: the EVM hashes with Keccak.
pub type KeccakC = KeccakGoldilocksConfig;
