//! Ethereum transactions and blocks.

use super::sequencers::AuthorCoinbase;
use crate::{Babe, Runtime, System, Timestamp};
use alloc::vec::Vec;
use bzk_core::CHAIN_ID;
use codec::{Decode, Encode};
use frame_support::traits::{ConstU32, ConstU64, Get};
use sp_consensus_babe::{digests::PreDigest, BABE_ENGINE_ID};
use sp_core::H256;
use sp_io::hashing::keccak_256;

/// Reference time per gas beyond a plain transfer, in picoseconds: 166,000,000 gas a second.
///
/// In a tight loop revm in wasm takes 3,000 ps per gas. Blocks of hashing, arithmetic and memory (`scripts/bench.sh chain`, kind
/// `gas`) took 3,200 to 5,300 on one machine, and would take some 8,000 on the slowest that we measured on, by how much longer
/// it took for the code before. So on that one this number does not hold such blocks below half of a slot where governance
/// sets the most gas that it allows, 150,000,000 a block; 36,000,000 at genesis are far below.
const PICOSECONDS_PER_GAS: u64 = 6_000;

/// `mixHash` of the Ethereum block: the VRF output with which the author claimed this slot.
///
/// It is read from the block's own digest, so it has one value from the first transaction to the
/// header, and nobody but the author can know it before the block. The author cannot choose it: a
/// key has one output for a slot, so all he can do is let the slot pass. The parent hash stays out,
/// because its author could grind it. A block without a VRF (manual sealing in development) falls
/// back to the randomness of the epoch and the block number.
pub struct PrevRandao;

impl Get<H256> for PrevRandao {
    fn get() -> H256 {
        let epoch_randomness = Babe::randomness();
        let number = System::block_number();
        H256(match vrf_pre_output() {
            Some(output) => keccak_256(&[&epoch_randomness[..], &output[..]].concat()),
            None => keccak_256(&[&epoch_randomness[..], &number.to_be_bytes()[..]].concat()),
        })
    }
}

/// The author's VRF output in the digest of this block; its proof was checked at import.
fn vrf_pre_output() -> Option<Vec<u8>> {
    let digest = System::digest();
    let claim = digest
        .logs
        .iter()
        .filter_map(|item| item.as_pre_runtime())
        .find(|(engine, _)| *engine == BABE_ENGINE_ID)
        .and_then(|(_, mut data)| PreDigest::decode(&mut data).ok())?;
    claim.vrf_signature().map(|signature| signature.pre_output.encode())
}

impl pallet_ethereum::Config for Runtime {
    type ChainId = ConstU64<CHAIN_ID>;
    type Time = Timestamp;
    type Coinbase = AuthorCoinbase;
    type Randomness = PrevRandao;
    type ExtraData = ();
    type OnLogs = crate::BtcBridge;
    type OnBlock = crate::Settlement;
    type WeightPerGas = ConstU64<PICOSECONDS_PER_GAS>;
    type MaxTransactions = ConstU32<65_536>;
    type WeightInfo = pallet_ethereum::weights::SubstrateWeight<Runtime>;
}
