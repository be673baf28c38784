// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BtcBridge} from "../src/l2/BtcBridge.sol";
import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Deposit, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {Seeds} from "../script/Seeds.sol";
import {vm} from "../script/Vm.sol";
import {BridgeFixture} from "./BridgeFixture.sol";

/// @notice Does whatever users, committee and miners can do, in any order, and keeps its own books.
contract World is BridgeFixture {
    enum Stage {
        None,
        Pending,
        Settled,
        Unlocked
    }

    struct DepositEntry {
        Deposit d;
        bytes rawTx;
        uint64 amount;
        bool claimed;
        bytes32 home; // block that holds it, as far as this world knows
        uint32 height;
        bytes32 provenIn; // block by which the bridge knows it
    }

    struct WithdrawalEntry {
        Withdrawal w;
        Stage stage;
        uint64 paid;
        bytes rawTx; // the payout, if there is one
        bytes32 home;
        uint32 height;
    }

    DepositEntry[] internal deposits;
    WithdrawalEntry[] internal exits;
    mapping(bytes32 blockHash => bytes[]) private _txs;

    constructor() {
        setUp();
        for (uint64 i; i < 4; ++i) {
            arrive(5_000_000 + i);
        }
    }

    // -------------------------------------------------------------------------------------------------- actions

    /// A deposit is mined.
    function arrive(uint64 amount) public {
        amount = 10_000 + amount % 20_000_000;
        (Deposit memory d, bytes memory script) = depositFor(ALICE, 1, GROUP_KEY);
        bytes memory rawTx = depositTx(script, amount);
        Block memory b = include(rawTx);
        DepositEntry storage entry = deposits.push();
        (entry.d, entry.rawTx, entry.amount, entry.home, entry.height) = (d, rawTx, amount, b.hash, b.height);
        extendTip(3);
    }

    /// Blocks without deposits.
    function wait(uint8 count) external {
        extendTip(uint256(count) % 12 + 1);
    }

    /// Somebody claims something, claimed already or not.
    function claim(uint256 which) external {
        DepositEntry storage entry = deposits[which % deposits.length];
        (bool done,) =
            address(BRIDGE).call(abi.encodeCall(BRIDGE.claim, (entry.d, entry.rawTx, proofAt(entry.home, entry.height))));
        if (!done) return;
        vm.assertTrue(!entry.claimed, "claimed twice");
        vm.assertTrue(present(entry.home, entry.height), "claimed from no block");
        (entry.claimed, entry.provenIn) = (true, entry.home);
    }

    /// A deposit whose block was dropped is mined again.
    function mineAgain(uint256 which) external {
        DepositEntry storage entry = deposits[which % deposits.length];
        if (present(entry.home, entry.height)) return;
        Block memory b = include(entry.rawTx);
        (entry.home, entry.height) = (b.hash, b.height);
        extendTip(12);
    }

    /// Somebody proves a deposit again.
    function reprove(uint256 which) external {
        DepositEntry storage entry = deposits[which % deposits.length];
        (bool done,) = address(BRIDGE).call(
            abi.encodeCall(BRIDGE.reprove, (entry.rawTx, entry.d.vout, proofAt(entry.home, entry.height)))
        );
        if (done) {
            vm.assertTrue(entry.claimed && entry.provenIn != entry.home, "nothing to prove again");
            entry.provenIn = entry.home;
        }
    }

    /// Alice asks for a payout.
    function withdraw(uint64 amount) external {
        amount = 1000 + amount % 5_000_000;
        if (ALICE.balance < uint256(amount) * 1e10) return;
        WithdrawalEntry storage entry = exits.push();
        (entry.w, entry.stage) = (request(ALICE, amount, 500, P2WPKH), Stage.Pending);
    }

    /// The committee pays, once per withdrawal, and somebody proves it.
    function settle(uint256 which, uint8 confirmations) external {
        if (exits.length == 0) return;
        WithdrawalEntry storage entry = exits[which % exits.length];
        if (entry.stage == Stage.Pending && (entry.rawTx.length == 0 || !present(entry.home, entry.height))) {
            if (entry.rawTx.length == 0) entry.rawTx = payoutTx(list(entry.w), 400);
            entry.paid = entry.w.amount - 400;
            Block memory b = include(entry.rawTx);
            (entry.home, entry.height) = (b.hash, b.height);
            extendTip(uint256(confirmations) % 8 + 1);
        }
        if (entry.rawTx.length == 0) return;
        TxProof memory proof = proofAt(entry.home, entry.height);
        (bool done,) = address(BRIDGE).call(abi.encodeCall(BRIDGE.settle, (list(entry.w), entry.rawTx, proof)));
        if (!done) return;
        vm.assertTrue(entry.stage == Stage.Pending && present(entry.home, entry.height), "settled twice or unpaid");
        entry.stage = Stage.Settled;
    }

    /// Somebody reopens what was settled by a block that is gone.
    function reopen(uint256 which) external {
        if (exits.length == 0) return;
        WithdrawalEntry storage entry = exits[which % exits.length];
        (bool done,) =
            address(BRIDGE).call(abi.encodeCall(BRIDGE.reopen, (entry.w, entry.home, entry.height)));
        if (!done) return;
        vm.assertTrue(entry.stage == Stage.Settled && !present(entry.home, entry.height), "reopened a paid one");
        (entry.stage, entry.w.height) = (Stage.Pending, RELAY.tipHeight());
    }

    /// The committee never signed; time passes; somebody unlocks.
    function expire(uint256 which) external {
        if (exits.length == 0) return;
        WithdrawalEntry storage entry = exits[which % exits.length];
        if (entry.rawTx.length != 0) return; // what is signed is confirmed in time: the committee's duty
        if (tip.height < entry.w.height + 288) extendTip(entry.w.height + 288 - tip.height);
        (bool done,) = address(BRIDGE).call(abi.encodeCall(BRIDGE.expire, (entry.w)));
        if (done) {
            vm.assertTrue(entry.stage == Stage.Pending, "unlocked twice");
            entry.stage = Stage.Unlocked;
        }
    }

    /// Miners replace the last blocks.
    function replace(uint8 depth) external {
        uint32 back = uint32(depth) % 20 + 1;
        Block memory fork;
        fork.height = tip.height > back ? tip.height - back : 0;
        fork.hash = RELAY.hashAt(fork.height);
        (fork.time,) = RELAY.stampAt(fork.height);
        reorg(fork, tip.height - fork.height + 1);
    }

    // --------------------------------------------------------------------------------------------------- checks

    /// The books of the bridge are those of the world.
    function check() external view {
        uint256 claimed;
        uint256 missing;
        int256 custody;
        for (uint256 i; i < deposits.length; ++i) {
            DepositEntry storage entry = deposits[i];
            if (!entry.claimed) continue;
            claimed += entry.amount;
            if (!known(entry.provenIn)) missing += entry.amount;
            if (present(entry.home, entry.height)) custody += int256(uint256(entry.amount));
        }
        uint256 locked;
        uint256 settled;
        for (uint256 i; i < exits.length; ++i) {
            WithdrawalEntry storage entry = exits[i];
            if (entry.stage == Stage.Pending) locked += entry.w.amount;
            if (entry.stage == Stage.Settled) settled += entry.w.amount;
            if (entry.rawTx.length != 0 && present(entry.home, entry.height)) custody -= int256(uint256(entry.paid));
        }
        vm.assertEq(claimedSats(), claimed, "claimed");
        vm.assertEq(settledSats(), settled, "settled");
        vm.assertEq(lockedSats(), locked, "locked");
        vm.assertEq(deficitSats(), missing, "deficit");
        checkBooks();
        // What is in custody and in flight covers what circulates, but for what the bridge says is missing.
        uint256 flight;
        for (uint256 i; i < exits.length; ++i) {
            WithdrawalEntry storage entry = exits[i];
            bool onItsWay = entry.stage == Stage.Pending && entry.rawTx.length != 0;
            if (onItsWay && present(entry.home, entry.height)) flight += entry.w.amount;
        }
        bool solvent = int256(claimed) - int256(settled) <= custody + int256(flight + missing);
        vm.assertTrue(solvent, "what circulates is covered");
    }

    function present(bytes32 blockHash, uint32 height) private view returns (bool) {
        return RELAY.hashAt(height) == blockHash;
    }

    mapping(bytes32 blockHash => uint32) private _heights;

    function known(bytes32 blockHash) private view returns (bool) {
        return present(blockHash, _heights[blockHash]);
    }

    function include(bytes memory rawTx) private returns (Block memory b) {
        b = mine(tip, one(rawTx));
        submit(b);
        tip = b;
        _heights[b.hash] = b.height;
        _txs[b.hash] = b.txs;
        _home[b.hash] = b.header;
    }

    mapping(bytes32 blockHash => bytes) private _home;

    function proofAt(bytes32 blockHash, uint32 height) private view returns (TxProof memory) {
        Block memory b;
        (b.height, b.header, b.txs) = (height, _home[blockHash], _txs[blockHash]);
        return proofOf(b, 1);
    }
}

contract InvariantsTest {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    World private world;

    function setUp() public {
        world = new World();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0].addr = address(world);
        list[0].selectors = new bytes4[](10);
        list[0].selectors[0] = World.arrive.selector;
        list[0].selectors[1] = World.wait.selector;
        list[0].selectors[2] = World.claim.selector;
        list[0].selectors[3] = World.mineAgain.selector;
        list[0].selectors[4] = World.reprove.selector;
        list[0].selectors[5] = World.withdraw.selector;
        list[0].selectors[6] = World.settle.selector;
        list[0].selectors[7] = World.reopen.selector;
        list[0].selectors[8] = World.expire.selector;
        list[0].selectors[9] = World.replace.selector;
    }

    function invariant_booksHoldWhateverHappens() public view {
        world.check();
    }
}
