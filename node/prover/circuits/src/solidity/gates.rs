//! The contract that evaluates the constraints at the opened point.
//!
//! An element of the extension is one word: the constant coefficient in the lower 128 bits, that of X in the
//! upper ones. Both lanes may grow beyond the field as long as `mul2` (2^124) and `weigh` (2^120) bear it, so
//! additions and small multiples need no reduction. A difference adds 16p to each lane first.

use std::fmt::Write;

use anyhow::{bail, ensure, Result};
use plonky2::{
    field::types::{Field, PrimeField64},
    gates::{
        arithmetic_base::ArithmeticGate, arithmetic_extension::ArithmeticExtensionGate,
        base_sum::BaseSumGate, constant::ConstantGate, coset_interpolation::CosetInterpolationGate,
        exponentiation::ExponentiationGate, gate::GateRef,
        multiplication_extension::MulExtensionGate, noop::NoopGate, poseidon::PoseidonGate,
        poseidon_mds::PoseidonMdsGate, public_input::PublicInputGate,
        random_access::RandomAccessGate, reducing::ReducingGate,
        reducing_extension::ReducingExtensionGate,
    },
    hash::poseidon::{Poseidon, ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS},
};

use super::shape::{SelectedGate, Shape, CHALLENGES, UNUSED_SELECTOR};
use crate::{D, F};

/// Width of the Poseidon state.
const WIDTH: usize = 12;

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
    powers: [usize; CHALLENGES],
    /// zeta k_j for each routed wire.
    identity: usize,
    /// Two Poseidon states.
    state: usize,
    /// Round constants, eight bytes each.
    rounds: usize,
    /// The two sums of weigh.
    sums: usize,
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

struct Emitter<'a> {
    shape: &'a Shape,
    memory: &'a Memory,
    openings: Openings,
}

