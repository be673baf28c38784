// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Schnorr} from "../src/lib/Schnorr.sol";
import {vm} from "../script/Vm.sol";
import {Regtest} from "./Regtest.sol";

contract SchnorrTest is Regtest {
    function verify(bytes32 key, bytes32 message, bytes calldata signature) external pure returns (bool) {
        return Schnorr.verify(key, message, signature);
    }

    /// BIP-340's vectors; the four with messages that are not 32 bytes long do not concern us.
    function test_bip340Vectors() public {
        string[] memory lines = vm.split(vm.readFile(fixture("bip340-vectors.csv")), "\n");
        uint256 checked;
        for (uint256 i = 1; i < lines.length; ++i) {
            string[] memory f = vm.split(lines[i], ",");
            if (f.length < 7 || bytes(f[4]).length != 64) continue;
            bytes32 key = bytes32(vm.parseBytes(string.concat("0x", f[2])));
            bytes32 message = bytes32(vm.parseBytes(string.concat("0x", f[4])));
            bytes memory signature = vm.parseBytes(string.concat("0x", f[5]));
            bool valid = keccak256(bytes(f[6])) == keccak256("TRUE");
            vm.assertTrue(this.verify(key, message, signature) == valid, lines[i]);
            ++checked;
        }
        vm.assertEq(checked, 15);
    }

    /// BIP-341's wallet vectors: every output that has a script tree.
    function test_bip341OutputKeys() public {
        string memory json = vm.readFile(fixture("bip341-wallet-vectors.json"));
        uint256 checked;
        for (uint256 i; i < 7; ++i) {
            string memory entry = string.concat(".scriptPubKey[", vm.toString(i), "]");
            bytes memory script =
                vm.parseBytes(string.concat("0x", vm.parseJsonString(json, string.concat(entry, ".expected.scriptPubKey"))));
            bytes32 internalKey = word(json, string.concat(entry, ".given.internalPubkey"));
            address point = Schnorr.liftX(internalKey);
            // The first has no tree; its root is the empty string, which no deposit has.
            if (i == 0) continue;
            bytes32 root = word(json, string.concat(entry, ".intermediary.merkleRoot"));
            bytes32 key;
            assembly ("memory-safe") {
                key := mload(add(script, 34))
            }
            bool even = Schnorr.isOutputKey(key, 0, internalKey, point, root);
            bool odd = Schnorr.isOutputKey(key, 1, internalKey, point, root);
            vm.assertTrue(even != odd, "one parity fits");
            vm.assertTrue(!Schnorr.isOutputKey(key, 0, internalKey, point, ~root), "another root");
            vm.assertTrue(!Schnorr.isOutputKey(key, 1, internalKey, point, ~root), "another root");
            ++checked;
        }
        vm.assertEq(checked, 6);
        // A single leaf of the second output.
        bytes memory leaf = hex"20d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8ac";
        vm.assertEq(Schnorr.tapLeaf(leaf), word(json, ".scriptPubKey[1].intermediary.merkleRoot"));
    }

    function word(string memory json, string memory key) private pure returns (bytes32) {
        return bytes32(vm.parseBytes(string.concat("0x", vm.parseJsonString(json, key))));
    }

    function test_attack_degenerateKeysAndSignatures() public view {
        bytes memory zero = new bytes(64);
        bytes32 message = keccak256("message");
        vm.assertTrue(!this.verify(0, message, zero), "key zero");
        vm.assertTrue(!this.verify(bytes32(Schnorr.N), message, zero), "key n");
        vm.assertTrue(!this.verify(bytes32(type(uint256).max), message, zero), "key above p");
        vm.assertTrue(!this.verify(bytes32(uint256(5)), message, zero), "no point");
        vm.assertTrue(!this.verify(REFUND_KEY, message, zero), "signature of zeros");
        vm.assertTrue(!Schnorr.isOutputKey(0, 0, REFUND_KEY, Schnorr.liftX(REFUND_KEY), message), "output key zero");
        // An internal key that is no point has address zero, and so has every failed recovery.
        vm.assertTrue(!Schnorr.isOutputKey(0, 0, bytes32(uint256(5)), address(0), message), "both fail");
    }

    function testFuzz_ownSignaturesVerify(uint256 key, bytes32 message, bytes32 other) public {
        key = key % (Schnorr.N - 1) + 1;
        vm.assume(message != other);
        bytes memory signature = sign(key, message);
        vm.assertTrue(this.verify(xOnly(key), message, signature), "valid");
        vm.assertTrue(!this.verify(xOnly(key), other, signature), "another message");
    }
}
