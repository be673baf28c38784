//! Precompiled contracts, called by contracts.

use super::{OTHER, TARGET};
use crate::{
    asm::asm,
    random::Dice,
    scenario::Scenario,
    world::{contract, Call},
};
use alloy_primitives::{hex, U256};

/// Calls the precompile named by the first byte with the rest of the input; stores what came back.
/// It does so with all gas, with value, with 100 gas, and with room for less output.
const CALLER: &str = "1 CALLDATASIZE SUB DUP1 1 1024 CALLDATACOPY 0 CALLDATALOAD 248 SHR \
    64 0 DUP4 1024 DUP5 GAS STATICCALL 10 SSTORE RETURNDATASIZE 11 SSTORE 0 MLOAD 12 SSTORE 32 MLOAD 13 SSTORE \
    31 0 DUP4 1024 1 DUP6 GAS CALL 14 SSTORE RETURNDATASIZE 15 SSTORE \
    64 0 DUP4 1024 DUP5 100 STATICCALL 16 SSTORE RETURNDATASIZE 17 SSTORE \
    RETURNDATASIZE 0 0 RETURNDATACOPY RETURNDATASIZE 0 KECCAK256 18 SSTORE STOP";

/// Calls it once with all gas.
const ONCE: &str = "1 CALLDATASIZE SUB DUP1 1 1024 CALLDATACOPY 0 CALLDATALOAD 248 SHR \
    64 0 DUP4 1024 DUP5 GAS STATICCALL 10 SSTORE RETURNDATASIZE 0 0 RETURNDATACOPY \
    RETURNDATASIZE 0 KECCAK256 11 SSTORE STOP";

pub(super) fn all() -> impl Iterator<Item = Scenario> {
    inputs().into_iter().map(|(name, precompile, input)| {
        let data = [vec![precompile], input].concat();
        // The dear ones once only.
        let code = if matches!(precompile, 5 | 8) { ONCE } else { CALLER };
        Scenario::new(format!("pre {precompile} {name}"))
            .with(TARGET, contract(asm(code), 0))
            .with(OTHER, contract(asm("STOP"), 0))
            .send(0, Call::to(TARGET).data(data).gas(4_000_000))
    })
}

fn word(value: u64) -> Vec<u8> {
    U256::from(value).to_be_bytes_vec()
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| word(*value)).collect()
}

fn inputs() -> Vec<(String, u8, Vec<u8>)> {
    let mut all = Vec::new();
    let mut dice = Dice::new(42);
    let mut add =
        |name: &str, precompile: u8, input: Vec<u8>| all.push((name.into(), precompile, input));
    for (name, input) in recoveries() {
        add(&name, 1, input);
    }
    for length in [0, 1, 31, 32, 55, 56, 63, 64, 65, 119, 120, 128, 1000] {
        for precompile in [2, 3, 4] {
            add(&format!("of {length} bytes"), precompile, dice.bytes(length));
        }
    }
    for (name, input) in powers(&mut dice) {
        add(&name, 5, input);
    }
    for (name, input) in points() {
        add(&name, 6, [input.clone(), input.clone()].concat());
        add(&format!("{name} and nothing"), 6, [input.clone(), vec![0; 64]].concat());
        add(&format!("{name} and (1, 2)"), 6, [input.clone(), words(&[1, 2])].concat());
        add(&format!("{name} alone"), 6, input.clone());
        for (scalar, value) in scalars() {
            add(
                &format!("{name} times {scalar}"),
                7,
                [input.clone(), value.to_be_bytes_vec()].concat(),
            );
        }
        add(&format!("{name} times nothing"), 7, input);
    }
    for (name, input) in pairings() {
        add(&name, 8, input);
    }
    for (name, input) in compressions() {
        add(&name, 9, input);
    }
    add("of 192 bytes", 10, dice.bytes(192));
    add("of nothing", 10, Vec::new());
    all
}

