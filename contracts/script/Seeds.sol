// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinRelay} from "../src/l2/BitcoinRelay.sol";
import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {Caps, Epoch, Terms} from "../src/l2/IBtcBridge.sol";
import {Predeploys} from "../src/l2/Predeploys.sol";
import {BitcoinHeader} from "../src/lib/BitcoinHeader.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Hash256} from "../src/lib/Hash256.sol";
import {Schnorr} from "../src/lib/Schnorr.sol";
import {Checkpoint} from "./Networks.sol";
import {vm} from "./Vm.sol";

/// @notice The relay's storage, written by the compiler's own layout.
contract RelaySeed is BitcoinRelay {
    function seed(Network network, Checkpoint calldata checkpoint, address[] calldata allowed) external {
        uint32 height = checkpoint.height;
        require(height == 0 || height >= 10, "a checkpoint is at 0 or above 9");
        bytes calldata header = checkpoint.header;
        tip = Tip({
            work: 0,
            height: height,
            paidHeight: height,
            timewarpHeight: 0,
            start: height,
            network: network
        });
        (, uint32 time, uint32 bits) = BitcoinHeader.numbers(header, 0);
        _hashes[height % HISTORY] = Hash256.ofCalldata(header, 0, BitcoinHeader.SIZE);
        _setStamp(height, time, bits);
        for (uint256 i; i < checkpoint.earlierTimes.length && i < 10; ++i) {
            _setStamp(height - 1 - i, checkpoint.earlierTimes[i], 0);
        }
        uint256 inPeriod = height % BitcoinHeader.PERIOD;
        if (inPeriod != 0) _setStamp(height - inPeriod, checkpoint.periodTime, checkpoint.periodBits);
        for (uint256 i; i < allowed.length; ++i) {
            relayers[allowed[i]] = true;
        }
    }
}

/// @notice The bridge's storage, written by the compiler's own layout.
contract BridgeSeed is BtcBridge {
    function seed(Terms calldata terms_, Caps calldata caps_, bytes32 key) external {
        require(terms_.refundDelay >= 128 && terms_.refundDelay < 32_768, "the refund delay is two bytes");
        address point = Schnorr.liftX(key);
        require(point != address(0), "the genesis key is not on the curve");
        terms = terms_;
        caps = caps_;
        epochs[0] = Epoch({key: key, point: point, closesAt: 0});
    }
}

/// @title Puts the contracts where genesis has them
library Seeds {
    /// @notice 21 million BTC in wei.
    uint256 internal constant SUPPLY = 21_000_000 ether;

    /// @notice Writes code, storage and balance of all three.
    /// @param network Bitcoin's network.
    /// @param checkpoint Where the relay starts.
    /// @param allowed Who may submit headers on signet.
    /// @param terms Rules of the bridge.
    /// @param caps Limits of the bridge.
    /// @param key x-only, names the first committee's key.
    function install(
        Network network,
        Checkpoint memory checkpoint,
        address[] memory allowed,
        Terms memory terms,
        Caps memory caps,
        bytes32 key
    ) internal {
        address relay = Predeploys.BITCOIN_RELAY;
        address bridge = Predeploys.BTC_BRIDGE;
        vm.etch(relay, vm.getDeployedCode("out/Seeds.sol/RelaySeed.json"));
        RelaySeed(payable(relay)).seed(network, checkpoint, allowed);
        vm.etch(relay, vm.getDeployedCode("out/BitcoinRelay.sol/BitcoinRelay.json"));
        vm.etch(bridge, vm.getDeployedCode("out/Seeds.sol/BridgeSeed.json"));
        BridgeSeed(bridge).seed(terms, caps, key);
        vm.etch(bridge, vm.getDeployedCode("out/BtcBridge.sol/BtcBridge.json"));
        vm.deal(bridge, SUPPLY);
        vm.etch(Predeploys.FEE_VAULT, vm.getDeployedCode("out/FeeVault.sol/FeeVault.json"));
    }
}
