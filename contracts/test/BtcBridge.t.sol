// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Caps, Deposit, Terms, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {BitcoinScript} from "../src/lib/BitcoinScript.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Networks} from "../script/Networks.sol";
import {vm} from "../script/Vm.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

contract BtcBridgeTest is BridgeFixture {
    // ------------------------------------------------------------------------------------------------- deposits

    function test_claimReleasesTheDeposit() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        vm.prank(CLAIMER);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        vm.assertEq(ALICE.balance, uint256(1_000_000 - 2000) * 1e10);
        vm.assertEq(CLAIMER.balance, 1000e10);
        vm.assertEq(address(RELAY).balance, 1000e10);
        (uint64 claimed, uint64 settled, uint64 locked, uint64 deficit) = BRIDGE.totals();
        vm.assertEq(claimed, 1_000_000);
        vm.assertEq(settled + locked + deficit, 0);
        checkBooks();
    }

    function test_confirmationsGrowWithTheAmount() public {
        uint64[3] memory amounts = [uint64(10_000_000), 10_000_001, 500_000_001];
        uint32[3] memory needed = [uint32(3), 6, 12];
        for (uint256 i; i < 3; ++i) {
            Proven memory p = depositWith(ALICE, amounts[i], needed[i] - 1);
            refused(
                p, abi.encodeWithSelector(BtcBridge.TooFewConfirmations.selector, needed[i] - 1, needed[i])
            );
            tip = extend(tip, 1);
            BRIDGE.claim(p.d, p.rawTx, p.proof);
        }
    }

    function test_depositToTheOutgoingKeyCountsUntilItCloses() public {
        rotateTo(NEXT_KEY, tip.height + 2);
        Proven memory late = deposit(ALICE, 1_000_000); // mined at the next height
        BRIDGE.claim(late.d, late.rawTx, late.proof);
        epoch = 2;
        groupKey = NEXT_KEY;
        Proven memory next = deposit(ALICE, 1_000_000);
        BRIDGE.claim(next.d, next.rawTx, next.proof);
        vm.assertEq(claimedSats(), 2_000_000);
    }

    // -------------------------------------------------------------------------------------- attacks on deposits

    function test_attack_replayedClaim() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        refused(p, abi.encodeWithSelector(BtcBridge.AlreadyClaimed.selector, outpointOf(p)));
        // Nor with the depth recorded, nor in a later block of a heavier chain.
        RELAY.recordDepth(p.home.height, p.home.header, p.home.txs[0], merklePath(p.home.txs, 0));
        p.proof.coinbase = "";
        p.proof.coinbasePath = new bytes32[](0);
        refused(p, abi.encodeWithSelector(BtcBridge.AlreadyClaimed.selector, outpointOf(p)));
    }

    function test_attack_claimToAnotherRecipient() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        p.d.recipient = CLAIMER;
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
    }

    function test_attack_claimWithAnotherSaltRefundKeyOrParity() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        p.d.salt = keccak256("other");
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        p = deposit(ALICE, 1_000_000);
        p.d.refundKey = xOnly(77);
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        p = deposit(ALICE, 1_000_000);
        p.d.parity ^= 1;
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        p.d.parity = 2;
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
    }

    function test_attack_claimOfAnOldEpoch() public {
        rotateTo(NEXT_KEY, tip.height + 1);
        extendTip(2);
        Proven memory p = deposit(ALICE, 1_000_000); // to the first key, after it closed
        refused(p, abi.encodeWithSelector(BtcBridge.EpochClosed.selector, 1));
        // Not under the new epoch's number either.
        p.d.epoch = 2;
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        p.d.epoch = 3;
        refused(p, abi.encodeWithSelector(BtcBridge.EpochClosed.selector, 3));
    }

    function test_attack_depositToTheGenesisKey() public {
        groupKey = GENESIS_KEY;
        epoch = 0;
        Proven memory p = deposit(ALICE, 1_000_000);
        refused(p, abi.encodeWithSelector(BtcBridge.EpochClosed.selector, 0));
    }

    function test_attack_scriptThatOnlyLooksLikeOurs() public {
        (Deposit memory d, bytes memory script) = depositFor(ALICE, epoch, groupKey);
        bytes[] memory fakes = new bytes[](7);
        fakes[0] = bytes.concat(hex"5220", slice(script, 2)); // another witness version
        fakes[1] = bytes.concat(hex"0020", slice(script, 2)); // P2WSH
        fakes[2] = bytes.concat(script, hex"51"); // longer
        fakes[3] = bytes.concat(hex"512102", slice(script, 2)); // a compressed key
        fakes[4] = abi.encodePacked(hex"5120", xOnly(groupKey)); // the bare internal key
        fakes[5] = abi.encodePacked(hex"5120", xOnly(0xbad)); // an attacker's key
        fakes[6] = bytes.concat(hex"6a22", script); // in an OP_RETURN
        for (uint256 i; i < fakes.length; ++i) {
            Proven memory p = provenOutput(d, fakes[i], 1_000_000, 3);
            refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        }
    }

    function test_attack_claimOfAnotherOutput() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        p.d.vout = 0;
        refused(p, abi.encodeWithSelector(BtcBridge.NotDepositScript.selector));
        p.d.vout = 3;
        refused(p, abi.encodeWithSignature("NoSuchOutput(uint256)", 3));
    }

    function test_attack_unconfirmedDeposit() public {
        Proven memory p = depositWith(ALICE, 1_000_000, 2);
        refused(p, abi.encodeWithSelector(BtcBridge.TooFewConfirmations.selector, 2, 3));
        Block memory unseen = mine(tip, one(p.rawTx));
        p.proof = proofOf(unseen, 1);
        refused(p, abi.encodeWithSignature("NotInChain(uint32)", unseen.height));
    }

    /// Many small deposits in one block need as many confirmations as one large one.
    function test_attack_splitDepositNeedsFullConfirmations() public {
        bytes[] memory txs = new bytes[](3);
        Deposit[] memory ds = new Deposit[](3);
        for (uint256 i; i < 3; ++i) {
            bytes memory script;
            (ds[i], script) = depositFor(ALICE, epoch, groupKey);
            txs[i] = depositTx(script, 5_000_000);
        }
        Block memory b = mine(tip, txs);
        submit(b);
        tip = extend(b, 2);
        BRIDGE.claim(ds[0], txs[0], proofOf(b, 1));
        BRIDGE.claim(ds[1], txs[1], proofOf(b, 2));
        TxProof memory proof = proofOf(b, 3);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.TooFewConfirmations.selector, 3, 6));
        BRIDGE.claim(ds[2], txs[2], proof);
    }

    function test_attack_spentByRefundRace() public {
        Proven memory p = depositWith(ALICE, 1_000_000, terms.refundDelay / 2);
        uint256 before = vm.snapshotState();
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        vm.revertToState(before);
        tip = extend(tip, 1);
        refused(p, abi.encodeWithSelector(BtcBridge.TooOld.selector, terms.refundDelay / 2 + 1));
    }

    function test_attack_overflowAmounts() public {
        (Deposit memory d, bytes memory script) = depositFor(ALICE, epoch, groupKey);
        uint64[4] memory amounts = [type(uint64).max, 1 << 63, 2_100_000_000_000_001, caps.maxDeposit + 1];
        for (uint256 i; i < 4; ++i) {
            Proven memory p = provenOutput(d, script, amounts[i], 12);
            refused(
                p,
                i < 3
                    ? abi.encodeWithSignature("MalformedTransaction()")
                    : abi.encodeWithSelector(BtcBridge.AmountOutOfRange.selector, amounts[3])
            );
        }
        vm.deal(ALICE, 1e40);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.AmountOutOfRange.selector, type(uint64).max));
        BRIDGE.withdraw{value: (uint256(type(uint64).max) + 1) * 1e10}(P2WPKH, 0);
    }

    function test_attack_dustDeposit() public {
        Proven memory p = deposit(ALICE, caps.minDeposit - 1);
        refused(p, abi.encodeWithSelector(BtcBridge.AmountOutOfRange.selector, caps.minDeposit - 1));
    }

    function test_attack_depositFromCoinbase() public {
        (Deposit memory d, bytes memory script) = depositFor(ALICE, epoch, groupKey);
        Block memory b = mine(tip);
        b.txs[0] = abi.encodePacked(
            hex"0200000001", bytes32(0), hex"ffffffff0451525354ffffffff01", output(1_000_000, script), hex"00000000"
        );
        b.header = mineHeader(4, tip.hash, hash256(b.txs[0]), b.time, REGTEST_BITS);
        b.hash = hash256(b.header);
        submit(b);
        tip = extend(b, 5);
        d.vout = 0;
        TxProof memory proof = proofOf(b, 0);
        vm.expectRevert(BtcBridge.FromCoinbase.selector);
        BRIDGE.claim(d, b.txs[0], proof);
    }

    function test_attack_reentrantRecipient() public {
        Reenter attacker = new Reenter();
        Proven memory p = deposit(address(attacker), 1_000_000);
        attacker.arm(abi.encodeCall(BRIDGE.claim, (p.d, p.rawTx, p.proof)));
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        vm.assertTrue(attacker.tried() && !attacker.succeeded(), "claimed twice");
        checkBooks();
    }

    function test_attack_witnessSerialisation() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        p.rawTx = bytes.concat(hex"020000000001", slice(p.rawTx, 4));
        refused(p, abi.encodeWithSignature("MalformedTransaction()"));
    }

    // ------------------------------------------------------------------------------------------ reorganisations

    function test_attack_reorgAfterClaim() public {
        Block memory fork = tip;
        Proven memory p = deposit(ALICE, 1_000_000);
        Proven memory other = deposit(BOB, 2_000_000);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        // A heavier branch without the deposit: the same call that drops it books the deficit and stops claims.
        reorg(fork, 7);
        vm.assertEq(deficitSats(), 1_000_000);
        Proven memory next = deposit(BOB, 3_000_000);
        refused(next, abi.encodeWithSelector(BtcBridge.InDeficit.selector, 1_000_000));
        // The deposit is mined again: proven again, not claimed again.
        Block memory again = mine(tip, one(p.rawTx));
        submit(again);
        tip = extend(again, 2);
        BRIDGE.reprove(p.rawTx, p.d.vout, proofOf(again, 1));
        vm.assertEq(deficitSats(), 0);
        BRIDGE.claim(next.d, next.rawTx, next.proof);
        p.proof = proofOf(again, 1);
        refused(p, abi.encodeWithSelector(BtcBridge.AlreadyClaimed.selector, outpointOf(p)));
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NotDropped.selector, outpointOf(p)));
        BRIDGE.reprove(p.rawTx, p.d.vout, p.proof);
        refused(other, abi.encodeWithSignature("NotInChain(uint32)", other.home.height));
        checkBooks();
    }

    /// A claim of a million sats that Bitcoin then drops. Gives the block before it, the tip above it and the headers up
    /// to that tip.
    function claimDropped() private returns (Block memory fork, Block memory old, bytes memory headers) {
        fork = tip;
        Proven memory p = deposit(ALICE, 1_000_000);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        old = tip;
        headers = headersAfter(fork.height);
        reorg(fork, 5);
    }

    function test_deficitEndsWhenTheOldBranchWinsAgain() public {
        (Block memory fork, Block memory old, bytes memory headers) = claimDropped();
        vm.assertEq(deficitSats(), 1_000_000);
        for (uint256 i; i < 6; ++i) {
            old = mine(old);
            headers = bytes.concat(headers, old.header);
        }
        RELAY.submit(fork.height + 1, headers);
        vm.assertEq(deficitSats(), 0);
    }

    function test_deficitCanBeCovered() public {
        (Block memory fork, Block memory old, bytes memory headers) = claimDropped();
        vm.prank(ALICE);
        BRIDGE.cover{value: 400_000e10}();
        vm.assertEq(deficitSats(), 600_000);
        vm.deal(BOB, 1 ether);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.AmountOutOfRange.selector, 600_001));
        BRIDGE.cover{value: 600_001e10}();
        // The deposit comes back after all: what was covered stays with the bridge, nothing underflows.
        for (uint256 i; i < 6; ++i) {
            old = mine(old);
            headers = bytes.concat(headers, old.header);
        }
        RELAY.submit(fork.height + 1, headers);
        vm.assertEq(deficitSats(), 0);
        checkBooks();
    }

    function test_feesCoverADeficitFirst() public {
        claimDropped();
        uint256 pool = address(RELAY).balance;
        // As in reality the fees come out of what circulates.
        vm.prank(ALICE);
        (bool paid,) = address(VAULT).call{value: 300_000e10 + 7}("");
        vm.assertTrue(paid, "the vault takes fees");
        VAULT.distribute();
        vm.assertEq(deficitSats(), 700_000);
        vm.assertEq(address(RELAY).balance, pool + 7);
        vm.prank(ALICE);
        (paid,) = address(VAULT).call{value: 690_000e10}("");
        VAULT.distribute();
        vm.assertEq(deficitSats(), 10_000);
        vm.assertEq(address(VAULT).balance, 0);
        checkBooks();
    }

    function test_attack_foreignReorgCall() public {
        vm.expectRevert(BtcBridge.NotRelay.selector);
        BRIDGE.onReorg(new bytes32[](0), new bytes32[](0));
    }

    function test_deepReorgPauses() public {
        Block memory fork = tip;
        extendTip(145);
        reorg(fork, 146);
        (,,,,, bool paused) = BRIDGE.state();
        vm.assertTrue(paused, "paused");
        Proven memory p = deposit(ALICE, 1_000_000);
        refused(p, abi.encodeWithSelector(BtcBridge.Paused.selector));
        BRIDGE.setPaused(false, signMessage(groupKey, 2, keccak256(abi.encode(false))));
        BRIDGE.claim(p.d, p.rawTx, p.proof);
    }

    function test_claimsWaitWhileATimewarpIsSuspected() public {
        Proven memory p = deposit(ALICE, 1_000_000);
        // Regtest has no such rule, so the relay's word is set where it stands.
        bytes32 word = vm.load(address(RELAY), 0);
        vm.store(address(RELAY), 0, word | bytes32(uint256(tip.height) << (112 + 64)));
        vm.assertTrue(RELAY.timewarpSuspected(), "set");
        refused(p, abi.encodeWithSelector(BtcBridge.TimewarpInProgress.selector));
        extendTip(2016);
        vm.assertTrue(!RELAY.timewarpSuspected(), "over");
        p = deposit(ALICE, 1_000_000);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
    }

    // ------------------------------------------------------------------------------------------ scripts, limits

    function test_refundLeafIsTheDocumentedScript() public pure {
        bytes memory leaf = BitcoinScript.refundLeaf(bytes32(uint256(1)), 12_960, bytes32(uint256(2)));
        vm.assertEq(
            leaf,
            hex"20000000000000000000000000000000000000000000000000000000000000000175"
            hex"02a032b275200000000000000000000000000000000000000000000000000000000000000002ac"
        );
    }

    function test_circulationIsCapped() public {
        Caps memory low = caps;
        low.maxCirculating = 1_500_000;
        BRIDGE.setTerms(terms, low, signMessage(groupKey, 3, keccak256(abi.encode(terms, low))));
        Proven memory a = deposit(ALICE, 1_000_000);
        Proven memory b = deposit(ALICE, 600_000);
        BRIDGE.claim(a.d, a.rawTx, a.proof);
        refused(b, abi.encodeWithSelector(BtcBridge.CapReached.selector, 600_000, 1_500_000));
    }

    function testFuzz_onlyTheExactDepositIsReleased(uint64 amount, address recipient, uint8 change) public {
        amount = caps.minDeposit + amount % (caps.maxDeposit - caps.minDeposit);
        vm.assume(uint160(recipient) > 0xffff && recipient.code.length == 0 && recipient != CLAIMER);
        vm.assume(recipient.balance == 0 && recipient != address(RELAY) && recipient != address(BRIDGE));
        Proven memory p = depositWith(recipient, amount, 12);
        uint256 state = vm.snapshotState();
        if (change % 5 == 0) p.d.recipient = address(uint160(recipient) ^ (uint160(1) << (change % 160)));
        if (change % 5 == 1) p.d.salt ^= bytes32(uint256(1) << change);
        if (change % 5 == 2) p.d.refundKey ^= bytes32(uint256(1) << change);
        if (change % 5 == 3) p.rawTx[47 + 31 + uint256(change) % 70] ^= 0x01;
        if (change % 5 == 4) p.d.epoch += 1 + change;
        (bool released,) = address(BRIDGE).call(abi.encodeCall(BRIDGE.claim, (p.d, p.rawTx, p.proof)));
        vm.assertTrue(!released, "a changed claim was paid");
        vm.revertToState(state);
        p = depositWith(recipient, amount, 12);
        vm.prank(CLAIMER);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
        vm.assertEq(recipient.balance, uint256(amount - 2000) * 1e10);
        checkBooks();
    }
}

/// @notice Tries something again while it is being paid.
contract Reenter {
    bytes private _call;
    bool public tried;
    bool public succeeded;

    function arm(bytes calldata data) external {
        _call = data;
    }

    receive() external payable {
        (succeeded,) = msg.sender.call(_call);
        tried = true;
    }
}
