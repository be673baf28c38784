// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BtcBridge} from "./BtcBridge.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Priority fees of blocks whose author has no account of its own
/// @notice Nobody owns them, so nobody may choose where they go: first they cover what the bridge lost by a
/// reorganisation of Bitcoin, the rest pays those who bring Bitcoin's headers.
contract FeeVault {
    /// @notice Fees went out, in wei.
    event Distributed(uint256 toBridge, uint256 toRelay);

    /// @notice Takes BTC; the fees themselves come without a call.
    receive() external payable {}

    /// @notice Sends the whole balance where it belongs. Anybody may call it at any time.
    function distribute() external {
        BtcBridge bridge = BtcBridge(Predeploys.BTC_BRIDGE);
        (,,, uint64 deficit) = bridge.totals();
        uint256 balance = address(this).balance;
        uint256 unit = bridge.WEI_PER_SAT();
        // Whole sats, no more than is missing.
        uint256 cover = balance / unit < deficit ? balance / unit * unit : deficit * unit;
        if (cover != 0) bridge.cover{value: cover}();
        (bool taken,) = Predeploys.BITCOIN_RELAY.call{value: balance - cover}("");
        // The relay takes whatever comes.
        assert(taken);
        emit Distributed(cover, balance - cover);
    }
}
