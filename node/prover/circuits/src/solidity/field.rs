//! Yul of the extension field. An element is one word: the constant coefficient in the lower 128 bits, that of X
//! in the upper ones. Both lanes may grow beyond the field as long as `mul2` (2^124) bears it, so additions and
//! small multiples need no reduction. A difference adds 16p to each lane first.

/// Yul of arithmetic in the extension; both contracts have it. `scratch` is an address of six free words.
pub(crate) fn field(scratch: usize) -> String {
    format!(
        "
            // Product in F[X]/(X^2 - 7), reduced; lanes of the operands below 2^124.
            function mul2(a, b) -> c {{
                let a1 := shr(128, a)
                let b1 := shr(128, b)
                a := and(a, M)
                b := and(b, M)
                c := or(
                    mod(add(mul(a, b), mul(7, mul(a1, b1))), P),
                    shl(128, mod(add(mul(a, b1), mul(a1, b)), P))
                )
            }}
            // Both lanes reduced.
            function reduce2(a) -> c {{
                c := or(mod(and(a, M), P), shl(128, mod(shr(128, a), P)))
            }}
            // a - b, lanes of b below 16p.
            function sub2(a, b) -> c {{
                c := add(a, sub(P16, b))
            }}
            // Inverse of a base element by Fermat, through the precompile; of 0 it is 0.
            function inverse(a) -> c {{
                mstore({scratch}, 32)
                mstore({}, 32)
                mstore({}, 32)
                mstore({}, a)
                mstore({}, sub(P, 2))
                mstore({}, P)
                if iszero(staticcall(gas(), 5, {scratch}, 0xc0, 0x00, 0x20)) {{ fail(1) }}
                c := mload(0x00)
            }}",
        scratch + 32,
        scratch + 64,
        scratch + 96,
        scratch + 128,
        scratch + 160,
    )
}

/// Constants of [`field`].
pub(crate) const CONSTANTS: &str = "
    uint256 private constant P = 0xffffffff00000001;
    uint256 private constant M = 0xffffffffffffffffffffffffffffffff;
    uint256 private constant P16 = 0xffffffff000000010000000000000000ffffffff000000010;";
