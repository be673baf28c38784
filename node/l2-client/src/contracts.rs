//! The predeployed contracts of the bridge; `contracts/src/l2` in Solidity.
#![allow(
    missing_docs,
    clippy::too_many_arguments,
    reason = "the contracts document themselves and choose their fields; the macro makes the items"
)]

use alloy_primitives::{address, Address};
use alloy_sol_types::sol;

/// Bitcoin's headers.
pub const BITCOIN_RELAY: Address = address!("425a4b0000000000000000000000000000000002");

/// The bridge.
pub const BTC_BRIDGE: Address = address!("425a4b0000000000000000000000000000000003");

sol! {
    #[derive(Debug, PartialEq, Eq)]
    struct TxProof {
        uint32 height;
        bytes header;
        uint32 index;
        bytes32[] path;
        bytes coinbase;
        bytes32[] coinbasePath;
    }

    #[derive(Debug)]
    interface BitcoinRelay {
        error NothingNew();
        error NotHeavier(uint256 work, uint256 toExceed);
        error TimeTooNew(uint256 height);

        event NewTip(uint32 indexed height, bytes32 indexed blockHash, uint32 dropped);

        function tip() external view returns (
            uint112 work, uint32 height, uint32 paidHeight, uint32 timewarpHeight, uint32 start, uint8 network
        );
        function hashAt(uint32 height) external view returns (bytes32);
        function submit(uint32 height, bytes calldata headers) external;
        function depths(bytes32 blockHash) external view returns (uint8);
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Deposit {
        uint32 epoch;
        uint32 vout;
        uint8 parity;
        address recipient;
        bytes32 salt;
        bytes32 refundKey;
    }

    #[derive(Debug, PartialEq, Eq)]
    struct Withdrawal {
        uint64 id;
        address owner;
        uint64 amount;
        uint64 maxFee;
        uint32 height;
        bytes script;
    }

    #[derive(Debug)]
    interface BtcBridge {
        error AlreadyClaimed(bytes32 outpoint);

        event Claimed(
            bytes32 indexed txid,
            uint32 vout,
            address indexed recipient,
            uint32 indexed epoch,
            uint64 amount,
            uint64 fees,
            bytes32 leaf,
            bytes32 blockHash,
            uint32 height
        );
        event Reproved(bytes32 indexed txid, uint32 vout, uint64 amount, bytes32 blockHash, uint32 height);
        event WithdrawalRequested(
            uint64 indexed id, address indexed owner, uint64 amount, uint64 maxFee, uint32 height, bytes script
        );
        event WithdrawalSettled(
            uint64 indexed id, bytes32 indexed txid, uint32 vout, uint64 paid, uint32 height
        );
        event WithdrawalReopened(uint64 indexed id, uint32 height);
        event WithdrawalUnlocked(uint64 indexed id, address indexed owner, uint64 amount);

        function totals() external view returns (uint64 claimed, uint64 settled, uint64 locked, uint64 deficit);
        function state() external view returns (
            uint64 withdrawals, uint64 outflow, uint32 outflowTime, uint32 epoch, uint32 nonce, bool paused
        );
        function terms() external view returns (
            uint16 refundDelay,
            uint16 payoutDelay,
            uint8 lowConfirmations,
            uint8 mediumConfirmations,
            uint8 highConfirmations,
            uint64 lowLimit,
            uint64 mediumLimit,
            uint32 claimFee,
            uint32 relayFee
        );
        function caps() external view returns (
            uint64 minDeposit, uint64 maxDeposit, uint64 maxCirculating, uint64 maxOutflow
        );
        function epochs(uint32 epoch) external view returns (bytes32 key, address point, uint32 closesAt);
        function withdrawals(uint64 id) external view returns (bytes32 commitment);
        function claims(bytes32 outpoint) external view returns (bytes32 blockHash);
        function claim(Deposit calldata deposit, bytes calldata rawTx, TxProof calldata proof) external;
        function reprove(bytes calldata rawTx, uint32 vout, TxProof calldata proof) external;
        function withdraw(bytes calldata script, uint64 maxFee) external payable returns (uint64 id);
        function rotate(bytes32 nextKey, uint32 closesAt, bytes calldata signature) external;
        function settle(Withdrawal[] calldata batch, bytes calldata rawTx, TxProof calldata proof) external;
        function confirm(uint64 id, bytes calldata rawTx, TxProof calldata proof) external;
        function reopen(Withdrawal calldata withdrawal, bytes32 blockHash, uint32 height) external;
        function confirmationsNeeded(bytes32 blockHash, uint64 amount) external view returns (uint32);
    }
}