fn recoveries() -> Vec<(String, Vec<u8>)> {
    // From the Ethereum tests (CallEcrecover0).
    let hash = hex!("18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c");
    let r = hex!("73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f");
    let s = hex!("eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549");
    let order = U256::from_str_radix(
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        16,
    )
    .unwrap_or_default();
    let join = |v: U256, r: &[u8], s: &[u8]| [&hash, &v.to_be_bytes::<32>()[..], r, s].concat();
    let mut all = Vec::new();
    for v in [0, 1, 26, 27, 28, 29, 256 + 27] {
        all.push((format!("v {v}"), join(U256::from(v), &r, &s)));
    }
    let v = U256::from(28);
    let edges =
        [U256::ZERO, U256::from(1), order - U256::from(1), order, order + U256::from(1), U256::MAX];
    for (index, edge) in edges.iter().enumerate() {
        all.push((format!("r {index}"), join(v, &edge.to_be_bytes::<32>(), &s)));
        all.push((format!("s {index}"), join(v, &r, &edge.to_be_bytes::<32>())));
    }
    all.push(("short".into(), join(v, &r, &s)[..100].to_vec()));
    all.push(("long".into(), [join(v, &r, &s), vec![1; 50]].concat()));
    all.push(("nothing".into(), Vec::new()));
    all
}

fn powers(dice: &mut Dice) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    let lengths = [
        (0, 0, 0),
        (0, 0, 1),
        (1, 0, 1),
        (0, 1, 1),
        (1, 1, 0),
        (1, 1, 1),
        (32, 1, 32),
        (32, 32, 32),
        (31, 5, 33),
        (1, 64, 1),
        (64, 2, 64),
        (3, 33, 40),
        (100, 1, 3),
        (3, 1, 100),
        (96, 3, 96),
        (256, 1, 256),
        (128, 4, 128),
    ];
    for (base, exponent, modulus) in lengths {
        let head = words(&[base, exponent, modulus]);
        let body = dice.bytes((base + exponent + modulus) as usize);
        all.push((
            format!("lengths {base} {exponent} {modulus}"),
            [head.clone(), body.clone()].concat(),
        ));
        if modulus > 0 {
            let mut even = body.clone();
            if let Some(last) = even.last_mut() {
                *last &= 0xfe;
            }
            all.push((
                format!("lengths {base} {exponent} {modulus}, even"),
                [head.clone(), even].concat(),
            ));
            let mut zero = body.clone();
            zero[(base + exponent) as usize..].fill(0);
            all.push((
                format!("lengths {base} {exponent} {modulus}, modulus 0"),
                [head.clone(), zero.clone()].concat(),
            ));
            if let Some(last) = zero.last_mut() {
                *last = 1;
            }
            all.push((
                format!("lengths {base} {exponent} {modulus}, modulus 1"),
                [head.clone(), zero].concat(),
            ));
            all.push((
                format!("lengths {base} {exponent} {modulus}, cut"),
                [head, body[..body.len() / 2].to_vec()].concat(),
            ));
        }
    }
    let huge = |base: U256, exponent: U256, modulus: U256| {
        [base, exponent, modulus]
            .iter()
            .flat_map(|word| word.to_be_bytes_vec())
            .collect::<Vec<u8>>()
    };
    let (zero, one) = (U256::ZERO, U256::from(1));
    all.push(("length 2^256-1 of the base".into(), huge(U256::MAX, zero, one)));
    all.push(("length 2^256-1 of the exponent".into(), huge(one, U256::MAX, one)));
    all.push(("length 2^256-1 of the modulus".into(), huge(one, zero, U256::MAX)));
    all.push(("length 2^256-1 of the base alone".into(), huge(U256::MAX, zero, zero)));
    all.push(("length 2^256-1 of the exponent alone".into(), huge(zero, U256::MAX, zero)));
    all.push(("length 2^64 of the exponent".into(), huge(zero, one << 64, zero)));
    all.push(("length 2^32 of the base, no modulus".into(), huge(one << 32, zero, zero)));
    all.push(("nothing".into(), Vec::new()));
    all.push(("40 bytes".into(), vec![0; 40]));
    all.push(("base 0, exponent 0".into(), [words(&[1, 1, 1]), vec![0, 0, 7]].concat()));
    all
}

fn field() -> U256 {
    U256::from_str_radix("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", 16)
        .unwrap_or_default()
}

fn order() -> U256 {
    U256::from_str_radix("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", 16)
        .unwrap_or_default()
}

