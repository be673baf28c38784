// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title BIP-340 signatures and BIP-341 output keys, on the `ecrecover` precompile
/// @notice `ecrecover(z, v, r, s)` gives the address of r⁻¹(sR - zG), R being the point with x = r and the parity of
/// v. With s = k·r it is the address of kR - (z/r)G: one scalar multiplication of any point and one of G.
/// @dev Addresses are 160 bits. Both uses compare with the address of one given point, so forging needs a second
/// preimage (2^160); two points that the same attacker chooses are never compared (2^80).
/// Keys with x >= n (one in 2^128) are refused although BIP-340 knows them.
library Schnorr {
    /// @notice Order of secp256k1.
    uint256 internal constant N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    // sha256 of the tag, twice in front of what is hashed (BIP-340).
    bytes32 private constant CHALLENGE = 0x7bb52d7a9fef58323eb1bf7a407db382d2f3f2d81bb1224f49fe518f6d48d37c;
    bytes32 private constant TAP_LEAF = 0xaeea8fdc4208983105734b58081d1e2638d35f1cb54008d4d357ca03be78e9ee;
    bytes32 private constant TAP_TWEAK = 0xe80fe1639c9ca050e3af1b39c143c63e429cbceb15d940fbb5c5a1f4af57c5e9;

    /// @notice Address of the point with this x and even y.
    /// @param x Of the point.
    /// @return Zero if there is no such point.
    function liftX(bytes32 x) internal pure returns (address) {
        return ecrecover(0, 27, x, x);
    }

    /// @notice Checks a BIP-340 signature over a message of 32 bytes.
    /// @param key x-only public key.
    /// @param message What was signed.
    /// @param signature R.x ‖ s, 64 bytes.
    /// @return Whether it is valid.
    function verify(bytes32 key, bytes32 message, bytes calldata signature) internal pure returns (bool) {
        if (signature.length != 64) return false;
        bytes32 r = bytes32(signature[:32]);
        uint256 s = uint256(bytes32(signature[32:]));
        uint256 x = uint256(key);
        if (s >= N || x == 0 || x >= N) return false;
        uint256 e = uint256(sha256(abi.encodePacked(CHALLENGE, CHALLENGE, r, key, message))) % N;
        // s' = -e·x, z = -s·x: the address of -eP + sG, which must be R with even y.
        address found = ecrecover(negate(mulmod(s, x, N)), 27, key, negate(mulmod(e, x, N)));
        return found != address(0) && found == liftX(r);
    }

    /// @notice Hash of a Tapscript leaf (BIP-341), the tree's root where it is the only one.
    /// @param script Shorter than 253 bytes.
    function tapLeaf(bytes memory script) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(TAP_LEAF, TAP_LEAF, hex"c0", uint8(script.length), script));
    }

    /// @notice Whether `outputKey` is the Taproot output key of an internal key and a tree.
    /// @param outputKey x-only key in the output script.
    /// @param parity 1 if its y is odd, else 0.
    /// @param internalKey x-only key.
    /// @param internalPoint `liftX(internalKey)`.
    /// @param root Root of the script tree.
    function isOutputKey(
        bytes32 outputKey,
        uint8 parity,
        bytes32 internalKey,
        address internalPoint,
        bytes32 root
    ) internal pure returns (bool) {
        uint256 t = uint256(sha256(abi.encodePacked(TAP_TWEAK, TAP_TWEAK, internalKey, root)));
        if (t >= N || parity > 1 || internalPoint == address(0)) return false;
        // s = r, z = t·r: the address of Q - tG, which must be P.
        bytes32 z = bytes32(mulmod(t, uint256(outputKey), N));
        return ecrecover(z, 27 + parity, outputKey, outputKey) == internalPoint;
    }

    /// @notice N - a, as the precompile takes it; 0 for 0.
    function negate(uint256 a) private pure returns (bytes32) {
        return bytes32(a == 0 ? 0 : N - a);
    }
}
