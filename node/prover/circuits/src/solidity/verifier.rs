//! The contract that takes a proof: transcript, openings and FRI.

use std::fmt::Write;

use plonky2::field::types::{Field, PrimeField64};

use super::{
    evaluator::{Memory as Evaluator, Openings, ARENA},
    field::{field, CONSTANTS},
    shape::{Shape, ARITY_BITS, CHALLENGES, HASH_BYTES},
};
use crate::F;

/// Where things are in the verifier's memory. What the evaluator takes lies as it wants it.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The sponge's twelve elements.
    pub sponge: usize,
    /// Elements not yet absorbed.
    pub stream: usize,
    /// Call data of the evaluator: selector, then its words.
    pub call: usize,
    pub hash: usize,
    pub betas: usize,
    pub gammas: usize,
    pub alphas: usize,
    pub zeta: usize,
    pub openings: usize,
    pub fri_alpha: usize,
    /// A word per reduction.
    pub fri_betas: usize,
    pub pow_response: usize,
    /// A word per query.
    pub indices: usize,
    /// Openings reduced by alpha, at zeta and at its successor.
    pub reduced: usize,
    /// Powers of alpha, two words each.
    powers: usize,
    /// Caps of the four trees and the reductions, a word per hash.
    caps: usize,
    /// A leaf, as the proof has it.
    leaf: usize,
    /// Decoded values of a reduction.
    values: usize,
    /// Sums over the leaves: two words.
    sums: usize,
    final_poly: usize,
    /// Powers of the root of unity of order 16, in the order of the values.
    roots: usize,
    /// Inverses of the even ones of them.
    inverse_roots: usize,
    pub end: usize,
}

impl Memory {
    pub(crate) fn new(shape: &Shape) -> Self {
        let mut next = ARENA;
        let mut take = |words: usize| {
            let start = next;
            next += 32 * words;
            start
        };
        let evaluator = Evaluator::new(shape);
        let sent = |address: usize| 32 + address - ARENA;
        let sponge = take(3);
        let longest = shape.openings().div_ceil(2).max(3 + shape.cap_len());
        let stream = take(longest + 1);
        let call = take(1 + evaluator.sent(shape));
        let at = |address: usize| call + sent(address);
        let widest = shape.leaves().into_iter().max().unwrap_or_default().div_ceil(4);
        Self {
            sponge,
            stream,
            call,
            hash: at(evaluator.hash),
            betas: at(evaluator.betas),
            gammas: at(evaluator.gammas),
            alphas: at(evaluator.alphas),
            zeta: at(evaluator.zeta),
            openings: at(evaluator.openings),
            fri_alpha: take(1),
            fri_betas: take(shape.steps),
            pow_response: take(1),
            indices: take(shape.queries),
            reduced: take(2),
            // Whole words of four elements are weighed, so the last ones reach beyond.
            powers: take(2 * (shape.leaves().iter().sum::<usize>() + 4)),
            caps: take((4 + shape.steps) * shape.cap_len()),
            leaf: take(widest.max(8) + 1),
            values: take(1 << ARITY_BITS),
            sums: take(2),
            final_poly: take(shape.final_len),
            roots: take(1 << ARITY_BITS),
            inverse_roots: take(1 << (ARITY_BITS - 1)),
            end: next,
        }
    }
}

/// Emits the steps of the transcript, of which everything but the values is known beforehand.
struct Transcript<'a> {
    memory: &'a Memory,
    code: String,
    /// Elements in the stream.
    waiting: usize,
    /// Challenges taken since the last permutation; the sponge's rate is eight.
    taken: usize,
}

const RATE: usize = 8;

