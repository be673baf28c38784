// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a deposit's output commits to, and where it is. Layout: contracts/README.md.
struct Deposit {
    uint32 epoch; // whose group key is the internal key
    uint32 vout; // number of the output
    uint8 parity; // of the output key's y
    address recipient; // who gets the BTC
    bytes32 salt; // chosen by the depositor
    bytes32 refundKey; // x-only, opens the refund path
}

/// @notice A withdrawal as its request event tells it.
struct Withdrawal {
    uint64 id;
    address owner; // who locked the BTC, gets it back if there is no payout
    uint64 amount; // sats locked
    uint64 maxFee; // sats that the payout may be smaller
    uint32 height; // of Bitcoin when it was requested or reopened
    bytes script; // where the payout goes
}

/// @notice Rules for deposits and payouts. The first two never change.
struct Terms {
    uint16 refundDelay; // blocks until a depositor can take the coins back alone; 128 to 32767
    uint16 payoutDelay; // blocks after which a withdrawal without payout can be unlocked by anybody
    uint8 lowConfirmations; // up to lowLimit
    uint8 mediumConfirmations; // up to mediumLimit, and for payouts
    uint8 highConfirmations; // above
    uint64 lowLimit; // sats claimed from one block
    uint64 mediumLimit; // sats claimed from one block
    uint32 claimFee; // sats of a deposit for who claims it
    uint32 relayFee; // sats of a deposit for the relay's pool
}

/// @notice Limits that keep a mistake small.
struct Caps {
    uint64 minDeposit; // sats
    uint64 maxDeposit; // sats
    uint64 maxCirculating; // sats released and not settled
    uint64 maxOutflow; // sats of withdrawals in any 24 hours
}

/// @notice Sums over all time, in sats.
struct Totals {
    uint64 claimed; // released for deposits
    uint64 settled; // withdrawn, paid on Bitcoin, and covered deficits
    uint64 locked; // in withdrawals without a proven payout
    uint64 deficit; // released for deposits that are not in Bitcoin's chain now
}

/// @notice What else there is only once.
struct State {
    uint64 withdrawals; // number of requests so far; the next one's id
    uint64 outflow; // sats; drains to zero within 24 hours
    uint32 outflowTime; // when `outflow` was that much, Unix seconds
    uint32 epoch; // of the group key that signs messages
    uint32 nonce; // of the next message
    bool paused; // claims and new withdrawals are refused
}

/// @notice A group key.
struct Epoch {
    bytes32 key; // x-only, as the committee's key generation gave it
    address point; // address of the point with this x and even y
    uint32 closesAt; // last Bitcoin height at which a deposit to it counts
}

/// @notice What was claimed from a Bitcoin block.
struct BlockClaims {
    uint64 amount; // sats
    bool dropped; // the block is not in the relay's chain
}
