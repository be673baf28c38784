// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Output scripts
library BitcoinScript {
    /// @notice The smallest payout to a standard script: Core's dust limit at 3 sat/vB.
    /// @param script An output script.
    /// @return Sats; 0 if the script is not P2PKH, P2SH, P2WPKH, P2WSH or P2TR.
    function dustLimit(bytes calldata script) internal pure returns (uint64) {
        bytes32 head;
        uint256 size = script.length;
        assembly ("memory-safe") {
            head := calldataload(script.offset)
        }
        if (size == 22 && bytes2(head) == 0x0014) return 294; // P2WPKH
        if (size == 34 && bytes2(head) == 0x5120) return 330; // P2TR
        if (size == 34 && bytes2(head) == 0x0020) return 330; // P2WSH
        if (size == 23 && bytes2(head) == 0xa914 && script[22] == 0x87) return 540; // P2SH
        if (size == 25 && bytes3(head) == 0x76a914 && bytes2(script[23:25]) == 0x88ac) return 546; // P2PKH
        return 0;
    }

    /// @notice The refund leaf of a deposit:
    /// `<owner> DROP <delay> CHECKSEQUENCEVERIFY DROP <refundKey> CHECKSIG`.
    /// @param owner What the deposit commits to: hash of recipient and salt.
    /// @param delay Blocks until the refund path opens, 128 to 32767, so that it is always two bytes.
    /// @param refundKey x-only key of the depositor.
    /// @return 73 bytes.
    function refundLeaf(bytes32 owner, uint16 delay, bytes32 refundKey) internal pure returns (bytes memory) {
        return abi.encodePacked(
            hex"20", owner, hex"7502", uint8(delay), uint8(delay >> 8), hex"b27520", refundKey, hex"ac"
        );
    }
}