impl Transcript<'_> {
    /// One more hash: a word whose bytes are four elements of 7, 7, 7 and 4 bytes.
    fn hash(&mut self, word: &str) {
        let at = self.memory.stream + 8 * self.waiting;
        writeln!(self.code, "            mstore({at}, {word})").expect("a string takes all");
        self.waiting += 4;
    }

    /// All hashes of the cap at byte `offset` of the proof, which also go to the caps' memory.
    fn cap(&mut self, shape: &Shape, offset: usize, number: usize) {
        let at = self.memory.stream + 8 * self.waiting;
        let cap = self.memory.caps + 32 * number * shape.cap_len();
        writeln!(self.code, "            observeCap(add(d, {offset}), {at}, {cap})")
            .expect("a string takes all");
        self.waiting += 4 * shape.cap_len();
    }

    /// `count` elements of the proof from byte `offset`.
    fn elements(&mut self, offset: usize, count: usize) {
        let at = self.memory.stream + 8 * self.waiting;
        writeln!(self.code, "            calldatacopy({at}, add(d, {offset}), {})", 8 * count)
            .expect("a string takes all");
        self.waiting += count;
    }

    /// The next challenge as an expression.
    fn challenge(&mut self) -> String {
        if self.waiting > 0 || self.taken == RATE {
            let (stream, bytes) = (self.memory.stream, 8 * self.waiting);
            if self.waiting > 0 {
                writeln!(self.code, "            absorb({stream}, {})", stream + bytes)
                    .expect("a string takes all");
            } else {
                self.code += "            permute()\n";
            }
            self.waiting = 0;
            self.taken = 0;
        }
        self.taken += 1;
        format!("element({})", self.memory.sponge + 8 * (RATE - self.taken))
    }

    fn store(&mut self, at: usize) {
        let value = self.challenge();
        writeln!(self.code, "            mstore({at}, {value})").expect("a string takes all");
    }

    fn store_extension(&mut self, at: usize) {
        let low = self.challenge();
        writeln!(self.code, "            mstore({at}, {low})").expect("a string takes all");
        let high = self.challenge();
        writeln!(self.code, "            mstore({at}, or(mload({at}), shl(128, {high})))")
            .expect("a string takes all");
    }
}

/// The transcript up to the query indices.
fn transcript(shape: &Shape, memory: &Memory) -> String {
    let (offsets, openings) = (shape.offsets(), Openings::new(shape));
    let mut t = Transcript { memory, code: String::new(), waiting: 0, taken: RATE };
    let cap = shape.cap_len() * HASH_BYTES;
    t.hash(&format!("0x{}", hex::encode(spread(&shape.digest))));
    t.hash("inputs");
    t.cap(shape, 0, 1);
    for i in 0..CHALLENGES {
        t.store(memory.betas + 32 * i);
    }
    for i in 0..CHALLENGES {
        t.store(memory.gammas + 32 * i);
    }
    t.cap(shape, cap, 2);
    for i in 0..CHALLENGES {
        t.store(memory.alphas + 32 * i);
    }
    t.cap(shape, 2 * cap, 3);
    t.store_extension(memory.zeta);
    // First all that is opened at zeta, then the Z polynomials at its successor.
    let opening = |position: usize| offsets.openings + 16 * position;
    t.elements(opening(0), 2 * openings.zs_next);
    t.elements(
        opening(openings.partial_products),
        2 * (shape.openings() - openings.partial_products),
    );
    t.elements(opening(openings.zs_next), 2 * CHALLENGES);
    t.store_extension(memory.fri_alpha);
    for step in 0..shape.steps {
        t.cap(shape, offsets.commit_caps + step * cap, 4 + step);
        t.store_extension(memory.fri_betas + 32 * step);
    }
    t.elements(offsets.final_poly, 2 * shape.final_len);
    t.elements(offsets.pow_witness, 1);
    t.store(memory.pow_response);
    for query in 0..shape.queries {
        let value = t.challenge();
        let at = memory.indices + 32 * query;
        let mask = (1u64 << shape.lde_bits()) - 1;
        writeln!(t.code, "            mstore({at}, and({value}, {mask}))")
            .expect("a string takes all");
    }
    t.code
}

/// A hash as the sponge takes it: chunks of seven bytes in little endian, each in eight.
pub(crate) fn spread(hash: &[u8; HASH_BYTES]) -> [u8; 32] {
    let mut word = [0; 32];
    for (chunk, element) in hash.chunks(7).zip(word.chunks_mut(8)) {
        element[..chunk.len()].copy_from_slice(chunk);
    }
    word
}

