// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinHeader} from "../lib/BitcoinHeader.sol";
import {BitcoinMerkle} from "../lib/BitcoinMerkle.sol";
import {BitcoinNetwork, Network} from "../lib/BitcoinNetwork.sol";
import {BitcoinTx} from "../lib/BitcoinTx.sol";
import {Hash256} from "../lib/Hash256.sol";
import {IBitcoinRelay, IReorgListener, TxProof} from "./IBitcoinRelay.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title Bitcoin's headers by most work
/// @notice Anybody submits headers (on signet, the relayers of the genesis); they are judged by Bitcoin Core's rules
/// and the branch with most work is the chain. Contracts ask it whether a transaction is in the chain.
///
/// @dev A branch comes whole, in one call, and replaces blocks only if it has more work than they have together. So
/// nothing but the chain is stored, and in a ring: a header costs one word and a quarter, which after HISTORY blocks
/// are words that exist, and nobody can fill the storage with side branches.
///
/// The chain begins at a header that genesis trusts. Storage, all written by genesis:
///   slot 0: tip; slot 1: relayers (signet only); slot 2: depths; from slot 3: 8192 hashes, then 2048 words of stamps.
/// Genesis also stamps the ten headers before the start and the first header of the start's difficulty period.
/// The balance is the pool that pays relayers.
contract BitcoinRelay is IBitcoinRelay {
    /// @notice Heights that the ring holds: 57 days.
    uint256 public constant HISTORY = 8192;

    /// @notice Blocks that one call may replace: what they are judged by must still be in the ring.
    uint256 public constant MAX_REORG = HISTORY - BitcoinHeader.PERIOD - 1;

    /// @notice A header may be this many seconds ahead of the L2's clock (Core: `MAX_FUTURE_BLOCK_TIME`).
    uint256 public constant MAX_FUTURE_SECS = 7200;

    /// @notice Share of the pool that one new block pays to who brought it, as a divisor.
    uint256 public constant POOL_SHARE = 128;

    // Number of timestamps whose median a header must exceed (Core: `nMedianTimeSpan`).
    uint256 private constant MEDIAN_SPAN = 11;
    // Seconds after which some test networks allow an easy block.
    uint256 private constant EASY_AFTER_SECS = 1200;
    // How far the first header of a period may step back in time: BIP-94, and what BIP-54 proposes.
    uint256 private constant BIP94_STEP_SECS = 600;
    uint256 private constant BIP54_STEP_SECS = 7200;

    /// @notice The chain's end, and what there is only once.
    struct Tip {
        uint112 work; // of all blocks after the start, in expected hashes
        uint32 height; // of the last block
        uint32 paidHeight; // highest block that was paid for
        uint32 timewarpHeight; // last period that began with a suspicious step back; 0 if none
        uint32 start; // height of the header that genesis trusts
        Network network;
    }

    /// @notice The chain's end.
    Tip public tip;

    /// @notice Who may submit on signet.
    mapping(address relayer => bool) public relayers;

    /// @notice Depth of a block's Merkle tree plus one; 0 if not recorded.
    mapping(bytes32 blockHash => uint8) public depths;

    // Hash of the block at height h, in place h % HISTORY.
    bytes32[HISTORY] internal _hashes;

    // Time and bits of the block at height h: four to a word, each time 32 ‖ bits 32.
    uint256[HISTORY / 4] internal _stamps;

    // What the next header is judged by.
    struct Judge {
        Network network;
        uint256 height; // of the next header
        bytes32 hash; // of the header before
        uint256 time; // of the header before
        uint32 bits; // of the header before
        uint32 regularBits; // of the last header in the period that was not an easy one
        uint256 known; // how many of `times` are there
        uint256[MEDIAN_SPAN] times; // of the last headers, that of height h in place h % 11
    }

    /// @notice The chain grew, or was replaced, up to this block.
    /// @param height Of the new last block.
    /// @param blockHash Of the new last block.
    /// @param dropped How many blocks left the chain.
    event NewTip(uint32 indexed height, bytes32 indexed blockHash, uint32 dropped);

    /// @notice A difficulty period began more than two hours before the last block of the one before (BIP-54).
    event TimewarpSuspected(uint32 indexed height);

    /// @notice Not a whole number of headers, or none.
    error MalformedHeaders();
    /// @notice Only the relayers of the genesis may submit on this network.
    error NotRelayer();
    /// @notice The chain has all of these.
    error NothingNew();
    /// @notice The height is above the tip's next, not above the start, or too far below the tip.
    error HeightOutOfRange(uint32 height);
    /// @notice The header does not name the one before it.
    error UnknownParent(uint256 height);
    /// @notice The bits are not those that the chain asks for.
    error WrongBits(uint256 height, uint32 found, uint32 expected);
    /// @notice The hash is above the target.
    error HashAboveTarget(uint256 height);
    /// @notice The time does not exceed the median of the eleven before.
    error TimeTooOld(uint256 height);
    /// @notice The time is more than two hours ahead of the L2's clock.
    error TimeTooNew(uint256 height);
    /// @notice The first header of a period steps back by more than 600 s (BIP-94).
    error TimeWarp(uint256 height);
    /// @notice The version is one that soft forks retired.
    error OldVersion(uint256 height);
    /// @notice The branch does not have more work than the blocks that it would replace.
    error NotHeavier(uint256 work, uint256 toExceed);
    /// @notice The header is not the chain's at that height.
    error NotInChain(uint32 height);
    /// @notice The path does not lead to the block's Merkle root.
    error WrongRoot();
    /// @notice The path is not as long as the coinbase's: its leaf is not a transaction.
    error WrongDepth(uint256 found, uint256 expected);
    /// @notice What was given as coinbase spends an output.
    error NotCoinbase();

    /// @notice Takes what is to pay relayers.
    receive() external payable {}

    /// @notice Appends headers to the chain or replaces its end.
    /// @dev Headers that the chain already has at their place are skipped, so relayers do not disturb each other.
    /// Reverts with the first rule that a header breaks, or with `NotHeavier`; then nothing has changed.
    /// @param height Of the first header.
    /// @param headers 80 bytes each, consecutive.
    function submit(uint32 height, bytes calldata headers) external {
        Tip memory t = tip;
        if (headers.length == 0 || headers.length % BitcoinHeader.SIZE != 0) revert MalformedHeaders();
        if (BitcoinNetwork.isSigned(t.network) && !relayers[msg.sender]) revert NotRelayer();
        if (height <= t.start || height > t.height + 1 || height + MAX_REORG <= t.height) {
            revert HeightOutOfRange(height);
        }

        uint256 pos;
        for (; height <= t.height; ++height) {
            if (pos == headers.length) revert NothingNew();
            if (_hashes[height % HISTORY] != Hash256.ofCalldata(headers, pos, BitcoinHeader.SIZE)) break;
            pos += BitcoinHeader.SIZE;
        }
        if (pos == headers.length) revert NothingNew();

        (bytes32[] memory dropped, uint256 lost) = _branch(height, t.height);
        (bytes32[] memory connected, uint256 gained, uint32 timewarp) = _append(t, height, headers, pos);
        if (dropped.length != 0) {
            if (gained <= lost) revert NotHeavier(gained, lost);
            if (t.timewarpHeight >= height) t.timewarpHeight = 0;
        }
        if (timewarp != 0) t.timewarpHeight = timewarp;
        t.height = height + uint32(connected.length) - 1;
        t.work = uint112(t.work + gained - lost);

        uint256 reward;
        if (t.height > t.paidHeight) {
            uint256 blocks = t.height - t.paidHeight;
            t.paidHeight = t.height;
            reward = address(this).balance / POOL_SHARE * (blocks < POOL_SHARE / 2 ? blocks : POOL_SHARE / 2);
        }
        tip = t;
        emit NewTip(t.height, connected[connected.length - 1], uint32(dropped.length));
        if (dropped.length != 0) IReorgListener(Predeploys.BTC_BRIDGE).onReorg(dropped, connected);
        if (reward != 0) {
            // A submitter that does not take it leaves it in the pool.
            (bool taken,) = msg.sender.call{value: reward}("");
            taken;
        }
    }

    /// @notice Records how deep a block's Merkle tree is, so that further proofs in it need no coinbase.
    /// @param height Of the block.
    /// @param header Its 80 bytes.
    /// @param coinbase Its first transaction, without witness.
    /// @param path Siblings from the coinbase up.
    function recordDepth(uint32 height, bytes calldata header, bytes calldata coinbase, bytes32[] calldata path)
        external
    {
        bytes32 blockHash = _blockHash(height, header);
        _checkCoinbase(header, coinbase, path);
        depths[blockHash] = uint8(path.length + 1);
    }

    /// @inheritdoc IBitcoinRelay
    /// @dev An inner node of the tree cannot pass for a transaction: 64 bytes are refused, and the leaf must be as
    /// deep as the coinbase, which is known by its content and its place.
    function verifyTx(bytes calldata rawTx, TxProof calldata proof)
        external
        view
        returns (bytes32 txid, bytes32 blockHash, uint32 confirmations)
    {
        blockHash = _blockHash(proof.height, proof.header);
        confirmations = tip.height - proof.height + 1;
        uint256 depth = depths[blockHash];
        if (depth == 0) {
            _checkCoinbase(proof.header, proof.coinbase, proof.coinbasePath);
            depth = proof.coinbasePath.length + 1;
        }
        if (proof.path.length + 1 != depth) revert WrongDepth(proof.path.length, depth - 1);
        (txid,) = BitcoinTx.parse(rawTx);
        if (BitcoinMerkle.root(txid, proof.index, proof.path) != BitcoinHeader.merkleRoot(proof.header, 0)) {
            revert WrongRoot();
        }
    }

    /// @inheritdoc IBitcoinRelay
    function tipHeight() external view returns (uint32) {
        return tip.height;
    }

    /// @inheritdoc IBitcoinRelay
    function hashAt(uint32 height) public view returns (bytes32) {
        Tip memory t = tip;
        if (height > t.height || height < t.start || height + HISTORY <= t.height) return 0;
        return _hashes[height % HISTORY];
    }

    /// @inheritdoc IBitcoinRelay
    function isDropped(bytes32 blockHash, uint32 height) external view returns (bool) {
        if (height > tip.height) return true;
        bytes32 present = hashAt(height);
        return present != 0 && present != blockHash;
    }

    /// @inheritdoc IBitcoinRelay
    function timewarpSuspected() external view returns (bool) {
        Tip memory t = tip;
        return t.timewarpHeight != 0 && t.height < t.timewarpHeight + BitcoinHeader.PERIOD;
    }

    /// @notice Time and bits of the chain's block at `height`; zeros where `hashAt` gives zero.
    function stampAt(uint32 height) external view returns (uint32 time, uint32 bits) {
        if (hashAt(height) != 0) return _stamp(height);
    }

    // The blocks from `height` to `last` and their work.
    function _branch(uint256 height, uint256 last) private view returns (bytes32[] memory hashes, uint256 work) {
        if (height > last) return (hashes, 0);
        hashes = new bytes32[](last - height + 1);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = _hashes[(height + i) % HISTORY];
            (, uint32 bits) = _stamp(height + i);
            work += BitcoinHeader.work(bits);
        }
    }

    // Judges the headers from byte `pos` on and writes them into the ring.
    function _append(Tip memory t, uint256 height, bytes calldata headers, uint256 pos)
        private
        returns (bytes32[] memory hashes, uint256 work, uint32 timewarp)
    {
        Judge memory judge = _judge(t.network, height, t.start);
        hashes = new bytes32[]((headers.length - pos) / BitcoinHeader.SIZE);
        uint32 bits;
        uint256 each; // work of one header of these bits
        for (uint256 i; i < hashes.length; ++i) {
            bool suspicious = _check(judge, headers, pos);
            if (suspicious) {
                timewarp = uint32(judge.height - 1);
                emit TimewarpSuspected(timewarp);
            }
            if (judge.bits != bits) {
                bits = judge.bits;
                each = BitcoinHeader.work(bits);
            }
            work += each;
            hashes[i] = judge.hash;
            _hashes[(judge.height - 1) % HISTORY] = judge.hash;
            _setStamp(judge.height - 1, judge.time, bits);
            pos += BitcoinHeader.SIZE;
        }
    }

    // What a header at `height` is judged by; the headers below are those of the ring.
    function _judge(Network network, uint256 height, uint256 start) private view returns (Judge memory judge) {
        judge.network = network;
        judge.height = height;
        judge.hash = _hashes[(height - 1) % HISTORY];
        (judge.time, judge.bits) = _stamp(height - 1);
        // A chain that starts at the network's first header has fewer times in the beginning; one that starts later
        // has stamps from before its start, zeros (which make the median lower) where genesis did not know them.
        judge.known = start == 0 && height < MEDIAN_SPAN ? height : MEDIAN_SPAN;
        for (uint256 h = height - judge.known; h < height; ++h) {
            (judge.times[h % MEDIAN_SPAN],) = _stamp(h);
        }
        judge.regularBits = judge.bits;
        if (BitcoinNetwork.allowsEasyBlocks(network)) {
            uint32 limit = BitcoinNetwork.limitBits(network);
            for (uint256 h = height - 1; judge.regularBits == limit && h % BitcoinHeader.PERIOD != 0 && h > start;) {
                --h;
                (, judge.regularBits) = _stamp(h);
            }
        }
    }

    // Judges one header and makes it the one before. Tells whether it steps back in time as BIP-54 would forbid.
    function _check(Judge memory judge, bytes calldata headers, uint256 pos) private view returns (bool suspicious) {
        uint256 height = judge.height;
        (int32 version, uint32 time, uint32 bits) = BitcoinHeader.numbers(headers, pos);
        if (BitcoinHeader.previous(headers, pos) != judge.hash) revert UnknownParent(height);

        uint32 expected = _expectedBits(judge, time);
        if (bits != expected) revert WrongBits(height, bits, expected);
        bytes32 hash = Hash256.ofCalldata(headers, pos, BitcoinHeader.SIZE);
        if (Hash256.reverse(hash) > BitcoinHeader.target(bits)) revert HashAboveTarget(height);

        // Above the median means above more than half.
        uint256 below;
        for (uint256 i; i < judge.known; ++i) {
            if (judge.times[i] < time) ++below;
        }
        if (below <= judge.known / 2) revert TimeTooOld(height);
        if (time > block.timestamp + MAX_FUTURE_SECS) revert TimeTooNew(height);
        if (height % BitcoinHeader.PERIOD == 0) {
            if (BitcoinNetwork.followsBip94(judge.network) && time + BIP94_STEP_SECS < judge.time) {
                revert TimeWarp(height);
            }
            suspicious = BitcoinNetwork.watchesTimewarp(judge.network) && time + BIP54_STEP_SECS < judge.time;
        }
        if (version < BitcoinNetwork.minVersion(judge.network, height)) revert OldVersion(height);

        bool easy = bits == BitcoinNetwork.limitBits(judge.network);
        if (!easy || height % BitcoinHeader.PERIOD == 0) judge.regularBits = bits;
        judge.hash = hash;
        judge.time = time;
        judge.bits = bits;
        judge.times[height % MEDIAN_SPAN] = time;
        if (judge.known < MEDIAN_SPAN) ++judge.known;
        judge.height = height + 1;
    }

    // The bits of the next header (Core: `GetNextWorkRequired`).
    function _expectedBits(Judge memory judge, uint256 time) private view returns (uint32) {
        if (BitcoinNetwork.neverRetargets(judge.network)) return judge.bits;
        uint32 limit = BitcoinNetwork.limitBits(judge.network);
        if (judge.height % BitcoinHeader.PERIOD == 0) {
            (uint32 firstTime, uint32 firstBits) = _stamp(judge.height - BitcoinHeader.PERIOD);
            uint32 base = BitcoinNetwork.followsBip94(judge.network) ? firstBits : judge.bits;
            return BitcoinHeader.retarget(base, firstTime, uint32(judge.time), limit);
        }
        if (!BitcoinNetwork.allowsEasyBlocks(judge.network)) return judge.bits;
        return time > judge.time + EASY_AFTER_SECS ? limit : judge.regularBits;
    }

    // The hash of a header, which must be the chain's at that height.
    function _blockHash(uint32 height, bytes calldata header) private view returns (bytes32 blockHash) {
        if (header.length != BitcoinHeader.SIZE) revert MalformedHeaders();
        blockHash = Hash256.ofCalldata(header, 0, BitcoinHeader.SIZE);
        // A header never hashes to zero, what `hashAt` gives where it knows none.
        if (hashAt(height) != blockHash) revert NotInChain(height);
    }

    function _checkCoinbase(bytes calldata header, bytes calldata coinbase, bytes32[] calldata path) private view {
        (bytes32 txid, BitcoinTx.Layout memory parts) = BitcoinTx.parse(coinbase);
        if (!parts.coinbase) revert NotCoinbase();
        if (BitcoinMerkle.root(txid, 0, path) != BitcoinHeader.merkleRoot(header, 0)) revert WrongRoot();
    }

    function _stamp(uint256 height) private view returns (uint32 time, uint32 bits) {
        uint256 place = height % HISTORY;
        uint256 stamp = _stamps[place / 4] >> (64 * (place % 4));
        return (uint32(stamp >> 32), uint32(stamp));
    }

    function _setStamp(uint256 height, uint256 time, uint32 bits) internal {
        uint256 place = height % HISTORY;
        uint256 shift = 64 * (place % 4);
        uint256 word = _stamps[place / 4];
        _stamps[place / 4] = (word & ~(uint256(type(uint64).max) << shift)) | (((time << 32) | bits) << shift);
    }
}
