// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Bitcoin's networks; the numbers stand in genesis storage.
enum Network {
    Mainnet,
    Testnet3,
    Testnet4,
    Signet,
    Regtest
}

/// @title What differs between Bitcoin's networks in the judgement of a header
/// @dev Source: Bitcoin Core `src/kernel/chainparams.cpp`.
library BitcoinNetwork {
    /// @notice The easiest target allowed, in compact form.
    function limitBits(Network network) internal pure returns (uint32) {
        if (network == Network.Regtest) return 0x207fffff;
        if (network == Network.Signet) return 0x1e0377ae;
        return 0x1d00ffff;
    }

    /// @notice Whether the target never changes (`fPowNoRetargeting`).
    function neverRetargets(Network network) internal pure returns (bool) {
        return network == Network.Regtest;
    }

    /// @notice Whether a block may have the easiest target when the one before is more than 20 minutes older
    /// (`fPowAllowMinDifficultyBlocks`; without effect on regtest, where every block has it).
    function allowsEasyBlocks(Network network) internal pure returns (bool) {
        return network == Network.Testnet3 || network == Network.Testnet4;
    }

    /// @notice Whether BIP-94 holds: retargets start from the first bits of the period, and a period may not begin
    /// more than 600 s before the last block of the one before.
    function followsBip94(Network network) internal pure returns (bool) {
        return network == Network.Testnet4;
    }

    /// @notice Whether headers alone prove nothing, since the block's signature is in its coinbase: then only the
    /// relayers of the genesis may bring them.
    function isSigned(Network network) internal pure returns (bool) {
        return network == Network.Signet;
    }

    /// @notice Whether the step back that BIP-54 would forbid is taken as a sign of a time-warp attack. Not where
    /// anybody can mine, and not where BIP-94 forbids it anyway.
    function watchesTimewarp(Network network) internal pure returns (bool) {
        return network == Network.Mainnet || network == Network.Signet;
    }

    /// @notice The smallest version that a header at `height` may have (BIP-34, BIP-66, BIP-65).
    function minVersion(Network network, uint256 height) internal pure returns (int32) {
        if (network == Network.Mainnet) {
            return height >= 388_381 ? int32(4) : height >= 363_725 ? int32(3) : height >= 227_931 ? int32(2) : type(int32).min;
        }
        if (network == Network.Testnet3) {
            return height >= 581_885 ? int32(4) : height >= 330_776 ? int32(3) : height >= 21_111 ? int32(2) : type(int32).min;
        }
        return 4;
    }
}