/// Emits the contract.
pub(crate) fn contract(shape: &Shape) -> String {
    let memory = Memory::new(shape);
    let evaluator = Evaluator::new(shape);
    let (offsets, openings) = (shape.offsets(), Openings::new(shape));
    let leaves = shape.leaves();
    let steps = shape.steps;
    let root = F::primitive_root_of_unity(shape.lde_bits());
    let next_root = F::primitive_root_of_unity(shape.degree_bits);
    let sixteenth = F::primitive_root_of_unity(ARITY_BITS);
    let vk_cap = shape
        .cap
        .iter()
        .enumerate()
        .map(|(i, hash)| {
            format!(
                "\n            mstore({}, 0x{}{})",
                memory.caps + 32 * i,
                hex::encode(hash),
                "00".repeat(32 - HASH_BYTES)
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let power = |j: usize| sixteenth.exp_u64(reverse(j, ARITY_BITS) as u64);
    let store =
        |at: usize, value: F| format!("\n            mstore({at}, {})", value.to_canonical_u64());
    let roots: String = (0..1 << ARITY_BITS)
        .map(|j| store(memory.roots + 32 * j, power(j)))
        .chain(
            (0..1 << (ARITY_BITS - 1))
                .map(|j| store(memory.inverse_roots + 32 * j, power(2 * j).inverse())),
        )
        .collect();
    let levels = shape.lde_bits() - shape.cap_height;
    let mut trees = String::new();
    let mut first = 0;
    for (tree, count) in leaves.into_iter().enumerate() {
        let cap = memory.caps + 32 * tree * shape.cap_len();
        write!(
            trees,
            "
                q := tree(q, {count}, {}, index, {cap})",
            memory.powers + 64 * first
        )
        .expect("a string takes all");
        if tree == 2 {
            let (one, two) = (memory.leaf, memory.leaf + 8);
            write!(
                trees,
                "
                // The Z polynomials are opened at the successor too.
                let second := add(element({one}), mulLanes(mload({}), element({two})))",
                memory.fri_alpha
            )
            .expect("a string takes all");
        }
        first += count;
    }
    let mut folds = String::new();
    for step in 0..steps {
        let height = levels - ARITY_BITS * (step + 1);
        let cap = memory.caps + 32 * (4 + step) * shape.cap_len();
        write!(
            folds,
            "
                q, value := fold(q, value, index, xInverse, {}, {height}, {cap})
                index := shr({ARITY_BITS}, index)",
            memory.fri_betas + 32 * step
        )
        .expect("a string takes all");
        if step + 1 < steps {
            folds += "\n                xInverse := power16(xInverse)";
        }
        folds += "\n                x := power16(x)";
    }
    // Values opened at zeta, in the order of the leaves: all but the Z polynomials at the successor.
    let (before, after) = (openings.zs_next, shape.openings() - openings.partial_products);
    format!(
        "// SPDX-License-Identifier: Apache-2.0
// Made by `bzk-prover export-verifier`; not for editing.
pragma solidity 0.8.37;

interface IGateEvaluator {{
    function hashInputs(uint256[{inputs}] calldata elements) external view returns (uint256[4] memory);
    function vanishes(uint256[{sent}] calldata words) external view returns (bool);
}}

/// @title Verifier of the wrap circuit's plonky2 proofs
/// @notice 2^{degree_bits} rows, rate 2^-{rate_bits}, {queries} queries, {pow_bits} bits of work, Keccak.
contract PlonkyVerifier {{
    /// The proof or the statement is invalid; the stage tells where.
    error InvalidProof(uint256 stage);
{CONSTANTS}
    uint256 private constant BYTES = 0x00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff;
    uint256 private constant PAIRS = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant QUADS = 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff;
    uint256 private constant TOPS = 0x8000000000000000800000000000000080000000000000008000000000000000;
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001;

    IGateEvaluator public immutable EVALUATOR;

    constructor(IGateEvaluator evaluator) {{
        EVALUATOR = evaluator;
    }}

    /// @notice Reverts with {{InvalidProof}} unless `proof` proves the statement `inputs`.
    /// @param inputs Public inputs, each below 2^64 - 2^32 + 1.
    /// @param proof The proof without its public inputs, as plonky2's `to_bytes` writes it.
    /// @return Always true.
    function verify(uint256[{inputs}] calldata inputs, bytes calldata proof) external view returns (bool) {{
        _verify(inputs, proof);
        return true;
    }}

    function _verify(uint256[{inputs}] calldata statement, bytes calldata proof) internal view {{
        uint256[4] memory digest = EVALUATOR.hashInputs(statement);
        IGateEvaluator evaluator = EVALUATOR;
        assembly (\"memory-safe\") {{
            {{
            if gt(mload(0x40), {ARENA}) {{ fail(0) }}
            if iszero(eq(proof.length, {length})) {{ fail(4) }}
            let d := proof.offset
            let inputs := 0
            for {{ let i := 0 }} lt(i, 128) {{ i := add(i, 32) }} {{
                mstore(add({hash}, i), mload(add(digest, i)))
                inputs := or(shl(64, inputs), mload(add(digest, i)))
            }}
            inputs := swap(inputs)
            mstore(0x40, {end})
            for {{ let i := {sponge} }} lt(i, {sponge_end}) {{ i := add(i, 32) }} {{ mstore(i, 0) }}

            // Transcript.
{transcript}
            if shr({pow_shift}, mload({pow_response})) {{ fail(5) }}

            // The openings as the evaluator takes them.
            {{
                let o := {openings}
                for {{ let i := add(d, {openings_offset})  let e := add(d, {openings_end}) }} lt(i, e) {{ i := add(i, 32) }} {{
                    let w := calldataload(i)
                    if large(w) {{ canonical(w) }}
                    w := swap(w)
                    mstore(o, or(shr(192, w), shl(128, and(shr(128, w), 0xffffffffffffffff))))
                    mstore(add(o, 32), or(and(shr(64, w), 0xffffffffffffffff), shl(128, and(w, 0xffffffffffffffff))))
                    o := add(o, 64)
                }}{odd_opening}
            }}

            // The constraints.
            mstore({call}, {vanishes_selector})
            if iszero(staticcall(gas(), evaluator, {call_start}, {call_bytes}, 0x00, 0x20)) {{ fail(6) }}
            if iszero(and(eq(returndatasize(), 0x20), eq(mload(0x00), 1))) {{ fail(7) }}

            // Powers of alpha, and the openings reduced by them.
            {{
                let alpha := mload({fri_alpha})
                let v := 1
                for {{ let i := {powers} }} lt(i, {powers_end}) {{ i := add(i, 64) }} {{
                    mstore(i, and(v, M))
                    mstore(add(i, 32), shr(128, v))
                    v := mul2(v, alpha)
                }}
                let c := reduce(add({openings}, {after_start}), {after}, 0)
                c := reduce({openings}, {before}, c)
                mstore({reduced}, c)
                mstore({reduced1}, reduce(add({openings}, {next_start}), {challenges}, 0))
            }}
{vk_cap}{roots}
            for {{ let i := 0 }} lt(i, {final_len}) {{ i := add(i, 1) }} {{
                mstore(add({final_poly}, shl(5, i)), extension(add(add(d, {final_offset}), shl(4, i))))
            }}
            if large(shl(192, shr(192, calldataload(add(d, {pow_offset}))))) {{
                canonical(shl(192, shr(192, calldataload(add(d, {pow_offset})))))
            }}

            let q := add(d, {rounds})
            for {{ let k := 0 }} lt(k, {query_bytes}) {{ k := add(k, 32) }} {{
                q := query(q, mload(add({indices}, k)))
            }}
            if iszero(eq(q, add(d, {final_offset}))) {{ fail(15) }}
            }}

            function query(start, index) -> q {{
                q := start
                mstore({sums}, 0)
                mstore({sums1}, 0){trees}
                // The point: generator * root^(index with its bits reversed).
                let x := {shift}
                {{
                    let t := {root}
                    for {{ let bit := {top_bit} }} bit {{ bit := shr(1, bit) }} {{
                        if and(index, bit) {{ x := mulmod(x, t, P) }}
                        t := mulmod(t, t, P)
                    }}
                }}
                let value, xInverse := combine(x, second){folds}
                // The last polynomial at the last point.
                let c := 0
                for {{ let i := {final_bytes} }} i {{ }} {{
                    i := sub(i, 32)
                    c := add(mulLanes(c, x), mload(add({final_poly}, i)))
                }}
                if iszero(eq(reduce2(c), value)) {{ fail(14) }}
            }}
            // One opened leaf: checks it against its tree and adds its elements, weighted.
            function tree(start, count, power, index, cap) -> q {{
                let bytes_ := shl(3, count)
                calldatacopy({leaf}, start, bytes_)
                mstore(add({leaf}, bytes_), 0)
                q := add(start, bytes_)
                let lo := mload({sums})
                let hi := mload({sums1})
                for {{ let i := {leaf}  let e := add({leaf}, bytes_) }} lt(i, e) {{ i := add(i, 32) }} {{
                    let w := mload(i)
                    if large(w) {{ canonical(w) }}
                    w := swap(w)
                    let v := shr(192, w)
                    lo := add(lo, mul(v, mload(power)))
                    hi := add(hi, mul(v, mload(add(power, 32))))
                    v := and(shr(128, w), 0xffffffffffffffff)
                    lo := add(lo, mul(v, mload(add(power, 64))))
                    hi := add(hi, mul(v, mload(add(power, 96))))
                    v := and(shr(64, w), 0xffffffffffffffff)
                    lo := add(lo, mul(v, mload(add(power, 128))))
                    hi := add(hi, mul(v, mload(add(power, 160))))
                    v := and(w, 0xffffffffffffffff)
                    lo := add(lo, mul(v, mload(add(power, 192))))
                    hi := add(hi, mul(v, mload(add(power, 224))))
                    power := add(power, 256)
                }}
                mstore({sums}, lo)
                mstore({sums1}, hi)
                q := path(q, keccak256({leaf}, bytes_), index, {levels}, cap)
            }}
            // Walks from a leaf's hash to the cap.
            function path(start, hash, index, levels, cap) -> q {{
                if iszero(eq(byte(0, calldataload(start)), levels)) {{ fail(10) }}
                q := add(start, 1)
                for {{ let e := add(q, mul(levels, {HASH_BYTES})) }} lt(q, e) {{ q := add(q, {HASH_BYTES}) }} {{
                    switch and(index, 1)
                    case 0 {{
                        mstore(0x00, hash)
                        mstore({HASH_BYTES}, calldataload(q))
                    }}
                    default {{
                        mstore(0x00, calldataload(q))
                        mstore({HASH_BYTES}, hash)
                    }}
                    hash := keccak256(0x00, {two_hashes})
                    index := shr(1, index)
                }}
                if shr({hash_shift}, xor(hash, mload(add(cap, shl(5, index))))) {{ fail(11) }}
            }}
            // Value of the combined quotient at x, and the inverse of x.
            function combine(x, second) -> value, xInverse {{
                // The inverses of x - zeta and x - zeta' are their conjugates over their norms.
                let zeta := mload({zeta})
                let a0 := addmod(x, sub(P, and(zeta, M)), P)
                let a1 := shr(128, zeta)
                let next := mulLanes(zeta, {next_root})
                let b0 := addmod(x, sub(P, and(next, M)), P)
                let b1 := shr(128, next)
                let n := norm(a0, a1)
                let m := norm(b0, b1)
                let i := inverse(mulmod(mulmod(n, m, P), x, P))
                if iszero(i) {{ fail(12) }}
                xInverse := mulmod(i, mulmod(n, m, P), P)
                i := mulmod(i, x, P)
                value := or(mod(mload({sums}), P), shl(128, mod(mload({sums1}), P)))
                value := mul2(sub2(value, mload({reduced})), or(a0, shl(128, a1)))
                value := mulLanes(value, mulmod(i, m, P))
                let alpha := mload({fri_alpha})
                value := mul2(value, mul2(alpha, alpha))
                second := mul2(sub2(second, mload({reduced1})), or(b0, shl(128, b1)))
                value := reduce2(add(value, mulLanes(second, mulmod(i, n, P))))
            }}
            function norm(a0, a1) -> c {{
                c := addmod(mulmod(a0, a0, P), sub(P, mulmod(7, mulmod(a1, a1, P), P)), P)
            }}
            // One reduction by {arity}: four foldings by two. Each adds f(x) and f(-x) and doubles the even part,
            // so the end divides by {arity}.
            function fold(start, value, index, xInverse, beta, levels, cap) -> q, folded {{
                calldatacopy({leaf}, start, {step_bytes})
                for {{ let i := 0 }} lt(i, {step_bytes}) {{ i := add(i, 32) }} {{
                    let w := mload(add({leaf}, i))
                    if large(w) {{ canonical(w) }}
                    w := swap(w)
                    let p := add({values}, shl(1, i))
                    mstore(p, or(shr(192, w), shl(128, and(shr(128, w), 0xffffffffffffffff))))
                    mstore(add(p, 32), or(and(shr(64, w), 0xffffffffffffffff), shl(128, and(w, 0xffffffffffffffff))))
                }}
                let place := shl(5, and(index, {arity_mask}))
                if iszero(eq(mload(add({values}, place)), value)) {{ fail(13) }}
                q := path(add(start, {step_bytes}), keccak256({leaf}, {step_bytes}), shr({ARITY_BITS}, index), levels, cap)
                // The inverse of the coset's first point.
                xInverse := mulmod(xInverse, mload(add({roots_start}, place)), P)
                beta := mulLanes(mload(beta), xInverse)
                for {{ let n := {half_bytes} }} gt(n, 31) {{ n := shr(1, n) }} {{
                    for {{ let i := 0 }} lt(i, n) {{ i := add(i, 32) }} {{
                        let p := add({values}, shl(1, i))
                        let a := mload(p)
                        let b := mload(add(p, 32))
                        // The points of a level are the coset's first one times 1, i, ... in this order.
                        let r := mload(add({inverse_roots}, i))
                        mstore(
                            add({values}, i),
                            reduce2(add(add(a, b), mul2(sub2(a, b), mul(beta, r))))
                        )
                    }}
                    beta := mul2(beta, beta)
                }}
                folded := mulLanes(mload({values}), {inverse_arity})
            }}
            function power16(a) -> c {{
                c := mulmod(a, a, P)
                c := mulmod(c, c, P)
                c := mulmod(c, c, P)
                c := mulmod(c, c, P)
            }}
            // Sum of `count` values, weighted by rising powers of alpha, after `count` powers of `above`.
            function reduce(start, count, above) -> c {{
                let alpha := mload({fri_alpha})
                c := above
                for {{ let i := shl(5, count) }} i {{ }} {{
                    i := sub(i, 32)
                    c := add(mul2(c, alpha), mload(add(start, i)))
                }}
                c := reduce2(c)
            }}
            // Each lane times a base element, reduced.
            function mulLanes(a, k) -> c {{
                c := or(mulmod(and(a, M), k, P), shl(128, mulmod(shr(128, a), k, P)))
            }}
            // An extension element of the proof.
            function extension(at) -> c {{
                let w := calldataload(at)
                w := shl(128, shr(128, w))
                if large(w) {{ canonical(w) }}
                w := swap(w)
                c := or(shr(192, w), shl(128, and(shr(128, w), 0xffffffffffffffff)))
            }}
            // A little-endian element in memory.
            function element(at) -> c {{
                c := shr(192, swap(mload(at)))
            }}
            // Turns each lane of eight bytes around.
            function swap(w) -> c {{
                c := or(shl(8, and(w, BYTES)), and(shr(8, w), BYTES))
                c := or(shl(16, and(c, PAIRS)), and(shr(16, c), PAIRS))
                c := or(shl(32, and(c, QUADS)), and(shr(32, c), QUADS))
            }}
            // Whether one of four little-endian elements is at least 2^64 - 2^32.
            function large(w) -> c {{
                c := xor(and(sub(or(and(not(w), QUADS), TOPS), ONES), TOPS), TOPS)
            }}
            // Fails unless all four are below the order.
            function canonical(w) {{
                w := swap(w)
                for {{ let i := 0 }} lt(i, 256) {{ i := add(i, 64) }} {{
                    if iszero(lt(and(shr(i, w), 0xffffffffffffffff), P)) {{ fail(9) }}
                }}
            }}
            // Copies a cap and spreads its hashes into elements of 7, 7, 7 and 4 bytes.
            function observeCap(from, to, cap) {{
                for {{ let e := add(from, {cap_bytes}) }} lt(from, e) {{ from := add(from, {HASH_BYTES}) }} {{
                    let w := calldataload(from)
                    mstore(cap, w)
                    mstore(to, or(
                        or(
                            and(w, 0xffffffffffffff00000000000000000000000000000000000000000000000000),
                            and(shr(8, w), 0x0000000000000000ffffffffffffff0000000000000000000000000000000000)
                        ),
                        or(
                            and(shr(16, w), 0x00000000000000000000000000000000ffffffffffffff000000000000000000),
                            and(shr(24, w), 0x000000000000000000000000000000000000000000000000ffffffff00000000)
                        )
                    ))
                    to := add(to, 32)
                    cap := add(cap, 32)
                }}
            }}
            // Overwrites the sponge's rate with the stream, eight elements at a time.
            function absorb(from, end) {{
                for {{ }} lt(from, end) {{ from := add(from, 64) }} {{
                    let n := sub(end, from)
                    if gt(n, 64) {{ n := 64 }}
                    mcopy({sponge}, from, n)
                    permute()
                }}
            }}
            // H(s), H(H(s)), H(H(H(s))), without the words that are no elements.
            function permute() {{
                let a := keccak256({sponge}, 96)
                mstore({sponge}, a)
                let b := keccak256({sponge}, 32)
                mstore({sponge1}, b)
                let c := keccak256({sponge1}, 32)
                mstore({sponge2}, c)
                if or(or(large(a), large(b)), large(c)) {{ select(a) }}
            }}
            function select(word) {{
                let count := 0
                for {{ }} lt(count, 12) {{ }} {{
                    let lanes := swap(word)
                    for {{ let i := 256 }} i {{ }} {{
                        i := sub(i, 64)
                        if and(lt(and(shr(i, lanes), 0xffffffffffffffff), P), lt(count, 12)) {{
                            // The bytes behind it are written by the next ones, or cut off.
                            mstore(add({leaf}, shl(3, count)), shl(sub(192, i), word))
                            count := add(count, 1)
                        }}
                    }}
                    mstore(0x00, word)
                    word := keccak256(0x00, 32)
                }}
                mcopy({sponge}, {leaf}, 96)
            }}{field}
            function fail(stage) {{
                mstore(0x00, 0x{error})
                mstore(0x20, stage)
                revert(0x1c, 0x24)
            }}
        }}
    }}
}}
",
        inputs = shape.inputs,
        sent = evaluator.sent(shape),
        degree_bits = shape.degree_bits,
        rate_bits = shape.rate_bits,
        queries = shape.queries,
        pow_bits = shape.pow_bits,
        length = offsets.end,
        hash = memory.hash,
        end = memory.end,
        sponge = memory.sponge,
        sponge1 = memory.sponge + 32,
        sponge2 = memory.sponge + 64,
        sponge_end = memory.sponge + 96,
        transcript = transcript(shape, &memory),
        pow_shift = 64 - shape.pow_bits,
        pow_response = memory.pow_response,
        openings = memory.openings,
        openings_offset = offsets.openings,
        openings_end = offsets.openings + 32 * (shape.openings() / 2),
        odd_opening = if shape.openings() % 2 == 0 {
            String::new()
        } else {
            format!("\n                mstore(o, extension(add(d, {})))", offsets.commit_caps - 16)
        },
        call = memory.call,
        vanishes_selector = super::vanishes_selector(evaluator.sent(shape)),
        call_start = memory.call + 28,
        call_bytes = 4 + 32 * evaluator.sent(shape),
        fri_alpha = memory.fri_alpha,
        powers = memory.powers,
        powers_end = memory.powers + 64 * (leaves.iter().sum::<usize>() + 4),
        after_start = 32 * openings.partial_products,
        next_start = 32 * openings.zs_next,
        challenges = CHALLENGES,
        reduced = memory.reduced,
        reduced1 = memory.reduced + 32,
        final_len = shape.final_len,
        final_bytes = 32 * shape.final_len,
        final_poly = memory.final_poly,
        final_offset = offsets.final_poly,
        pow_offset = offsets.pow_witness,
        rounds = offsets.rounds,
        query_bytes = 32 * shape.queries,
        indices = memory.indices,
        sums = memory.sums,
        sums1 = memory.sums + 32,
        shift = F::MULTIPLICATIVE_GROUP_GENERATOR.to_canonical_u64(),
        root = root.to_canonical_u64(),
        top_bit = 1u64 << (shape.lde_bits() - 1),
        leaf = memory.leaf,
        two_hashes = 2 * HASH_BYTES,
        hash_shift = 8 * (32 - HASH_BYTES),
        zeta = memory.zeta,
        next_root = next_root.to_canonical_u64(),
        arity = 1 << ARITY_BITS,
        arity_mask = (1 << ARITY_BITS) - 1,
        values = memory.values,
        step_bytes = 16 << ARITY_BITS,
        roots_start = memory.roots,
        half_bytes = 16 << ARITY_BITS,
        inverse_roots = memory.inverse_roots,
        inverse_arity = F::from_canonical_usize(1 << ARITY_BITS).inverse().to_canonical_u64(),
        cap_bytes = HASH_BYTES * shape.cap_len(),
        field = field(memory.leaf),
        error = super::error_selector(),
    )
}

fn reverse(value: usize, bits: usize) -> usize {
    value.reverse_bits() >> (usize::BITS as usize - bits)
}
