// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinRelay} from "../src/l2/BitcoinRelay.sol";
import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {BitcoinHeader} from "../src/lib/BitcoinHeader.sol";
import {BitcoinMerkle} from "../src/lib/BitcoinMerkle.sol";
import {BitcoinTx} from "../src/lib/BitcoinTx.sol";
import {Checkpoint, Networks} from "../script/Networks.sol";
import {Seeds} from "../script/Seeds.sol";
import {vm} from "../script/Vm.sol";
import {Regtest} from "./Regtest.sol";

contract BitcoinRelayTest is Regtest {
    Block internal genesis;

    function setUp() public {
        install(Networks.terms(Network.Regtest), Networks.caps(Network.Regtest));
        genesis = genesisBlock();
    }

    /// A relay for another network that starts at a made-up header with these bits.
    function start(Network network, uint32 height, uint32 time, uint32 bits) private returns (Block memory b) {
        b.height = height;
        b.time = time;
        b.header = abi.encodePacked(
            hex"00000020", bytes32(0), keccak256("root"), little32(time), little32(bits), uint32(0)
        );
        b.hash = hash256(b.header);
        Checkpoint memory c;
        c.height = height;
        c.header = b.header;
        c.periodTime = time - 600 * (height % 2016);
        c.periodBits = bits;
        c.earlierTimes = new uint32[](10);
        for (uint32 i; i < 10; ++i) {
            c.earlierTimes[i] = time - 600 * (i + 1);
        }
        Seeds.install(
            network, c, new address[](0), Networks.terms(network), Networks.caps(network), xOnly(GENESIS_KEY)
        );
    }

    /// A header whose proof of work cannot be found here; its hash is given out as small enough.
    function unmined(Block memory parent, uint32 version, uint32 time, uint32 bits) private returns (Block memory b) {
        b.height = parent.height + 1;
        b.time = time;
        b.header = abi.encodePacked(
            little32(version), parent.hash, keccak256("root"), little32(time), little32(bits), uint32(0)
        );
        bytes32 inner = keccak256(b.header);
        b.hash = inner & ~bytes32(uint256(type(uint128).max));
        vm.mockCall(address(2), b.header, abi.encode(inner));
        vm.mockCall(address(2), abi.encode(inner), abi.encode(b.hash));
    }

    // ------------------------------------------------------------------------------------------------- the chain

    function test_headersExtendTheChain() public {
        Block memory a = mine(genesis);
        submit(a);
        Block memory b = mine(a);
        submit(b);
        (uint112 work, uint32 height,,, uint32 first, Network network) = RELAY.tip();
        vm.assertEq(work, 4);
        vm.assertEq(height, 2);
        vm.assertEq(first, 0);
        vm.assertTrue(network == Network.Regtest, "network");
        vm.assertEq(RELAY.hashAt(0), genesis.hash);
        vm.assertEq(RELAY.hashAt(1), a.hash);
        vm.assertEq(RELAY.hashAt(2), b.hash);
        vm.assertEq(RELAY.hashAt(3), bytes32(0));
        (uint32 time, uint32 bits) = RELAY.stampAt(2);
        vm.assertEq(time, b.time);
        vm.assertEq(bits, REGTEST_BITS);
    }

    function test_knownHeadersAreSkipped() public {
        Block memory a = mine(genesis);
        Block memory b = mine(a);
        submit(a);
        RELAY.submit(1, bytes.concat(a.header, b.header));
        vm.assertEq(RELAY.tipHeight(), 2);
        vm.expectRevert(BitcoinRelay.NothingNew.selector);
        RELAY.submit(1, bytes.concat(a.header, b.header));
    }

    function test_heavierBranchReplacesTheChain() public {
        Block memory fork = extend(genesis, 3);
        Block memory old = extend(fork, 2);
        Block memory a = mineAt(fork, new bytes[](0), fork.time + 1);
        Block memory b = mine(a);
        Block memory c = mine(b);
        vm.expectEmit(address(RELAY));
        emit BitcoinRelay.NewTip(6, c.hash, 2);
        RELAY.submit(4, bytes.concat(a.header, b.header, c.header));
        vm.assertEq(RELAY.hashAt(3), fork.hash);
        vm.assertEq(RELAY.hashAt(4), a.hash);
        vm.assertEq(RELAY.hashAt(6), c.hash);
        (uint112 work,,,,,) = RELAY.tip();
        vm.assertEq(work, 12);
        vm.assertTrue(RELAY.isDropped(old.hash, 5), "old tip");
        vm.assertTrue(!RELAY.isDropped(c.hash, 6), "new tip");
        vm.assertTrue(RELAY.isDropped(old.hash, 7), "above the tip");
    }

    function test_firstSeenWinsATie() public {
        Block memory a = extend(genesis, 1);
        Block memory b = mineAt(genesis, new bytes[](0), genesis.time + 7);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.NotHeavier.selector, 2, 2));
        submit(b);
        vm.assertEq(RELAY.hashAt(1), a.hash);
    }

    function test_ringForgetsOldHeights() public {
        Block memory tip = extend(genesis, 2);
        bytes32 second = RELAY.hashAt(2);
        tip = extend(tip, 4096);
        tip = extend(tip, 4096);
        vm.assertEq(RELAY.hashAt(2), bytes32(0));
        vm.assertTrue(RELAY.hashAt(3) != 0, "8192 heights are held");
        vm.assertTrue(!RELAY.isDropped(second, 2), "too old to tell");
        Block memory low = mine(tip);
        low.height = tip.height - uint32(RELAY.MAX_REORG());
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.HeightOutOfRange.selector, low.height));
        submit(low);
    }

    function test_malformedHeadersAreRefused() public {
        bytes memory header = mine(genesis).header;
        vm.expectRevert(BitcoinRelay.MalformedHeaders.selector);
        RELAY.submit(1, "");
        vm.expectRevert(BitcoinRelay.MalformedHeaders.selector);
        RELAY.submit(1, bytes.concat(header, hex"00"));
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.HeightOutOfRange.selector, 0));
        RELAY.submit(0, header);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.HeightOutOfRange.selector, 2));
        RELAY.submit(2, header);
    }

    function test_timeMustExceedTheMedianOfEleven() public {
        Block memory tip = extend(genesis, 20);
        // The median of the last eleven is the sixth from the end.
        uint32 median = tip.time - 5 * 600;
        Block memory bad = mineAt(tip, new bytes[](0), median);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.TimeTooOld.selector, 21));
        submit(bad);
        submit(mineAt(tip, new bytes[](0), median + 1));
    }

    function test_medianOfFewerThanEleven() public {
        Block memory tip = extend(genesis, 3);
        // Of four times, Core takes the third.
        uint32 median = tip.time - 600;
        Block memory bad = mineAt(tip, new bytes[](0), median);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.TimeTooOld.selector, 4));
        submit(bad);
        submit(mineAt(tip, new bytes[](0), median + 1));
    }

    function test_timeMayBeTwoHoursAhead() public {
        vm.warp(genesis.time + 1000);
        Block memory bad = mineAt(genesis, new bytes[](0), genesis.time + 1000 + 7201);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.TimeTooNew.selector, 1));
        submit(bad);
        submit(mineAt(genesis, new bytes[](0), genesis.time + 1000 + 7200));
    }

    function test_retiredVersionsAreRefused() public {
        bytes memory header = mineHeader(3, genesis.hash, bytes32(0), genesis.time + 600, REGTEST_BITS);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.OldVersion.selector, 1));
        RELAY.submit(1, header);
        header = mineHeader(0x80000004, genesis.hash, bytes32(0), genesis.time + 600, REGTEST_BITS);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.OldVersion.selector, 1));
        RELAY.submit(1, header);
    }

    function test_signetTakesHeadersOfItsRelayersOnly() public {
        address[] memory allowed = new address[](1);
        allowed[0] = address(0xa11ce);
        Seeds.install(
            Network.Signet,
            Networks.start(Network.Signet),
            allowed,
            Networks.terms(Network.Signet),
            Networks.caps(Network.Signet),
            xOnly(GENESIS_KEY)
        );
        Block memory parent;
        parent.header = Networks.firstHeader(Network.Signet);
        parent.hash = hash256(parent.header);
        Block memory b = unmined(parent, 4, 1_598_918_401, 0x1e0377ae);
        vm.expectRevert(BitcoinRelay.NotRelayer.selector);
        submit(b);
        vm.prank(allowed[0]);
        submit(b);
        vm.assertEq(RELAY.tipHeight(), 1);
    }

    // ------------------------------------------------------------------------------------------------ retargets

    function test_easyBlocksOfTestnets() public {
        Block memory tip = start(Network.Testnet3, 4032 + 100, 1_700_000_000, 0x1c00ffff);
        Block memory b = unmined(tip, 4, tip.time + 1200, 0x1d00ffff);
        vm.expectRevert(
            abi.encodeWithSelector(BitcoinRelay.WrongBits.selector, b.height, 0x1d00ffff, 0x1c00ffff)
        );
        submit(b);
        Block memory easy = unmined(tip, 0x20000000, tip.time + 1201, 0x1d00ffff);
        // After easy blocks the bits are again those of the last regular one.
        Block memory late = unmined(easy, 0x20000000, easy.time + 1201, 0x1d00ffff);
        Block memory regular = unmined(late, 0x20000000, late.time + 1, 0x1c00ffff);
        submit(easy);
        RELAY.submit(late.height, bytes.concat(late.header, regular.header));
        vm.assertEq(RELAY.hashAt(regular.height), regular.hash);
    }

    function test_bip94RetargetsFromTheFirstBitsOfThePeriod() public {
        // The period began with 0x1c00ffff; its last block is an easy one.
        Block memory tip = start(Network.Testnet4, 4031, 1_800_000_000 - 10_000, 0x1c00ffff);
        Block memory first = unmined(tip, 4, tip.time + 600, 0x1c00fffd);
        // 2015 intervals of 600 s are a little less than the period should take.
        uint32 expected = BitcoinHeader.retarget(0x1c00ffff, tip.time - 2015 * 600, tip.time, 0x1d00ffff);
        vm.expectRevert(
            abi.encodeWithSelector(BitcoinRelay.WrongBits.selector, 4032, 0x1c00fffd, expected)
        );
        submit(first);
        submit(unmined(tip, 4, tip.time + 600, expected));
        vm.assertEq(RELAY.tipHeight(), 4032);
    }

    function test_retargetIsBounded() public pure {
        // A quarter and four times, and never above the limit.
        vm.assertEq(BitcoinHeader.retarget(0x1b0404cb, 1000, 1001, 0x1d00ffff), 0x1b010132);
        vm.assertEq(BitcoinHeader.retarget(0x1b0404cb, 1001, 1000, 0x1d00ffff), 0x1b010132);
        vm.assertEq(BitcoinHeader.retarget(0x1b0404cb, 0, 100_000_000, 0x1d00ffff), 0x1b10132c);
        vm.assertEq(BitcoinHeader.retarget(0x1d00ffff, 0, 100_000_000, 0x1d00ffff), 0x1d00ffff);
        vm.assertEq(BitcoinHeader.retarget(0x1e0377ae, 0, 100_000_000, 0x1e0377ae), 0x1e0377ae);
    }

    /// Bitcoin Core, src/test/pow_tests.cpp.
    function test_retargetsOfMainnet() public pure {
        vm.assertEq(BitcoinHeader.retarget(0x1d00ffff, 1_261_130_161, 1_262_152_739, 0x1d00ffff), 0x1d00d86a);
        vm.assertEq(BitcoinHeader.retarget(0x1d00ffff, 1_231_006_505, 1_233_061_996, 0x1d00ffff), 0x1d00ffff);
        vm.assertEq(BitcoinHeader.retarget(0x1c05a3f4, 1_279_008_237, 1_279_297_671, 0x1d00ffff), 0x1c0168fd);
        vm.assertEq(BitcoinHeader.retarget(0x1c387f6f, 1_263_163_443, 1_269_211_443, 0x1d00ffff), 0x1d00e1fd);
    }

    /// Bitcoin Core, src/test/arith_uint256_tests.cpp, bignum_SetCompact.
    function test_compactForm() public pure {
        vm.assertEq(BitcoinHeader.target(0x01123456), 0x12);
        vm.assertEq(BitcoinHeader.target(0x02008000), 0x80);
        vm.assertEq(BitcoinHeader.target(0x05009234), 0x92340000);
        vm.assertEq(BitcoinHeader.target(0x20123456), uint256(0x123456) << 232);
        vm.assertEq(BitcoinHeader.compact(0x12), 0x01120000);
        vm.assertEq(BitcoinHeader.compact(0x80), 0x02008000);
        vm.assertEq(BitcoinHeader.compact(0x92340000), 0x05009234);
        vm.assertEq(BitcoinHeader.work(0x1d00ffff), 0x100010001);
        vm.assertEq(BitcoinHeader.work(0x207fffff), 2);
    }

    function targetOf(uint32 bits) external pure returns (uint256) {
        return BitcoinHeader.target(bits);
    }

    function test_attack_badCompactForm() public {
        uint32[8] memory bad =
            [uint32(0), 0x00123456, 0x04923456, 0x01fedcba, 0xff123456, 0x23123456, 0x22123456, 0x21123456];
        for (uint256 i; i < bad.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(BitcoinHeader.InvalidBits.selector, bad[i]));
            this.targetOf(bad[i]);
        }
    }

    function testFuzz_compactFormRoundTrips(uint256 value) public pure {
        vm.assume(value > 0xffff);
        uint32 bits = BitcoinHeader.compact(value);
        uint256 back = BitcoinHeader.target(bits);
        vm.assertLe(back, value, "rounds down");
        vm.assertEq(BitcoinHeader.compact(back), bits);
        vm.assertLe(value - back, value >> 15, "keeps 15 bits");
    }

    // -------------------------------------------------------------------------------------------------- attacks

    function test_attack_fakeHeader() public {
        Block memory b = mine(genesis);
        // Without proof of work.
        bytes memory header = b.header;
        for (uint8 i; uint256(reversed(hash256(header))) >> 255 == 0; ++i) {
            header[76] = bytes1(i);
        }
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.HashAboveTarget.selector, 1));
        RELAY.submit(1, header);
        // With proof of work for easier bits of its own.
        header = mineHeader(4, genesis.hash, bytes32(0), b.time, 0x2100ffff);
        vm.expectRevert(
            abi.encodeWithSelector(BitcoinRelay.WrongBits.selector, 1, 0x2100ffff, REGTEST_BITS)
        );
        RELAY.submit(1, header);
        // On a parent that does not exist.
        header = mineHeader(4, keccak256("nothing"), bytes32(0), b.time, REGTEST_BITS);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.UnknownParent.selector, 1));
        RELAY.submit(1, header);
        // A good header does not carry a bad one.
        submit(mine(genesis));
        Block memory next = extend(genesisTip(), 1);
        header = bytes.concat(mine(next).header, b.header);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.UnknownParent.selector, 4));
        RELAY.submit(3, header);
        vm.assertEq(RELAY.tipHeight(), 2);
    }

    function genesisTip() private view returns (Block memory tip) {
        tip.height = RELAY.tipHeight();
        tip.hash = RELAY.hashAt(tip.height);
        (tip.time,) = RELAY.stampAt(tip.height);
    }

    function test_attack_lowWorkLongestChain() public {
        Block memory fork = start(Network.Testnet3, 4032 + 100, 1_700_000_000, 0x1c00ffff);
        // A regular block weighs as much as 256 easy ones.
        Block memory a = unmined(fork, 0x20000000, fork.time + 600, 0x1c00ffff);
        Block memory b = unmined(a, 0x20000000, a.time + 600, 0x1c00ffff);
        RELAY.submit(a.height, bytes.concat(a.header, b.header));
        bytes memory headers;
        Block memory tip = fork;
        for (uint256 i; i < 100; ++i) {
            tip = unmined(tip, 0x20000001, tip.time + 1201, 0x1d00ffff);
            headers = bytes.concat(headers, tip.header);
        }
        vm.expectPartialRevert(BitcoinRelay.NotHeavier.selector);
        RELAY.submit(fork.height + 1, headers);
        vm.assertEq(RELAY.hashAt(b.height), b.hash);
        // And a shorter, heavier branch replaces a longer one.
        vm.clearMockedCalls();
        fork = start(Network.Testnet3, 4032 + 100, 1_700_000_000, 0x1c00ffff);
        headers = "";
        tip = fork;
        for (uint256 i; i < 100; ++i) {
            tip = unmined(tip, 0x20000001, tip.time + 1201, 0x1d00ffff);
            headers = bytes.concat(headers, tip.header);
        }
        RELAY.submit(fork.height + 1, headers);
        a = unmined(fork, 0x20000000, fork.time + 600, 0x1c00ffff);
        submit(a);
        vm.assertEq(RELAY.tipHeight(), a.height);
        vm.assertEq(RELAY.hashAt(a.height + 1), bytes32(0));
    }

    function test_attack_timeWarp() public {
        // BIP-94 forbids it.
        Block memory tip = start(Network.Testnet4, 4031, 1_700_000_000, 0x1c00ffff);
        uint32 bits = BitcoinHeader.retarget(0x1c00ffff, tip.time - 2015 * 600, tip.time, 0x1d00ffff);
        Block memory warp = unmined(tip, 4, tip.time - 601, bits);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.TimeWarp.selector, 4032));
        submit(warp);
        submit(unmined(tip, 4, tip.time - 600, bits));
        // Mainnet allows it; the relay says so and the bridge waits.
        tip = start(Network.Mainnet, 403_199, 1_700_000_000, 0x1a00ffff);
        bits = BitcoinHeader.retarget(0x1a00ffff, tip.time - 2015 * 600, tip.time, 0x1d00ffff);
        uint256 before = vm.snapshotState();
        // The last time may be far ahead of the median.
        Block memory edge = unmined(tip, 4, tip.time - 2999, bits);
        submit(edge);
        vm.assertTrue(!RELAY.timewarpSuspected(), "within two hours");
        vm.revertToState(before);
        Block memory ahead = start(Network.Mainnet, 403_198, 1_700_000_000, 0x1a00ffff);
        Block memory last = unmined(ahead, 4, ahead.time + 10_000, 0x1a00ffff);
        submit(last);
        bits = BitcoinHeader.retarget(0x1a00ffff, ahead.time - 2014 * 600, last.time, 0x1d00ffff);
        before = vm.snapshotState();
        submit(unmined(last, 4, last.time - 7200, bits));
        vm.assertTrue(!RELAY.timewarpSuspected(), "exactly two hours");
        vm.revertToState(before);
        Block memory back = unmined(last, 4, last.time - 7201, bits);
        vm.expectEmit(address(RELAY));
        emit BitcoinRelay.TimewarpSuspected(403_200);
        submit(back);
        vm.assertTrue(RELAY.timewarpSuspected(), "more than two hours");
    }

    function test_attack_forkSpamLeavesNoTrace() public {
        Block memory tip = extend(genesis, 6);
        Block memory side = mineAt(genesis, new bytes[](0), genesis.time + 5);
        bytes memory headers = side.header;
        for (uint256 i; i < 5; ++i) {
            side = mine(side);
            headers = bytes.concat(headers, side.header);
        }
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.NotHeavier.selector, 12, 12));
        RELAY.submit(1, headers);
        vm.assertEq(RELAY.hashAt(6), tip.hash);
    }

    // --------------------------------------------------------------------------------------------------- proofs

    function blockOf(uint256 count) private returns (Block memory b) {
        bytes[] memory txs = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            txs[i] = depositTx(hex"51", uint64(1000 + i));
        }
        b = mine(genesis, txs);
        submit(b);
    }

    function test_everyTransactionOfABlockIsProven() public {
        for (uint256 count; count < 9; ++count) {
            uint256 state = vm.snapshotState();
            Block memory b = blockOf(count);
            for (uint256 i; i <= count; ++i) {
                (bytes32 txid, bytes32 blockHash, uint32 confirmations) = RELAY.verifyTx(b.txs[i], proofOf(b, i));
                vm.assertEq(txid, hash256(b.txs[i]));
                vm.assertEq(blockHash, b.hash);
                vm.assertEq(confirmations, 1);
            }
            vm.revertToState(state);
        }
    }

    function test_recordedDepthStandsForTheCoinbase() public {
        Block memory b = blockOf(6);
        RELAY.recordDepth(1, b.header, b.txs[0], merklePath(b.txs, 0));
        vm.assertEq(RELAY.depths(b.hash), 4);
        TxProof memory proof = proofOf(b, 3);
        proof.coinbase = "";
        proof.coinbasePath = new bytes32[](0);
        RELAY.verifyTx(b.txs[3], proof);
        proof.path = new bytes32[](2);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.WrongDepth.selector, 2, 3));
        RELAY.verifyTx(b.txs[3], proof);
    }

    function test_confirmationsGrow() public {
        Block memory b = blockOf(2);
        extend(b, 5);
        (,, uint32 confirmations) = RELAY.verifyTx(b.txs[1], proofOf(b, 1));
        vm.assertEq(confirmations, 6);
    }

    function test_attack_transactionOfAnotherBlock() public {
        Block memory b = blockOf(2);
        Block memory other = mineAt(genesis, b.txs, genesis.time + 9);
        TxProof memory proof = proofOf(other, 1);
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.NotInChain.selector, 1));
        RELAY.verifyTx(other.txs[1], proof);
        proof = proofOf(b, 1);
        vm.expectRevert(BitcoinRelay.WrongRoot.selector);
        RELAY.verifyTx(b.txs[2], proof);
    }

    /// A miner puts a 64-byte transaction into a block whose second half is the id of a transaction that does not
    /// exist, and proves that as if it lay one level deeper.
    function test_attack_64ByteTransaction() public {
        bytes memory fake = depositTx(hex"51", 21e14);
        // 60 bytes plus two of input script and two of output script, the end free: the node (left, fake's id).
        bytes memory node = abi.encodePacked(keccak256("left"), hash256(fake));
        bytes[] memory txs = new bytes[](3);
        txs[0] = depositTx(hex"51", 1);
        txs[1] = node;
        txs[2] = depositTx(hex"51", 2);
        Block memory b = mine(genesis, txs);
        submit(b);
        TxProof memory proof = proofOf(b, 2);
        bytes32[] memory deeper = new bytes32[](proof.path.length + 1);
        deeper[0] = keccak256("left");
        for (uint256 i; i < proof.path.length; ++i) {
            deeper[i + 1] = proof.path[i];
        }
        proof.path = deeper;
        proof.index = 2 * 2 + 1;
        vm.assertEq(rootOf(fake, proof), merkleRoot(b.txs));
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.WrongDepth.selector, 3, 2));
        RELAY.verifyTx(fake, proof);
        // And the node itself is no transaction, whatever it parses as.
        proof = proofOf(b, 2);
        vm.expectRevert(BitcoinTx.AmbiguousTransaction.selector);
        RELAY.verifyTx(node, proof);
    }

    function rootOf(bytes memory leaf, TxProof memory proof) private pure returns (bytes32 node) {
        node = hash256(leaf);
        for (uint256 i; i < proof.path.length; ++i) {
            node = proof.index >> i & 1 == 0
                ? hash256(abi.encodePacked(node, proof.path[i]))
                : hash256(abi.encodePacked(proof.path[i], node));
        }
    }

    function test_attack_shortOrLongMerklePath() public {
        Block memory b = blockOf(7);
        TxProof memory proof = proofOf(b, 5);
        bytes32[] memory path = proof.path;
        bytes32[] memory shorter = new bytes32[](2);
        (shorter[0], shorter[1]) = (path[1], path[2]);
        proof.path = shorter;
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.WrongDepth.selector, 2, 3));
        RELAY.verifyTx(b.txs[5], proof);
        bytes32[] memory longer = new bytes32[](4);
        (longer[0], longer[1], longer[2]) = (path[0], path[1], path[2]);
        proof.path = longer;
        vm.expectRevert(abi.encodeWithSelector(BitcoinRelay.WrongDepth.selector, 4, 3));
        RELAY.verifyTx(b.txs[5], proof);
        // Both paths too long in step, and longer than any block's.
        proof.coinbasePath = new bytes32[](17);
        proof.path = new bytes32[](17);
        vm.expectRevert(abi.encodeWithSelector(BitcoinMerkle.PathTooLong.selector, 17));
        RELAY.verifyTx(b.txs[5], proof);
        // The same leaf under another index.
        proof = proofOf(b, 5);
        proof.index = 5 + 8;
        vm.expectRevert(abi.encodeWithSelector(BitcoinMerkle.IndexNotConsumed.selector, 1));
        RELAY.verifyTx(b.txs[5], proof);
    }

    function test_attack_wrongCoinbaseDepth() public {
        Block memory b = blockOf(7);
        TxProof memory proof = proofOf(b, 5);
        // A coinbase path that ends early, at an inner node.
        bytes32[] memory shorter = new bytes32[](2);
        (shorter[0], shorter[1]) = (proof.coinbasePath[1], proof.coinbasePath[2]);
        proof.coinbasePath = shorter;
        vm.expectRevert(BitcoinRelay.WrongRoot.selector);
        RELAY.verifyTx(b.txs[5], proof);
        proof.coinbase = abi.encodePacked(hash256(b.txs[0]), hash256(b.txs[1]));
        vm.expectRevert(BitcoinTx.AmbiguousTransaction.selector);
        RELAY.verifyTx(b.txs[5], proof);
        // Another transaction in its place.
        proof = proofOf(b, 5);
        proof.coinbase = b.txs[1];
        vm.expectRevert(BitcoinRelay.NotCoinbase.selector);
        RELAY.verifyTx(b.txs[5], proof);
        bytes32[] memory path = merklePath(b.txs, 1);
        vm.expectRevert(BitcoinRelay.NotCoinbase.selector);
        RELAY.recordDepth(1, b.header, b.txs[1], path);
        // A coinbase of another block.
        proof.coinbase = coinbaseTx(1);
        vm.expectRevert(BitcoinRelay.WrongRoot.selector);
        RELAY.verifyTx(b.txs[5], proof);
    }

    /// CVE-2012-2459: the last node of an odd row stands for two.
    function test_attack_duplicatedNode() public {
        Block memory b = blockOf(2);
        TxProof memory proof = proofOf(b, 2);
        RELAY.verifyTx(b.txs[2], proof);
        proof.index = 3;
        vm.expectRevert(abi.encodeWithSelector(BitcoinMerkle.DuplicatedNode.selector, 0));
        RELAY.verifyTx(b.txs[2], proof);
    }

    function testFuzz_changedProofsAreRefused(uint8 count, uint8 index, uint16 where, uint8 flip) public {
        uint256 n = uint256(count) % 12 + 1;
        uint256 i = uint256(index) % (n + 1);
        vm.assume(flip != 0);
        Block memory b = blockOf(n);
        TxProof memory proof = proofOf(b, i);
        bytes memory rawTx = b.txs[i];
        uint256 kind = where % 4;
        uint256 place = where / 4;
        if (kind == 0) {
            proof.path[place / 32 % proof.path.length] ^= bytes32(uint256(flip) << (8 * (place % 32)));
        } else if (kind == 1) {
            rawTx[place % rawTx.length] ^= bytes1(flip);
        } else if (kind == 2) {
            proof.header[place % 80] ^= bytes1(flip);
        } else {
            proof.index ^= uint32(flip);
            // The last of an odd row has its copy's index refused, others lead elsewhere: never accepted.
        }
        (bool accepted,) = address(RELAY).staticcall(abi.encodeCall(RELAY.verifyTx, (rawTx, proof)));
        vm.assertTrue(!accepted, "a changed proof was accepted");
    }

    // --------------------------------------------------------------------------------------------------- rewards

    function test_poolPaysForNewHeightsOnce() public {
        vm.deal(address(RELAY), 128 ether);
        Block memory a = mine(genesis);
        vm.prank(address(0xa11ce));
        RELAY.submit(1, a.header);
        vm.assertEq(address(0xa11ce).balance, 1 ether);
        Block memory b = mineAt(genesis, new bytes[](0), genesis.time + 3);
        Block memory c = mine(b);
        vm.prank(address(0xb0b));
        RELAY.submit(1, bytes.concat(b.header, c.header));
        // One new height, although two headers are new.
        vm.assertEq(address(0xb0b).balance, 127 ether / 128);
    }

    function test_relayerThatTakesNothingStillRelays() public {
        vm.deal(address(RELAY), 128 ether);
        Block memory a = mine(genesis);
        submit(a); // this contract has no receive function
        vm.assertEq(RELAY.tipHeight(), 1);
        vm.assertEq(address(RELAY).balance, 128 ether);
    }
}
