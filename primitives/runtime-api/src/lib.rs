//! Runtime APIs that the node's RPC calls, and their types.
//!
//! Names follow Frontier where the meaning is the same. Blocks and receipts are our own types,
//! because Frontier's header has no base fee and so never hashes to an Ethereum block hash.
//! The node answers most requests from storage and with native revm; these calls are the reference
//! it is tested against.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod bridge;
mod types;

pub use bridge::{
    CoinView, HaltView, HandoverView, PayoutView, QueueView, ReservesView, WithdrawalStatus,
};
pub use types::{AccessListItem, AccountBasic, CallError, CallOutcome, CallRequest, Exit};
pub use types::{Raw, TransactionStatus};

use alloc::vec::Vec;
use bzk_evm::receipt::Receipt;
use sp_core::{H160, H256, U256};

sp_api::decl_runtime_apis! {
    /// Reads the Ethereum ledger and executes calls on it.
    // Frontier is at 7; from 8 on block, receipt and call types are ours.
    #[api_version(8)]
    pub trait EthereumRuntimeRPCApi {
        /// Chain id of Ethereum transactions (EIP-155).
        fn chain_id() -> u64;

        /// Nonce and balance of `address`; zero for an account that does not exist.
        fn account_basic(address: H160) -> AccountBasic;

        /// Code of `address`, empty if it has none.
        fn account_code_at(address: H160) -> Vec<u8>;

        /// Storage of `address` at slot `index`, zero if it was never set.
        fn storage_at(address: H160, index: U256) -> H256;

        /// Base fee of the next Ethereum block, in wei per gas.
        fn gas_price() -> U256;

        /// Coinbase of the newest Ethereum block.
        fn author() -> H160;

        /// Executes a call, or a creation if `to` is absent, and keeps nothing of it.
        ///
        /// It sees the newest Ethereum block (`eth_call` at `latest`) and the relaxed rules of
        /// `eth_call`: nonce, base fee and sender code are not checked.
        fn call(request: CallRequest) -> Result<CallOutcome, CallError>;

        /// The newest Ethereum block, RLP-encoded. It stays the same over Substrate blocks that
        /// close none.
        fn current_block() -> Option<Raw>;

        /// Receipts of the newest Ethereum block, by transaction index.
        fn current_receipts() -> Option<Vec<Receipt>>;

        /// Hash, sender, recipient and created contract of each transaction of the newest Ethereum
        /// block, by index.
        fn current_transaction_statuses() -> Option<Vec<TransactionStatus>>;
    }

    /// What the members of the signing committee read; `bzk-signer` calls it at finalised blocks.
    pub trait ThresholdApi {
        /// The ceremony, the keys and the sessions with all their messages.
        fn threshold_view() -> bzk_threshold::view::View;
    }

    /// What the bridge tells relayers, users and auditors.
    #[api_version(2)]
    pub trait BridgeApi {
        /// The payouts to broadcast and to prove.
        fn payouts() -> Vec<PayoutView>;

        /// The committee's coins and its debts.
        fn reserves() -> ReservesView;

        /// Where a withdrawal is; `None` when it was never requested, was given back, or was settled
        /// long ago.
        fn withdrawal(id: u64) -> Option<WithdrawalStatus>;

        /// What withdrawals pay and how long they wait.
        fn queue() -> QueueView;

        /// The message that names the next group key, if there is one to be sent.
        fn handover() -> Option<HandoverView>;
    }

    /// Wraps Ethereum transactions for the pool.
    #[api_version(3)]
    pub trait ConvertTransactionRuntimeApi {
        /// The extrinsic that carries `transaction`, an EIP-2718 envelope or a legacy RLP list.
        /// `None` if it is longer than the chain takes. Nothing else is checked: the pool does.
        fn convert_transaction(
            transaction: Raw,
        ) -> Option<<Block as sp_runtime::traits::Block>::Extrinsic>;
    }
}