fn points() -> Vec<(String, Vec<u8>)> {
    let point = |x: U256, y: U256| [x.to_be_bytes_vec(), y.to_be_bytes_vec()].concat();
    let (zero, one, two) = (U256::ZERO, U256::from(1), U256::from(2));
    let cases = [
        ("(1, 2)", point(one, two)),
        ("(1, -2)", point(one, field() - two)),
        ("infinity", point(zero, zero)),
        ("off the curve", point(one, one)),
        ("x of p", point(field(), two)),
        ("y of p", point(one, field())),
        ("x of p + 1", point(field() + one, two)),
        ("widest", point(U256::MAX, U256::MAX)),
    ];
    cases.into_iter().map(|(name, point)| (name.into(), point)).collect()
}

fn scalars() -> Vec<(&'static str, U256)> {
    let one = U256::from(1);
    vec![
        ("0", U256::ZERO),
        ("1", one),
        ("2", U256::from(2)),
        ("9", U256::from(9)),
        ("r - 1", order() - one),
        ("r", order()),
        ("r + 1", order() + one),
        ("2^256 - 1", U256::MAX),
    ]
}

fn pairings() -> Vec<(String, Vec<u8>)> {
    let (zero, one, two) = (U256::ZERO, U256::from(1), U256::from(2));
    let g2: Vec<u8> = hex!("198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa").to_vec();
    let pair = |x: U256, y: U256, q: &[u8]| {
        [x.to_be_bytes_vec(), y.to_be_bytes_vec(), q.to_vec()].concat()
    };
    let (good, minus) = (pair(one, two, &g2), pair(one, field() - two, &g2));
    let nothing = vec![0; 128];
    let mut off = g2.clone();
    off[127] ^= 1;
    // A point of the twist outside of the subgroup.
    let stray: Vec<u8> = [word(0), word(0), word(0), word(0)].concat();
    vec![
        ("nothing".into(), Vec::new()),
        ("one pair".into(), good.clone()),
        ("two that cancel".into(), [good.clone(), minus.clone()].concat()),
        ("two that do not".into(), [good.clone(), good.clone()].concat()),
        ("infinity first".into(), pair(zero, zero, &g2)),
        ("infinity second".into(), pair(one, two, &nothing)),
        ("infinity both".into(), pair(zero, zero, &stray)),
        ("off the twist".into(), pair(one, two, &off)),
        ("off the curve".into(), pair(one, one, &g2)),
        ("x of p".into(), pair(field(), two, &g2)),
        ("191 bytes".into(), good[..191].to_vec()),
        ("193 bytes".into(), [good.clone(), vec![0]].concat()),
        ("three pairs".into(), [good.clone(), minus, pair(zero, zero, &g2)].concat()),
        ("off the subgroup".into(), off_subgroup()),
    ]
}

/// A point on the twist that is not in the subgroup, from the Ethereum tests (bn128 pairing
/// "perturb_g2_by_field_modulus" family has the others).
fn off_subgroup() -> Vec<u8> {
    let q = hex!("1382cd45e5674247f9c900b5c6f6cabbc189c2fabe2df0bf5acd84c97818f5082002fa2d8bb6a0a1e7d5e4d2d9c5b3b7d5c7b3c1c2d3e4f5061728394a5b6c7d0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001");
    [words(&[1, 2]), q.to_vec()].concat()
}

fn compressions() -> Vec<(String, Vec<u8>)> {
    let vector = hex!("0000000c48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b61626300000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000300000000000000000000000000000001").to_vec();
    let rounds = |rounds: u32, last: u8| {
        let mut input = vector.clone();
        input[..4].copy_from_slice(&rounds.to_be_bytes());
        input[212] = last;
        input
    };
    vec![
        ("EIP-152 vector 5".into(), vector.clone()),
        ("0 rounds".into(), rounds(0, 1)),
        ("1 round".into(), rounds(1, 1)),
        ("11 rounds".into(), rounds(11, 0)),
        ("300 rounds".into(), rounds(300, 1)),
        ("too many rounds".into(), rounds(u32::MAX, 1)),
        ("flag 2".into(), rounds(1, 2)),
        ("flag 255".into(), rounds(1, 255)),
        ("212 bytes".into(), vector[..212].to_vec()),
        ("214 bytes".into(), [vector.clone(), vec![0]].concat()),
        ("nothing".into(), Vec::new()),
    ]
}