impl Emitter<'_> {
    /// Address of a wire's opening.
    fn wire(&self, index: usize) -> usize {
        self.memory.openings + 32 * (self.openings.wires + index)
    }

    /// Expression of a gate's constant.
    fn constant(&self, index: usize) -> String {
        format!("mload({})", self.memory.openings + 32 * (self.shape.selectors + index))
    }

    /// Body of the function that writes a gate's constraints to `out`, and how many they are.
    fn gate(&self, gate: &GateRef<F, D>) -> Result<(String, usize)> {
        let any = gate.0.as_any();
        let count = gate.0.num_constraints();
        let out = self.memory.out;
        let body = if any.is::<NoopGate>() {
            String::new()
        } else if any.is::<ConstantGate>() {
            (0..count).map(|i| self.difference(out + 32 * i, &self.constant(i), &load(self.wire(i)))).collect()
        } else if any.is::<PublicInputGate>() {
            (0..4)
                .map(|i| self.difference(out + 32 * i, &load(self.wire(i)), &load(self.memory.hash + 32 * i)))
                .collect()
        } else if let Some(gate) = any.downcast_ref::<BaseSumGate<2>>() {
            self.base_sum(gate.num_limbs)
        } else if let Some(gate) = any.downcast_ref::<ArithmeticGate>() {
            self.arithmetic(gate.num_ops)
        } else if let Some(gate) = any.downcast_ref::<ArithmeticExtensionGate<D>>() {
            self.arithmetic_extension(gate.num_ops)
        } else if let Some(gate) = any.downcast_ref::<MulExtensionGate<D>>() {
            self.mul_extension(gate.num_ops)
        } else if let Some(gate) = any.downcast_ref::<ExponentiationGate<F, D>>() {
            self.exponentiation(gate.num_power_bits)
        } else if let Some(gate) = any.downcast_ref::<RandomAccessGate<F, D>>() {
            self.random_access(gate.bits, gate.num_copies, gate.num_extra_constants)
        } else if let Some(gate) = any.downcast_ref::<ReducingGate<D>>() {
            self.reducing(gate.num_coeffs, 1)
        } else if let Some(gate) = any.downcast_ref::<ReducingExtensionGate<D>>() {
            self.reducing(gate.num_coeffs, 2)
        } else if let Some(gate) = any.downcast_ref::<CosetInterpolationGate<F, D>>() {
            self.coset_interpolation(gate)?
        } else if any.is::<PoseidonGate<F, D>>() {
            self.poseidon()
        } else if any.is::<PoseidonMdsGate<F, D>>() {
            self.poseidon_mds()
        } else {
            bail!("the generator does not know the gate {}", gate.0.id())
        };
        Ok((body, count))
    }

    fn difference(&self, at: usize, left: &str, right: &str) -> String {
        format!("\n                mstore({at}, sub2({left}, {right}))")
    }

    fn base_sum(&self, limbs: usize) -> String {
        let (sum, out) = (self.wire(0), self.memory.out);
        // 2^63 times a reduced lane fits 128 bits, so the sum needs no reduction before its end.
        format!(
            "
                let s := 0
                for {{ let i := {limbs} }} i {{ i := sub(i, 1) }} {{
                    let l := mload(add({sum}, shl(5, i)))
                    s := add(add(s, s), l)
                    mstore(add({out}, shl(5, i)), mul2(l, add(l, sub(P, 1))))
                }}
                mstore({out}, sub2(reduce2(s), mload({sum})))"
        )
    }

    fn arithmetic(&self, ops: usize) -> String {
        let (start, out) = (self.wire(0), self.memory.out);
        format!(
            "
                let o := {out}
                for {{ let w := {start} }} lt(w, {end}) {{ w := add(w, 128) }} {{
                    let r := mul2(mul2(mload(w), mload(add(w, 32))), {c0})
                    mstore(o, sub2(mload(add(w, 96)), add(r, mul2(mload(add(w, 64)), {c1}))))
                    o := add(o, 32)
                }}",
            end = start + 128 * ops,
            c0 = self.constant(0),
            c1 = self.constant(1),
        )
    }

    fn arithmetic_extension(&self, ops: usize) -> String {
        let (start, out) = (self.wire(0), self.memory.out);
        format!(
            "
                let o := {out}
                for {{ let w := {start} }} lt(w, {end}) {{ w := add(w, 256) }} {{
                    let r0, r1 := multiply(w, add(w, 64))
                    r0 := add(mul2(r0, {c0}), mul2(mload(add(w, 128)), {c1}))
                    r1 := add(mul2(r1, {c0}), mul2(mload(add(w, 160)), {c1}))
                    mstore(o, sub2(mload(add(w, 192)), r0))
                    mstore(add(o, 32), sub2(mload(add(w, 224)), r1))
                    o := add(o, 64)
                }}",
            end = start + 256 * ops,
            c0 = self.constant(0),
            c1 = self.constant(1),
        )
    }

    fn mul_extension(&self, ops: usize) -> String {
        let (start, out) = (self.wire(0), self.memory.out);
        format!(
            "
                let o := {out}
                for {{ let w := {start} }} lt(w, {end}) {{ w := add(w, 192) }} {{
                    let r0, r1 := multiply(w, add(w, 64))
                    mstore(o, sub2(mload(add(w, 128)), mul2(r0, {c0})))
                    mstore(add(o, 32), sub2(mload(add(w, 160)), mul2(r1, {c0})))
                    o := add(o, 64)
                }}",
            end = start + 192 * ops,
            c0 = self.constant(0),
        )
    }

    fn exponentiation(&self, bits: usize) -> String {
        let out = self.memory.out;
        format!(
            "
                let b := sub2(mload({base}), 1)
                let v := 1
                let o := {out}
                let i := {values}
                for {{ let w := {last} }} gt(w, {base}) {{ w := sub(w, 32) }} {{
                    // bit * base + 1 - bit = 1 + bit * (base - 1)
                    let r := mul2(v, add(1, mul2(mload(w), b)))
                    v := mload(i)
                    mstore(o, sub2(r, v))
                    v := mul2(v, v)
                    o := add(o, 32)
                    i := add(i, 32)
                }}
                mstore(o, sub2(mload({output}), mload(sub(i, 32))))",
            base = self.wire(0),
            last = self.wire(bits),
            output = self.wire(1 + bits),
            values = self.wire(2 + bits),
        )
    }

    fn random_access(&self, bits: usize, copies: usize, extra: usize) -> String {
        let (items, state) = (1 << bits, self.memory.state);
        let routed = (2 + items) * copies + extra;
        let mut body = format!(
            "
                let o := {out}
                let b := {first_bit}
                for {{ let w := {start} }} lt(w, {end}) {{ w := add(w, {stride}) }} {{
                    let r := 0
                    for {{ let i := {top} }} lt(i, {bits}) {{ i := sub(i, 1) }} {{
                        let v := mload(add(b, shl(5, i)))
                        r := add(add(r, r), v)
                        mstore(add(o, shl(5, i)), mul2(v, add(v, sub(P, 1))))
                    }}
                    o := add(o, {bit_bytes})
                    mstore(o, sub2(r, mload(w)))
                    mcopy({state}, add(w, 64), {list_bytes})
                    for {{ let n := {half} }} n {{ n := shr(1, n) }} {{
                        let v := mload(b)
                        for {{ let i := 0 }} lt(i, n) {{ i := add(i, 1) }} {{
                            let p := add({state}, shl(6, i))
                            let x := mload(p)
                            mstore(add({state}, shl(5, i)), reduce2(add(x, mul2(v, sub2(mload(add(p, 32)), x)))))
                        }}
                        b := add(b, 32)
                    }}
                    mstore(add(o, 32), sub2(mload({state}), mload(add(w, 32))))
                    o := add(o, 64)
                }}",
            out = self.memory.out,
            first_bit = self.wire(routed),
            start = self.wire(0),
            end = self.wire((2 + items) * copies),
            stride = 32 * (2 + items),
            top = bits - 1,
            bit_bytes = 32 * bits,
            list_bytes = 32 * items,
            half = items / 2,
        );
        let first = self.memory.out + 32 * copies * (bits + 2);
        for i in 0..extra {
            let wire = load(self.wire((2 + items) * copies + i));
            body += &self.difference(first + 32 * i, &self.constant(i), &wire);
        }
        body
    }

    /// The reducing gates: coefficients of `size` wires each.
    fn reducing(&self, count: usize, size: usize) -> String {
        let coefficients = self.wire(6);
        let accumulators = self.wire(6 + size * count);
        let upper = if size == 2 { "add(r1, mload(add(w, 32)))" } else { "r1" };
        format!(
            "
                let a := {old}
                let o := {out}
                let n := {accumulators}
                for {{ let w := {coefficients} }} lt(w, {accumulators}) {{ w := add(w, {stride}) }} {{
                    if eq(w, {last}) {{ n := {output} }}
                    let r0, r1 := multiply(a, {alpha})
                    mstore(o, sub2(add(r0, mload(w)), mload(n)))
                    mstore(add(o, 32), sub2({upper}, mload(add(n, 32))))
                    a := n
                    n := add(n, 64)
                    o := add(o, 64)
                }}",
            old = self.wire(4),
            out = self.memory.out,
            alpha = self.wire(2),
            output = self.wire(0),
            stride = 32 * size,
            last = coefficients + 32 * size * (count - 1),
        )
    }

    fn coset_interpolation(&self, gate: &CosetInterpolationGate<F, D>) -> Result<String> {
        let points = 1 << gate.subgroup_bits;
        let intermediates = (points - 2) / (gate.degree - 1);
        let point = 1 + points * D;
        let value = point + D;
        let evals = value + D;
        let products = evals + D * intermediates;
        let shifted = products + D * intermediates;
        ensure!(points <= 16, "interpolation over {points} points");
        // State: two words each of the point, the evaluation, the product and scratch.
        let state = self.memory.state;
        let (x, e, p) = (state, state + 64, state + 128);
        let mut body = format!(
            "
                mcopy({x}, {shifted}, 64)
                mstore({out}, sub2(mload({point0}), mul2(mload({x}), mload({shift}))))
                mstore({out1}, sub2(mload({point1}), mul2(mload({x1}), mload({shift}))))
                mstore({e}, 0)
                mstore({e1}, 0)
                mstore({p}, 1)
                mstore({p1}, 0)",
            shifted = self.wire(shifted),
            out = self.memory.out,
            out1 = self.memory.out + 32,
            point0 = self.wire(point),
            point1 = self.wire(point + 1),
            shift = self.wire(0),
            x1 = x + 32,
            e1 = e + 32,
            p1 = p + 32,
        );
        let domain = F::two_adic_subgroup(gate.subgroup_bits);
        let mut out = self.memory.out + 64;
        let mut next = gate.degree;
        for (i, (&at, &weight)) in domain.iter().zip(&gate.barycentric_weights).enumerate() {
            if i == next {
                let number = (i - gate.degree) / (gate.degree - 1);
                for (wires, state) in [(evals, e), (products, p)] {
                    for k in 0..D {
                        let wire = load(self.wire(wires + D * number + k));
                        body += &self.difference(out, &wire, &load(state + 32 * k));
                        out += 32;
                    }
                    let from = self.wire(wires + D * number);
                    write!(body, "\n                mcopy({state}, {from}, 64)")?;
                }
                next += gate.degree - 1;
            }
            write!(
                body,
                "\n                interpolate({}, {}, {})",
                self.wire(1 + D * i),
                weight.to_canonical_u64(),
                (-at).to_canonical_u64(),
            )?;
        }
        for k in 0..D {
            let wire = load(self.wire(value + k));
            body += &self.difference(out + 32 * k, &wire, &load(e + 32 * k));
        }
        Ok(body)
    }

    fn poseidon(&self) -> String {
        let (out, state) = (self.memory.out, self.memory.state);
        format!(
            "
                let s := mload({swap})
                mstore({out}, mul2(s, add(s, sub(P, 1))))
                let o := {out1}
                mcopy({state}, {input}, {state_bytes})
                for {{ let i := 0 }} lt(i, 128) {{ i := add(i, 32) }} {{
                    let l := mload(add({input}, i))
                    let r := mload(add({input4}, i))
                    let d := mload(add({delta}, i))
                    mstore(o, sub2(mul2(s, sub2(r, l)), d))
                    mstore(add({state}, i), add(l, d))
                    mstore(add({state4}, i), sub2(r, d))
                    o := add(o, 32)
                }}
                constants(0)
                boxes({state})
                mix()
                let w := {wires}
                for {{ let r := 1 }} lt(r, {half}) {{ r := add(r, 1) }} {{
                    constants(r)
                    o := compare(w, o)
                    boxes(w)
                    mix()
                    w := add(w, {state_bytes})
                }}
                for {{ let r := 0 }} lt(r, {N_PARTIAL_ROUNDS}) {{ r := add(r, 1) }} {{
                    let v := mload(w)
                    mstore(o, sub2(add(mload({state}), partialConstant(r)), v))
                    mstore({state}, box(v))
                    mix()
                    // Each layer adds 8.1 bits to the lanes.
                    if eq(mod(r, 5), 4) {{ reduceAll({WIDTH}) }}
                    w := add(w, 32)
                    o := add(o, 32)
                }}
                for {{ let r := {half} }} lt(r, {full}) {{ r := add(r, 1) }} {{
                    constants(r)
                    o := compare(w, o)
                    boxes(w)
                    mix()
                    w := add(w, {state_bytes})
                }}
                o := compare({output}, o)",
            swap = self.wire(2 * WIDTH),
            out1 = out + 32,
            input = self.wire(0),
            input4 = self.wire(4),
            delta = self.wire(2 * WIDTH + 1),
            state4 = state + 128,
            state_bytes = 32 * WIDTH,
            wires = self.wire(2 * WIDTH + 5),
            half = HALF_N_FULL_ROUNDS,
            full = 2 * HALF_N_FULL_ROUNDS,
            output = self.wire(WIDTH),
        )
    }

    fn poseidon_mds(&self) -> String {
        let (state, out) = (self.memory.state, self.memory.out);
        format!(
            "
                for {{ let k := 0 }} lt(k, 64) {{ k := add(k, 32) }} {{
                    for {{ let i := 0 }} lt(i, {WIDTH}) {{ i := add(i, 1) }} {{
                        mstore(add({state}, shl(5, i)), mload(add(add({input}, k), shl(6, i))))
                    }}
                    mix()
                    for {{ let i := 0 }} lt(i, {WIDTH}) {{ i := add(i, 1) }} {{
                        mstore(
                            add(add({out}, k), shl(6, i)),
                            sub2(mload(add(add({output}, k), shl(6, i))), reduce2(mload(add({state}, shl(5, i)))))
                        )
                    }}
                }}",
            input = self.wire(0),
            output = self.wire(2 * WIDTH),
        )
    }

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
        let round_constants: String = table
            .chunks(4)
            .enumerate()
            .map(|(i, four)| {
                let digits: String = four.iter().map(|c| format!("{:016x}", c.to_canonical_u64())).collect();
                let digits = format!("{digits:0<64}");
                format!("\n                mstore({}, 0x{digits})", memory.rounds + 32 * i)
            })
            .collect();
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

