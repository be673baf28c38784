// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Predeploys} from "../src/l2/Predeploys.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Checkpoint, Networks} from "./Networks.sol";
import {Seeds} from "./Seeds.sol";
import {vm} from "./Vm.sol";

/// @title Writes the predeployed accounts of a genesis as JSON
/// @notice `forge script script/Genesis.s.sol` with, in the environment:
///   BITCOIN_NETWORK  mainnet, testnet3, testnet4, signet or regtest (default);
///   GENESIS_KEY      x-only key that names the first committee's; required but on regtest, where it is that of BIP-340's
///                    vector 0 (private key 3), which everybody knows;
///   CHECKPOINT       JSON file with the fields of `Checkpoint`; default: the network's first header;
///   RELAYERS         addresses for signet, separated by commas;
///   GENESIS_OUT      file to write, below genesis/; default genesis/<network>.json.
/// Field `storage` holds every slot that is not zero. A development preset that prefunds accounts subtracts what it
/// gives them from the bridge's balance.
contract Genesis {
    bytes32 private constant REGTEST_KEY = 0xf9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9;

    function run() external {
        string memory name = vm.envOr("BITCOIN_NETWORK", string("regtest"));
        Network network = Networks.parse(name);
        bytes32 key = vm.envOr("GENESIS_KEY", network == Network.Regtest ? REGTEST_KEY : bytes32(0));
        require(key != 0, "set GENESIS_KEY");
        vm.record();
        Seeds.install(
            network, checkpoint(network), relayers(), Networks.terms(network), Networks.caps(network), key
        );
        vm.writeFile(
            vm.envOr("GENESIS_OUT", string.concat("genesis/", name, ".json")),
            string.concat(
                "{\n  \"network\": \"",
                name,
                "\",\n  \"accounts\": [\n",
                account("FeeVault", Predeploys.FEE_VAULT),
                ",\n",
                account("BitcoinRelay", Predeploys.BITCOIN_RELAY),
                ",\n",
                account("BtcBridge", Predeploys.BTC_BRIDGE),
                "\n  ]\n}\n"
            )
        );
    }

    function checkpoint(Network network) private view returns (Checkpoint memory c) {
        string memory path = vm.envOr("CHECKPOINT", string(""));
        if (bytes(path).length == 0) return Networks.start(network);
        string memory json = vm.readFile(path);
        c.height = uint32(vm.parseJsonUint(json, ".height"));
        c.header = vm.parseJsonBytes(json, ".header");
        uint256[] memory times = vm.parseJsonUintArray(json, ".earlierTimes");
        c.earlierTimes = new uint32[](times.length);
        for (uint256 i; i < times.length; ++i) {
            c.earlierTimes[i] = uint32(times[i]);
        }
        c.periodTime = uint32(vm.parseJsonUint(json, ".periodTime"));
        c.periodBits = uint32(vm.parseJsonUint(json, ".periodBits"));
    }

    function relayers() private view returns (address[] memory list) {
        string memory text = vm.envOr("RELAYERS", string(""));
        if (bytes(text).length == 0) return list;
        string[] memory parts = vm.split(text, ",");
        list = new address[](parts.length);
        for (uint256 i; i < parts.length; ++i) {
            list[i] = address(bytes20(vm.parseBytes(parts[i])));
        }
    }

    function account(string memory name, address at_) private returns (string memory) {
        (, bytes32[] memory slots) = vm.accesses(at_);
        sort(slots);
        string memory list;
        for (uint256 i; i < slots.length; ++i) {
            bytes32 value = vm.load(at_, slots[i]);
            if (value == 0 || (i != 0 && slots[i] == slots[i - 1])) continue;
            list = string.concat(
                list,
                bytes(list).length == 0 ? "" : ",",
                "\n        \"",
                vm.toString(slots[i]),
                "\": \"",
                vm.toString(value),
                "\""
            );
        }
        return string.concat(
            "    {\n      \"name\": \"",
            name,
            "\",\n      \"address\": \"",
            vm.toString(at_),
            "\",\n      \"nonce\": 1,\n      \"balance\": \"",
            vm.toString(at_.balance),
            "\",\n      \"storage\": {",
            list,
            bytes(list).length == 0 ? "" : "\n      ",
            "},\n      \"code\": \"",
            vm.toString(at_.code),
            "\"\n    }"
        );
    }

    function sort(bytes32[] memory words) private pure {
        for (uint256 i = 1; i < words.length; ++i) {
            bytes32 word = words[i];
            uint256 j = i;
            for (; j > 0 && words[j - 1] > word; --j) {
                words[j] = words[j - 1];
            }
            words[j] = word;
        }
    }
}
