//! What crosses the runtime's border.

use alloc::vec::Vec;
use bzk_evm::receipt::Log;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;
use sp_core::{H160, H256, U256};

/// Bytes in Ethereum's encoding.
pub type Raw = Vec<u8>;

/// The part of an account that wallets ask for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo,
)]
pub struct AccountBasic {
    /// Transactions sent by an account, or contracts created by a contract.
    pub nonce: U256,
    /// Balance in wei.
    pub balance: U256,
}

/// An address and its slots in an access list (EIP-2930).
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct AccessListItem {
    /// The account.
    pub address: H160,
    /// Its storage slots.
    pub storage_keys: Vec<H256>,
}

/// A call as `eth_call` describes it. It has no nonce: as in geth, a creation takes the account's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CallRequest {
    /// The sender; zero if the caller does not care.
    pub from: H160,
    /// The recipient; absent for a creation.
    pub to: Option<H160>,
    /// Calldata, or init code of a creation.
    pub data: Vec<u8>,
    /// Wei sent along; the sender must have them.
    pub value: U256,
    /// Gas limit, at most the block's; absent for that.
    pub gas_limit: Option<u64>,
    /// Fee cap in wei per gas, what GASPRICE builds on; absent for 0.
    pub max_fee_per_gas: Option<u128>,
    /// Tip cap in wei per gas.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Warm accounts and slots.
    pub access_list: Vec<AccessListItem>,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum Exit {
    /// With STOP, RETURN or SELFDESTRUCT.
    Succeeded,
    /// With REVERT; the output is the reason.
    Reverted,
    /// With an error that takes all gas.
    Halted,
}

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct CallOutcome {
    /// How it ended.
    pub exit: Exit,
    /// Data returned, or the reason of a revert.
    pub output: Vec<u8>,
    /// The contract that a creation made.
    pub created: Option<H160>,
    /// Gas used, refunds deducted.
    pub gas_used: u64,
    /// Proving cost, in cycles of the prover's kernel.
    pub cycles: u64,
    /// Events of a success.
    pub logs: Vec<Log>,
}

/// Why a call could not be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub enum CallError {
    /// The EVM refuses it; the code is that of [`bzk_evm::tx::TxError`].
    Refused(u8),
    /// It is dearer to prove than a block may be.
    CyclesExhausted,
    /// The state is damaged.
    State,
    /// The chain has no Ethereum block yet.
    NoBlock,
}

/// Where a transaction of the newest block went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct TransactionStatus {
    /// keccak-256 of its encoding.
    pub transaction_hash: H256,
    /// Position in the block.
    pub transaction_index: u32,
    /// The signer.
    pub from: H160,
    /// The recipient; absent for a creation.
    pub to: Option<H160>,
    /// The contract that a successful creation made.
    pub contract_address: Option<H160>,
}