/// Yul of the Poseidon layers over the state in memory.
fn poseidon(memory: &Memory, round_constants: &str) -> String {
    format!(
        "
            // The round's constants are added to the lower lanes.
            function constants(r) {{
                let c := add({rounds}, mul(r, {round_bytes}))
                for {{ let i := {state} }} lt(i, {state_end}) {{ i := add(i, 32) }} {{
                    mstore(i, add(mload(i), shr(192, mload(c))))
                    c := add(c, 8)
                }}
            }}
            // Of the partial rounds' constants only one is left: the others are moved behind the last of them.
            function partialConstant(r) -> c {{
                c := shr(192, mload(add({partial}, shl(3, r))))
            }}
            // The circulant matrix, and 8 more on the diagonal's first place.
            function mix() {{{mix}
            }}
            function reduceAll(n) {{
                for {{ let i := {state}  let e := add({state}, shl(5, n)) }} lt(i, e) {{ i := add(i, 32) }} {{
                    let a := mload(i)
                    mstore(i, or(mod(and(a, M), P), shl(128, mod(shr(128, a), P))))
                }}
            }}
            function loadConstants() {{{round_constants}
            }}
            function fail(stage) {{
                mstore(0x00, 0x{selector})
                mstore(0x20, stage)
                revert(0x1c, 0x24)
            }}",
        rounds = memory.rounds,
        round_bytes = 8 * WIDTH,
        partial = memory.rounds + 8 * WIDTH * 2 * HALF_N_FULL_ROUNDS,
        state = memory.state,
        state_end = memory.state + 32 * WIDTH,
        mix = rows(memory.state, memory.state + 32 * WIDTH, WIDTH, "mload"),
        selector = super::error_selector(),
    )
}

