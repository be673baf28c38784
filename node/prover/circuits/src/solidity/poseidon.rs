//! Yul of the Poseidon permutation over a state in memory, two lanes to a word.

use std::fmt::Write;

use plonky2::{
    field::types::Field,
    hash::poseidon::{Poseidon, ALL_ROUND_CONSTANTS, HALF_N_FULL_ROUNDS, N_PARTIAL_ROUNDS},
};

use super::{evaluator::Memory, gates::load};
use crate::F;

/// Width of the Poseidon state.
pub(super) const WIDTH: usize = 12;

/// Yul of the Poseidon layers over the state in memory.
pub(super) fn poseidon(memory: &Memory, round_constants: &str) -> String {
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
pub(super) fn mix_halves(memory: &Memory) -> String {
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
        let terms = <F as Poseidon>::MDS_MATRIX_CIRC
            .iter()
            .enumerate()
            .map(|(i, c)| format!("mul({c}, mload({}))", state + 32 * ((row + i) % WIDTH)));
        let mut sum = terms.reduce(|sum, term| format!("add({term}, {sum})")).unwrap_or_default();
        if row == 0 {
            let first =
                if kind == "halves" { format!("and(mload({state}), M)") } else { load(state) };
            sum = format!("add({sum}, shl(3, {first}))");
        }
        write!(code, "\n                mstore({}, {sum})", scratch + 32 * row)
            .expect("a string takes all");
    }
    code + &format!("\n                mcopy({state}, {scratch}, {})", 32 * count)
}

/// Constants of the eight full rounds. The fifth's take up what the partial rounds add to all elements but
/// the first: those pass no S-box before it.
pub(super) fn full_constants() -> Vec<Vec<F>> {
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
pub(super) fn partial_constants() -> Vec<F> {
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
