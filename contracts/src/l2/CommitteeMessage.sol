// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What the committee's group key signs for the bridge
/// @notice Bound to chain, contract, epoch and nonce: no message counts twice or elsewhere. A bare keccak256 digest,
/// so none is a Bitcoin sighash (a tagged SHA-256).
library CommitteeMessage {
    /// @notice Names the next group key.
    uint256 internal constant ROTATE = 1;
    /// @notice Stops or resumes.
    uint256 internal constant PAUSE = 2;
    /// @notice Changes rules and limits.
    uint256 internal constant TERMS = 3;
    /// @notice Gives a withdrawal back.
    uint256 internal constant CANCEL = 4;

    /// @notice The 32 bytes to sign.
    /// @param kind One of the above.
    /// @param epoch Of the signing key.
    /// @param nonce The bridge's next.
    /// @param body Hash of what the message says.
    function hash(uint256 kind, uint256 epoch, uint256 nonce, bytes32 body) internal view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), kind, epoch, nonce, body));
    }
}
