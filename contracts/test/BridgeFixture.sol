// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Caps, Deposit, Terms, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Networks} from "../script/Networks.sol";
import {Seeds} from "../script/Seeds.sol";
import {vm, Vm} from "../script/Vm.sol";
import {Regtest} from "./Regtest.sol";

/// @notice A bridge in operation: mainnet's terms on a regtest chain, the first committee in place.
abstract contract BridgeFixture is Regtest {
    /// @notice A deposit that is in the chain.
    struct Proven {
        Deposit d;
        bytes rawTx;
        TxProof proof;
        Block home;
    }

    address internal constant ALICE = address(0xa11ce000000);
    address internal constant BOB = address(0xb0b000000);
    address internal constant CLAIMER = address(0xc1a1000000);
    uint256 internal constant NEXT_KEY = 0xc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9;
    bytes internal constant P2WPKH = hex"0014aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    Terms internal terms;
    Caps internal caps;
    Block internal tip;
    uint32 internal epoch = 1;
    uint256 internal groupKey = GROUP_KEY;

    /// @notice Takes what a claimer and a relayer earn.
    receive() external payable {}

    function setUp() public virtual {
        terms = Networks.terms(Network.Mainnet);
        terms.refundDelay = 2016;
        terms.payoutDelay = 288;
        caps = Networks.caps(Network.Mainnet);
        install(terms, caps);
        adoptCommittee();
        tip = extend(genesisBlock(), 12);
    }

    /// @notice A deposit with three confirmations.
    function deposit(address recipient, uint64 amount) internal returns (Proven memory) {
        return depositWith(recipient, amount, 3);
    }

    function depositWith(address recipient, uint64 amount, uint32 confirmations) internal returns (Proven memory) {
        (Deposit memory d, bytes memory script) = depositFor(recipient, epoch, groupKey);
        return provenOutput(d, script, amount, confirmations);
    }

    function provenOutput(Deposit memory d, bytes memory script, uint64 amount, uint32 confirmations)
        internal
        returns (Proven memory p)
    {
        p.d = d;
        bytes[] memory txs = new bytes[](2);
        txs[0] = transaction(output(1, hex"51"), 1);
        txs[1] = depositTx(script, amount);
        p.rawTx = txs[1];
        p.home = mine(tip, txs);
        p.proof = proofOf(p.home, 2);
        submit(p.home);
        tip = p.home;
        if (confirmations > 1) extendTip(confirmations - 1);
    }

    function extendTip(uint256 count) internal {
        tip = extend(tip, count);
    }

    /// @notice Replaces everything above `fork` by `count` empty blocks.
    function reorg(Block memory fork, uint256 count) internal returns (Block memory branch) {
        bytes memory headers;
        branch = mineAt(fork, new bytes[](0), fork.time + 599);
        headers = branch.header;
        for (uint256 i = 1; i < count; ++i) {
            branch = mine(branch);
            headers = bytes.concat(headers, branch.header);
        }
        RELAY.submit(fork.height + 1, headers);
        tip = branch;
    }

    mapping(bytes32 => bytes) private _headers;

    /// @notice Headers of the relay's chain above a height, as this test mined them.
    function headersAfter(uint32 height) internal view returns (bytes memory headers) {
        for (uint32 h = height + 1; h <= RELAY.tipHeight(); ++h) {
            headers = bytes.concat(headers, _headers[RELAY.hashAt(h)]);
        }
    }

    function mineAt(Block memory parent, bytes[] memory txs, uint32 time) internal override returns (Block memory b) {
        b = super.mineAt(parent, txs, time);
        _headers[b.hash] = b.header;
    }

    /// @notice Expects a claim to fail so.
    function refused(Proven memory p, bytes memory error_) internal {
        vm.expectRevert(error_);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
    }

    function outpointOf(Proven memory p) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(hash256(p.rawTx), p.d.vout));
    }

    /// @notice Gives somebody BTC by a claimed deposit.
    function fund(address who, uint64 amount) internal {
        Proven memory p = depositWith(who, amount, 12);
        BRIDGE.claim(p.d, p.rawTx, p.proof);
    }

    function request(address owner, uint64 amount, uint64 maxFee, bytes memory script)
        internal
        returns (Withdrawal memory w)
    {
        vm.prank(owner);
        uint64 id = BRIDGE.withdraw{value: uint256(amount) * 1e10}(script, maxFee);
        w = Withdrawal({id: id, owner: owner, amount: amount, maxFee: maxFee, height: tip.height, script: script});
    }

    /// @notice A payout that is in the chain with this many confirmations.
    function pay(bytes memory rawTx, uint256 confirmations) internal returns (Block memory b, TxProof memory proof) {
        b = mine(tip, one(rawTx));
        submit(b);
        proof = proofOf(b, 1);
        tip = b;
        if (confirmations > 1) extendTip(confirmations - 1);
    }

    function rotateTo(uint256 nextKey, uint32 closesAt) internal {
        bytes32 key = xOnly(nextKey);
        BRIDGE.rotate(key, closesAt, signMessage(groupKey, 1, keccak256(abi.encode(key, closesAt))));
    }

    function one(bytes memory rawTx) internal pure returns (bytes[] memory txs) {
        txs = new bytes[](1);
        txs[0] = rawTx;
    }

    function list(Withdrawal memory w) internal pure returns (Withdrawal[] memory ws) {
        ws = new Withdrawal[](1);
        ws[0] = w;
    }

    function slice(bytes memory data, uint256 from) internal pure returns (bytes memory part) {
        part = new bytes(data.length - from);
        for (uint256 i; i < part.length; ++i) {
            part[i] = data[from + i];
        }
    }

    function claimedSats() internal view returns (uint64 sats) {
        (sats,,,) = BRIDGE.totals();
    }

    function settledSats() internal view returns (uint64 sats) {
        (, sats,,) = BRIDGE.totals();
    }

    function lockedSats() internal view returns (uint64 sats) {
        (,, sats,) = BRIDGE.totals();
    }

    function deficitSats() internal view returns (uint64 sats) {
        (,,, sats) = BRIDGE.totals();
    }

    /// @notice What the contract alone can keep of: what circulates is what was claimed less what was settled.
    function checkBooks() internal view {
        (uint64 claimed, uint64 settled, uint64 locked,) = BRIDGE.totals();
        vm.assertEq(
            address(BRIDGE).balance + uint256(claimed) * 1e10,
            Seeds.SUPPLY + (uint256(settled) + locked) * 1e10,
            "balance = genesis - claimed + settled + locked"
        );
        vm.assertLe(uint256(settled) + locked, claimed, "nothing leaves that did not come");
    }
}
