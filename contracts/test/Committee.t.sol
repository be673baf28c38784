// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {Caps, Terms, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Networks} from "../script/Networks.sol";
import {vm} from "../script/Vm.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

contract CommitteeTest is BridgeFixture {
    uint256 internal constant THIRD_KEY = 0x123456789;

    function pauseBody(bool paused) private pure returns (bytes32) {
        return keccak256(abi.encode(paused));
    }

    function test_rotationNamesTheNextKey() public {
        (bytes32 key, address point, uint32 closesAt) = BRIDGE.epochs(1);
        vm.assertEq(key, xOnly(GROUP_KEY));
        vm.assertTrue(point != address(0), "point");
        vm.assertEq(closesAt, type(uint32).max);
        rotateTo(NEXT_KEY, tip.height + 100);
        (,, closesAt) = BRIDGE.epochs(1);
        vm.assertEq(closesAt, tip.height + 100);
        (,,, uint32 now_, uint32 nonce,) = BRIDGE.state();
        vm.assertEq(now_, 2);
        vm.assertEq(nonce, 2);
        groupKey = NEXT_KEY;
        BRIDGE.setPaused(true, signMessage(groupKey, 2, pauseBody(true)));
    }

    function test_attack_overlappingRotations() public {
        rotateTo(NEXT_KEY, tip.height + 100);
        groupKey = NEXT_KEY;
        bytes32 key = xOnly(THIRD_KEY);
        bytes memory signature = signMessage(groupKey, 1, keccak256(abi.encode(key, tip.height + 200)));
        vm.expectRevert(BtcBridge.BadRotation.selector);
        BRIDGE.rotate(key, tip.height + 200, signature);
        extendTip(100);
        // The refused message was not used up.
        BRIDGE.rotate(key, tip.height + 100, signature);
    }

    function test_attack_badRotations() public {
        bytes32[3] memory keys = [bytes32(uint256(5)), bytes32(0), xOnly(GROUP_KEY)]; // 5 is no x of a point
        for (uint256 i; i < 3; ++i) {
            bytes memory signature = signMessage(groupKey, 1, keccak256(abi.encode(keys[i], tip.height)));
            vm.expectRevert(BtcBridge.BadRotation.selector);
            BRIDGE.rotate(keys[i], tip.height, signature);
        }
        bytes32 key = xOnly(NEXT_KEY);
        uint32[3] memory heights = [tip.height - 1, tip.height + 4033, 0];
        for (uint256 i; i < 3; ++i) {
            bytes memory signature = signMessage(groupKey, 1, keccak256(abi.encode(key, heights[i])));
            vm.expectRevert(BtcBridge.BadRotation.selector);
            BRIDGE.rotate(key, heights[i], signature);
        }
    }

    function test_attack_genesisKeyActsAgain() public {
        bytes32 key = xOnly(NEXT_KEY);
        bytes memory signature = signMessage(GENESIS_KEY, 1, keccak256(abi.encode(key, tip.height)));
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.rotate(key, tip.height, signature);
    }

    function test_attack_genesisKeyDoesMoreThanName() public {
        install(terms, caps); // epoch 0 again
        vm.store(address(BRIDGE), bytes32(uint256(1)), 0);
        bytes memory signature = signMessage(GENESIS_KEY, 2, pauseBody(true));
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, signature);
        // It has nothing to close either.
        bytes32 key = xOnly(NEXT_KEY);
        signature = signMessage(GENESIS_KEY, 1, keccak256(abi.encode(key, tip.height)));
        vm.expectRevert(BtcBridge.BadRotation.selector);
        BRIDGE.rotate(key, tip.height, signature);
    }

    function test_attack_replayedMessage() public {
        bytes memory pause = signMessage(groupKey, 2, pauseBody(true));
        BRIDGE.setPaused(true, pause);
        bytes memory resume = signMessage(groupKey, 2, pauseBody(false));
        BRIDGE.setPaused(false, resume);
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, pause);
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(false, resume);
    }

    function test_attack_messageOfAnotherKindKeyOrChain() public {
        bytes32 body = pauseBody(true);
        bytes memory signature = signMessage(groupKey, 3, body);
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, signature);
        signature = signMessage(NEXT_KEY, 2, body);
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, signature);
        (,,, uint32 epoch_, uint32 nonce,) = BRIDGE.state();
        signature = sign(
            groupKey,
            keccak256(abi.encode(uint256(1), address(BRIDGE), uint256(2), uint256(epoch_), uint256(nonce), body))
        );
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, signature);
        signature = signMessage(groupKey, 2, body);
        bytes memory longer = bytes.concat(signature, hex"00");
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, longer);
        BRIDGE.setPaused(true, signature);
    }

    function testFuzz_changedSignaturesAreRefused(uint8 place, uint8 flip) public {
        vm.assume(flip != 0);
        bytes memory signature = signMessage(groupKey, 2, pauseBody(true));
        signature[place % 64] ^= bytes1(flip);
        vm.expectRevert(BtcBridge.BadSignature.selector);
        BRIDGE.setPaused(true, signature);
    }

    function test_termsChange() public {
        Terms memory t = terms;
        Caps memory c = caps;
        (t.lowConfirmations, t.claimFee, c.maxDeposit) = (2, 500, 5_000_000);
        BRIDGE.setTerms(t, c, signMessage(groupKey, 3, keccak256(abi.encode(t, c))));
        (,, uint8 low,,,,, uint32 claimFee,) = BRIDGE.terms();
        (, uint64 maxDeposit,,) = BRIDGE.caps();
        vm.assertEq(low, 2);
        vm.assertEq(claimFee, 500);
        vm.assertEq(maxDeposit, 5_000_000);
    }

    function test_attack_badTerms() public {
        for (uint256 i; i < 12; ++i) {
            Terms memory t = Networks.terms(Network.Mainnet);
            (t.refundDelay, t.payoutDelay) = (terms.refundDelay, terms.payoutDelay);
            Caps memory c = Networks.caps(Network.Mainnet);
            if (i == 0) t.refundDelay = 12_960;
            if (i == 1) t.payoutDelay = 1;
            if (i == 2) t.lowConfirmations = 0;
            if (i == 3) t.lowConfirmations = 7;
            if (i == 4) t.mediumConfirmations = 13;
            if (i == 5) t.lowLimit = t.mediumLimit + 1;
            if (i == 6) t.claimFee = 100_001;
            if (i == 7) (t.claimFee, t.relayFee) = (type(uint32).max, type(uint32).max);
            if (i == 8) c.minDeposit = 2545;
            if (i == 9) c.maxDeposit = c.minDeposit - 1;
            if (i == 10) c.maxCirculating = type(uint64).max;
            if (i == 11) c.maxOutflow = type(uint64).max;
            bytes memory signature = signMessage(groupKey, 3, keccak256(abi.encode(t, c)));
            vm.expectRevert(BtcBridge.BadTerms.selector);
            BRIDGE.setTerms(t, c, signature);
        }
    }

    /// The committee can stop, limit and give back; none of its messages moves BTC to anybody but an owner.
    function test_attack_committeeCannotRelease() public {
        fund(ALICE, 1_000_000);
        uint256 before = address(BRIDGE).balance;
        Withdrawal memory w = Withdrawal({
            id: 0,
            owner: BOB,
            amount: 500_000,
            maxFee: 0,
            height: tip.height,
            script: P2WPKH
        });
        bytes32 made = keccak256(abi.encode(w.id, w.owner, w.amount, w.maxFee, w.height, keccak256(w.script)));
        bytes memory signature = signMessage(groupKey, 4, made);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, 0));
        BRIDGE.cancel(w, signature);
        vm.assertEq(address(BRIDGE).balance, before);
    }
}
