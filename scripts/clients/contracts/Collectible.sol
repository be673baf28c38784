// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// An ERC-721 that anybody can mint.
contract Collectible is ERC721 {
    uint256 public supply;

    constructor() ERC721("Collectible", "CLB") {}

    function mint() external returns (uint256 id) {
        id = ++supply;
        _safeMint(msg.sender, id);
    }
}
