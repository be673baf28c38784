// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Withdrawal} from "../src/l2/IBtcBridge.sol";
import {vm} from "../script/Vm.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

contract WithdrawalsTest is BridgeFixture {
    bytes internal constant P2PKH = hex"76a914aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa88ac";
    bytes internal constant P2SH = hex"a914aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa87";
    bytes internal constant P2WSH = hex"0020aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    bytes internal constant P2TR = hex"5120aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    function setUp() public override {
        super.setUp();
        fund(ALICE, 10_000_000_000);
    }

    function settled(Withdrawal[] memory batch, uint64 fee) private returns (Block memory b) {
        bytes memory rawTx = payoutTx(batch, fee);
        TxProof memory proof;
        (b, proof) = pay(rawTx, 6);
        BRIDGE.settle(batch, rawTx, proof);
    }

    function test_everyAddressTypeFromItsDustLimitUp() public {
        bytes[5] memory scripts = [P2PKH, P2SH, P2WPKH, P2WSH, P2TR];
        uint64[5] memory dust = [uint64(546), 540, 294, 330, 330];
        Withdrawal[] memory batch = new Withdrawal[](5);
        for (uint256 i; i < 5; ++i) {
            vm.prank(ALICE);
            vm.expectRevert(BtcBridge.BadPayout.selector);
            BRIDGE.withdraw{value: uint256(dust[i] + 499) * 1e10}(scripts[i], 500);
            batch[i] = request(ALICE, dust[i] + 500, 500, scripts[i]);
            vm.assertEq(batch[i].id, i);
        }
        vm.assertEq(lockedSats(), 546 + 540 + 294 + 330 + 330 + 2500);
        settled(batch, 500);
        vm.assertEq(lockedSats(), 0);
        vm.assertEq(settledSats(), 546 + 540 + 294 + 330 + 330 + 2500);
        checkBooks();
    }

    function test_aLargeBatch() public {
        Withdrawal[] memory batch = new Withdrawal[](200);
        for (uint256 i; i < 200; ++i) {
            batch[i] = request(ALICE, uint64(10_000 + i), 1000, P2WPKH);
        }
        settled(batch, 700);
        vm.assertEq(lockedSats(), 0);
        checkBooks();
    }

    function test_settlingGoesOnWhilePaused() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        BRIDGE.setPaused(true, signMessage(groupKey, 2, keccak256(abi.encode(true))));
        vm.prank(ALICE);
        vm.expectRevert(BtcBridge.Paused.selector);
        BRIDGE.withdraw{value: 50_000e10}(P2TR, 1000);
        settled(list(w), 0);
        vm.assertEq(settledSats(), 50_000);
    }

    function test_expiryUnlocks() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        uint256 before = ALICE.balance;
        extendTip(287);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.TooEarly.selector, w.height + 288));
        BRIDGE.expire(w);
        extendTip(1);
        BRIDGE.expire(w);
        vm.assertEq(ALICE.balance, before + 50_000e10);
        vm.assertEq(lockedSats(), 0);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.expire(w);
        checkBooks();
    }

    function test_committeeCancels() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        bytes memory signature = signMessage(groupKey, 4, commitment(w));
        uint256 before = ALICE.balance;
        BRIDGE.cancel(w, signature);
        vm.assertEq(ALICE.balance, before + 50_000e10);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.cancel(w, signature);
        checkBooks();
    }

    function test_outflowDrainsInADay() public {
        fund(BOB, 10_000_000_000);
        fund(BOB, 10_000_000_000);
        request(ALICE, 9_000_000_000, 1000, P2TR);
        request(BOB, 11_000_000_000, 1000, P2TR);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.CapReached.selector, 1_000_000_000, caps.maxOutflow));
        BRIDGE.withdraw{value: 1_000_000_000e10}(P2TR, 1000);
        // A tenth of a day frees a tenth of the cap.
        vm.warp(block.timestamp + 8640);
        request(BOB, 2_000_000_000, 1000, P2TR);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.CapReached.selector, 1_000_000, caps.maxOutflow));
        BRIDGE.withdraw{value: 1_000_000e10}(P2TR, 1000);
    }

    // -------------------------------------------------------------------------------------------------- attacks

    function test_attack_withdrawalToABadScript() public {
        bytes[] memory bad = new bytes[](14);
        bad[0] = "";
        bad[1] = hex"51024e73"; // pay to anchor
        bad[2] = hex"6a04deadbeef"; // data
        bad[3] = abi.encodePacked(hex"5220", bytes32(uint256(1))); // witness version 2
        bad[4] = abi.encodePacked(hex"0015", bytes21(0)); // witness version 0 of 21 bytes
        bad[5] = abi.encodePacked(hex"5114", bytes20(0)); // Taproot of 20 bytes
        bad[6] = abi.encodePacked(hex"76a914", bytes20(0), hex"88ad"); // CHECKSIGVERIFY
        bad[7] = abi.encodePacked(hex"76a915", bytes20(0), hex"88ac");
        bad[8] = abi.encodePacked(hex"a914", bytes20(0), hex"88"); // EQUALVERIFY
        bad[9] = abi.encodePacked(hex"21", hex"02", bytes32(uint256(1)), hex"ac"); // pay to public key
        bad[10] = abi.encodePacked(hex"5120", bytes32(uint256(1)), hex"00"); // one byte too many
        bad[11] = abi.encodePacked(hex"5120", bytes31(0)); // one too few
        bad[12] = abi.encodePacked(hex"0014", bytes20(0), hex"ac");
        bad[13] = new bytes(10_000);
        for (uint256 i; i < bad.length; ++i) {
            vm.prank(ALICE);
            vm.expectRevert(BtcBridge.BadPayout.selector);
            BRIDGE.withdraw{value: 1_000_000e10}(bad[i], 1000);
        }
    }

    function test_attack_withdrawalAmounts() public {
        vm.prank(ALICE);
        vm.expectRevert(BtcBridge.NotWholeSats.selector);
        BRIDGE.withdraw{value: 1_000_000e10 + 1}(P2TR, 0);
        vm.prank(ALICE);
        vm.expectRevert(BtcBridge.BadPayout.selector);
        BRIDGE.withdraw{value: 1_000_000e10}(P2TR, 1_000_001);
        vm.prank(ALICE);
        vm.expectRevert(BtcBridge.BadPayout.selector);
        BRIDGE.withdraw{value: 1_000_000e10}(P2TR, type(uint64).max);
        vm.prank(ALICE);
        vm.expectRevert(BtcBridge.BadPayout.selector);
        BRIDGE.withdraw{value: 0}(P2TR, 0);
    }

    function test_attack_withdrawalOfPrefundedBtc() public {
        // A development genesis may prefund accounts; no Bitcoin stands behind that.
        vm.deal(BOB, 1_000_000 ether);
        vm.prank(BOB);
        vm.expectRevert(BtcBridge.NotBacked.selector);
        BRIDGE.withdraw{value: 100.00000001 ether}(P2TR, 1000);
    }

    function test_attack_doubleSettlement() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        Withdrawal memory v = request(ALICE, 50_000, 1000, P2TR);
        bytes memory rawTx = payoutTx(list(w), 0);
        (, TxProof memory proof) = pay(rawTx, 6);
        BRIDGE.settle(list(w), rawTx, proof);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.settle(list(w), rawTx, proof);
        // Nor another withdrawal of the same script and amount; and twice in one batch counts once.
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(v), rawTx, proof);
        Withdrawal[] memory twice = new Withdrawal[](2);
        (twice[0], twice[1]) = (v, v);
        rawTx = payoutTx(twice, 0);
        (, proof) = pay(rawTx, 6);
        BRIDGE.settle(twice, rawTx, proof);
        vm.assertEq(settledSats(), 100_000);
        checkBooks();
    }

    function test_attack_expireAfterSettlement() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        settled(list(w), 0);
        extendTip(300);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.expire(w);
    }

    function test_attack_settleAfterExpiry() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        extendTip(288);
        BRIDGE.expire(w);
        bytes memory rawTx = payoutTx(list(w), 0);
        (, TxProof memory proof) = pay(rawTx, 6);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.settle(list(w), rawTx, proof);
    }

    function test_attack_settlementByAStrangersPayment() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        // Somebody once paid the same amount to the same address, perhaps even with data beside it.
        bytes memory rawTx = transaction(output(50_000, P2TR), 1);
        (, TxProof memory proof) = pay(rawTx, 6);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(w), rawTx, proof);
        rawTx = transaction(bytes.concat(output(50_000, P2TR), output(0, hex"6a04deadbeef")), 2);
        (, proof) = pay(rawTx, 6);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(w), rawTx, proof);
    }

    function test_attack_payoutThatPaysTooLittleOrElsewhere() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        bytes memory rawTx = payoutTx(list(w), 1001);
        (, TxProof memory proof) = pay(rawTx, 6);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(w), rawTx, proof);
        Withdrawal memory v = w;
        v.script = P2WSH;
        rawTx = payoutTx(list(v), 0);
        (, proof) = pay(rawTx, 6);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.settle(list(v), rawTx, proof);
        w.script = P2TR;
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(w), rawTx, proof);
    }

    function test_attack_batchThatOmitsOrReorders() public {
        Withdrawal[] memory batch = new Withdrawal[](2);
        batch[0] = request(ALICE, 50_000, 1000, P2TR);
        batch[1] = request(ALICE, 50_000, 1000, P2TR);
        bytes memory rawTx = payoutTx(batch, 0);
        (, TxProof memory proof) = pay(rawTx, 6);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(list(batch[0]), rawTx, proof);
        (batch[0], batch[1]) = (batch[1], batch[0]);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(batch, rawTx, proof);
        vm.expectRevert(BtcBridge.NotThisPayout.selector);
        BRIDGE.settle(new Withdrawal[](0), rawTx, proof);
    }

    /// The owner of one withdrawal pays it himself and settles that, or lets it expire, so that the batch which pays it
    /// too could not be settled and the others would get back what they were paid.
    function test_attack_withdrawalOutOfItsBatch() public {
        Withdrawal[] memory batch = new Withdrawal[](3);
        batch[0] = request(ALICE, 50_000, 1000, P2TR);
        batch[1] = request(ALICE, 60_000, 1000, P2TR);
        batch[2] = request(ALICE, 70_000, 1000, P2WSH);
        bytes memory payout = payoutTx(batch, 0);
        settled(list(batch[1]), 0);
        BRIDGE.cancel(batch[2], signMessage(groupKey, 4, commitment(batch[2])));
        (Block memory b, TxProof memory proof) = pay(payout, 6);
        BRIDGE.settle(batch, payout, proof);
        vm.assertEq(settledSats(), 110_000);
        vm.assertEq(lockedSats(), 0);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, batch[0].id));
        BRIDGE.settle(batch, payout, proof);
        vm.expectRevert(BtcBridge.StillInChain.selector);
        BRIDGE.reopen(batch[0], b.hash, b.height);
        checkBooks();
    }

    /// The owner of all withdrawals of a batch pays them himself: the payout settles nothing any more, but the committee
    /// can be told of it.
    function test_attack_payoutWithoutPendingWithdrawals() public {
        Withdrawal[] memory batch = list(request(ALICE, 50_000, 1000, P2TR));
        bytes memory payout = payoutTx(batch, 0);
        settled(batch, 0);
        (Block memory b, TxProof memory proof) = pay(payout, 5);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.TooFewConfirmations.selector, 5, 6));
        BRIDGE.confirm(batch[0].id, payout, proof);
        extendTip(1);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, batch[0].id));
        BRIDGE.settle(batch, payout, proof);
        bytes32 txid = sha256(abi.encodePacked(sha256(payout)));
        vm.expectEmit(address(BRIDGE));
        emit BtcBridge.PayoutConfirmed(batch[0].id, txid, b.height);
        BRIDGE.confirm(batch[0].id, payout, proof);
        vm.assertEq(settledSats(), 50_000);
        checkBooks();
    }

    /// What is left out by naming a withdrawal wrongly is settled by the next call.
    function test_attack_withdrawalLeftOut() public {
        Withdrawal[] memory batch = new Withdrawal[](2);
        batch[0] = request(ALICE, 50_000, 1000, P2TR);
        batch[1] = request(ALICE, 60_000, 1000, P2TR);
        bytes memory payout = payoutTx(batch, 0);
        (, TxProof memory proof) = pay(payout, 6);
        batch[1].amount = 1;
        BRIDGE.settle(batch, payout, proof);
        vm.assertEq(settledSats(), 50_000);
        batch[1].amount = 60_000;
        BRIDGE.settle(batch, payout, proof);
        vm.assertEq(settledSats(), 110_000);
        vm.assertEq(lockedSats(), 0);
        checkBooks();
    }

    function test_attack_unbroadcastPayout() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        bytes memory rawTx = payoutTx(list(w), 0);
        Block memory unseen = mine(tip, one(rawTx));
        TxProof memory proof = proofOf(unseen, 1);
        vm.expectRevert(abi.encodeWithSignature("NotInChain(uint32)", unseen.height));
        BRIDGE.settle(list(w), rawTx, proof);
        // In the chain, but not deep enough.
        (, proof) = pay(rawTx, 5);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.TooFewConfirmations.selector, 5, 6));
        BRIDGE.settle(list(w), rawTx, proof);
        extendTip(1);
        BRIDGE.settle(list(w), rawTx, proof);
        vm.assertEq(lockedSats(), 0);
    }

    /// Whichever of a payout's versions is mined settles it: they differ in the change alone.
    function test_attack_feeSpikeAnyVersionSettles() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        bytes memory first = payoutTx(list(w), 200);
        bytes memory bumped = payoutTx(list(w), 200);
        vm.assertTrue(keccak256(first) != keccak256(bumped), "versions differ");
        (, TxProof memory proof) = pay(bumped, 6);
        BRIDGE.settle(list(w), bumped, proof);
        vm.assertEq(settledSats(), 50_000);
    }

    function test_attack_reorgAfterPayout() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        Block memory fork = tip;
        bytes memory rawTx = payoutTx(list(w), 0);
        (Block memory b, TxProof memory proof) = pay(rawTx, 6);
        BRIDGE.settle(list(w), rawTx, proof);
        vm.expectRevert(BtcBridge.StillInChain.selector);
        BRIDGE.reopen(w, b.hash, b.height);
        reorg(fork, 7);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.reopen(w, tip.hash, tip.height);
        BRIDGE.reopen(w, b.hash, b.height);
        vm.assertEq(lockedSats(), 50_000);
        vm.assertEq(settledSats(), 0);
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.reopen(w, b.hash, b.height);
        // Its clock starts anew, so it cannot be unlocked while the payout waits to be mined again.
        w.height = tip.height;
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.TooEarly.selector, w.height + 288));
        BRIDGE.expire(w);
        (, proof) = pay(rawTx, 6);
        BRIDGE.settle(list(w), rawTx, proof);
        vm.assertEq(settledSats(), 50_000);
        checkBooks();
    }

    function test_attack_changedWithdrawal() public {
        Withdrawal memory w = request(ALICE, 50_000, 1000, P2TR);
        extendTip(288);
        w.owner = BOB;
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.expire(w);
        w.owner = ALICE;
        w.amount = 60_000;
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.expire(w);
        w.amount = 50_000;
        w.height -= 1;
        vm.expectRevert(abi.encodeWithSelector(BtcBridge.NoSuchWithdrawal.selector, w.id));
        BRIDGE.expire(w);
    }

    function testFuzz_payoutsOfAnySize(uint64[5] memory amounts, uint16 fee, uint8 count) public {
        uint256 n = uint256(count) % 5 + 1;
        Withdrawal[] memory batch = new Withdrawal[](n);
        uint64 sum;
        for (uint256 i; i < n; ++i) {
            uint64 amount = uint64(fee) + 546 + amounts[i] % 1_000_000_000;
            batch[i] = request(ALICE, amount, fee, i % 2 == 0 ? P2PKH : P2WSH);
            sum += amount;
        }
        vm.assertEq(lockedSats(), sum);
        settled(batch, fee);
        vm.assertEq(settledSats(), sum);
        vm.assertEq(lockedSats(), 0);
        checkBooks();
    }

    function commitment(Withdrawal memory w) private pure returns (bytes32) {
        return keccak256(abi.encode(w.id, w.owner, w.amount, w.maxFee, w.height, keccak256(w.script)));
    }
}
