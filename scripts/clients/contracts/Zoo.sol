// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// A child that can end itself.
contract Child {
    uint256 public x = 1;

    constructor() payable {}

    function end(address payable to) external {
        selfdestruct(to);
    }
}

/// One function for each kind of behaviour that a random load should have.
contract Zoo {
    mapping(uint256 => uint256) public slots;
    Child[] public children;

    event Seen(uint256 indexed a, bytes32 indexed b, bytes data);

    receive() external payable {}

    /// Writes, clears and rewrites slots, so that refunds and trie deletions happen.
    function store(uint256 from, uint256 count, uint256 value) external {
        for (uint256 i = 0; i < count; ++i) slots[from + i] = value;
    }

    /// Logs of all sizes.
    function log(uint256 a, bytes calldata data) external {
        emit Seen(a, keccak256(data), data);
        assembly {
            log0(0, 32)
            log1(0, 64, a)
        }
    }

    /// Creates children, by CREATE and CREATE2.
    function create(bytes32 salt) external payable {
        children.push(new Child{value: msg.value / 2}());
        children.push(new Child{salt: salt}());
    }

    /// Creates and ends a child in one transaction: EIP-6780 deletes it.
    function flash() external payable {
        Child child = new Child{value: msg.value}();
        child.end(payable(msg.sender));
    }

    /// Ends an old child: EIP-6780 keeps its code.
    function endOld(uint256 index) external {
        children[index % children.length].end(payable(address(this)));
    }

    /// Calls itself down to `depth`, then reverts half-way up.
    function dive(uint256 depth) external returns (uint256) {
        slots[depth] = block.number;
        if (depth == 0) return 0;
        try this.dive(depth - 1) returns (uint256 below) {
            if (depth == 5) revert("half-way");
            return below + 1;
        } catch {
            return depth;
        }
    }

    /// Calls precompile `index` with `input`; the result goes to storage.
    function precompile(uint256 index, bytes calldata input) external {
        (bool ok, bytes memory out) = address(uint160(index)).staticcall{gas: 200000}(input);
        slots[index] = uint256(keccak256(abi.encode(ok, out)));
    }

    /// Transient storage, MCOPY, BLOCKHASH, PREVRANDAO, BASEFEE, CHAINID and code of others.
    function opcodes(address other) external payable {
        uint256 word;
        assembly {
            tstore(1, number())
            word := add(tload(1), tload(2))
            mstore(0, blockhash(sub(number(), 1)))
            mstore(32, prevrandao())
            mcopy(64, 0, 64)
            word := xor(word, keccak256(0, 128))
            word := xor(word, basefee())
            word := xor(word, chainid())
            word := xor(word, extcodehash(other))
            word := add(word, add(balance(other), selfbalance()))
            word := xor(word, coinbase())
            word := xor(word, gaslimit())
            word := xor(word, timestamp())
        }
        slots[word % 64] = word;
    }

    /// Reverts with data.
    function fail(uint256 why) external pure {
        require(why == 0, "asked to fail");
    }

    /// Uses up all gas.
    function burnAll() external pure {
        assembly {
            invalid()
        }
    }
}