/// The matrix over the packed state: words 6 to 11 are the first six with their lanes exchanged, which makes
/// the rotation by six that the upper lanes need.
fn mix_halves(memory: &Memory) -> String {
    let at = |index: usize| memory.state + 32 * index;
    let mut code = String::new();
    for k in 0..WIDTH / 2 {
        write!(
            code,
            "
                {{
                    let w := mload({})
                    mstore({}, or(shr(128, w), shl(128, w)))
                }}",
            at(k),
            at(k + WIDTH / 2)
        )
        .expect("a string takes all");
    }
    code + &rows(memory.state, memory.state + 32 * WIDTH, WIDTH / 2, "halves")
}

/// The first `count` rows of the matrix over twelve words at `state`, by way of `scratch`. With `halves` the
/// eightfold first element must stay in its lane.
fn rows(state: usize, scratch: usize, count: usize, kind: &str) -> String {
    let mut code = String::new();
    for row in 0..count {
        let terms = <F as Poseidon>::MDS_MATRIX_CIRC.iter().enumerate().map(|(i, c)| {
            format!("mul({c}, mload({}))", state + 32 * ((row + i) % WIDTH))
        });
        let mut sum = terms.reduce(|sum, term| format!("add({term}, {sum})")).unwrap_or_default();
        if row == 0 {
            let first = if kind == "halves" { format!("and(mload({state}), M)") } else { load(state) };
            sum = format!("add({sum}, shl(3, {first}))");
        }
        write!(code, "\n                mstore({}, {sum})", scratch + 32 * row)
            .expect("a string takes all");
    }
    code + &format!("\n                mcopy({state}, {scratch}, {})", 32 * count)
}

