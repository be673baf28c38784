//! The contract that evaluates the constraints at the opened point: permutation argument, gates and their
//! filters, quotient; and the hash of the public inputs. Its arithmetic is that of [`super::field`]; the terms
//! that `weigh` sums may reach 2^120 in each lane.

use std::fmt::Write;

use anyhow::Result;
use plonky2::{
    field::types::{Field, PrimeField64},
    hash::poseidon::{HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS},
};

use super::{
    field::{field, CONSTANTS},
    gates::Emitter,
    poseidon::{full_constants, mix_halves, partial_constants, poseidon, WIDTH},
    shape::{SelectedGate, Shape, CHALLENGES, UNUSED_SELECTOR},
};
use crate::F;

/// Where things are in the evaluator's memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Four words: hash of the public inputs.
    pub hash: usize,
    /// Two words each, then zeta.
    pub betas: usize,
    pub gammas: usize,
    pub alphas: usize,
    pub zeta: usize,
    /// The openings in the proof's order.
    pub openings: usize,
    /// Constraints of one gate.
    pub out: usize,
    /// Powers of the two alphas.
    pub(super) powers: [usize; CHALLENGES],
    /// zeta k_j for each routed wire.
    pub(super) identity: usize,
    /// Two Poseidon states.
    pub(super) state: usize,
    /// Round constants, eight bytes each.
    pub(super) rounds: usize,
    /// The two sums of weigh.
    pub(super) sums: usize,
    pub end: usize,
}

/// First byte that the contracts use; what is below is Solidity's.
pub(crate) const ARENA: usize = 0x800;

impl Memory {
    pub(crate) fn new(shape: &Shape) -> Self {
        let mut next = ARENA;
        let mut take = |words: usize| {
            let start = next;
            next += 32 * words;
            start
        };
        let terms = CHALLENGES * (2 + shape.partial_products) + shape.gate_constraints;
        Self {
            hash: take(4),
            betas: take(2),
            gammas: take(2),
            alphas: take(2),
            zeta: take(1),
            openings: take(shape.openings()),
            out: take(shape.gate_constraints.max(terms)),
            powers: [take(terms), take(terms)],
            identity: take(shape.routed),
            state: take(3 * WIDTH),
            rounds: take((2 * HALF_N_FULL_ROUNDS * WIDTH + N_PARTIAL_ROUNDS) / 4 + 2),
            sums: take(2),
            end: next,
        }
    }

    /// Words that the caller sends: all up to the openings' end.
    pub(crate) fn sent(&self, shape: &Shape) -> usize {
        (self.openings - ARENA) / 32 + shape.openings()
    }
}

/// Names of the values that the openings start with.
pub(crate) struct Openings {
    pub sigmas: usize,
    pub wires: usize,
    pub zs: usize,
    pub zs_next: usize,
    pub partial_products: usize,
    pub quotient: usize,
}

impl Openings {
    /// Positions in the proof's order.
    pub(crate) fn new(shape: &Shape) -> Self {
        let sigmas = shape.constants;
        let wires = sigmas + shape.routed;
        let zs = wires + shape.wires;
        let zs_next = zs + CHALLENGES;
        let partial_products = zs_next + CHALLENGES;
        let quotient = partial_products + CHALLENGES * shape.partial_products;
        Self { sigmas, wires, zs, zs_next, partial_products, quotient }
    }
}

/// Emits the contract.
///
/// # Errors
/// When a gate is unknown.
pub(crate) fn contract(shape: &Shape) -> Result<String> {
    let memory = Memory::new(shape);
    let mut bodies = String::new();
    let mut calls = String::new();
    for (number, gate) in shape.gates.iter().enumerate() {
        let emitter = Emitter { shape, memory: &memory, openings: Openings::new(shape) };
        let (body, count) = emitter.gate(&gate.gate)?;
        if count == 0 {
            continue;
        }
        let id = gate.gate.0.id();
        let name = id.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        write!(
            bodies,
            "
            // {name}
            function gate{number}() {{{body}
            }}"
        )?;
        write!(calls, "{}", emitter.weighted(gate, number, count)?)?;
    }
    let emitter = Emitter { shape, memory: &memory, openings: Openings::new(shape) };
    Ok(emitter.whole(&bodies, &calls))
}

