// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Brings accounts to life: those that `bzk-load` pays, in their order.
contract Filler {
    constructor() payable {}

    /// Gives 1 wei to each of `count` accounts from number `first` on.
    function fill(uint64 first, uint64 count) external {
        for (uint64 i = first; i < first + count; ++i) {
            address to = address(uint160(uint256(keccak256(abi.encodePacked("recipient", i)))));
            (bool paid,) = to.call{value: 1}("");
            require(paid);
        }
    }
}