/// Constants of the eight full rounds. The fifth's take up what the partial rounds add to all elements but
/// the first: those pass no S-box before it.
fn full_constants() -> Vec<Vec<F>> {
    let (mut full, moved) = (Vec::new(), partial_rounds().1);
    for round in (0..HALF_N_FULL_ROUNDS)
        .chain(HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS..2 * HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS)
    {
        full.push(constants_of(round));
    }
    for (constant, moved) in full[HALF_N_FULL_ROUNDS].iter_mut().zip(moved) {
        *constant += moved;
    }
    full
}

/// What the partial rounds add to the first element.
fn partial_constants() -> Vec<F> {
    partial_rounds().0
}

/// The constants of the partial rounds' first element, and what is left for the round behind them.
fn partial_rounds() -> (Vec<F>, Vec<F>) {
    let (mut firsts, mut moved) = (Vec::new(), vec![F::ZERO; WIDTH]);
    for round in HALF_N_FULL_ROUNDS..HALF_N_FULL_ROUNDS + N_PARTIAL_ROUNDS {
        for (moved, constant) in moved.iter_mut().zip(constants_of(round)) {
            *moved += constant;
        }
        firsts.push(std::mem::take(&mut moved[0]));
        let circulant = <F as Poseidon>::MDS_MATRIX_CIRC.map(F::from_canonical_u64);
        let diagonal = <F as Poseidon>::MDS_MATRIX_DIAG.map(F::from_canonical_u64);
        let row = |r: usize| {
            let sum: F = (0..WIDTH).map(|i| circulant[i] * moved[(r + i) % WIDTH]).sum();
            sum + diagonal[r] * moved[r]
        };
        moved = (0..WIDTH).map(row).collect();
    }
    (firsts, moved)
}

fn constants_of(round: usize) -> Vec<F> {
    let constants = &ALL_ROUND_CONSTANTS[WIDTH * round..WIDTH * (round + 1)];
    constants.iter().map(|&constant| F::from_canonical_u64(constant)).collect()
}

/// Ratio of neighbouring `k_j`.
fn shape_generator() -> u64 {
    F::MULTIPLICATIVE_GROUP_GENERATOR.to_canonical_u64()
}

fn load(address: usize) -> String {
    format!("mload({address})")
}