impl Emitter<'_> {
    /// Calls a gate and adds its filtered, weighted constraints to the two sums.
    fn weighted(&self, gate: &SelectedGate, number: usize, count: usize) -> Result<String> {
        let selector = self.memory.openings + 32 * gate.selector;
        let others = gate.group.clone().filter(|&row| row != gate.row).map(|row| row as u64);
        let unused = (self.shape.selectors > 1).then_some(UNUSED_SELECTOR);
        let factors: Vec<_> = others.chain(unused).collect();
        let mut filter = String::from("1");
        if let Some((first, rest)) = factors.split_first() {
            filter = format!("sub2({first}, s)");
            for factor in rest {
                filter = format!("mul2({filter}, sub2({factor}, s))");
            }
        }
        let powers = self.memory.powers[0] + 32 * self.permutation_terms();
        let (sum0, sum1) = (self.memory.sums, self.memory.sums + 32);
        Ok(format!(
            "
            gate{number}()
            {{
                let s := mload({selector})
                let f := {filter}
                let a, b := weigh({count}, {powers})
                mstore({sum0}, add(mload({sum0}), mul2(f, a)))
                mstore({sum1}, add(mload({sum1}), mul2(f, b)))
            }}"
        ))
    }

    /// Terms of the vanishing polynomial before the gates' constraints.
    fn permutation_terms(&self) -> usize {
        CHALLENGES * (2 + self.shape.partial_products)
    }

    /// The terms of the permutation argument, written to `out`.
    fn permutation(&self) -> String {
        let (shape, memory, openings) = (self.shape, self.memory, &self.openings);
        let at = |position: usize| memory.openings + 32 * position;
        let chunk = shape.quotient_factor;
        let mut body = String::new();
        for challenge in 0..CHALLENGES {
            let z = at(openings.zs + challenge);
            let z_next = at(openings.zs_next + challenge);
            write!(
                body,
                "
            mstore({out}, mul2(l, sub2(mload({z}), 1)))
            products({beta}, {gamma}, {z}, {z_next}, {partials}, {terms})",
                out = memory.out + 32 * challenge,
                beta = memory.betas + 32 * challenge,
                gamma = memory.gammas + 32 * challenge,
                partials = at(openings.partial_products + challenge * shape.partial_products),
                terms = memory.out + 32 * (CHALLENGES + challenge * (1 + shape.partial_products)),
            )
            .expect("a string takes all");
        }
        debug_assert_eq!(shape.routed.div_ceil(chunk), shape.partial_products + 1);
        body
    }

    fn whole(&self, bodies: &str, calls: &str) -> String {
        let (shape, memory, openings) = (self.shape, self.memory, &self.openings);
        // The digest of 8n inputs is n permutations and no padding.
        debug_assert_eq!(shape.inputs % 8, 0);
        let terms = self.permutation_terms();
        let at = |position: usize| memory.openings + 32 * position;
        let table = [full_constants().concat(), partial_constants()].concat();
        let round_constants = table
            .chunks(4)
            .enumerate()
            .map(|(i, four)| {
                let digits = four.iter().map(|c| format!("{:016x}", c.to_canonical_u64()));
                let digits = format!("{:0<64}", digits.collect::<Vec<_>>().concat());
                format!("\n                mstore({}, 0x{digits})", memory.rounds + 32 * i)
            })
            .collect::<Vec<_>>()
            .concat();
        let generator = shape_generator();
        format!(
            "// SPDX-License-Identifier: Apache-2.0
// Made by `bzk-prover export-verifier`; not for editing.
pragma solidity 0.8.37;

/// @title Constraints of the wrap circuit at the opened point, and the hash of its public inputs
contract GateEvaluator {{
    error InvalidProof(uint256 stage);
{CONSTANTS}
    uint256 private constant MASK64 = 0xffffffffffffffff;

    /// @notice Poseidon hash of the public inputs, each below the field's order.
    function hashInputs(uint256[{inputs}] calldata elements) external pure returns (uint256[4] memory digest) {{
        assembly (\"memory-safe\") {{
            {{
            if gt(mload(0x40), {ARENA}) {{ fail(0) }}
            digest := {digest}
            mstore(0x40, {end})
            loadConstants()
            // The state as six words: element k in the lower lane, element k + 6 in the upper one.
            for {{ let i := 0 }} lt(i, 192) {{ i := add(i, 32) }} {{ mstore(add({state}, i), 0) }}
            for {{ let i := elements  let e := add(elements, {input_bytes}) }} lt(i, e) {{ i := add(i, 256) }} {{
                for {{ let k := 0 }} lt(k, 256) {{ k := add(k, 32) }} {{
                    let v := calldataload(add(i, k))
                    if iszero(lt(v, P)) {{ fail(2) }}
                    switch lt(k, 192)
                    case 1 {{ mstore(add({state}, k), or(v, shl(128, shr(128, mload(add({state}, k)))))) }}
                    default {{
                        let p := add({state}, sub(k, 192))
                        mstore(p, or(and(mload(p), M), shl(128, v)))
                    }}
                }}
                permute()
            }}
            for {{ let i := 0 }} lt(i, 128) {{ i := add(i, 32) }} {{
                mstore(add(digest, i), and(mload(add({state}, i)), M))
            }}
            }}

            function permute() {{
                for {{ let r := 0 }} lt(r, {half}) {{ r := add(r, 1) }} {{ full(r) }}
                for {{ let r := 0 }} lt(r, {partial}) {{ r := add(r, 1) }} {{
                    let w := mload({state})
                    mstore(
                        {state},
                        or(seventh(add(and(w, M), partialConstant(r))), shl(128, shr(128, w)))
                    )
                    mixHalves()
                    if eq(mod(r, 5), 4) {{ reduceAll(6) }}
                }}
                for {{ let r := {half} }} lt(r, {full}) {{ r := add(r, 1) }} {{ full(r) }}
                reduceAll(6)
            }}
            function full(r) {{
                let c := add({constants}, mul(r, {round_bytes}))
                for {{ let i := {state} }} lt(i, {state6}) {{ i := add(i, 32) }} {{
                    let w := mload(i)
                    mstore(
                        i,
                        or(
                            seventh(add(and(w, M), shr(192, mload(c)))),
                            shl(128, seventh(add(shr(128, w), shr(192, mload(add(c, 48))))))
                        )
                    )
                    c := add(c, 8)
                }}
                mixHalves()
            }}
            function mixHalves() {{{mix_halves}
            }}
            function seventh(a) -> c {{
                let b := mulmod(a, a, P)
                c := mulmod(mulmod(b, b, P), mulmod(a, b, P), P)
            }}
{poseidon}
        }}
    }}

    /// @notice Whether the constraints hold at the opened point. The words: hash of the public inputs (4),
    /// betas (2), gammas (2), alphas (2), zeta, openings in the proof's order; all reduced.
    function vanishes(uint256[{sent}] calldata words) external view returns (bool holds) {{
        assembly (\"memory-safe\") {{
            {{
            if gt(mload(0x40), {ARENA}) {{ fail(0) }}
            calldatacopy({ARENA}, words, {sent_bytes})
            mstore(0x40, {end})
            loadConstants()
            powers({alpha0}, {powers0})
            powers({alpha1}, {powers1})

            // zeta^n - 1, and L_0 there.
            let z := mload({zeta})
            let zn := z
            for {{ let i := 0 }} lt(i, {degree_bits}) {{ i := add(i, 1) }} {{ zn := mul2(zn, zn) }}
            let zh := reduce2(sub2(zn, 1))
            let l := mulmodLanes(reduce2(sub2(z, 1)), {n})
            l := mul2(zh, inverse2(l))
            // zeta k_j.
            for {{ let i := {identity} }} lt(i, {identity_end}) {{ i := add(i, 32) }} {{
                mstore(i, z)
                z := mulmodLanes(z, {generator})
            }}{permutation}
            {{
                let a, b := weigh({terms}, {powers0})
                mstore({sum0}, a)
                mstore({sum1}, b)
            }}
{calls}
            holds := and(
                eq(reduce2(mload({sum0})), mul2(zh, quotient({quotient0}, zn))),
                eq(reduce2(mload({sum1})), mul2(zh, quotient({quotient1}, zn)))
            )
            }}

            function mulmodLanes(a, k) -> c {{
                c := or(mulmod(and(a, M), k, P), shl(128, mulmod(shr(128, a), k, P)))
            }}
            function inverse2(a) -> c {{
                let a0 := and(a, M)
                let a1 := shr(128, a)
                let n := inverse(addmod(mulmod(a0, a0, P), sub(P, mulmod(7, mulmod(a1, a1, P), P)), P))
                if iszero(n) {{ fail(3) }}
                c := or(mulmod(a0, n, P), shl(128, mulmod(sub(P, a1), n, P)))
            }}
            function quotient(p, zn) -> c {{
                for {{ let i := {quotient_last} }} lt(i, {quotient_bytes}) {{ i := sub(i, 32) }} {{
                    c := add(mul2(c, zn), mload(add(p, i)))
                }}
                c := reduce2(c)
            }}
            function powers(a, p) {{
                a := mload(a)
                let v := 1
                for {{ let e := add(p, {power_bytes}) }} lt(p, e) {{ p := add(p, 32) }} {{
                    mstore(p, v)
                    v := mulmod(v, a, P)
                }}
            }}
            // Sums of `n` terms at `out`, weighted by the powers of both alphas from `p` on, reduced.
            function weigh(n, p) -> c, d {{
                let lo := 0
                let hi := 0
                let lower := 0
                let upper := 0
                for {{ let o := {out}  let e := add({out}, shl(5, n)) }} lt(o, e) {{ o := add(o, 32) }} {{
                    d := mload(o)
                    c := and(d, M)
                    d := shr(128, d)
                    let a := mload(p)
                    lo := add(lo, mul(a, c))
                    hi := add(hi, mul(a, d))
                    a := mload(add(p, {power_bytes}))
                    lower := add(lower, mul(a, c))
                    upper := add(upper, mul(a, d))
                    p := add(p, 32)
                }}
                c := or(mod(lo, P), shl(128, mod(hi, P)))
                d := or(mod(lower, P), shl(128, mod(upper, P)))
            }}
            // Checks of the partial products: {chunk} wires each.
            function products(beta, gamma, z, zNext, partials, o) {{
                beta := mload(beta)
                gamma := mload(gamma)
                let w := {wires}
                let previous := mload(z)
                for {{ let k := 0 }} lt(k, {chunks}) {{ k := add(k, 1) }} {{
                    let n := previous
                    previous := mload(partials)
                    if eq(k, {last_chunk}) {{ previous := mload(zNext) }}
                    let d := previous
                    let e := add(w, {chunk_bytes})
                    if gt(e, {routed_end}) {{ e := {routed_end} }}
                    for {{ }} lt(w, e) {{ w := add(w, 32) }} {{
                        let v := add(mload(w), gamma)
                        // beta * s < p^2 fills a lane but for the two terms that are added.
                        n := mul2(n, add(v, mul(beta, mload(add(w, {to_identity})))))
                        d := mul2(d, add(v, mul(beta, mload(sub(w, {to_sigmas})))))
                    }}
                    mstore(o, sub2(n, d))
                    o := add(o, 32)
                    partials := add(partials, 32)
                }}
            }}
            // Product of two elements of the extension's extension, two words each.
            function multiply(a, b) -> c0, c1 {{
                let a0 := mload(a)
                let a1 := mload(add(a, 32))
                let b0 := mload(b)
                let b1 := mload(add(b, 32))
                c0 := add(mul2(a0, b0), mul(7, mul2(a1, b1)))
                c1 := add(mul2(a0, b1), mul2(a1, b0))
            }}
            // One point of the barycentric sum; the state has the point, the sum and the product.
            function interpolate(value, weight, minus) {{
                let v0 := mul2(mload(value), weight)
                let v1 := mul2(mload(add(value, 32)), weight)
                let x0 := add(mload({state}), minus)
                let x1 := mload({state1})
                let e0 := mload({state2})
                let e1 := mload({state3})
                let p0 := mload({state4})
                let p1 := mload({state5})
                mstore({state2}, reduce2(add(
                    add(mul2(e0, x0), mul(7, mul2(e1, x1))),
                    add(mul2(v0, p0), mul(7, mul2(v1, p1)))
                )))
                mstore({state3}, reduce2(add(
                    add(mul2(e0, x1), mul2(e1, x0)),
                    add(mul2(v0, p1), mul2(v1, p0))
                )))
                mstore({state4}, reduce2(add(mul2(p0, x0), mul(7, mul2(p1, x1)))))
                mstore({state5}, add(mul2(p0, x1), mul2(p1, x0)))
            }}
            // x^7
            function box(a) -> c {{
                let b := mul2(a, a)
                c := mul2(mul2(b, b), mul2(a, b))
            }}
            function boxes(w) {{
                for {{ let i := 0 }} lt(i, {state_bytes}) {{ i := add(i, 32) }} {{
                    mstore(add({state}, i), box(mload(add(w, i))))
                }}
            }}
            function compare(w, o) -> next {{
                for {{ let i := 0 }} lt(i, {state_bytes}) {{ i := add(i, 32) }} {{
                    mstore(add(o, i), sub2(mload(add({state}, i)), mload(add(w, i))))
                }}
                next := add(o, {state_bytes})
            }}
{poseidon}{field}
{bodies}
        }}
    }}
}}
",
            inputs = shape.inputs,
            input_bytes = 32 * shape.inputs,
            digest = memory.hash,
            end = memory.end,
            state = memory.state,
            state1 = memory.state + 32,
            state2 = memory.state + 64,
            state3 = memory.state + 96,
            state4 = memory.state + 128,
            state5 = memory.state + 160,
            state_bytes = 32 * WIDTH,
            half = HALF_N_FULL_ROUNDS,
            full = 2 * HALF_N_FULL_ROUNDS,
            partial = N_PARTIAL_ROUNDS,
            constants = memory.rounds,
            round_bytes = 8 * WIDTH,
            state6 = memory.state + 192,
            mix_halves = mix_halves(memory),
            sent = memory.sent(shape),
            sent_bytes = 32 * memory.sent(shape),
            alpha0 = memory.alphas,
            alpha1 = memory.alphas + 32,
            powers0 = memory.powers[0],
            powers1 = memory.powers[1],
            zeta = memory.zeta,
            degree_bits = shape.degree_bits,
            n = 1u64 << shape.degree_bits,
            identity = memory.identity,
            identity_end = memory.identity + 32 * shape.routed,
            permutation = self.permutation(),
            sum0 = memory.sums,
            sum1 = memory.sums + 32,
            quotient0 = at(openings.quotient),
            quotient1 = at(openings.quotient + shape.quotient_factor),
            quotient_last = 32 * (shape.quotient_factor - 1),
            quotient_bytes = 32 * shape.quotient_factor,
            power_bytes = memory.powers[1] - memory.powers[0],
            out = memory.out,
            chunk = shape.quotient_factor,
            chunk_bytes = 32 * shape.quotient_factor,
            wires = self.wire(0),
            routed_end = self.wire(shape.routed),
            chunks = shape.partial_products + 1,
            last_chunk = shape.partial_products,
            to_identity = memory.identity.wrapping_sub(self.wire(0)),
            to_sigmas = self.wire(0) - at(openings.sigmas),
            poseidon = poseidon(memory, &round_constants),
            field = field(memory.out),
        )
    }
}

/// Ratio of neighbouring `k_j`.
fn shape_generator() -> u64 {
    F::MULTIPLICATIVE_GROUP_GENERATOR.to_canonical_u64()
}
