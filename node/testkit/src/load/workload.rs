//! What the load consists of.

use alloy_primitives::{keccak256, Address, Bytes, TxKind, U256};
use clap::ValueEnum;

use super::Wallet;

/// Kinds of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkloadKind {
    /// Plain transfers of 1 wei.
    Transfer,
    /// ERC-20 `transfer` calls.
    Erc20,
    /// Calls that burn a set amount of gas in keccak, arithmetic and storage.
    Gas,
}

/// A kind of load, the contract that it calls and how many recipients it has.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The kind.
    pub kind: WorkloadKind,
    /// The contract for `Erc20` and `Gas`.
    pub contract: Address,
    /// How many accounts the transfers go to.
    pub recipients: u64,
}

impl Workload {
    /// Signs the next transaction of `wallet`; `seed` picks the recipient.
    pub fn sign(&self, wallet: &mut Wallet, chain_id: u64, seed: u64) -> Vec<u8> {
        let recipient = recipient(seed % self.recipients);
        match self.kind {
            WorkloadKind::Transfer => {
                wallet.sign(chain_id, TxKind::Call(recipient), U256::from(1), Bytes::new(), 21_000)
            }
            WorkloadKind::Erc20 => {
                // transfer(address,uint256)
                let mut input = vec![0xa9, 0x05, 0x9c, 0xbb];
                input.extend_from_slice(recipient.into_word().as_slice());
                input.extend_from_slice(&U256::from(1).to_be_bytes::<32>());
                wallet.sign(chain_id, TxKind::Call(self.contract), U256::ZERO, input.into(), 70_000)
            }
            WorkloadKind::Gas => {
                // burn(uint256 rounds)
                let mut input = keccak256("burn(uint256)")[..4].to_vec();
                input.extend_from_slice(&U256::from(GAS_ROUNDS).to_be_bytes::<32>());
                wallet.sign(
                    chain_id,
                    TxKind::Call(self.contract),
                    U256::ZERO,
                    input.into(),
                    BURN_GAS,
                )
            }
        }
    }
}

/// Rounds of one `burn` call: about 215,000 gas.
const GAS_ROUNDS: u64 = 800;

/// Gas limit of such a call.
const BURN_GAS: u64 = 400_000;

/// The address of the `index`-th recipient.
fn recipient(index: u64) -> Address {
    Address::from_slice(&keccak256([b"recipient".as_slice(), &index.to_be_bytes()].concat())[12..])
}
