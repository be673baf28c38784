// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinRelay} from "../src/l2/BitcoinRelay.sol";
import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {FeeVault} from "../src/l2/FeeVault.sol";
import {Predeploys} from "../src/l2/Predeploys.sol";
import {vm} from "../script/Vm.sol";

/// @notice What tests share: the contracts where genesis puts them, and the fixtures.
abstract contract Test {
    bool public constant IS_TEST = true;

    BitcoinRelay internal constant RELAY = BitcoinRelay(payable(Predeploys.BITCOIN_RELAY));
    BtcBridge internal constant BRIDGE = BtcBridge(Predeploys.BTC_BRIDGE);
    FeeVault internal constant VAULT = FeeVault(payable(Predeploys.FEE_VAULT));

    /// @notice Path of a fixture; skips the test, and says so, where it is absent.
    function fixture(string memory name) internal returns (string memory path) {
        path = string.concat(vm.envOr("BZK_FIXTURES", string("../../shared/fixtures")), "/bitcoin/", name);
        vm.skip(!vm.exists(path), string.concat("SKIPPED: no fixture at ", path));
    }
}
