// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinRelay} from "../src/l2/BitcoinRelay.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Checkpoint, Networks} from "../script/Networks.sol";
import {Seeds} from "../script/Seeds.sol";
import {vm} from "../script/Vm.sol";
import {Regtest} from "./Regtest.sol";

/// @notice Real chains through the relay.
contract FixturesTest is Regtest {
    function start(Network network, Checkpoint memory c) private {
        Seeds.install(
            network, c, new address[](0), Networks.terms(network), Networks.caps(network), xOnly(GENESIS_KEY)
        );
        vm.warp(1_800_000_000);
    }

    function part(bytes memory data, uint256 from, uint256 size) private pure returns (bytes memory out) {
        out = new bytes(size);
        assembly ("memory-safe") {
            mcopy(add(out, 32), add(add(data, 32), from), size)
        }
    }

    function height() private view returns (uint256) {
        return RELAY.tipHeight();
    }

    /// Mainnet 0 to 10236: five retargets, 49 times that go backwards.
    function test_mainnetFromItsBeginning() public {
        bytes memory raw = vm.readFileBinary(fixture("mainnet-headers-0-10236.raw"));
        uint256 count = raw.length / 80;
        vm.assertEq(count, 10_237);
        Checkpoint memory c = Networks.start(Network.Mainnet);
        vm.assertEq(c.header, part(raw, 0, 80));
        start(Network.Mainnet, c);
        for (uint256 i = 1; i < count; i += 500) {
            uint256 n = count - i < 500 ? count - i : 500;
            RELAY.submit(uint32(i), part(raw, i * 80, n * 80));
        }
        vm.assertEq(height(), 10_236);
        vm.assertEq(RELAY.hashAt(10_236), hash256(part(raw, 10_236 * 80, 80)));
        (uint112 work,,, uint32 timewarp,,) = RELAY.tip();
        vm.assertEq(work, uint256(10_236) * 0x100010001);
        vm.assertEq(timewarp, 0);
        // One bit of the last header changed.
        bytes memory last = part(raw, 10_236 * 80, 80);
        last[40] ^= 0x01;
        vm.expectPartialRevert(BitcoinRelay.HashAboveTarget.selector);
        RELAY.submit(10_236, last);
    }

    /// Mainnet 685440 to 687516, across the retarget at 687456.
    function test_mainnetAcrossARetarget() public {
        bytes memory raw = headersOfJson(fixture("mainnet-headers-685440-687516.json"));
        Checkpoint memory c;
        c.height = 685_440;
        c.header = part(raw, 0, 80);
        start(Network.Mainnet, c);
        RELAY.submit(685_441, part(raw, 80, 2000 * 80));
        RELAY.submit(687_441, part(raw, 2001 * 80, raw.length - 2001 * 80));
        vm.assertEq(height(), 685_440 + raw.length / 80 - 1);
        (, uint32 before) = RELAY.stampAt(687_455);
        (, uint32 bits) = RELAY.stampAt(687_456);
        vm.assertTrue(before != bits, "the target changed");
    }

    // The file is an array of arrays of headers, fields as numbers and displayed hashes; not every entry is one
    // header long and each stands once.
    function headersOfJson(string memory path) private view returns (bytes memory raw) {
        string[] memory entries = vm.split(vm.readFile(path), "\"block_hash\"");
        for (uint256 i = 1; i < entries.length; ++i) {
            string[] memory lines = vm.split(entries[i], ",");
            raw = bytes.concat(
                raw,
                little32(uint32(number(lines[1]))),
                displayed(lines[2]),
                displayed(lines[3]),
                little32(uint32(number(lines[4]))),
                little32(uint32(number(lines[5]))),
                little32(uint32(number(lines[6])))
            );
        }
    }

    function number(string memory line) private pure returns (uint256 value) {
        bytes memory text = bytes(vm.split(line, ":")[1]);
        for (uint256 i; i < text.length; ++i) {
            uint8 digit = uint8(text[i]);
            if (digit >= 48 && digit <= 57) value = value * 10 + digit - 48;
        }
    }

    function displayed(string memory line) private pure returns (bytes32) {
        bytes memory digits = bytes(vm.split(vm.split(line, ":")[1], "\"")[1]);
        return bytes32(reversed(bytes32(vm.parseBytes(string.concat("0x", string(digits))))));
    }

    /// The orphan of 437478 is replaced; a retarget at 437472 lies in between.
    function test_reorgAfterARetarget() public {
        string memory json = vm.readFile(fixture("reorg-and-retarget.json"));
        bytes memory period = vm.parseJsonBytes(json, ".oldPeriodStart.hex");
        Checkpoint memory c;
        c.height = 437_466;
        c.header = vm.parseJsonBytes(json, ".genesis.hex");
        (c.periodTime, c.periodBits) = stamp(period);
        start(Network.Mainnet, c);
        bytes memory headers = chain(json, ".preRetargetChain", 5);
        RELAY.submit(437_467, headers);
        bytes memory post = chain(json, ".postRetargetChain", 8);
        bytes memory orphan = vm.parseJsonBytes(json, ".orphan_437478.hex");
        RELAY.submit(437_472, bytes.concat(part(post, 0, 6 * 80), orphan));
        bytes32 dropped = hash256(orphan);
        vm.assertEq(RELAY.hashAt(437_478), dropped);
        // Its rival alone does not weigh more; with the next block on top it does.
        vm.expectPartialRevert(BitcoinRelay.NotHeavier.selector);
        RELAY.submit(437_478, part(post, 6 * 80, 80));
        RELAY.submit(437_478, part(post, 6 * 80, 160));
        vm.assertEq(height(), 437_479);
        vm.assertTrue(RELAY.isDropped(dropped, 437_478), "orphan");
    }

    function chain(string memory json, string memory key, uint256 count) private pure returns (bytes memory headers) {
        for (uint256 i; i < count; ++i) {
            headers = bytes.concat(
                headers, vm.parseJsonBytes(json, string.concat(key, "[", vm.toString(i), "].hex"))
            );
        }
    }

    function stamp(bytes memory header) private pure returns (uint32 time, uint32 bits) {
        uint256 word;
        assembly ("memory-safe") {
            word := mload(add(header, 80)) // bytes 48 to 79
        }
        time = uint32(little32(uint32(word >> 64)));
        bits = uint32(little32(uint32(word >> 32)));
    }

    /// Testnet3 0 to 546 with two forks near the start.
    function test_testnet3WithForks() public {
        string[] memory lines = vm.split(vm.readFile(fixture("testnet3-headers-with-forks.hex")), "\n");
        Checkpoint memory c = Networks.start(Network.Testnet3);
        vm.assertEq(c.header, vm.parseBytes(string.concat("0x", lines[0])));
        start(Network.Testnet3, c);
        bytes memory forks;
        bytes memory headers;
        for (uint256 i = 1; i < lines.length; ++i) {
            if (bytes(lines[i]).length == 160) {
                headers = bytes.concat(headers, vm.parseBytes(string.concat("0x", lines[i])));
            } else if (bytes(lines[i]).length == 165) {
                forks = bytes.concat(forks, vm.parseBytes(string.concat("0x", vm.split(lines[i], ":")[1])));
            }
        }
        vm.assertEq(forks.length, 160);
        // The fork of two blocks comes first and is the chain until the other has three.
        RELAY.submit(1, forks);
        vm.assertEq(height(), 2);
        vm.expectPartialRevert(BitcoinRelay.NotHeavier.selector);
        RELAY.submit(1, part(headers, 0, 160));
        RELAY.submit(1, headers);
        vm.assertEq(height(), headers.length / 80);
        vm.assertEq(RELAY.hashAt(1), hash256(part(headers, 0, 80)));
        // And the other way round it never is.
        start(Network.Testnet3, c);
        RELAY.submit(1, headers);
        vm.expectPartialRevert(BitcoinRelay.NotHeavier.selector);
        RELAY.submit(1, forks);
    }
}
