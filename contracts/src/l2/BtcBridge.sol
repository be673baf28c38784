// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BitcoinScript} from "../lib/BitcoinScript.sol";
import {BitcoinTx} from "../lib/BitcoinTx.sol";
import {Schnorr} from "../lib/Schnorr.sol";
import {IBitcoinRelay, IReorgListener, TxProof} from "./IBitcoinRelay.sol";
import {
    BlockClaims, Caps, Deposit, Epoch, State, Terms, Totals, Withdrawal
} from "./IBtcBridge.sol";
import {CommitteeMessage} from "./CommitteeMessage.sol";
import {Predeploys} from "./Predeploys.sol";

/// @title BTC in with proof of work alone, BTC out by threshold signature
/// @notice Holds all BTC that does not circulate: genesis gives it 21,000,000 less what a development preset prefunds.
/// It releases BTC for deposits proven to be in Bitcoin's chain, locks what is withdrawn, and keeps it for good once
/// the payout is proven. Nobody else can release: no owner, no mint, no upgrade. The committee's messages can stop
/// claims and new withdrawals, change caps and name the next key; they cannot release BTC but what a user locked, to
/// that user.
///
/// @dev Invariants, with `genesis` the balance given at genesis, in sats:
///   1. balance >= genesis - claimed + settled + locked (more only if somebody forces BTC upon it);
///   2. settled + locked <= claimed, so nothing leaves that did not come;
///   3. an outpoint is claimed once; a withdrawal is settled or unlocked, once.
/// Amounts are sats; 1 sat = 10^10 wei. Layouts of scripts, payouts and messages: contracts/README.md.
/// Storage, all written by genesis: slot 0 totals, 1 state, 2 terms, 3 caps, 4 to 7 the mappings.
contract BtcBridge is IReorgListener {
    /// @notice Wei per sat.
    uint256 public constant WEI_PER_SAT = 1e10;

    /// @notice Replacing more blocks than this pauses the bridge until the committee resumes it.
    uint256 public constant DEEP_REORG = 144;

    /// @notice Withdrawals that one payout may hold.
    uint256 public constant MAX_BATCH = 255;

    /// @notice Blocks that an outgoing key may stay open.
    uint32 public constant MAX_HANDOVER = 4032;

    /// @notice Most that claimer and relay together may take of a deposit, in sats.
    uint64 public constant MAX_DEPOSIT_FEE = 100_000;

    uint64 private constant DAY = 86_400;
    // Core's dust limit of the costliest standard output, P2PKH: no deposit leaves its recipient less.
    uint64 private constant DUST = 546;
    // First bytes of the payout's data output: OP_RETURN, push of 68 bytes, "BZK1".
    bytes6 private constant PAYOUT_TAG = 0x6a44425a4b31;
    uint256 private constant PAYOUT_DATA_SIZE = 70;
    IBitcoinRelay private constant RELAY = IBitcoinRelay(Predeploys.BITCOIN_RELAY);

    /// @notice Sums over all time.
    Totals public totals;

    /// @notice What else there is only once.
    State public state;

    /// @notice Rules for deposits and payouts.
    Terms public terms;

    /// @notice Limits.
    Caps public caps;

    /// @notice Group keys. Epoch 0 is the genesis key: all it can do is name the first committee's.
    mapping(uint32 epoch => Epoch) public epochs;

    /// @notice The block in which a deposit was proven, by `keccak256(txid ‖ uint32 vout)`; zero if not claimed.
    mapping(bytes32 outpoint => bytes32 blockHash) public claims;

    /// @notice What was claimed from a block.
    mapping(bytes32 blockHash => BlockClaims) public blockClaims;

    /// @notice `commitment` of a pending withdrawal; `keccak256(commitment ‖ block hash ‖ uint32 height)` of a
    /// settled one; 1 when it was unlocked; 0 before it was requested.
    mapping(uint64 id => bytes32) public withdrawals;

    bytes32 private constant UNLOCKED = bytes32(uint256(1));

    /// @notice A deposit was released. `leaf` is the root that the committee tweaks its key with to spend it;
    /// `fees` of `amount` went to the claimer and the relay's pool.
    event Claimed(
        bytes32 indexed txid,
        uint32 vout,
        address indexed recipient,
        uint32 indexed epoch,
        uint64 amount,
        uint64 fees,
        bytes32 leaf,
        bytes32 blockHash,
        uint32 height
    );

    /// @notice A claimed deposit whose block had left the chain is in the chain again.
    event Reproved(bytes32 indexed txid, uint32 vout, uint64 amount, bytes32 blockHash, uint32 height);

    /// @notice BTC was locked for a payout.
    event WithdrawalRequested(
        uint64 indexed id, address indexed owner, uint64 amount, uint64 maxFee, uint32 height, bytes script
    );

    /// @notice The payout of a withdrawal was proven: output `vout` of `txid` pays `paid` sats.
    event WithdrawalSettled(uint64 indexed id, bytes32 indexed txid, uint32 vout, uint64 paid, uint32 height);

    /// @notice A transaction that may be the payout of a withdrawal is in the chain; see `confirm`.
    event PayoutConfirmed(uint64 indexed id, bytes32 indexed txid, uint32 height);

    /// @notice The block of the payout left the chain: the withdrawal is pending again, its clock starts at `height`.
    event WithdrawalReopened(uint64 indexed id, uint32 height);

    /// @notice The BTC of a withdrawal went back to its owner.
    event WithdrawalUnlocked(uint64 indexed id, address indexed owner, uint64 amount);

    /// @notice The sum of released deposits that are not in the chain is now this; claims wait until it is zero.
    event DeficitChanged(uint64 deficit);

    /// @notice Claims and new withdrawals were stopped or resumed.
    event PausedChanged(bool paused);

    /// @notice Rules and limits changed.
    event TermsChanged(Terms terms, Caps caps);

    /// @notice A new group key; deposits to the one before count until Bitcoin height `previousClosesAt`.
    event KeyRotated(uint32 indexed epoch, bytes32 key, uint32 previousClosesAt);

    /// @notice The committee has stopped claims and new withdrawals.
    error Paused();
    /// @notice Released deposits are not in Bitcoin's chain: prove them again, or cover the deficit.
    error InDeficit(uint64 deficit);
    /// @notice Bitcoin's timestamps look like a time-warp attack; wait for the next difficulty period.
    error TimewarpInProgress();
    /// @notice Only the relay tells of reorganisations.
    error NotRelay();
    /// @notice The epoch has no key, or the deposit came after it closed: take it back by its refund path.
    error EpochClosed(uint32 epoch);
    /// @notice The output does not pay the address of this deposit.
    error NotDepositScript();
    /// @notice A coinbase output; take it back by its refund path.
    error FromCoinbase();
    /// @notice The amount is out of the limits.
    error AmountOutOfRange(uint64 amount);
    /// @notice More confirmations are needed.
    error TooFewConfirmations(uint32 found, uint32 needed);
    /// @notice Half of the refund delay has passed: take the deposit back by its refund path.
    error TooOld(uint32 confirmations);
    /// @notice The outpoint has been claimed.
    error AlreadyClaimed(bytes32 outpoint);
    /// @notice The outpoint has not been claimed, or its block is still in the chain.
    error NotDropped(bytes32 outpoint);
    /// @notice A limit on what circulates or leaves is reached.
    error CapReached(uint64 amount, uint64 cap);
    /// @notice Not a whole number of sats.
    error NotWholeSats();
    /// @notice Not a P2PKH, P2SH, P2WPKH, P2WSH or P2TR script, or what is left after the fee is dust.
    error BadPayout();
    /// @notice More than deposits ever brought (only where a development genesis prefunds).
    error NotBacked();
    /// @notice No withdrawal in this state.
    error NoSuchWithdrawal(uint64 id);
    /// @notice The transaction does not pay these withdrawals.
    error NotThisPayout();
    /// @notice The payout may still come.
    error TooEarly(uint32 height);
    /// @notice The block of the payout is in the chain.
    error StillInChain();
    /// @notice Not signed by the group key.
    error BadSignature();
    /// @notice The values are not allowed.
    error BadTerms();
    /// @notice No such key, or the epoch before the outgoing one is still open, or it would close out of range.
    error BadRotation();
    /// @notice The receiver does not take BTC.
    error TransferFailed(address to);

    // ------------------------------------------------------------------------------------------------- deposits

    /// @notice Releases the BTC of a deposit to its recipient, the fees to the caller and the relay's pool.
    /// @param deposit What the output commits to.
    /// @param rawTx The transaction without witness.
    /// @param proof That it is in Bitcoin's chain.
    /// @return amount Sats of the deposit, fees included.
    function claim(Deposit calldata deposit, bytes calldata rawTx, TxProof calldata proof)
        external
        returns (uint64 amount)
    {
        if (state.paused) revert Paused();
        if (totals.deficit != 0) revert InDeficit(totals.deficit);
        if (RELAY.timewarpSuspected()) revert TimewarpInProgress();

        bytes32 leaf;
        (amount, leaf) = _depositOutput(deposit, rawTx, proof.height);
        (bytes32 txid, bytes32 blockHash, uint32 confirmations) = RELAY.verifyTx(rawTx, proof);
        bytes32 outpoint = keccak256(abi.encodePacked(txid, deposit.vout));
        if (claims[outpoint] != 0) revert AlreadyClaimed(outpoint);
        if (amount < caps.minDeposit || amount > caps.maxDeposit) revert AmountOutOfRange(amount);
        _checkAge(blockHash, amount, confirmations);

        Totals memory t = totals;
        t.claimed += amount;
        if (t.claimed - t.settled > caps.maxCirculating) revert CapReached(amount, caps.maxCirculating);
        totals = t;
        claims[outpoint] = blockHash;
        blockClaims[blockHash].amount += amount;
        uint64 claimFee = terms.claimFee;
        uint64 relayFee = terms.relayFee;
        uint64 fees = claimFee + relayFee;
        emit Claimed(
            txid, deposit.vout, deposit.recipient, deposit.epoch, amount, fees, leaf, blockHash, proof.height
        );
        _send(deposit.recipient, amount - fees);
        _send(msg.sender, claimFee);
        _send(Predeploys.BITCOIN_RELAY, relayFee);
    }

    /// @notice Proves a claimed deposit again after its block left the chain; lowers the deficit.
    /// @param rawTx The transaction without witness.
    /// @param vout Number of the output.
    /// @param proof That it is in Bitcoin's chain.
    function reprove(bytes calldata rawTx, uint32 vout, TxProof calldata proof) external {
        (bytes32 txid, bytes32 blockHash, uint32 confirmations) = RELAY.verifyTx(rawTx, proof);
        bytes32 outpoint = keccak256(abi.encodePacked(txid, vout));
        bytes32 before = claims[outpoint];
        if (!blockClaims[before].dropped) revert NotDropped(outpoint);
        uint64 amount = BitcoinTx.outputAt(rawTx, BitcoinTx.walk(rawTx), vout).value;
        _checkAge(blockHash, amount, confirmations);

        claims[outpoint] = blockHash;
        blockClaims[before].amount -= amount;
        blockClaims[blockHash].amount += amount;
        _setDeficit(_minus(totals.deficit, amount));
        emit Reproved(txid, vout, amount, blockHash, proof.height);
    }

    /// @notice Pays into the deficit with BTC that circulates: it takes the place of what the lost deposits brought.
    function cover() external payable {
        uint64 amount = _sats(msg.value);
        Totals memory t = totals;
        if (amount > t.deficit) revert AmountOutOfRange(amount);
        t.settled += amount;
        t.deficit -= amount;
        if (uint256(t.settled) + t.locked > t.claimed) revert NotBacked();
        totals = t;
        emit DeficitChanged(t.deficit);
    }

    /// @inheritdoc IReorgListener
    /// @dev Books what was claimed from the dropped blocks as a deficit, in the transaction that drops them.
    function onReorg(bytes32[] calldata dropped, bytes32[] calldata connected) external {
        if (msg.sender != address(RELAY)) revert NotRelay();
        uint64 deficit = totals.deficit;
        uint64 before = deficit;
        for (uint256 i; i < dropped.length; ++i) {
            BlockClaims storage from = blockClaims[dropped[i]];
            if (from.amount != 0) {
                from.dropped = true;
                deficit += from.amount;
            }
        }
        for (uint256 i; i < connected.length; ++i) {
            BlockClaims storage from = blockClaims[connected[i]];
            if (from.dropped) {
                from.dropped = false;
                deficit = _minus(deficit, from.amount);
            }
        }
        if (deficit != before) _setDeficit(deficit);
        if (dropped.length > DEEP_REORG && !state.paused) {
            state.paused = true;
            emit PausedChanged(true);
        }
    }

    /// @notice Confirmations that a deposit in `blockHash` needs now. What was claimed from the same block counts,
    /// so a large deposit gains nothing by coming in pieces.
    function confirmationsNeeded(bytes32 blockHash, uint64 amount) public view returns (uint32) {
        uint256 sum = uint256(blockClaims[blockHash].amount) + amount;
        Terms memory t = terms;
        return sum <= t.lowLimit ? t.lowConfirmations : sum <= t.mediumLimit ? t.mediumConfirmations : t.highConfirmations;
    }

    // ---------------------------------------------------------------------------------------------- withdrawals

    /// @notice Locks the BTC sent along and asks for a payout.
    /// @param script Output script of the payout.
    /// @param maxFee Sats that the payout may be smaller than what was sent.
    /// @return id Of the withdrawal.
    function withdraw(bytes calldata script, uint64 maxFee) external payable returns (uint64 id) {
        State memory s = state;
        if (s.paused) revert Paused();
        uint64 amount = _sats(msg.value);
        uint64 dust = BitcoinScript.dustLimit(script);
        if (dust == 0 || maxFee > amount || amount - maxFee < dust) revert BadPayout();

        Totals memory t = totals;
        t.locked += amount;
        // Only where a development genesis prefunds accounts can there be more than deposits brought.
        if (uint256(t.settled) + t.locked > t.claimed) revert NotBacked();
        totals = t;

        uint256 cap = caps.maxOutflow;
        uint256 drained = cap * (block.timestamp - s.outflowTime) / DAY;
        uint256 outflow = (s.outflow > drained ? s.outflow - drained : 0) + amount;
        if (outflow > cap) revert CapReached(amount, uint64(cap));
        s.outflow = uint64(outflow);
        s.outflowTime = uint32(block.timestamp);
        id = s.withdrawals++;
        state = s;

        uint32 height = RELAY.tipHeight();
        withdrawals[id] = _commitment(id, msg.sender, amount, maxFee, height, keccak256(script));
        emit WithdrawalRequested(id, msg.sender, amount, maxFee, height, script);
    }

    /// @notice Closes withdrawals by a payout that is in Bitcoin's chain. Those of its withdrawals that are not
    /// pending are passed over: otherwise the owner of one, by paying himself or by letting it expire, could keep all
    /// others of the batch from being settled, to be given back although they were paid.
    /// @param batch The withdrawals that the payout pays, all of them, in the order of its outputs; of those that are
    /// not pending only the id counts.
    /// @param rawTx The payout without witness.
    /// @param proof That it is in Bitcoin's chain.
    function settle(Withdrawal[] calldata batch, bytes calldata rawTx, TxProof calldata proof) external {
        (bytes32 txid, bytes32 blockHash, uint32 confirmations) = RELAY.verifyTx(rawTx, proof);
        if (confirmations < terms.mediumConfirmations) {
            revert TooFewConfirmations(confirmations, terms.mediumConfirmations);
        }
        BitcoinTx.Layout memory parts = BitcoinTx.walk(rawTx);
        if (batch.length == 0 || batch.length > MAX_BATCH || batch.length >= parts.outputs) revert NotThisPayout();

        uint256 pos = parts.firstOutput;
        uint64 sum;
        bytes memory ids = abi.encode(block.chainid, address(this));
        for (uint256 i; i < batch.length; ++i) {
            BitcoinTx.Output memory out = BitcoinTx.output(rawTx, pos);
            pos = out.end;
            Withdrawal calldata w = batch[i];
            ids = abi.encodePacked(ids, w.id);
            bytes32 commitment = _commitmentOf(w);
            if (withdrawals[w.id] != commitment) continue;
            if (
                out.value > w.amount || w.amount - out.value > w.maxFee
                    || keccak256(rawTx[out.script:out.end]) != keccak256(w.script)
            ) revert NotThisPayout();
            sum += w.amount;
            withdrawals[w.id] = _settledIn(commitment, blockHash, proof.height);
            emit WithdrawalSettled(w.id, txid, uint32(i), out.value, proof.height);
        }
        if (sum == 0) revert NoSuchWithdrawal(batch[0].id);
        _checkPayoutData(rawTx, pos, keccak256(ids));
        totals.locked -= sum;
        totals.settled += sum;
    }

    /// @notice Tells that a payout is in Bitcoin's chain. For one whose withdrawals were all closed otherwise, which
    /// `settle` refuses: who pays himself all that a payout pays him could else keep the committee from learning that
    /// its coins are spent, and from its change.
    /// @dev Changes nothing here. Who listens compares `txid`: `id` is only where to look, and anybody's transaction
    /// can be told of.
    /// @param id One of the payout's withdrawals.
    /// @param rawTx The payout without witness.
    /// @param proof That it is in Bitcoin's chain.
    function confirm(uint64 id, bytes calldata rawTx, TxProof calldata proof) external {
        (bytes32 txid,, uint32 confirmations) = RELAY.verifyTx(rawTx, proof);
        if (confirmations < terms.mediumConfirmations) {
            revert TooFewConfirmations(confirmations, terms.mediumConfirmations);
        }
        emit PayoutConfirmed(id, txid, proof.height);
    }

    /// @notice Makes a settled withdrawal pending again whose payout's block left the chain.
    /// @param withdrawal As it was when it was settled.
    /// @param blockHash Block of the payout.
    /// @param height Height of that block.
    function reopen(Withdrawal calldata withdrawal, bytes32 blockHash, uint32 height) external {
        if (withdrawals[withdrawal.id] != _settledIn(_commitmentOf(withdrawal), blockHash, height)) {
            revert NoSuchWithdrawal(withdrawal.id);
        }
        if (!RELAY.isDropped(blockHash, height)) revert StillInChain();
        totals.settled -= withdrawal.amount;
        totals.locked += withdrawal.amount;
        // The payout is known to all and will most likely be mined again: the time to wait for it starts anew.
        uint32 tip = RELAY.tipHeight();
        withdrawals[withdrawal.id] = _commitment(
            withdrawal.id,
            withdrawal.owner,
            withdrawal.amount,
            withdrawal.maxFee,
            tip,
            keccak256(withdrawal.script)
        );
        emit WithdrawalReopened(withdrawal.id, tip);
    }

    /// @notice Gives the BTC of a withdrawal back to its owner when no payout came for `terms.payoutDelay` blocks.
    /// Until half of it the committee may sign a payout; in the other half it confirms that or spends its inputs
    /// otherwise, so that it cannot come later.
    function expire(Withdrawal calldata withdrawal) external {
        _pending(withdrawal);
        uint32 opensAt = withdrawal.height + terms.payoutDelay;
        if (RELAY.tipHeight() < opensAt) revert TooEarly(opensAt);
        _unlock(withdrawal);
    }

    /// @notice Gives the BTC of a withdrawal back to its owner because the committee says that no payout can come.
    /// @param withdrawal A pending withdrawal.
    /// @param signature Of the group key.
    function cancel(Withdrawal calldata withdrawal, bytes calldata signature) external {
        bytes32 commitment = _pending(withdrawal);
        _authenticate(CommitteeMessage.CANCEL, commitment, signature);
        _unlock(withdrawal);
    }

    // ------------------------------------------------------------------------------------------------ committee

    /// @notice Makes `nextKey` the group key.
    /// @param nextKey x-only.
    /// @param closesAt Last Bitcoin height at which a deposit to the outgoing key counts; 0 when epoch 0 ends.
    /// @param signature Of the outgoing group key.
    function rotate(bytes32 nextKey, uint32 closesAt, bytes calldata signature) external {
        _authenticate(CommitteeMessage.ROTATE, keccak256(abi.encode(nextKey, closesAt)), signature);
        uint32 epoch = state.epoch;
        uint32 tip = RELAY.tipHeight();
        if (epoch == 0) {
            if (closesAt != 0) revert BadRotation();
        } else {
            if (closesAt < tip || closesAt > tip + MAX_HANDOVER) revert BadRotation();
            if (epochs[epoch - 1].closesAt > tip) revert BadRotation();
        }
        address point = Schnorr.liftX(nextKey);
        if (point == address(0) || nextKey == epochs[epoch].key) revert BadRotation();
        epochs[epoch].closesAt = closesAt;
        epochs[epoch + 1] = Epoch({key: nextKey, point: point, closesAt: type(uint32).max});
        state.epoch = epoch + 1;
        emit KeyRotated(epoch + 1, nextKey, closesAt);
    }

    /// @notice Stops or resumes claims and new withdrawals; settling, expiry and cancelling go on always.
    /// @param paused Whether to stop.
    /// @param signature Of the group key.
    function setPaused(bool paused, bytes calldata signature) external {
        _authenticate(CommitteeMessage.PAUSE, keccak256(abi.encode(paused)), signature);
        state.paused = paused;
        emit PausedChanged(paused);
    }

    /// @notice Changes rules and limits; both delays stay.
    /// @param newTerms Rules.
    /// @param newCaps Limits.
    /// @param signature Of the group key.
    function setTerms(Terms calldata newTerms, Caps calldata newCaps, bytes calldata signature) external {
        _authenticate(CommitteeMessage.TERMS, keccak256(abi.encode(newTerms, newCaps)), signature);
        Terms memory old = terms;
        uint64 fees = uint64(newTerms.claimFee) + newTerms.relayFee;
        if (
            newTerms.refundDelay != old.refundDelay || newTerms.payoutDelay != old.payoutDelay
                || newTerms.lowConfirmations == 0 || newTerms.lowConfirmations > newTerms.mediumConfirmations
                || newTerms.mediumConfirmations > newTerms.highConfirmations
                || newTerms.highConfirmations > old.refundDelay / 4 || newTerms.lowLimit > newTerms.mediumLimit
                || fees > MAX_DEPOSIT_FEE || newCaps.minDeposit < fees + DUST
                || newCaps.maxDeposit < newCaps.minDeposit || newCaps.maxCirculating > BitcoinTx.MAX_MONEY
                || newCaps.maxOutflow > BitcoinTx.MAX_MONEY
        ) revert BadTerms();
        terms = newTerms;
        caps = newCaps;
        emit TermsChanged(newTerms, newCaps);
    }

    /// @notice The hash of a deposit that its script commits to.
    function depositOwner(address recipient, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), recipient, salt));
    }

    // ------------------------------------------------------------------------------------------------- internal

    // The amount of the output that a deposit names, and the root of its script tree.
    function _depositOutput(Deposit calldata deposit, bytes calldata rawTx, uint32 height)
        private
        view
        returns (uint64 amount, bytes32 leaf)
    {
        Epoch memory epoch = epochs[deposit.epoch];
        if (deposit.epoch == 0 || height > epoch.closesAt) revert EpochClosed(deposit.epoch);
        BitcoinTx.Layout memory parts = BitcoinTx.walk(rawTx);
        if (parts.coinbase) revert FromCoinbase();
        BitcoinTx.Output memory out = BitcoinTx.outputAt(rawTx, parts, deposit.vout);
        bytes calldata script = rawTx[out.script:out.end];
        leaf = Schnorr.tapLeaf(
            BitcoinScript.refundLeaf(
                depositOwner(deposit.recipient, deposit.salt), terms.refundDelay, deposit.refundKey
            )
        );
        if (
            script.length != 34 || bytes2(script) != 0x5120
                || !Schnorr.isOutputKey(bytes32(script[2:]), deposit.parity, epoch.key, epoch.point, leaf)
        ) revert NotDepositScript();
        amount = out.value;
    }

    // Enough confirmations for the amount, and early enough for the committee to move the coins before the refund path
    // opens.
    function _checkAge(bytes32 blockHash, uint64 amount, uint32 confirmations) private view {
        uint32 needed = confirmationsNeeded(blockHash, amount);
        if (confirmations < needed) revert TooFewConfirmations(confirmations, needed);
        if (confirmations > terms.refundDelay / 2) revert TooOld(confirmations);
    }

    // What was covered before its deposits came back is no deficit any more, nor a credit for the next one.
    function _minus(uint64 deficit, uint64 amount) private pure returns (uint64) {
        return deficit > amount ? deficit - amount : 0;
    }

    function _setDeficit(uint64 deficit) private {
        totals.deficit = deficit;
        emit DeficitChanged(deficit);
    }

    function _checkPayoutData(bytes calldata rawTx, uint256 pos, bytes32 digest) private pure {
        BitcoinTx.Output memory out = BitcoinTx.output(rawTx, pos);
        bytes calldata script = rawTx[out.script:out.end];
        if (
            out.value != 0 || script.length != PAYOUT_DATA_SIZE || bytes6(script) != PAYOUT_TAG
                || bytes32(script[6:38]) != digest
        ) revert NotThisPayout();
    }

    // The commitment of a withdrawal that must be pending.
    function _pending(Withdrawal calldata w) private view returns (bytes32 commitment) {
        commitment = _commitmentOf(w);
        if (withdrawals[w.id] != commitment) revert NoSuchWithdrawal(w.id);
    }

    function _unlock(Withdrawal calldata w) private {
        withdrawals[w.id] = UNLOCKED;
        totals.locked -= w.amount;
        emit WithdrawalUnlocked(w.id, w.owner, w.amount);
        _send(w.owner, w.amount);
    }

    function _commitmentOf(Withdrawal calldata w) private pure returns (bytes32) {
        return _commitment(w.id, w.owner, w.amount, w.maxFee, w.height, keccak256(w.script));
    }

    function _commitment(
        uint64 id,
        address owner,
        uint64 amount,
        uint64 maxFee,
        uint32 height,
        bytes32 scriptHash
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(id, owner, amount, maxFee, height, scriptHash));
    }

    function _settledIn(bytes32 commitment, bytes32 blockHash, uint32 height) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(commitment, blockHash, height));
    }

    // Checks a message of the committee and uses up its nonce.
    function _authenticate(uint256 kind, bytes32 body, bytes calldata signature) private {
        State memory s = state;
        bytes32 message = CommitteeMessage.hash(kind, s.epoch, s.nonce, body);
        if (!Schnorr.verify(epochs[s.epoch].key, message, signature)) revert BadSignature();
        if (s.epoch == 0 && kind != CommitteeMessage.ROTATE) revert BadSignature();
        ++s.nonce;
        state = s;
    }

    function _sats(uint256 amount) private pure returns (uint64) {
        if (amount % WEI_PER_SAT != 0) revert NotWholeSats();
        if (amount > BitcoinTx.MAX_MONEY * WEI_PER_SAT) revert AmountOutOfRange(type(uint64).max);
        return uint64(amount / WEI_PER_SAT);
    }

    function _send(address to, uint64 amount) private {
        if (amount == 0) return;
        (bool taken,) = to.call{value: amount * WEI_PER_SAT}("");
        if (!taken) revert TransferFailed(to);
    }
}
