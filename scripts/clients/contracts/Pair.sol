// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// A constant-product pair in the manner of Uniswap v2: liquidity shares, 0.3% fee, invariant check.
contract Pair is ERC20 {
    IERC20 public immutable token0;
    IERC20 public immutable token1;
    uint256 public reserve0;
    uint256 public reserve1;

    event Swap(address indexed to, uint256 in0, uint256 in1, uint256 out0, uint256 out1);

    error InsufficientLiquidity();
    error InvariantBroken();

    constructor(IERC20 a, IERC20 b) ERC20("Pair", "LP") {
        (token0, token1) = (a, b);
    }

    /// Mints shares for the tokens that were sent here beforehand.
    function mint(address to) external returns (uint256 shares) {
        (uint256 balance0, uint256 balance1) = _balances();
        (uint256 in0, uint256 in1) = (balance0 - reserve0, balance1 - reserve1);
        shares = totalSupply() == 0
            ? Math.sqrt(in0 * in1)
            : Math.min((in0 * totalSupply()) / reserve0, (in1 * totalSupply()) / reserve1);
        if (shares == 0) revert InsufficientLiquidity();
        _mint(to, shares);
        (reserve0, reserve1) = (balance0, balance1);
    }

    /// Pays out; the input must have been sent here beforehand.
    function swap(uint256 out0, uint256 out1, address to) external {
        if (out0 >= reserve0 || out1 >= reserve1) revert InsufficientLiquidity();
        if (out0 > 0) token0.transfer(to, out0);
        if (out1 > 0) token1.transfer(to, out1);
        (uint256 balance0, uint256 balance1) = _balances();
        uint256 in0 = balance0 > reserve0 - out0 ? balance0 - (reserve0 - out0) : 0;
        uint256 in1 = balance1 > reserve1 - out1 ? balance1 - (reserve1 - out1) : 0;
        uint256 adjusted0 = balance0 * 1000 - in0 * 3;
        uint256 adjusted1 = balance1 * 1000 - in1 * 3;
        if (adjusted0 * adjusted1 < reserve0 * reserve1 * 1e6) revert InvariantBroken();
        (reserve0, reserve1) = (balance0, balance1);
        emit Swap(to, in0, in1, out0, out1);
    }

    function _balances() private view returns (uint256, uint256) {
        return (token0.balanceOf(address(this)), token1.balanceOf(address(this)));
    }
}
