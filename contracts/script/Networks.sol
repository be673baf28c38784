// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Caps, Terms} from "../src/l2/IBtcBridge.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";

/// @notice The header that a relay trusts, and what is known of those before.
struct Checkpoint {
    uint32 height; // 0, or at least 10
    bytes header; // 80 bytes
    uint32[] earlierTimes; // of the headers before, the latest first; at most ten are of use
    uint32 periodTime; // of the first header of the difficulty period; not used if the header is that itself
    uint32 periodBits;
}

/// @title What genesis writes for each of Bitcoin's networks
library Networks {
    /// @notice The network of this name.
    function parse(string memory name) internal pure returns (Network) {
        bytes32 id = keccak256(bytes(name));
        if (id == keccak256("mainnet")) return Network.Mainnet;
        if (id == keccak256("testnet3")) return Network.Testnet3;
        if (id == keccak256("testnet4")) return Network.Testnet4;
        if (id == keccak256("signet")) return Network.Signet;
        require(id == keccak256("regtest"), "networks: mainnet, testnet3, testnet4, signet, regtest");
        return Network.Regtest;
    }

    /// @notice The network's first header.
    function firstHeader(Network network) internal pure returns (bytes memory) {
        bytes memory root = hex"3ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4a";
        bytes memory rest; // time, bits, nonce
        if (network == Network.Mainnet) rest = hex"29ab5f49ffff001d1dac2b7c";
        if (network == Network.Testnet3) rest = hex"dae5494dffff001d1aa4ae18";
        if (network == Network.Signet) rest = hex"008f4d5fae77031e8ad22203";
        if (network == Network.Regtest) rest = hex"dae5494dffff7f2002000000";
        if (network == Network.Testnet4) {
            root = hex"4e7b2b9128fe0291db0693af2ae418b767e657cd407e80cb1434221eaea7a07a";
            rest = hex"046f3566ffff001dbb0c7817";
        }
        return abi.encodePacked(hex"01000000", bytes32(0), root, rest);
    }

    /// @notice Where a relay of that network starts when nothing else is given.
    function start(Network network) internal pure returns (Checkpoint memory checkpoint) {
        checkpoint.header = firstHeader(network);
    }

    /// @notice Rules for deposits and payouts: 90 days until a refund, 30 until an unlock (2016 and 288 blocks on
    /// regtest).
    function terms(Network network) internal pure returns (Terms memory) {
        bool test = network == Network.Regtest;
        return Terms({
            refundDelay: test ? 2016 : 12_960,
            payoutDelay: test ? 288 : 4320,
            lowConfirmations: test ? 1 : 3,
            mediumConfirmations: test ? 1 : 6,
            highConfirmations: test ? 1 : 12,
            lowLimit: 10_000_000,
            mediumLimit: 500_000_000,
            claimFee: test ? 100 : 1000,
            relayFee: test ? 100 : 1000
        });
    }

    /// @notice Limits to begin with; the committee raises them by a message.
    function caps(Network network) internal pure returns (Caps memory) {
        bool test = network == Network.Regtest;
        return Caps({
            minDeposit: test ? 746 : 10_000,
            maxDeposit: 10_000_000_000,
            maxCirculating: 100_000_000_000,
            maxOutflow: 20_000_000_000
        });
    }
}
