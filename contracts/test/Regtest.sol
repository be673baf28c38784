// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TxProof} from "../src/l2/IBitcoinRelay.sol";
import {Caps, Deposit, Terms, Withdrawal} from "../src/l2/IBtcBridge.sol";
import {BitcoinScript} from "../src/lib/BitcoinScript.sol";
import {Network} from "../src/lib/BitcoinNetwork.sol";
import {Schnorr} from "../src/lib/Schnorr.sol";
import {Networks} from "../script/Networks.sol";
import {Seeds} from "../script/Seeds.sol";
import {vm, Vm} from "../script/Vm.sol";
import {Test} from "./Test.sol";

/// @notice Mines blocks by regtest's rules, builds deposits and payouts, signs as the committee.
/// @dev Blocks are real: proof of work, Merkle tree, coinbase. Only their transactions' inputs are made up, which no
/// light client looks at.
abstract contract Regtest is Test {
    /// @notice A mined block.
    struct Block {
        uint32 height;
        uint32 time;
        bytes32 hash;
        bytes header;
        bytes[] txs; // without witness, the coinbase first
    }

    uint32 internal constant REGTEST_BITS = 0x207fffff;
    uint256 internal constant GENESIS_KEY = 3;
    uint256 internal constant GROUP_KEY = 0xb7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef;
    bytes32 internal constant REFUND_KEY = 0xdd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8;

    uint256 private _serial;

    /// @notice Installs the contracts for regtest with this test's terms and caps, the first committee in place.
    function install(Terms memory terms, Caps memory caps) internal {
        Seeds.install(
            Network.Regtest,
            Networks.start(Network.Regtest),
            new address[](0),
            terms,
            caps,
            xOnly(GENESIS_KEY)
        );
        vm.warp(1_800_000_000);
    }

    /// @notice The first committee's key follows the genesis key.
    function adoptCommittee() internal {
        bytes32 key = xOnly(GROUP_KEY);
        BRIDGE.rotate(key, 0, signMessage(GENESIS_KEY, 1, keccak256(abi.encode(key, uint32(0)))));
    }

    /// @notice The network's first block.
    function genesisBlock() internal pure returns (Block memory b) {
        b.header = Networks.firstHeader(Network.Regtest);
        b.hash = hash256(b.header);
        b.time = 1_296_688_602;
    }

    /// @notice A block with these transactions on top of `parent`.
    function mine(Block memory parent, bytes[] memory txs) internal returns (Block memory) {
        return mineAt(parent, txs, parent.time + 600);
    }

    /// @notice A block without transactions but the coinbase.
    function mine(Block memory parent) internal returns (Block memory) {
        return mineAt(parent, new bytes[](0), parent.time + 600);
    }

    /// @notice A block with a chosen time.
    function mineAt(Block memory parent, bytes[] memory txs, uint32 time)
        internal
        virtual
        returns (Block memory b)
    {
        b.height = parent.height + 1;
        b.time = time;
        b.txs = new bytes[](txs.length + 1);
        b.txs[0] = coinbaseTx(b.height);
        for (uint256 i; i < txs.length; ++i) {
            b.txs[i + 1] = txs[i];
        }
        b.header = mineHeader(0x20000000, parent.hash, merkleRoot(b.txs), time, REGTEST_BITS);
        b.hash = hash256(b.header);
    }

    /// @notice Finds a nonce.
    function mineHeader(uint32 version, bytes32 parent, bytes32 root, uint32 time, uint32 bits)
        internal
        pure
        returns (bytes memory header)
    {
        header = abi.encodePacked(little32(version), parent, root, little32(time), little32(bits), uint32(0));
        uint256 target = uint256(bits & 0x7fffff) << (8 * ((bits >> 24) - 3));
        for (uint256 nonce;; ++nonce) {
            bytes4 word = bytes4(uint32(nonce));
            assembly ("memory-safe") {
                let place := add(header, 108) // byte 76 after the length
                mstore(place, or(word, and(mload(place), not(shl(224, 0xffffffff)))))
            }
            if (reversed(hash256(header)) <= target) return header;
        }
    }

    /// @notice Mines `count` empty blocks on `parent` and submits them.
    function extend(Block memory parent, uint256 count) internal returns (Block memory) {
        while (count != 0) {
            // Few at a time: memory is never given back.
            uint256 some = count < 64 ? count : 64;
            bytes memory headers;
            uint32 first = parent.height + 1;
            for (uint256 i; i < some; ++i) {
                parent = mine(parent);
                headers = bytes.concat(headers, parent.header);
            }
            RELAY.submit(first, headers);
            count -= some;
        }
        return parent;
    }

    /// @notice Submits one block's header.
    function submit(Block memory b) internal {
        RELAY.submit(b.height, b.header);
    }

    /// @notice Proof that transaction `index` is in a block.
    function proofOf(Block memory b, uint256 index) internal pure returns (TxProof memory) {
        return TxProof({
            height: b.height,
            header: b.header,
            index: uint32(index),
            path: merklePath(b.txs, index),
            coinbase: b.txs[0],
            coinbasePath: merklePath(b.txs, 0)
        });
    }

    // --------------------------------------------------------------------------------------------- transactions

    /// @notice A coinbase as a segwit block has it, without its witness.
    function coinbaseTx(uint32 height) internal returns (bytes memory) {
        return abi.encodePacked(
            hex"0200000001",
            bytes32(0),
            hex"ffffffff",
            hex"0b03",
            bytes3(little32(height)),
            bytes7(uint56(++_serial)),
            hex"ffffffff02",
            little64(5_000_000_000),
            hex"160014",
            bytes20(address(this)),
            little64(0),
            hex"266a24aa21a9ed",
            keccak256(abi.encode(_serial)),
            hex"00000000"
        );
    }

    /// @notice A transaction with one input of its own and these outputs, each value ‖ script.
    function transaction(bytes memory outputs, uint8 count) internal returns (bytes memory) {
        return abi.encodePacked(
            hex"0200000001",
            keccak256(abi.encode("input", ++_serial)),
            hex"0000000000fdffffff",
            count,
            outputs,
            hex"00000000"
        );
    }

    /// @notice One output.
    function output(uint64 value, bytes memory script) internal pure returns (bytes memory) {
        return abi.encodePacked(little64(value), uint8(script.length), script);
    }

    /// @notice A deposit's transaction: its output is the second of three.
    function depositTx(bytes memory script, uint64 amount) internal returns (bytes memory) {
        bytes memory change = abi.encodePacked(hex"0014", bytes20(keccak256("change")));
        return transaction(
            bytes.concat(output(12_345, change), output(amount, script), output(54_321, change)), 3
        );
    }

    /// @notice A deposit of some recipient to the group key of an epoch, and the script of its output.
    function depositFor(address recipient, uint32 epoch, uint256 groupKey)
        internal
        returns (Deposit memory d, bytes memory script)
    {
        d.epoch = epoch;
        d.vout = 1;
        d.recipient = recipient;
        d.salt = keccak256(abi.encode("salt", ++_serial));
        d.refundKey = REFUND_KEY;
        (uint16 delay,,,,,,,,) = BRIDGE.terms();
        bytes32 leaf = Schnorr.tapLeaf(
            BitcoinScript.refundLeaf(BRIDGE.depositOwner(recipient, d.salt), delay, d.refundKey)
        );
        Vm.Wallet memory p = vm.createWallet(evenKey(groupKey));
        bytes32 tag = sha256("TapTweak");
        uint256 t = uint256(sha256(abi.encodePacked(tag, tag, p.publicKeyX, leaf)));
        Vm.Wallet memory q = vm.createWallet(addmod(p.privateKey, t, Schnorr.N));
        d.parity = uint8(q.publicKeyY & 1);
        script = abi.encodePacked(hex"5120", q.publicKeyX);
    }

    /// @notice The payout of a batch, paying `amount - fee` each, with change.
    function payoutTx(Withdrawal[] memory batch, uint64 fee) internal returns (bytes memory) {
        bytes memory outputs;
        bytes memory ids = abi.encode(block.chainid, address(BRIDGE));
        for (uint256 i; i < batch.length; ++i) {
            outputs = bytes.concat(outputs, output(batch[i].amount - fee, batch[i].script));
            ids = abi.encodePacked(ids, batch[i].id);
        }
        bytes memory data = abi.encodePacked(hex"6a44", "BZK1", keccak256(ids), bytes32(0));
        bytes memory change = abi.encodePacked(hex"5120", xOnly(GROUP_KEY));
        return transaction(
            bytes.concat(outputs, output(0, data), output(77_777, change)), uint8(batch.length + 2)
        );
    }

    // -------------------------------------------------------------------------------------------------- hashing

    function hash256(bytes memory data) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(sha256(data)));
    }

    function merkleRoot(bytes[] memory txs) internal pure returns (bytes32) {
        bytes32[] memory row = txids(txs);
        while (row.length > 1) {
            row = parents(row);
        }
        return row[0];
    }

    function merklePath(bytes[] memory txs, uint256 index) internal pure returns (bytes32[] memory path) {
        bytes32[] memory row = txids(txs);
        bytes32[] memory found = new bytes32[](16);
        uint256 depth;
        for (; row.length > 1; index >>= 1) {
            uint256 sibling = index ^ 1;
            found[depth++] = row[sibling < row.length ? sibling : index];
            row = parents(row);
        }
        path = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            path[i] = found[i];
        }
    }

    function txids(bytes[] memory txs) private pure returns (bytes32[] memory row) {
        row = new bytes32[](txs.length);
        for (uint256 i; i < row.length; ++i) {
            row[i] = hash256(txs[i]);
        }
    }

    function parents(bytes32[] memory row) private pure returns (bytes32[] memory up) {
        up = new bytes32[]((row.length + 1) / 2);
        for (uint256 i; i < up.length; ++i) {
            bytes32 right = row[2 * i + 1 < row.length ? 2 * i + 1 : 2 * i];
            up[i] = hash256(abi.encodePacked(row[2 * i], right));
        }
    }

    function reversed(bytes32 word) internal pure returns (uint256 number) {
        for (uint256 i; i < 32; ++i) {
            number |= uint256(uint8(word[i])) << (8 * i);
        }
    }

    function little32(uint32 v) internal pure returns (bytes4) {
        return bytes4(((v & 0xff) << 24) | ((v & 0xff00) << 8) | ((v >> 8) & 0xff00) | (v >> 24));
    }

    function little64(uint64 v) internal pure returns (bytes8) {
        return bytes8((uint64(uint32(little32(uint32(v)))) << 32) | uint32(little32(uint32(v >> 32))));
    }

    // ------------------------------------------------------------------------------------------------- committee

    /// @notice The x-only public key of a private key.
    function xOnly(uint256 privateKey) internal returns (bytes32) {
        return bytes32(vm.createWallet(privateKey).publicKeyX);
    }

    /// @notice The private key of the same x-only key whose public key has even y.
    function evenKey(uint256 privateKey) internal returns (uint256) {
        return vm.createWallet(privateKey).publicKeyY & 1 == 0 ? privateKey : Schnorr.N - privateKey;
    }

    /// @notice BIP-340 signature.
    function sign(uint256 privateKey, bytes32 message) internal returns (bytes memory) {
        bytes32 p = xOnly(privateKey);
        uint256 k = evenKey(uint256(keccak256(abi.encode(privateKey, message))) % Schnorr.N);
        bytes32 r = xOnly(k);
        bytes32 tag = sha256("BIP0340/challenge");
        uint256 e = uint256(sha256(abi.encodePacked(tag, tag, r, p, message))) % Schnorr.N;
        return abi.encodePacked(r, addmod(k, mulmod(e, evenKey(privateKey), Schnorr.N), Schnorr.N));
    }

    /// @notice A message of the committee for the bridge as it is now.
    function signMessage(uint256 privateKey, uint256 kind, bytes32 body) internal returns (bytes memory) {
        (,,, uint32 epoch, uint32 nonce,) = BRIDGE.state();
        bytes32 message = keccak256(
            abi.encode(block.chainid, address(BRIDGE), kind, uint256(epoch), uint256(nonce), body)
        );
        return sign(privateKey, message);
    }
}
