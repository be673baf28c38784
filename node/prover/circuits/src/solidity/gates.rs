//! Yul of each gate's constraints at the opened point, in the arithmetic of [`super::field`].

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
    hash::poseidon::{HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS},
};

use super::{
    evaluator::{Memory, Openings},
    poseidon::WIDTH,
    shape::Shape,
};
use crate::{D, F};

/// Writes the gates of a circuit.
pub(super) struct Emitter<'a> {
    pub(super) shape: &'a Shape,
    pub(super) memory: &'a Memory,
    pub(super) openings: Openings,
}

impl Emitter<'_> {
    /// Address of a wire's opening.
    pub(super) fn wire(&self, index: usize) -> usize {
        self.memory.openings + 32 * (self.openings.wires + index)
    }

    /// Expression of a gate's constant.
    fn constant(&self, index: usize) -> String {
        format!("mload({})", self.memory.openings + 32 * (self.shape.selectors + index))
    }

    /// Body of the function that writes a gate's constraints to `out`, and how many they are.
    pub(super) fn gate(&self, gate: &GateRef<F, D>) -> Result<(String, usize)> {
        let any = gate.0.as_any();
        let count = gate.0.num_constraints();
        let out = self.memory.out;
        let body = if any.is::<NoopGate>() {
            String::new()
        } else if any.is::<ConstantGate>() {
            (0..count)
                .map(|i| self.difference(out + 32 * i, &self.constant(i), &load(self.wire(i))))
                .collect()
        } else if any.is::<PublicInputGate>() {
            (0..4)
                .map(|i| {
                    self.difference(
                        out + 32 * i,
                        &load(self.wire(i)),
                        &load(self.memory.hash + 32 * i),
                    )
                })
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
}

pub(super) fn load(address: usize) -> String {
    format!("mload({address})")
}
