// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Deposit, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {vm} from "../script/Vm.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

/// @notice Forge's cheat code for what the last call cost.
interface VmGas {
    struct Gas {
        uint64 gasLimit;
        uint64 gasTotalUsed;
        uint64 gasMemoryUsed;
        int64 gasRefunded;
        uint64 gasRemaining;
    }

    function lastCallGas() external view returns (Gas memory);
}

/// @notice Gas of whole transactions. Run with `--isolate`, so that each call is a transaction of its own, as
/// scripts/contracts.sh does; else the figures leave out the 21,000 and the calldata, and find storage warm.
contract GasTest is BridgeFixture {
    /// Depth of a block of 2,049 to 4,096 transactions.
    uint256 internal constant DEPTH = 12;

    // What forge prints.
    event log_named_uint(string key, uint256 value);

    function report(string memory name, uint256 per) private {
        emit log_named_uint(name, VmGas(address(vm)).lastCallGas().gasTotalUsed / per);
    }

    /// A block of depth 12 whose place 2048 holds `rawTx`.
    function deepBlock(bytes memory rawTx) private returns (Block memory b, TxProof memory proof) {
        bytes memory coinbase = coinbaseTx(tip.height + 1);
        bytes32[] memory left = new bytes32[](DEPTH);
        bytes32[] memory right = new bytes32[](DEPTH);
        bytes32 leftNode = hash256(coinbase);
        bytes32 rightNode = hash256(rawTx);
        for (uint256 i; i < DEPTH - 1; ++i) {
            (left[i], right[i]) = (keccak256(abi.encode("left", i)), keccak256(abi.encode("right", i)));
            leftNode = hash256(abi.encodePacked(leftNode, left[i]));
            rightNode = hash256(abi.encodePacked(rightNode, right[i]));
        }
        (left[DEPTH - 1], right[DEPTH - 1]) = (rightNode, leftNode);
        b.height = tip.height + 1;
        b.time = tip.time + 600;
        bytes32 root = hash256(abi.encodePacked(leftNode, rightNode));
        b.header = mineHeader(0x20000000, tip.hash, root, b.time, REGTEST_BITS);
        b.hash = hash256(b.header);
        proof = TxProof({
            height: b.height,
            header: b.header,
            index: uint32(1 << (DEPTH - 1)),
            path: right,
            coinbase: coinbase,
            coinbasePath: left
        });
        submit(b);
        tip = b;
    }

    function test_gas_header() public {
        vm.deal(address(RELAY), 1 ether);
        Block memory b = mine(tip);
        vm.prank(CLAIMER);
        submit(b);
        report("header_gas_first_round_of_the_ring", 1);
        tip = extend(b, 8192);
        b = mine(tip);
        vm.prank(CLAIMER);
        submit(b);
        report("header_gas", 1);
        tip = b;
        bytes memory headers;
        for (uint256 i; i < 144; ++i) {
            b = mine(b);
            headers = bytes.concat(headers, b.header);
        }
        RELAY.submit(tip.height + 1, headers);
        report("header_gas_in_a_batch_of_144", 144);
    }

    function test_gas_claim() public {
        (Deposit memory d, bytes memory script) = depositFor(ALICE, epoch, groupKey);
        bytes memory rawTx = depositTx(script, 1_000_000);
        (Block memory b, TxProof memory proof) = deepBlock(rawTx);
        extendTip(2);
        vm.prank(CLAIMER);
        BRIDGE.claim(d, rawTx, proof);
        report("claim_gas", 1);
        (d, script) = depositFor(ALICE, epoch, groupKey);
        rawTx = depositTx(script, 1_000_000);
        (b, proof) = deepBlock(rawTx);
        extendTip(2);
        RELAY.recordDepth(b.height, b.header, proof.coinbase, proof.coinbasePath);
        report("record_depth_gas", 1);
        proof.coinbase = "";
        proof.coinbasePath = new bytes32[](0);
        vm.prank(CLAIMER);
        BRIDGE.claim(d, rawTx, proof);
        report("claim_gas_with_depth_recorded", 1);
    }

    function test_gas_withdrawAndSettle() public {
        fund(ALICE, 1_000_000_000);
        uint256[2] memory sizes = [uint256(1), 20];
        for (uint256 k; k < 2; ++k) {
            Withdrawal[] memory batch = new Withdrawal[](sizes[k]);
            for (uint256 i; i < sizes[k]; ++i) {
                batch[i] = request(ALICE, 50_000, 1000, P2WPKH);
            }
            report("withdraw_gas", 1);
            bytes memory rawTx = payoutTx(batch, 200);
            (, TxProof memory proof) = deepBlock(rawTx);
            extendTip(5);
            BRIDGE.settle(batch, rawTx, proof);
            report(k == 0 ? "settle_gas" : "settle_gas_each_of_20", sizes[k]);
        }
    }
}
