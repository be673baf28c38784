// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Where genesis puts our contracts: the range `0x425a4b` ("BZK")
library Predeploys {
    address internal constant FEE_VAULT = 0x425a4b0000000000000000000000000000000001;
    address internal constant BITCOIN_RELAY = 0x425a4b0000000000000000000000000000000002;
    address internal constant BTC_BRIDGE = 0x425a4b0000000000000000000000000000000003;
}
